//! An error and its causes on one line, outermost first: `read release list: connect: timed out`.
//! The chain is printed once, at the edge; errors in between do not repeat their cause.

use std::error::Error;
use std::fmt;

/// Displays an error followed by each of its sources.
pub struct Chain<'a>(pub &'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut said = self.0.to_string();
        let mut next = self.0.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            // Transparent wrappers say the same thing twice; people should read it once.
            if !said.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            said = text;
            next = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("read release list")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_chain_reads_from_the_act_to_the_cause() {
        let error = Outer(std::io::Error::other("timed out"));
        assert_eq!(Chain(&error).to_string(), "read release list: timed out");
    }
}
