//! What a person asks for, read from the address, and written into the addresses of the next pages.

use crate::domain::{Direction, Service, Status};
use crate::ports::{PageRequest, Search};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

const SIZE: u32 = 20;
const LARGEST: u32 = 100;
const LONGEST: usize = 200;

/// As it was asked, name by name.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) search: String,
    pub(super) direction: String,
    pub(super) service: String,
    pub(super) status: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) page: PageRequest,
}

impl Asked {
    /// The first of each name counts; `created` is a single day, as in the Java one.
    pub(super) fn read(pairs: &[(String, String)]) -> Self {
        let text = |name: &str| {
            let found = pairs.iter().find(|(given, _)| given == name).map(|(_, value)| value.trim());
            found.unwrap_or_default().chars().filter(|letter| !letter.is_control()).take(LONGEST).collect::<String>()
        };
        let or_created = |text: String, created: String| if text.is_empty() { created } else { text };
        let number = |name: &str| text(name).parse::<u32>().ok();
        let size = number("size").filter(|size| *size > 0).unwrap_or(SIZE).min(LARGEST);
        // More are not counted, so there is no link to them.
        let last = (Search::COUNTED / size).saturating_sub(1);
        Self {
            search: text("search"),
            direction: text("direction").to_ascii_uppercase(),
            service: text("service").to_ascii_uppercase(),
            status: text("status").to_ascii_uppercase(),
            from: or_created(text("from"), text("created")),
            to: or_created(text("to"), text("created")),
            page: PageRequest { number: number("page").unwrap_or(0).min(last), size },
        }
    }

    /// What it means.
    ///
    /// # Errors
    /// What makes no sense, in words for the one who asked.
    pub(super) fn understand(&self) -> Result<Search, Vec<String>> {
        let mut wrong = Vec::new();
        let mut word = |what: &str, text: &str, is_known: bool| {
            if !text.is_empty() && !is_known {
                wrong.push(format!("«{text}» er ikke en {what}."));
            }
        };
        let direction = Direction::named(&self.direction);
        let service = Service::named(&self.service);
        let status = Status::named(&self.status);
        word("retning", &self.direction, direction.is_some());
        word("tjeneste", &self.service, service.is_some());
        word("status", &self.status, status.is_some());
        let (from, to) = (day(&self.from), day(&self.to));
        for (text, day) in [(&self.from, from), (&self.to, to)] {
            if !text.is_empty() && day.is_none() {
                wrong.push(format!("«{text}» er ikke en dato. Skriv den som 2026-11-21."));
            }
        }
        // A single day is both.
        wrong.dedup();
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            wrong.push("Fra-datoen er senere enn til-datoen.".to_owned());
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(Search {
            alternatives: Search::words(&self.search),
            number: None,
            status,
            service,
            direction,
            from: from.and_then(begins),
            before: to.and_then(|day| day.checked_add(1.day()).ok()).and_then(begins),
        })
    }

    /// The address of this page of the same list.
    pub(super) fn address(&self, number: u32) -> String {
        let mut parts = vec![format!("page={number}")];
        if self.page.size != SIZE {
            parts.push(format!("size={}", self.page.size));
        }
        for (name, value) in [
            ("search", &self.search),
            ("direction", &self.direction),
            ("service", &self.service),
            ("status", &self.status),
            ("from", &self.from),
            ("to", &self.to),
        ] {
            if !value.is_empty() {
                parts.push(format!("{name}={}", encoded(value)));
            }
        }
        format!("/conversations?{}", parts.join("&"))
    }
}

fn day(text: &str) -> Option<Date> {
    // As a browser gives it, and no other way: jiff would take more.
    (text.len() == 10).then(|| text.parse::<Date>().ok()).flatten()
}

/// The first moment of a day in Norway.
fn begins(day: Date) -> Option<Timestamp> {
    let zone = TimeZone::get("Europe/Oslo").unwrap_or(TimeZone::UTC);
    day.to_zoned(zone).ok().map(|begins| begins.timestamp())
}

fn encoded(text: &str) -> String {
    let letter = |byte: u8| {
        let is_plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if is_plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> Asked {
        Asked::read(&pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>())
    }

    #[test]
    fn a_day_is_the_norwegian_day_also_when_the_clock_is_set() {
        let search = asked(&[("created", "2026-03-29")]).understand().unwrap();
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        assert_eq!((search.from, search.before), (at("2026-03-28T23:00:00Z"), at("2026-03-29T22:00:00Z")));
    }

    #[test]
    fn what_makes_no_sense_is_told_all_at_once() {
        let wrong = asked(&[("status", "x"), ("from", "21.11.2026"), ("service", "dpo"), ("direction", "opp")]);
        let wrong = wrong.understand().unwrap_err();
        assert_eq!(
            wrong,
            [
                "«OPP» er ikke en retning.",
                "«X» er ikke en status.",
                "«21.11.2026» er ikke en dato. Skriv den som 2026-11-21."
            ]
        );
        let wrong = asked(&[("from", "2026-11-22"), ("to", "2026-11-21")]).understand().unwrap_err();
        assert_eq!(wrong, ["Fra-datoen er senere enn til-datoen."]);
    }

    #[test]
    fn pages_are_bounded_and_keep_what_was_asked() {
        let asked = asked(&[("page", "4000000000"), ("size", "5000"), ("search", "a&b=c æ")]);
        assert_eq!(asked.page, PageRequest { number: 99, size: 100 });
        assert_eq!(asked.address(3), "/conversations?page=3&size=100&search=a%26b%3Dc%20%C3%A6");
    }
}
