//! Text that leaves the machine, or is kept: what looks like a secret or like a Norwegian identity number becomes stars.
//!
//! Start at [`mask`], or with [`Masker`] for a text that comes a line at a time. It is made for log lines, not for proof: it would rather hide a harmless word than show a password.
//! What the house itself knows to be secret is a [`crate::secret::Secret`] and never gets here.

/// What stands where something was.
const STARS: &str = "********";
/// A name that holds one of these (case, dashes, dots and underscores ignored) has a secret as its value.
const SECRET_WORDS: [&str; 13] = [
    "password",
    "passord",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "hemmelig",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
    "keypass",
];
/// After one of these the rest of the line is secret.
const SECRET_HEADERS: [&str; 2] = ["authorization", "cookie"];
/// A bearer token shorter than this is a word.
const SHORTEST_TOKEN: usize = 16;
/// What begins as JSON in base64 does is a token when it is longer than this, also where its end was cut off.
const SHORTEST_WEB_TOKEN: usize = 20;
/// A line of a private key in PEM is longer than this.
const SHORTEST_KEY_LINE: usize = 20;
/// No private key in PEM has more lines.
const LONGEST_KEY_LINES: u32 = 512;
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const PRIVATE_KEY: &str = "PRIVATE KEY";
/// A run of hexadecimal digits as long as this is a digest or a fingerprint, whatever digits it holds.
const SHORTEST_DIGEST: usize = 32;

/// The text with stars for what must not be seen. Masking twice changes nothing.
///
/// The text may be the end of a longer one: a private key whose start was cut off is masked from where it looks like one.
pub fn mask(text: &str) -> String {
    let mut masker = Masker::default();
    // What is shown, and whether it may be the inside of a key whose start nobody saw.
    let mut shown: Vec<(String, bool)> = Vec::new();
    for line in text.split_inclusive('\n') {
        let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
        if !masker.in_key() && ends_a_key(body) {
            let before = shown.iter().rposition(|(_, may_be_key)| !may_be_key).map_or(0, |at| at + 1);
            shown.truncate(before);
        }
        if let Some(masked) = masker.line(body) {
            shown.push((masked + end, looks_like_base64(body)));
        }
    }
    shown.into_iter().map(|(line, _)| line).collect()
}

/// Masks a text of which only a line is seen at a time: a log that is followed.
#[derive(Debug, Default)]
pub struct Masker {
    /// So many lines of a private key were left out.
    key_lines: Option<u32>,
    /// Lines were missed: a private key may have begun among them.
    missed_some: bool,
}

impl Masker {
    /// The line as it may be seen; none: it is wholly inside a private key. Without its line end.
    pub fn line(&mut self, line: &str) -> Option<String> {
        if self.missed_some && looks_like_base64(line) {
            return None;
        }
        self.missed_some = false;
        let shown = self.without_private_key(line)?;
        let steps: [fn(&str) -> String; 4] = [users_in_urls, values, tokens, identity_numbers];
        Some(steps.iter().fold(shown, |line, step| step(&line)))
    }

    /// Lines were left out before the next one.
    pub fn missed_some(&mut self) {
        *self = Self { key_lines: None, missed_some: true };
    }

    fn in_key(&self) -> bool {
        self.key_lines.is_some()
    }

    /// A PEM private key, on one line or on many; none: the line is wholly inside one.
    fn without_private_key(&mut self, line: &str) -> Option<String> {
        if let Some(lines) = self.key_lines {
            let Some((_, after)) = line.split_once(END) else {
                // One whose end never comes must not hide all that follows it.
                self.key_lines = Some(lines + 1).filter(|lines| *lines < LONGEST_KEY_LINES);
                return None;
            };
            self.key_lines = None;
            let rest = after.split_once("-----").map_or("", |(_, rest)| rest);
            return if rest.trim().is_empty() { None } else { self.without_private_key(rest) };
        }
        if ends_a_key(line) {
            let (_, after) = line.split_once(END)?;
            let (_, rest) = after.split_once("-----")?;
            let rest = self.without_private_key(rest).unwrap_or_default();
            return Some(format!("{STARS}{rest}"));
        }
        let Some((before, after)) = line.split_once(BEGIN) else { return Some(line.to_owned()) };
        let Some((kind, body)) = after.split_once("-----") else { return Some(line.to_owned()) };
        if !kind.contains(PRIVATE_KEY) {
            return Some(line.to_owned());
        }
        self.key_lines = Some(0);
        let rest = self.without_private_key(body).unwrap_or_default();
        Some(format!("{before}{STARS}{rest}"))
    }
}

