//! Fills in what a letter on paper lacks from what the registry knows of its receiver. Pure.

use crate::domain::{Address, Body};
use crate::ports::{PostAddress, Record};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use std::fmt;

/// What came, in its order.
#[derive(Default)]
struct Members(Vec<(String, Box<RawValue>)>);

/// Blank lines of both addresses are filled in, and who does not say what happens to a letter that comes back gets it back.
pub(super) fn fill_in(body: &mut Body, record: &Record) {
    let Ok(mut members) = serde_json::from_str::<Members>(&body.text) else { return };
    let receiver = with_address(members.get("mottaker"), &record.address);
    let mut back: Members =
        members.get("retur").and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    let returned = with_address(back.get("mottaker"), &record.return_address);
    let (Some((receiver, receiver_address)), Some((returned, return_address))) = (receiver, returned) else { return };
    back.set("mottaker", returned);
    if back.get("returhaandtering").is_none()
        && let Ok(direct) = to_raw_value("DIREKTE_RETUR")
    {
        back.set("returhaandtering", direct);
    }
    let Ok(back) = to_raw_value(&back) else { return };
    members.set("mottaker", receiver);
    members.set("retur", back);
    let Ok(text) = serde_json::to_string(&members) else { return };
    body.text = text;
    body.receiver_address = Some(receiver_address);
    body.return_address = Some(return_address);
}

fn with_address(given: Option<&RawValue>, known: &PostAddress) -> Option<(Box<RawValue>, Address)> {
    let mut members: Members = given.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    let mut lines = known.street.splitn(4, ';').map(str::trim);
    let is_blank = |members: &Members, name: &str| members.text(name).is_none_or(|text| text.trim().is_empty());
    let fill = |members: &mut Members, name: &str, text: &str| {
        if is_blank(members, name)
            && !text.is_empty()
            && let Ok(raw) = to_raw_value(text)
        {
            members.set(name, raw);
        }
    };
    // The lines of a street belong together.
    if is_blank(&members, "adresselinje1") {
        for name in ["adresselinje1", "adresselinje2", "adresselinje3", "adresselinje4"] {
            fill(&mut members, name, lines.next().unwrap_or_default());
        }
    }
    for (name, text) in
        [("navn", &known.name), ("postnummer", &known.code), ("poststed", &known.area), ("land", &known.country)]
    {
        fill(&mut members, name, text);
    }
    let address = Address {
        name: members.text("navn"),
        first_line: members.text("adresselinje1"),
        postal_code: members.text("postnummer"),
        postal_area: members.text("poststed"),
        country: members.text("land"),
    };
    Some((to_raw_value(&members).ok()?, address))
}

impl Members {
    fn get(&self, name: &str) -> Option<&RawValue> {
        let (_, raw) = self.0.iter().find(|(known, _)| known == name)?;
        Some(&**raw).filter(|raw| raw.get() != "null")
    }

    fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?.get()).ok()
    }

    fn set(&mut self, name: &str, value: Box<RawValue>) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, there)) => *there = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Members::default();
                while let Some(member) = map.next_entry()? {
                    members.0.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Service;

    fn record() -> Record {
        let address = |name: &str| PostAddress {
            name: name.into(),
            street: "UTSIKTEN 1;H0101".into(),
            code: "2900".into(),
            area: "FJELL".into(),
            country: "Norway".into(),
        };
        Record {
            organisation: String::new(),
            certificate: String::new(),
            process: String::new(),
            document_types: Vec::new(),
            service: Service::Dpi,
            endpoint: None,
            service_code: None,
            service_edition_code: None,
            security_level: None,
            resource: None,
            mailbox_supplier: None,
            mailbox: None,
            email: String::new(),
            mobile: String::new(),
            is_on_paper: true,
            may_be_notified: false,
            language: None,
            address: address("KARI NORDMANN"),
            return_address: address("ETATEN"),
            her_id: None,
            patient: None,
        }
    }

    fn filled(text: &str) -> Body {
        let mut body = Body { text: text.into(), ..Body::default() };
        fill_in(&mut body, &record());
        body
    }

    #[test]
    fn a_letter_without_addresses_gets_the_registry_s() {
        let body = filled(r#"{"hoveddokument":"a.pdf"}"#);
        insta::assert_snapshot!(body.text, @r#"{"hoveddokument":"a.pdf","mottaker":{"adresselinje1":"UTSIKTEN 1","adresselinje2":"H0101","navn":"KARI NORDMANN","postnummer":"2900","poststed":"FJELL","land":"Norway"},"retur":{"mottaker":{"adresselinje1":"UTSIKTEN 1","adresselinje2":"H0101","navn":"ETATEN","postnummer":"2900","poststed":"FJELL","land":"Norway"},"returhaandtering":"DIREKTE_RETUR"}}"#);
        assert_eq!(body.receiver_address.unwrap().name.as_deref(), Some("KARI NORDMANN"));
        assert_eq!(body.return_address.unwrap().name.as_deref(), Some("ETATEN"));
    }

    #[test]
    fn what_was_given_stays_and_lines_of_two_streets_are_not_mixed() {
        let text = r#"{"retur":{"returhaandtering":"MAKULERING_MED_MELDING"},"mottaker":{"navn":" ","adresselinje1":"Gata 1","land":null}}"#;
        let body = filled(text);
        assert!(body.text.contains(r#""returhaandtering":"MAKULERING_MED_MELDING""#), "{}", body.text);
        let receiver = body.receiver_address.unwrap();
        assert_eq!((receiver.name.as_deref(), receiver.first_line.as_deref()), (Some("KARI NORDMANN"), Some("Gata 1")));
        assert_eq!(receiver.country.as_deref(), Some("Norway"));
        assert_eq!(body.text.matches("H0101").count(), 1, "only of the return address: {}", body.text);
    }
}
