//! Who sends and who receives.

use std::fmt;

/// `identifier.authority`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Authority {
    /// Organisations, persons, Fiks IO accounts.
    Iso6523,
    /// Health.
    Nhn,
}

impl Authority {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Iso6523 => "iso6523-actorid-upis",
            Self::Nhn => "nhn-actorid",
        }
    }

    /// The authority of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Iso6523, Self::Nhn].into_iter().find(|authority| authority.name() == name)
    }
}

/// An identifier that cannot be read. Says nothing of the value: it may be a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A strange authority.
    #[error("'{0}' is not an authority that is known here: iso6523-actorid-upis, nhn-actorid")]
    Authority(String),
    /// A value that its authority does not have.
    #[error("the value is not one of {0}: {1}")]
    Value(&'static str, &'static str),
}

/// A sender or receiver.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Participant {
    /// `0192:910077473`, with who it acts for as its part.
    Organisation {
        /// The code of the list that the number is of; Norway's is 0192.
        icd: String,
        /// The number.
        number: String,
        /// `0192:<own>:<part>`: on whose behalf.
        part: Option<String>,
        /// Where the part is from; one digit.
        source: Option<char>,
    },
    /// Eleven digits with right check digits.
    Person(String),
    /// An account at KS Fiks IO.
    FiksIo(String),
    /// `her-id:123`, or `fastlege-for:` a person.
    Nhn(String),
}

// Without the value: it may be a person.
impl fmt::Debug for Participant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organisation { .. } => f.write_str(&self.text()),
            Self::Person(_) => f.write_str("person"),
            Self::FiksIo(_) => f.write_str("Fiks IO account"),
            Self::Nhn(_) => f.write_str("NHN actor"),
        }
    }
}

impl Participant {
    /// A Norwegian organisation.
    pub fn organisation(number: &str) -> Self {
        Self::Organisation { icd: "0192".into(), number: number.into(), part: None, source: None }
    }

    /// Reads a value as its authority writes it.
    ///
    /// # Errors
    /// Neither of what the authority knows.
    pub fn parse(value: &str, authority: &str) -> Result<Self, Unreadable> {
        match Authority::named(authority).ok_or_else(|| Unreadable::Authority(authority.to_owned()))? {
            Authority::Iso6523 => organisation(value)
                .or_else(|| is_person(value).then(|| Self::Person(value.to_owned())))
                .or_else(|| super::MessageId::parse(value).ok().map(|id| Self::FiksIo(id.to_string())))
                .ok_or(Unreadable::Value(
                    Authority::Iso6523.name(),
                    "0192:<organisation number>, nine digits, eleven digits of a person, or a Fiks IO account",
                )),
            Authority::Nhn => nhn(value)
                .ok_or(Unreadable::Value(Authority::Nhn.name(), "her-id:<number> or fastlege-for:<eleven digits>")),
        }
    }

    /// Whose list it is of.
    pub fn authority(&self) -> Authority {
        match self {
            Self::Organisation { .. } | Self::Person(_) | Self::FiksIo(_) => Authority::Iso6523,
            Self::Nhn(_) => Authority::Nhn,
        }
    }

    /// The whole text, `0192:910077473:991825827`.
    pub fn text(&self) -> String {
        match self {
            Self::Organisation { icd, number, part, source } => {
                let part = part.as_ref().map(|part| format!(":{part}")).unwrap_or_default();
                let source = source.map(|source| format!(":{source}")).unwrap_or_default();
                format!("{icd}:{number}{part}{source}")
            }
            Self::Person(text) | Self::FiksIo(text) | Self::Nhn(text) => text.clone(),
        }
    }

    /// The organisation's number, or the whole text: what the registry is asked for.
    pub fn primary(&self) -> &str {
        match self {
            Self::Organisation { number, .. } => number,
            Self::Person(text) | Self::FiksIo(text) | Self::Nhn(text) => text,
        }
    }

    /// On whose behalf it acts, or itself.
    pub fn part_or_primary(&self) -> &str {
        match self {
            Self::Organisation { part: Some(part), .. } => part,
            Self::Organisation { .. } | Self::Person(_) | Self::FiksIo(_) | Self::Nhn(_) => self.primary(),
        }
    }

