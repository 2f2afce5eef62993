//! Which known word a mistyped one is nearest to.

/// The candidate that takes the fewest changes, when those are few enough for a slip of the hand. Case, dashes and
/// underscores do not count.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No slip of the hand is this long, and the work grows with the length.
    const LONGEST: usize = 80;
    if word.len() > LONGEST {
        return None;
    }
    let plain_word = plain(word);
    let within = |distance: usize, candidate: &str| distance <= plain(candidate).len().max(plain_word.len()) / 3;
    candidates
        .into_iter()
        .map(|candidate| (distance(&plain_word, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| within(*distance, candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn plain(word: &str) -> String {
    word.chars().filter(|character| !matches!(character, '-' | '_')).flat_map(char::to_lowercase).collect()
}

/// How many letters must be put in, taken out or changed (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (above, from_letter) in from.chars().enumerate() {
        let mut left = above + 1;
        let mut diagonal = above;
        let mut next = vec![left];
        for (to_letter, up) in to.chars().zip(row.iter().skip(1)) {
            let changed = diagonal + usize::from(from_letter != to_letter);
            left = changed.min(up + 1).min(left + 1);
            diagonal = *up;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_finds_its_word_and_a_strange_word_none() {
        let known = ["look", "splay", "window", "window_length", "base_url"];
        assert_eq!(nearest("windwo", known), Some("window"));
        assert_eq!(nearest("baseURL", known), Some("base_url"));
        assert_eq!(nearest("window-lenght", known), Some("window_length"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
