//! The two simple formats in which an archive says what it is. Neither is read in full: what is not needed here and is
//! not simple is an error, not a guess.

use std::collections::HashMap;

/// Keys and values. A key that is there twice is an error, because readers differ in which one they take.
#[derive(Debug, Default)]
pub(super) struct Words(HashMap<String, String>);

impl Words {
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    fn add(&mut self, key: &str, value: String) -> Result<(), String> {
        match self.0.insert(key.to_owned(), value) {
            None => Ok(()),
            Some(_) => Err(format!("{key} is there twice")),
        }
    }

    /// `key=value` lines as Maven and Gradle write them.
    pub(super) fn properties(bytes: &[u8]) -> Result<Self, String> {
        let text = String::from_utf8_lossy(bytes);
        let mut words = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', '!'])) {
            let mut parts = [String::new(), String::new()];
            let mut in_value = false;
            let mut letters = line.chars();
            while let Some(letter) = letters.next() {
                let plain = match letter {
                    '=' | ':' if !in_value => {
                        in_value = true;
                        continue;
                    }
                    '\\' => escaped(&mut letters).ok_or("an escape in it makes no sense")?,
                    other => other,
                };
                let [key, value] = &mut parts;
                if in_value { value } else { key }.push(plain);
            }
            let [key, value] = parts;
            words.add(key.trim(), value)?;
        }
        Ok(words)
    }

    /// The main section of a manifest. Attributes' names are the same in upper and lower case: here in lower.
    pub(super) fn manifest(bytes: &[u8]) -> Result<Self, String> {
        let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n");
        let main = text.split("\n\n").next().unwrap_or_default().replace("\n ", "");
        let mut words = Self::default();
        for line in main.lines().filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or("a line in it is no attribute")?;
            words.add(&name.to_ascii_lowercase(), value.to_owned())?;
        }
        Ok(words)
    }
}

/// What stands behind a backslash.
fn escaped(letters: &mut std::str::Chars<'_>) -> Option<char> {
    match letters.next()? {
        't' | 'n' | 'r' | 'f' => Some(' '),
        'u' => {
            let (digits, after) = letters.as_str().split_at_checked(4)?;
            *letters = after.chars();
            char::from_u32(u32::from_str_radix(digits, 16).ok()?)
        }
        plain => Some(plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_read_as_build_tools_write_them() {
        let words = Words::properties(b"#Thu\r\nbuild.time=2026-11-21T05\\:30\\:00Z\n\nbuild.name = a \\= b\nempty=\n")
            .unwrap();
        assert_eq!(words.get("build.time"), Some("2026-11-21T05:30:00Z"));
        assert_eq!(words.get("build.name"), Some("a = b"));
        assert_eq!((words.get("empty"), words.get("none")), (None, None));
        assert!(Words::properties(b"a=1\na=2").unwrap_err().contains("twice"));
        assert!(Words::properties(b"a=1\\\n2").is_err());
        assert!(Words::properties(b"a=\\u00").is_err());
        assert_eq!(Words::properties(b"a=\\u0041\\u00e5\\tb").unwrap().get("a"), Some("A\u{e5} b"));
    }

    #[test]
    fn only_the_main_section_of_a_manifest_counts() {
        let text = b"Manifest-Version: 1.0\r\nImplementation-Ver\r\n sion: 4.0\r\n .8\r\n\r\nName: x\r\nImplementation-Version: 9\r\n";
        let words = Words::manifest(text).unwrap();
        assert_eq!(words.get("implementation-version"), Some("4.0.8"));
        assert!(Words::manifest(b"A: 1\na: 2\n").unwrap_err().contains("twice"));
        assert!(Words::manifest(b"nothing").is_err());
    }
}