    /// A sender that is another organisation than our own is one that we act for.
    #[must_use]
    pub fn sent_by(self, own: &str) -> Self {
        match self {
            Self::Organisation { icd, number, part: None, source: None } if number != own => {
                Self::Organisation { icd, number: own.to_owned(), part: Some(number), source: None }
            }
            other @ (Self::Organisation { .. } | Self::Person(_) | Self::FiksIo(_) | Self::Nhn(_)) => other,
        }
    }
}

fn organisation(value: &str) -> Option<Participant> {
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits(value, 9) {
        return Some(Participant::organisation(value));
    }
    let mut parts = value.split(':');
    let icd = parts.next().filter(|icd| digits(icd, 4))?;
    let fits = |text: &&str| (1..=35).contains(&text.chars().count());
    let number = parts.next().filter(fits)?;
    let part = parts.next();
    if part.is_some_and(|part| !fits(&part) || part.contains(char::is_whitespace)) {
        return None;
    }
    let source = parts.next();
    if source.is_some_and(|source| !digits(source, 1)) || parts.next().is_some() {
        return None;
    }
    if (part, source) == (Some("0"), Some("0")) {
        return None;
    }
    Some(Participant::Organisation {
        icd: icd.to_owned(),
        number: number.to_owned(),
        part: part.map(str::to_owned),
        source: source.and_then(|source| source.chars().next()),
    })
}

fn nhn(value: &str) -> Option<Participant> {
    let (name, rest) = value.split_once(':')?;
    let is_right = match name {
        "her-id" => rest.parse::<u32>().is_ok_and(|number| number > 0) && rest.len() <= 11 && !rest.starts_with('+'),
        "fastlege-for" => is_person(rest),
        _ => false,
    };
    is_right.then(|| Participant::Nhn(value.to_owned()))
}

/// Eleven digits whose last two are right; synthetic numbers pass, since only check digits are looked at.
fn is_person(value: &str) -> bool {
    const FIRST: [u32; 9] = [3, 7, 6, 1, 8, 9, 4, 5, 2];
    const SECOND: [u32; 10] = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
    let digits: Option<Vec<u32>> = value.chars().map(|letter| letter.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| digits.len() == 11) else { return false };
    let check = |weights: &[u32]| {
        let sum: u32 = digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum();
        (11 - sum % 11) % 11
    };
    digits.get(9) == Some(&check(&FIRST)) && digits.get(10) == Some(&check(&SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<Participant> {
        Participant::parse(value, "iso6523-actorid-upis").ok()
    }

    #[test]
    fn organisations_are_read_in_all_their_forms() {
        for (written, text, primary, part) in [
            ("910077473", "0192:910077473", "910077473", "910077473"),
            ("0192:910077473", "0192:910077473", "910077473", "910077473"),
            ("0192:910077473:991825827", "0192:910077473:991825827", "910077473", "991825827"),
            ("9908:abc:d:3", "9908:abc:d:3", "abc", "d"),
        ] {
            let read = read(written).unwrap_or_else(|| panic!("{written}"));
            assert_eq!((read.text().as_str(), read.primary(), read.part_or_primary()), (text, primary, part));
        }
        for wrong in ["", "0192:", "192:910077473", "0192:1:0:0", "0192:1:2:33", "0192:1:2:3:4", "91007747"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn persons_have_right_check_digits_and_are_never_printed() {
        let person = read("01010750160").expect("a made up number with right check digits");
        assert_eq!(person, Participant::Person("01010750160".into()));
        assert_eq!(format!("{person:?}"), "person");
        assert_eq!(read("01010750161"), None);
    }

    #[test]
    fn health_has_its_own_authority() {
        let nhn = |value| Participant::parse(value, "nhn-actorid").ok().map(|it| it.text());
        assert_eq!(nhn("her-id:8143548").as_deref(), Some("her-id:8143548"));
        assert_eq!(nhn("her-id:0"), None);
        assert_eq!(nhn("her-id:"), None);
        assert!(matches!(Participant::parse("910077473", "strange"), Err(Unreadable::Authority(_))));
    }

    #[test]
    fn another_organisation_is_one_that_we_act_for() {
        let other = Participant::organisation("991825827");
        assert_eq!(other.clone().sent_by("910077473").text(), "0192:910077473:991825827");
        assert_eq!(other.clone().sent_by("991825827"), other);
    }
}
