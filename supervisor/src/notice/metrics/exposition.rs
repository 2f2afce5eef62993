//! The text format of Prometheus, version 0.0.4: families with HELP and TYPE, samples with labels. Pure.

use std::fmt::{Display, Write as _};

/// What kind of number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only up.
    Counter,
}

/// A text on its way. Each sample bears the labels that all have.
#[derive(Debug)]
pub(super) struct Exposition<'a> {
    common: &'a [(&'a str, &'a str)],
    text: String,
}

impl<'a> Exposition<'a> {
    pub(super) fn new(common: &'a [(&'a str, &'a str)]) -> Self {
        Self { common, text: String::with_capacity(8 * 1024) }
    }

    /// All samples of one name; a family without samples is left out.
    pub(super) fn family<const N: usize, V: Display>(
        &mut self,
        kind: Kind,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = ([(&'a str, &'a str); N], V)>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        let kind = match kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
        };
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "# HELP {name} {}\n# TYPE {name} {kind}", escaped(help, false));
        for (labels, value) in samples {
            // A label without a value is the same as none.
            let labels = self.common.iter().chain(&labels).filter(|(_, value)| !value.is_empty());
            let labels: Vec<String> =
                labels.map(|(name, value)| format!("{name}=\"{}\"", escaped(value, true))).collect();
            let _ = writeln!(self.text, "{name}{{{}}} {value}", labels.join(","));
        }
    }

    /// One sample without labels of its own, where there is one.
    pub(super) fn one<V: Display>(&mut self, kind: Kind, name: &str, help: &str, value: Option<V>) {
        self.family(kind, name, help, value.map(|value| ([], value)));
    }

    pub(super) fn end(self) -> String {
        self.text
    }
}

/// Backslashes and line ends, and in the value of a label quotation marks.
fn escaped(text: &str, in_label: bool) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\n', "\\n");
    if in_label { escaped.replace('"', "\\\"") } else { escaped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_break_the_format_is_escaped() {
        let common = [("home", "C:\\kosmos \"new\"\nline")];
        let mut text = Exposition::new(&common);
        text.family(Kind::Gauge, "a", "back\\slash\nand \"marks\"", [([("empty", "")], 1)]);
        text.one(Kind::Counter, "b_total", "nothing", None::<u64>);
        assert_eq!(
            text.end(),
            "# HELP a back\\\\slash\\nand \"marks\"\n# TYPE a gauge\na{home=\"C:\\\\kosmos \\\"new\\\"\\nline\"} 1\n"
        );
    }
}
