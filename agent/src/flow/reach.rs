//! Says who can be reached how, for a case system that asks before it writes.

use super::{Desk, Refusal, Trouble};
use crate::domain::{Authority, Participant, Service};
use crate::ports::{Asked, Entry, LookupError, Record};

/// How somebody can be reached, over services that are known here.
pub async fn capabilities(desk: &Desk, asked: Asked) -> Result<Vec<Record>, Trouble> {
    let mut entry = looked_up(desk, asked).await?;
    entry.records.retain(|record| record.service != Service::Unknown);
    Ok(entry.records)
}

/// All that is known of somebody, and the record that counts where nobody says what is to be sent.
pub async fn record(desk: &Desk, asked: Asked) -> Result<(Entry, Record), Trouble> {
    let identifier = asked.identifier.clone();
    let entry = looked_up(desk, asked).await?;
    let record = without_document_type(&entry.records, &desk.rules.default_process).cloned();
    let none = || Refusal::IdentifierNotFound(format!("Could not find service record for receiver '{identifier}'"));
    let record = record.ok_or_else(none)?;
    Ok((entry, record))
}

/// What the registry is asked for when a case system writes this.
pub fn identifier(written: &str) -> String {
    let named = [Authority::Iso6523, Authority::Nhn].into_iter().find_map(|authority| {
        let read = Participant::parse(written, authority.name()).ok()?;
        Some(read.primary().to_owned())
    });
    named.unwrap_or_else(|| written.to_owned())
}

async fn looked_up(desk: &Desk, asked: Asked) -> Result<Entry, Trouble> {
    desk.registry.look_up(&asked).await.map_err(|error| match error {
        LookupError::NotFound(text) => Refusal::IdentifierNotFound(text).into(),
        LookupError::Refused(text) | LookupError::Unavailable(text) => Trouble::Registry(text),
    })
}

fn without_document_type<'a>(records: &'a [Record], default_process: &str) -> Option<&'a Record> {
    let of = |service| records.iter().find(move |record| record.service == service);
    let of_process = || records.iter().find(|record| record.process == default_process);
    of(Service::Dpi).or_else(of_process).or_else(|| of(Service::Dpe))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_asked_for_as_the_registry_writes_it() {
        for (written, asked) in [
            ("910075918", "910075918"),
            ("0192:910075918", "910075918"),
            ("01010750160", "01010750160"),
            ("her-id:8143548", "her-id:8143548"),
            ("strange", "strange"),
        ] {
            assert_eq!(identifier(written), asked);
        }
    }
}
