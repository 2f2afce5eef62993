//! A piece of a long list.

/// Which piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// From zero.
    pub number: u32,
    /// How many rows.
    pub size: u32,
}

impl PageRequest {
    /// Where it begins.
    pub fn offset(self) -> u64 {
        u64::from(self.number) * u64::from(self.size)
    }
}

/// The rows of a piece, and how many there are in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// In all pieces together.
    pub total: u64,
}
