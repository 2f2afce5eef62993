//! The two moments in an msi that wixl takes from the clock: when it was made, and when it was saved.

use std::error::Error;
use std::path::Path;

/// A moment in the table of what the file is about: its kind, and then the moment itself.
const KIND: [u8; 4] = [0x40, 0, 0, 0];
/// From 1601, which Windows counts from, to 1970, in seconds.
const SECONDS_BEFORE_1970: i64 = 11_644_473_600;
/// 2020 to 2100: what any clock says today.
const PLAUSIBLE: std::ops::Range<i64> = 1_577_836_800..4_102_444_800;

/// Both, and what is left of them in places that were written over in part.
const MOMENTS: std::ops::RangeInclusive<usize> = 2..=6;

/// Puts them to this moment.
pub fn settle(file: &Path, epoch: i64) -> Result<(), Box<dyn Error>> {
    let mut bytes = std::fs::read(file)?;
    let places = places(&bytes);
    if !MOMENTS.contains(&places.len()) {
        return Err(format!("{}: there are {} moments in it, not two", file.display(), places.len()).into());
    }
    let moment = ((epoch + SECONDS_BEFORE_1970) * 10_000_000).to_le_bytes();
    for place in places {
        bytes.get_mut(place..place + 8).ok_or("the file ends")?.copy_from_slice(&moment);
    }
    Ok(efm::atomic::replace(file, &bytes)?)
}

fn places(bytes: &[u8]) -> Vec<usize> {
    let is_moment = |window: &[u8]| {
        let (kind, moment) = window.split_at(4);
        let moment = i64::from_le_bytes(moment.try_into().unwrap_or_default());
        kind == KIND && PLAUSIBLE.contains(&(moment / 10_000_000 - SECONDS_BEFORE_1970))
    };
    bytes.windows(12).enumerate().filter(|(_, window)| is_moment(window)).map(|(at, _)| at + 4).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_moments_are_settled_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.msi");
        let moment = |seconds: i64| {
            [KIND.to_vec(), ((seconds + SECONDS_BEFORE_1970) * 10_000_000).to_le_bytes().to_vec()].concat()
        };
        let made = |one, other| [b"before".to_vec(), moment(one), vec![7; 9], moment(other), moment(-5)].concat();
        efm::atomic::replace(&file, &made(1_795_247_805, 1_795_247_806)).unwrap();
        settle(&file, 1_700_000_000).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), made(1_700_000_000, 1_700_000_000));
        efm::atomic::replace(&file, &moment(1_795_247_805)).unwrap();
        assert!(settle(&file, 0).unwrap_err().to_string().contains("1 moments"));
    }
}
