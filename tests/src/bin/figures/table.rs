//! The table that is printed at the end; it can be pasted into `docs/figures.md` as it is.

use std::fmt;

/// One figure.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// What was measured.
    pub figure: String,
    /// What it is.
    pub measured: String,
    /// What it should be, and whether it is; none: it is only told.
    pub target: Option<(String, bool)>,
    /// What a JVM needs for it.
    pub jvm: String,
}

impl Row {
    /// A figure without a target.
    pub fn told(figure: &str, measured: impl Into<String>) -> Self {
        Self { figure: figure.into(), measured: measured.into(), ..Self::default() }
    }

    /// A figure with a target.
    pub fn aimed(figure: &str, measured: impl Into<String>, target: &str, met: bool) -> Self {
        Self { target: Some((target.into(), met)), ..Self::told(figure, measured) }
    }

    /// With the JVM's beside it.
    #[must_use]
    pub fn beside(mut self, jvm: Option<String>) -> Self {
        self.jvm = jvm.unwrap_or_else(|| "no JVM here".into());
        self
    }
}

/// All figures.
#[derive(Clone, Debug, Default)]
pub struct Table(Vec<Row>);

impl Table {
    /// One more figure; also shown at once, because the whole takes minutes.
    pub fn add(&mut self, row: Row) {
        println!("   {}: {}", row.figure, row.measured);
        self.0.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![
            ["Figure", "Measured", "Target", "Met", "JVM beside"].map(str::to_owned),
            ["---", "---", "---", "---", "---"].map(str::to_owned),
        ];
        for row in &self.0 {
            let (target, met) = match &row.target {
                Some((target, met)) => (target.clone(), if *met { "yes" } else { "**no**" }),
                None => (String::new(), ""),
            };
            lines.push([row.figure.clone(), row.measured.clone(), target, met.into(), row.jvm.clone()]);
        }
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..5).map(width).collect();
        for line in &lines {
            for (cell, width) in line.iter().zip(&widths) {
                write!(f, "| {cell:<width$} ")?;
            }
            writeln!(f, "|")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_is_missed_stands_out() {
        let mut table = Table::default();
        table.add(Row::aimed("size", "9", "under 10", true).beside(None));
        table.add(Row::aimed("time", "11", "under 10", false));
        let text = table.to_string();
        assert!(text.contains("| size   | 9        | under 10 | yes    | no JVM here |"), "{text}");
        assert!(text.contains("| time   | 11       | under 10 | **no** |"), "{text}");
    }
}
