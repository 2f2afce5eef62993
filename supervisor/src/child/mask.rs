//! Takes out of log lines what must not go into a mail: identity numbers, passwords, tokens, keys.
//!
//! It knows shapes, not meanings: it masks too much rather than too little.

const STARS: &str = "********";
/// A word that holds one of these names a secret.
const SECRET_NAMES: [&str; 8] =
    ["password", "passwd", "passord", "passphrase", "secret", "token", "credential", "authorization"];
/// Digits of a national identity number.
const IDENTITY_DIGITS: usize = 11;
/// Digits of its first part, where it is written in two.
const BIRTH_DIGITS: usize = 6;

/// The same text with all that looks secret replaced by stars.
pub fn mask(text: &str) -> String {
    let text = mask_pem(text);
    let mut masked = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        masked.push_str(&mask_digits(&mask_tokens(&mask_urls(&mask_values(line)))));
    }
    masked
}

/// From BEGIN to END; to the end of the text where there is no END; and from the start of the text to an END whose
/// BEGIN was cut off, as far as it looks like one.
fn mask_pem(text: &str) -> String {
    const BEGIN: &str = "-----BEGIN ";
    const END: &str = "-----END ";
    let mut masked: Vec<&str> = Vec::new();
    let mut inside = false;
    for line in text.split_inclusive('\n') {
        if !inside && line.contains(END) && !line.contains(BEGIN) {
            let kept = masked.iter().rposition(|line| !looks_like_base64(line)).map_or(0, |at| at + 1);
            masked.truncate(kept);
            masked.push("********\n");
            continue;
        }
        if !inside && let Some(at) = line.find(BEGIN) {
            inside = true;
            masked.extend([line.get(..at).unwrap_or_default(), "********\n"]);
        }
        if !inside {
            masked.push(line);
        } else if line.contains(END) {
            inside = false;
        }
    }
    masked.concat()
}

fn looks_like_base64(line: &str) -> bool {
    let line = line.trim();
    line.len() > 20 && line.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
}

/// `password=…`, `"token": "…"`, `-Djavax.net.ssl.keyStorePassword=…`. On a command line a value ends at the next
/// blank, elsewhere at its quotation mark or the end of the line.
fn mask_values(line: &str) -> String {
    // ASCII only, so that both have the same byte positions.
    let lower = line.to_ascii_lowercase();
    let mut masked = String::with_capacity(line.len());
    let mut from = 0;
    while let Some((start, end)) = next_value(line, &lower, from) {
        masked.push_str(line.get(from..start).unwrap_or_default());
        masked.push_str(STARS);
        from = end;
    }
    masked.push_str(line.get(from..).unwrap_or_default());
    masked
}

/// Where the next secret value begins and ends.
fn next_value(line: &str, lower: &str, from: usize) -> Option<(usize, usize)> {
    let mut from = from;
    loop {
        let rest = lower.get(from..)?;
        let (at, name) =
            SECRET_NAMES.iter().filter_map(|name| rest.find(name).map(|at| (at, name))).min_by_key(|(at, _)| *at)?;
        let name_start = from + at;
        let after_name = from + at + name.len();
        let tail = lower.get(after_name..)?;
        let word =
            tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "._-[]".contains(c)).len();
        let blanks = tail.get(word..)?;
        let separator = blanks.trim_start_matches(['"', '\'', ' ', '\t']);
        if !separator.starts_with(['=', ':']) {
            from = after_name;
            continue;
        }
        let value = separator.get(1..)?;
        let start_of_value = value.trim_start_matches([' ', '\t']);
        let start = line.len() - start_of_value.len();
        let length = value_length(start_of_value, is_argument(line, name_start));
        if length == 0 {
            from = start;
            continue;
        }
        return Some((start, start + length));
    }
}

fn value_length(value: &str, is_argument: bool) -> usize {
    for mark in ['"', '\''] {
        if let Some(quoted) = value.strip_prefix(mark)
            && let Some(end) = quoted.find(mark)
        {
            return end + 2;
        }
    }
    let end = if is_argument { value.find(char::is_whitespace) } else { value.find(['\n', '\r']) };
    end.unwrap_or(value.len())
}

