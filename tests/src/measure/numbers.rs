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
        let place = self.0.partition_point(|known| *known <= number);
        self.0.insert(place, number);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// So many of a hundred are not larger.
    pub fn percentile(&self, of_a_hundred: usize) -> f64 {
        let place = (self.0.len() * of_a_hundred).div_ceil(100).saturating_sub(1);
        self.0.get(place).copied().unwrap_or(f64::NAN)
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

    #[test]
    fn percentiles_are_of_what_was_measured() {
        let mut numbers = Numbers::default();
        for number in (1..=200).rev() {
            numbers.add_number(f64::from(number));
        }
        assert_eq!([50, 99, 100].map(|of| short(numbers.percentile(of))), ["100", "198", "200"]);
        assert!(Numbers::default().percentile(99).is_nan());
    }
}
