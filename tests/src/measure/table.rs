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
    /// What something else needs for it.
    pub beside: String,
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
    pub fn beside(self, jvm: Option<String>) -> Self {
        self.held_against(jvm.unwrap_or_else(|| "no JVM here".into()))
    }

    /// With what else was measured in the same run beside it.
    #[must_use]
    pub fn held_against(mut self, beside: impl Into<String>) -> Self {
        self.beside = beside.into();
        self
    }
}

/// All figures.
#[derive(Clone, Debug)]
pub struct Table {
    rows: Vec<Row>,
    beside: &'static str,
}

impl Default for Table {
    fn default() -> Self {
        Self::beside("JVM beside")
    }
}

impl Table {
    /// An empty one, whose last column is called so.
    pub fn beside(beside: &'static str) -> Self {
        Self { rows: Vec::new(), beside }
    }

    /// One more figure; also shown at once, because the whole takes minutes.
    pub fn add(&mut self, row: Row) {
        println!("   {}: {}", row.figure, row.measured);
        self.rows.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![
            ["Figure", "Measured", "Target", "Met", self.beside].map(str::to_owned),
            ["---", "---", "---", "---", "---"].map(str::to_owned),
        ];
        for row in &self.rows {
            let (target, met) = match &row.target {
                Some((target, met)) => (target.clone(), if *met { "yes" } else { "**no**" }),
                None => (String::new(), ""),
            };
            lines.push([row.figure.clone(), row.measured.clone(), target, met.into(), row.beside.clone()]);
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
