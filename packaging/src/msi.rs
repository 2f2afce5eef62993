//! The two moments in an msi that wixl takes from the clock: when it was made, and when it was saved. They lie in the
//! table of what the file is about, which is found by its name and read as it says itself.

use std::error::Error;
use std::path::Path;

/// The name of that table, as it lies in the file.
const TABLE: [u8; 16] =
    [0xE0, 0x85, 0x9F, 0xF2, 0xF9, 0x4F, 0x68, 0x10, 0xAB, 0x91, 0x08, 0x00, 0x2B, 0x27, 0xB3, 0xD9];
/// From the beginning of the table's head to its name.
const HEAD: usize = 28;
/// The numbers of the two in the table.
const MOMENTS: [u32; 2] = [12, 13];
/// What kind of value a moment is.
const KIND: u32 = 0x40;
/// From 1601, which Windows counts from, to 1970, in seconds.
const SECONDS_BEFORE_1970: i64 = 11_644_473_600;
/// A table has no more entries than this.
const ENTRIES: u32 = 64;

/// Puts both to this moment.
pub fn settle(file: &Path, epoch: i64) -> Result<(), Box<dyn Error>> {
    let mut bytes = std::fs::read(file)?;
    let moment = ((epoch + SECONDS_BEFORE_1970) * 10_000_000).to_le_bytes();
    let mut settled = 0;
    let names: Vec<usize> =
        bytes.windows(TABLE.len()).enumerate().filter(|(_, window)| *window == TABLE).map(|(at, _)| at).collect();
    for name in names {
        for place in places(&bytes, name).unwrap_or_default() {
            bytes.get_mut(place..place + moment.len()).ok_or("the file ends")?.copy_from_slice(&moment);
            settled += 1;
        }
    }
    if settled != MOMENTS.len() {
        return Err(format!("{}: there are {settled} moments in it, not two", file.display()).into());
    }
    Ok(efm::atomic::replace(file, &bytes)?)
}

/// Where the moments of the table are that has its name here; none: it is no whole table.
fn places(bytes: &[u8], name: usize) -> Option<Vec<usize>> {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let table = name.checked_sub(HEAD)? + usize::try_from(word(name + TABLE.len())?).ok()?;
    let mut found = Vec::new();
    for entry in 0..usize::try_from(word(table + 4)?.min(ENTRIES)).ok()? {
        let entry = table + 8 + entry * 8;
        let value = table + usize::try_from(word(entry + 4)?).ok()?;
        if MOMENTS.contains(&word(entry)?) && word(value)? == KIND {
            found.push(value + 4);
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(made: i64, saved: i64) -> Vec<u8> {
        let moment = |seconds: i64| {
            [vec![0x40, 0, 0, 0], ((seconds + SECONDS_BEFORE_1970) * 10_000_000).to_le_bytes().to_vec()].concat()
        };
        let words = |all: &[u32]| all.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        // Head, name, where the table begins; its length, three entries, their values.
        let head = [vec![0xFE, 0xFF, 0, 0], vec![0; 24], TABLE.to_vec(), words(&[48])].concat();
        let entries = words(&[64, 3, 12, 32, 13, 44, 1, 56]);
        [head, entries, moment(made), moment(saved), words(&[2, 1252])].concat()
    }

    #[test]
    fn both_moments_are_settled_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.msi");
        let around = |table: Vec<u8>| [vec![0x40; 99], table, vec![0x40, 0, 0, 0, 1, 2, 3, 4, 5, 6, 0xDC, 1]].concat();
        efm::atomic::replace(&file, &around(table(1_795_247_805, 1_795_247_806))).unwrap();
        settle(&file, 1_700_000_000).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), around(table(1_700_000_000, 1_700_000_000)));
    }

    #[test]
    fn a_file_without_the_table_or_with_half_of_it_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.msi");
        for bytes in [Vec::new(), vec![0; 999], table(1, 2)[..70].to_vec()] {
            efm::atomic::replace(&file, &bytes).unwrap();
            assert!(settle(&file, 0).unwrap_err().to_string().contains("0 moments"));
            assert_eq!(std::fs::read(&file).unwrap(), bytes, "left as it was");
        }
    }
}