/// Whether a private key ends in this line that does not begin in it.
fn ends_a_key(line: &str) -> bool {
    let Some((before, after)) = line.split_once(END) else { return false };
    let kind = after.split_once("-----").map(|(kind, _)| kind);
    !before.contains(BEGIN) && kind.is_some_and(|kind| kind.contains(PRIVATE_KEY))
}

fn looks_like_base64(line: &str) -> bool {
    let line = line.trim();
    line.len() > SHORTEST_KEY_LINE && line.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
}

/// `scheme://user:password@host`
fn users_in_urls(line: &str) -> String {
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("://") {
        masked.push_str(before);
        masked.push_str("://");
        let host_end = after.find(|c: char| matches!(c, '/' | '?' | '#' | '"' | '\'') || c.is_whitespace());
        let authority = after.get(..host_end.unwrap_or(after.len())).unwrap_or(after);
        rest = match authority.rfind('@') {
            Some(at) => {
                masked.push_str(STARS);
                after.get(at..).unwrap_or_default()
            }
            None => after,
        };
    }
    masked.push_str(rest);
    masked
}

/// `password=x`, `"password": "x"`, `--password x`, `Authorization: Bearer x`.
fn values(line: &str) -> String {
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(found) = next_name(rest) {
        let Found { name, value, is_argument } = found;
        masked.push_str(rest.get(..value).unwrap_or_default());
        let after = rest.get(value..).unwrap_or_default();
        if SECRET_HEADERS.iter().any(|header| name.contains(header)) {
            let gap = after.len() - after.trim_start().len();
            masked.push_str(after.get(..gap).unwrap_or_default());
            if gap < after.len() {
                masked.push_str(STARS);
            }
            return masked;
        }
        if is_secret(&name) {
            let (shown, next) = without_value(after, is_argument);
            masked.push_str(&shown);
            rest = next;
        } else {
            rest = after;
        }
    }
    masked.push_str(rest);
    masked
}

struct Found {
    /// In small letters, without dashes, dots and underscores.
    name: String,
    /// Where its value starts.
    value: usize,
    /// On a command line: its value ends at the next blank.
    is_argument: bool,
}

/// The next `name=`, `name:`, `"name":` or `--name `.
fn next_name(text: &str) -> Option<Found> {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '[' | ']');
    let mut from = 0;
    loop {
        let start = from + text.get(from..)?.find(is_name)?;
        let word = text.get(start..)?;
        let end = start + word.find(|c| !is_name(c)).unwrap_or(word.len());
        let name = text.get(start..end)?;
        let after = text.get(end..)?;
        let gap = after.len() - after.trim_start_matches(['"', '\'', '\\', ' ', '\t']).len();
        let separator = after.get(gap..).and_then(|rest| rest.chars().next());
        // A module of the program is no name of a value: `integrasjonspunkt::tokens::client`.
        // The first of two colons before it was read with the name that stands there.
        let before = text.get(..start).unwrap_or_default();
        let is_in_path = after.starts_with("::") && (before == ":" || before.ends_with("::"));
        let value = match separator {
            _ if is_in_path => None,
            Some('=' | ':') => Some(end + gap + 1),
            _ if name.starts_with("--") && after.starts_with([' ', '\t']) => Some(end),
            _ => None,
        };
        if let Some(value) = value {
            return Some(Found { name: flat(name), value, is_argument: name.starts_with('-') });
        }
        from = end;
    }
}

/// Stars for the quoted text, the word of a command line, or the rest of the line; and what comes after it.
fn without_value(text: &str, is_argument: bool) -> (String, &str) {
    let body = text.trim_start_matches([' ', '\t', '=', ':', '>']);
    let (gap, body) = (text.get(..text.len() - body.len()).unwrap_or_default(), body);
    // What is masked already ends where its stars end, so that the text around it stays.
    if let Some(rest) = body.strip_prefix(STARS).filter(|rest| !rest.starts_with(|c: char| c.is_alphanumeric())) {
        return (format!("{gap}{STARS}"), rest);
    }
    let quote = body.chars().find(|c| *c != '\\').filter(|c| matches!(c, '"' | '\''));
    let Some(quote) = quote else {
        let first_blank = body.find(char::is_whitespace).filter(|_| is_argument);
        let end = first_blank.unwrap_or(body.trim_end().len());
        let stars = if end == 0 { "" } else { STARS };
        return (format!("{gap}{stars}"), body.get(end..).unwrap_or_default());
    };
    let inside = body.find(quote).map_or(0, |at| at + quote.len_utf8());
    let open = body.get(..inside).unwrap_or_default();
    let inner = body.get(inside..).unwrap_or_default();
    // An escaped quotation mark is part of the text, unless the opening one was escaped as well.
    let mut escaped = false;
    let end = inner.char_indices().find(|(_, c)| {
        let ends = *c == quote && (!escaped || open.starts_with('\\'));
        escaped = *c == '\\' && !escaped;
        ends
    });
    let end = end.map_or(inner.len(), |(at, _)| at);
    (format!("{gap}{open}{STARS}"), inner.get(end..).unwrap_or_default())
}

