//! Several measurements of one thing: their median and their worst.

use std::fmt;
use std::time::Duration;

/// Measurements of one thing.
#[derive(Clone, Debug, Default)]
pub struct Numbers(Vec<f64>);

impl Numbers {
    /// One more, in milliseconds.
    pub fn add(&mut self, took: Duration) {
        self.add_number(took.as_secs_f64() * 1000.0);
    }

    /// One more, whatever its unit.
    pub fn add_number(&mut self, number: f64) {
        self.0.push(number);
        self.0.sort_by(f64::total_cmp);
    }

    /// The one in the middle; of an even number of them the better of the two.
    pub fn median(&self) -> f64 {
        self.0.get(self.0.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
    }

    /// The largest.
    pub fn worst(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms (worst of {}: {})", short(self.median()), self.0.len(), short(self.worst()))
    }
}

/// Three digits, as far as they mean anything.
pub fn short(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

/// KiB as MiB.
pub fn mib(kib: u64) -> String {
    format!("{} MiB", short(kib as f64 / 1024.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_worst_are_told() {
        let mut numbers = Numbers::default();
        for number in [3, 1, 200, 2] {
            numbers.add(Duration::from_millis(number));
        }
        assert_eq!(numbers.to_string(), "2.00 ms (worst of 4: 200)");
    }
}