/// Whether the word that holds this position begins with a dash.
fn is_argument(line: &str, at: usize) -> bool {
    let before = line.get(..at).unwrap_or_default();
    before.rsplit(char::is_whitespace).next().is_some_and(|word| word.trim_start_matches(['"', '\'']).starts_with('-'))
}

/// `scheme://user:password@host`
fn mask_urls(line: &str) -> String {
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((head, tail)) = rest.split_once("://") {
        masked.push_str(head);
        masked.push_str("://");
        let authority = tail.find(['/', ' ', '"', '\n', '\t']).unwrap_or(tail.len());
        rest = tail;
        if let Some(at) = tail.get(..authority).and_then(|authority| authority.rfind('@')) {
            masked.push_str(STARS);
            rest = tail.get(at..).unwrap_or_default();
        }
    }
    masked.push_str(rest);
    masked
}

/// A signed web token begins with `eyJ`.
fn mask_tokens(line: &str) -> String {
    let in_token = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("eyJ") {
        let (head, tail) = rest.split_at(at);
        let end = tail.find(|c| !in_token(c)).unwrap_or(tail.len());
        masked.push_str(head);
        masked.push_str(if end > 20 { STARS } else { tail.get(..end).unwrap_or_default() });
        rest = tail.get(end..).unwrap_or_default();
    }
    masked.push_str(rest);
    masked
}

/// Runs of exactly eleven digits, also with a blank after the sixth.
fn mask_digits(line: &str) -> String {
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (head, tail) = rest.split_at(at);
        masked.push_str(head);
        let run = digits(tail);
        let second = tail.get(run..).and_then(|tail| tail.strip_prefix(' ')).map_or(0, digits);
        let taken =
            if run == BIRTH_DIGITS && second == IDENTITY_DIGITS - BIRTH_DIGITS { IDENTITY_DIGITS + 1 } else { run };
        if run == IDENTITY_DIGITS || taken > run {
            masked.push_str("***********");
        } else {
            masked.push_str(tail.get(..run).unwrap_or_default());
        }
        rest = tail.get(taken..).unwrap_or_default();
    }
    masked.push_str(rest);
    masked
}

fn digits(text: &str) -> usize {
    text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k29_secrets_and_identity_numbers_do_not_reach_a_mail() {
        let table = [
            ("person 01019012345 found", "person *********** found"),
            ("person 010190 12345.", "person ***********."),
            ("id 010190123456 and 1010", "id 010190123456 and 1010"),
            ("spring.mail.password=hunter2 and more", "spring.mail.password=********"),
            (
                "java -Djavax.net.ssl.keyStorePassword=abc -jar x.jar",
                "java -Djavax.net.ssl.keyStorePassword=******** -jar x.jar",
            ),
            (r#"{"password": "a b", "user": "me"}"#, r#"{"password": ********, "user": "me"}"#),
            ("Authorization: Bearer abc.def", "Authorization: ********"),
            ("client_secret : x", "client_secret : ********"),
            ("using jdbc:mysql://me:pw@db/x", "using jdbc:mysql://********@db/x"),
            ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.abc!", "got ********!"),
            ("the password was wrong", "the password was wrong"),
            ("password=", "password="),
            ("passord=ærlig\n", "passord=********\n"),
            ("ÆØÅ password=x\nnext", "ÆØÅ password=********\nnext"),
        ];
        for (given, wanted) in table {
            assert_eq!(mask(given), wanted);
        }
    }

    #[test]
    fn a_key_in_pem_is_masked_whole_even_when_its_start_or_end_is_cut_off() {
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj";
        let whole = format!("a\n-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\nb\n");
        assert_eq!(mask(&whole), "a\n********\nb\n");
        assert_eq!(mask(&format!("{body}\n-----END PRIVATE KEY-----\nb\n")), "********\nb\n");
        assert_eq!(mask(&format!("a\n-----BEGIN PRIVATE KEY-----\n{body}\n")), "a\n********\n");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_masked_without_panic_and_no_identity_number_is_left(text in ".*", number in "[0-9]{11}") {
            let masked = mask(&format!("{text}|{number}|"));
            let needle = format!("|{number}|");
            proptest::prop_assert!(!masked.contains(&needle));
        }
    }
}