/// Whether what has this name is a secret: `keystore.password`, `API-KEY`.
pub fn is_secret_name(name: &str) -> bool {
    let name = flat(name);
    is_secret(&name) || SECRET_HEADERS.iter().any(|header| name.contains(header))
}

fn is_secret(flat: &str) -> bool {
    SECRET_WORDS.iter().any(|word| flat.contains(word))
}

/// In small letters, without dashes, dots and underscores.
fn flat(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Bearer tokens, and anything that looks like a JSON web token.
fn tokens(line: &str) -> String {
    let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=' | '+' | '/' | '~');
    let mut masked = String::with_capacity(line.len());
    let (mut rest, mut after_bearer) = (line, false);
    while let Some(start) = rest.find(is_token) {
        masked.push_str(rest.get(..start).unwrap_or_default());
        let body = rest.get(start..).unwrap_or_default();
        let end = body.find(|c| !is_token(c)).unwrap_or(body.len());
        let word = body.get(..end).unwrap_or_default();
        let web_token = word.find("eyJ").and_then(|at| word.get(at..)).is_some_and(|found| {
            let parts = found.matches('.').count();
            found.len() > SHORTEST_WEB_TOKEN || (found.len() > SHORTEST_TOKEN && parts >= 2)
        });
        let bearer = after_bearer && word.len() >= SHORTEST_TOKEN;
        masked.push_str(if web_token || bearer { STARS } else { word });
        after_bearer = word.eq_ignore_ascii_case("bearer");
        rest = body.get(end..).unwrap_or_default();
    }
    masked.push_str(rest);
    masked
}

/// Eleven digits, or six and five with one blank, dash or dot between them.
fn identity_numbers(line: &str) -> String {
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let before = rest.get(..start).unwrap_or_default();
        let body = rest.get(start..).unwrap_or_default();
        masked.push_str(before);
        let (first, after) = digits(body);
        let second = after.strip_prefix([' ', '-', '.', '\u{a0}']).map(digits);
        match (first.len(), second) {
            (11, _) if !in_digest(&masked, body) && !in_uuid(&masked, body) => {
                masked.push_str(STARS);
                rest = after;
            }
            (6, Some((number, end))) if number.len() == 5 => {
                masked.push_str(STARS);
                rest = end;
            }
            _ => {
                masked.push_str(first);
                rest = after;
            }
        }
    }
    masked.push_str(rest);
    masked
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// Whether the digits are part of a long hexadecimal word.
fn in_digest(before: &str, from: &str) -> bool {
    let head = before.chars().rev().take(SHORTEST_DIGEST).take_while(char::is_ascii_hexdigit).count();
    let tail = from.chars().take(SHORTEST_DIGEST).take_while(char::is_ascii_hexdigit).count();
    head + tail >= SHORTEST_DIGEST
}

/// Whether the digits are part of a UUID: one in two hundred ends in eleven of them, and it must stay what it is, or nobody
/// finds the message.
fn in_uuid(before: &str, from: &str) -> bool {
    const LENGTH: usize = 36;
    let is_of_uuid = |letter: &char| letter.is_ascii_hexdigit() || *letter == '-';
    let head = before.chars().rev().take(LENGTH - 1).take_while(is_of_uuid).count();
    let word: String =
        before.get(before.len() - head..).unwrap_or_default().chars().chain(from.chars().take(LENGTH)).collect();
    // The digits are eleven; they must lie wholly in it.
    (0..=head).any(|start| start + LENGTH >= head + 11 && word.get(start..start + LENGTH).is_some_and(is_uuid))
}

fn is_uuid(text: &str) -> bool {
    let fits =
        |(at, byte): (usize, u8)| if matches!(at, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() };
    text.bytes().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::{Masker, mask};
    use proptest::prelude::*;

    #[test]
    fn what_looks_like_a_secret_becomes_stars() {
        let table = [
            ("password=hunter2", "password=********"),
            ("spring.mail.password = hunter2 and more", "spring.mail.password = ********"),
            ("key-store-password: 'hun ter2' next", "key-store-password: '********' next"),
            (r#"{"client_secret":"a\"b","user":"ola"}"#, r#"{"client_secret":"********","user":"ola"}"#),
            (r#"{\"password\":\"abc\",\"user\":\"ola\"}"#, r#"{\"password\":\"********",\"user\":\"ola\"}"#),
            ("java --keystore.password hunter2 -jar x.jar", "java --keystore.password ******** -jar x.jar"),
            ("-Ddb.passord=hunter2 -jar", "-Ddb.passord=******** -jar"),
            ("Using generated security password: 8e557245-73e2", "Using generated security password: ********"),
            ("Authorization: Bearer abc.def ghi", "Authorization: ********"),
            ("Set-Cookie: JSESSIONID=1; Path=/", "Set-Cookie: ********"),
            ("proxy http://ola:hunter2@proxy:8080/x", "proxy http://********@proxy:8080/x"),
            ("jdbc:postgresql://ola:p@ss@db/x?ssl=1", "jdbc:postgresql://********@db/x?ssl=1"),
            ("jdbc:h2:file:./db;USER=sa;PASSWORD=hunter2", "jdbc:h2:file:./db;USER=sa;PASSWORD=********"),
            ("got bearer 0123456789abcdefXYZ from", "got bearer ******** from"),
            ("jwt eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2ln end", "jwt ******** end"),
            ("API_KEY=abc X-Api-Key: def", "API_KEY=********"),
            ("program::tokens::client: a line", "program::tokens::client: a line"),
            ("token::client: a line", "token::********"),
        ];
        for (text, masked) in table {
            assert_eq!(mask(text), masked, "{text}");
        }
    }

    #[test]
    fn k29_secrets_and_identity_numbers_do_not_reach_a_mail() {
        let table = [
            ("person 01019012345 found", "person ******** found"),
            ("person 010190 12345.", "person ********."),
            ("id 010190123456 and 1010", "id 010190123456 and 1010"),
            ("spring.mail.password=hunter2 and more", "spring.mail.password=********"),
            (
                "java -Djavax.net.ssl.keyStorePassword=abc -jar x.jar",
                "java -Djavax.net.ssl.keyStorePassword=******** -jar x.jar",
            ),
            (r#"{"password": "a b", "user": "me"}"#, r#"{"password": "********", "user": "me"}"#),
            ("Authorization: Bearer abc.def", "Authorization: ********"),
            ("client_secret : x", "client_secret : ********"),
            ("using jdbc:mysql://me:pw@db/x", "using jdbc:mysql://********@db/x"),
            ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.abc!", "got ********!"),
            ("got eyJhbGciOiJIUzI1NiJ9.eyJzdW", "got ********"),
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
    fn an_identity_number_becomes_stars_and_other_numbers_stay() {
        let table = [
            ("from 01010112345 to x", "from ******** to x"),
            ("01010112345", "********"),
            ("010101 12345, 010101-12345", "********, ********"),
            ("a01010112345b", "a********b"),
            ("org 991825827 at 2026-11-21T05:30:00.123456Z", "org 991825827 at 2026-11-21T05:30:00.123456Z"),
            ("1763703000123 ms, 123456789012", "1763703000123 ms, 123456789012"),
            ("0192:991825827 and 010101 123456", "0192:991825827 and 010101 123456"),
            (
                "sha256 ab01010112345cd0000000000000000000000000000000000000000000000000",
                "sha256 ab01010112345cd0000000000000000000000000000000000000000000000000",
            ),
        ];
        for (text, masked) in table {
            assert_eq!(mask(text), masked, "{text}");
        }
    }

    #[test]
    fn a_uuid_that_holds_eleven_digits_stays() {
        let uuid = "75d64e2b-14ca-4aac-82d7-c01010112345";
        for text in
            [uuid.to_owned(), format!("Message [id={uuid}] updated"), format!("/api/{uuid}/x"), format!("{uuid}.")]
        {
            assert_eq!(mask(&text), text);
        }
        let other = "75d64e2b-14ca-4aac-82d7-01010112345c";
        assert_eq!(mask(other), other);
        assert_eq!(mask("75d64e2b-14ca-4aac-82d-c01010112345"), "75d64e2b-14ca-4aac-82d-c********", "no UUID");
        assert_eq!(mask(&format!("{uuid} 01010112345")), format!("{uuid} ********"));
    }

    #[test]
    fn a_private_key_becomes_stars_and_a_certificate_stays() {
        let text = "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabcd\n-----END RSA PRIVATE KEY-----\nb\n";
        assert_eq!(mask(text), "a\n********\nb\n");
        assert_eq!(mask("x -----BEGIN PRIVATE KEY-----MII-----END PRIVATE KEY----- y"), "x ******** y");
        assert_eq!(mask("-----BEGIN PRIVATE KEY-----\nMIIE\n"), "********\n", "a key that was cut off");
        let certificate = "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----\n";
        assert_eq!(mask(certificate), certificate);
    }

    const KEY_LINE: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj";

    #[test]
    fn a_private_key_whose_start_is_cut_off_becomes_stars_and_what_stands_before_it_stays() {
        let end = "-----END PRIVATE KEY-----";
        assert_eq!(mask(&format!("{KEY_LINE}\n{KEY_LINE}\n{end}\nb\n")), "********\nb\n");
        assert_eq!(mask(&format!("a\n{KEY_LINE}\n{end}\nb\n")), "a\n********\nb\n");
        assert_eq!(mask(&format!("ANBgkq{end} b")), "******** b", "cut off within its last line");
        let certificate = format!("{KEY_LINE}\n-----END CERTIFICATE-----\n");
        assert_eq!(mask(&certificate), certificate);
    }

    #[test]
    fn a_private_key_whose_end_never_comes_does_not_hide_all_that_follows() {
        let text = format!("-----BEGIN PRIVATE KEY-----\n{}and on it goes\n", format!("{KEY_LINE}\n").repeat(600));
        assert!(mask(&text).ends_with("and on it goes\n"));
    }

    #[test]
    fn a_text_that_comes_a_line_at_a_time_is_masked_like_one_that_is_whole() {
        let text = format!(
            "a\n-----BEGIN RSA PRIVATE KEY-----\n{KEY_LINE}\n-----END RSA PRIVATE KEY-----\npassword=x y\n01010112345"
        );
        let mut masker = Masker::default();
        let shown: Vec<String> = text.lines().filter_map(|line| masker.line(line)).collect();
        assert_eq!(shown, ["a", "********", "password=********", "********"]);
        assert_eq!(shown.join("\n"), mask(&text));
    }

    #[test]
    fn where_lines_were_missed_the_rest_of_a_private_key_is_not_shown() {
        let mut masker = Masker::default();
        assert_eq!(masker.line(KEY_LINE).as_deref(), Some(KEY_LINE), "may be anything");
        masker.missed_some();
        assert_eq!(masker.line(KEY_LINE), None);
        assert_eq!(masker.line("-----END PRIVATE KEY-----").as_deref(), Some("********"));
        assert_eq!(masker.line(KEY_LINE).as_deref(), Some(KEY_LINE));
        // Its end was among what was missed.
        masker.line("-----BEGIN PRIVATE KEY-----");
        masker.missed_some();
        assert_eq!(masker.line("and on it goes").as_deref(), Some("and on it goes"));
    }

    #[test]
    fn ordinary_log_lines_stay_as_they_are() {
        for line in [
            "2026-11-21 05:30:00.123  INFO 4711 --- [main] n.d.m.Application : Started Application in 31.4 seconds",
            "Tomcat initialized with port(s): 9093 (http)",
            "GET https://github.com/felleslosninger/efm-integrasjonspunkt/releases: 404",
            "Ein feil: æøå ÆØÅ 😀",
            "",
        ] {
            assert_eq!(mask(line), line);
        }
    }

    proptest! {
        #[test]
        fn masking_never_panics_and_masking_twice_changes_nothing(text in "(?s).{0,200}") {
            let once = mask(&text);
            prop_assert_eq!(mask(&once), once.clone());
        }

        #[test]
        fn no_identity_number_gets_through(before in "[a-z :=\"]{0,9}", number in "[0-9]{11}", after in "[a-z ,.\"]{0,9}") {
            let masked = mask(&format!("{before}{number}{after}"));
            prop_assert!(!masked.contains(&number));
        }

        #[test]
        fn no_password_gets_through(key in "(password|API_KEY|client-secret|db\\.passord)", sep in "(=|: | = |=\"|: ')", word in "[A-Za-z0-9,;&!]{6,12}") {
            let masked = mask(&format!("user=ola {key}{sep}{word}"));
            prop_assert!(!masked.contains(&word), "{}", masked);
        }
    }
}
