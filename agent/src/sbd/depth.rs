//! How deeply JSON is nested. Nothing here goes down into what is nested without an end: who reads what we hand on might.

/// As deep as Jackson reads.
pub const DEEPEST: usize = 1000;

/// The first depth that is too deep, where there is one. Brackets in texts do not count.
pub fn beyond(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b'{' | b'[' if !is_text => depth += 1,
            b'}' | b']' if !is_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Some(depth);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_are_read_and_one_more_is_not() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert_eq!(beyond(&nested(DEEPEST)), None);
        assert_eq!(beyond(&nested(DEEPEST + 1)), Some(DEEPEST + 1));
        assert_eq!(beyond(&[b"{}".repeat(5000), nested(DEEPEST)].concat()), None, "beside each other is not within");
        let text = [b"[\"\\\"".as_slice(), &[b'['; 5000], b"\"]"].concat();
        assert_eq!(beyond(&text), None, "in a text");
    }
}
