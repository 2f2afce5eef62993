//! Spring's relaxed binding: `base-url`, `baseURL`, `base_url` and `BASEURL` are one name.

/// The one form that all spellings of a key share: lower case, dots kept, dashes and underscores gone, indices kept.
pub fn canonical(key: &str) -> String {
    key.chars().filter(|character| !matches!(character, '-' | '_')).flat_map(char::to_lowercase).collect()
}

/// The environment variable of a key, as the documentation of Spring writes it: `KOSMOS_INTEGRASJONSPUNKT_BASEURL`.
pub fn environment_name(key: &str) -> String {
    key.chars()
        .filter(|&character| character != '-' && character != ']')
        .map(|character| if matches!(character, '.' | '[') { '_' } else { character.to_ascii_uppercase() })
        .collect()
}

/// Splits `key[3]` into `key` and 3.
pub fn without_index(key: &str) -> (&str, Option<usize>) {
    let split = key.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
    match split.and_then(|(name, index)| Some((name, index.parse().ok()?))) {
        Some((name, index)) => (name, Some(index)),
        None => (key, None),
    }
}

/// What a key and an environment variable have in common: nothing but letters and digits.
pub(super) fn squeezed(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Splits `KEY_3` and `KEY_3_` into `KEY` and 3.
pub(super) fn without_environment_index(name: &str) -> Option<(&str, usize)> {
    let (rest, index) = name.strip_suffix('_').unwrap_or(name).rsplit_once('_')?;
    Some((rest, index.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_a_key_are_one() {
        for spelling in ["baseURL", "base-url", "baseUrl", "base_url", "BASEURL", "BASE_URL"] {
            let key = format!("kosmos.integrasjonspunkt.{spelling}");
            assert_eq!(canonical(&key), "kosmos.integrasjonspunkt.baseurl");
            assert_eq!(squeezed(&key), squeezed("KOSMOS_INTEGRASJONSPUNKT_BASEURL"));
        }
    }

    #[test]
    fn the_environment_name_is_springs() {
        assert_eq!(environment_name("kosmos.java-archive-repository-url"), "KOSMOS_JAVAARCHIVEREPOSITORYURL");
        assert_eq!(environment_name("kosmos.verification.publicKeyPaths[0]"), "KOSMOS_VERIFICATION_PUBLICKEYPATHS_0");
    }

    #[test]
    fn indices_are_taken_off() {
        assert_eq!(without_index("a.b[12]"), ("a.b", Some(12)));
        assert_eq!(without_index("a.b"), ("a.b", None));
        assert_eq!(without_index("a.b[x]"), ("a.b[x]", None));
        assert_eq!(without_environment_index("A_B_0_"), Some(("A_B", 0)));
        assert_eq!(without_environment_index("A_B_0"), Some(("A_B", 0)));
        assert_eq!(without_environment_index("A_B"), None);
    }
}
