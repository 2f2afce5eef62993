//! `/conversations/{number}`: one message, and all that became of it.

use super::words::{Badge, Moment, direction, shown};
use super::{Frame, Trouble, Web, drawn};
use crate::ports::{PageRequest, Search};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

#[derive(Template)]
#[template(path = "conversation.html")]
struct One {
    frame: Frame,
    title: String,
    facts: Vec<(&'static str, String)>,
    state: Badge,
    expires: Moment,
    updated: Moment,
    statuses: Vec<StatusRow>,
}

struct StatusRow {
    at: Moment,
    state: Badge,
    code: &'static str,
    description: Option<String>,
    receipt: Option<String>,
}

/// `GET /conversations/{number}`
pub(super) async fn page(State(web): State<Web>, Path(number): Path<String>) -> Result<Response, Trouble> {
    let number = number.parse().map_err(|_| Trouble::NotFound)?;
    let search = Search { number: Some(number), ..Search::default() };
    let found = web.manage.desk.store.search(search, PageRequest { number: 0, size: 1 }).await?.rows.pop();
    let found = found.ok_or(Trouble::NotFound)?;
    let it = found.conversation;
    let title = if it.title.trim().is_empty() { "Melding uten tittel".to_owned() } else { shown(&it.title) };
    let mut facts = vec![
        ("Retning", direction(it.direction).to_owned()),
        ("Tjeneste", it.service.name().to_owned()),
        ("Avsender", shown(&it.sender)),
        ("Mottaker", shown(&it.receiver)),
        ("Meldings-ID", it.message_id.to_string()),
        ("Samtale-ID", it.conversation_id.to_string()),
        ("Referanse", shown(&it.reference)),
        ("Prosess", shown(&it.process)),
        ("Dokumenttype", shown(&it.document_type)),
    ];
    if let Some(reference) = &it.external_reference {
        facts.push(("Kanalens ID", shown(reference)));
    }
    let statuses = found.statuses.into_iter().map(|row| StatusRow {
        at: Moment::of(row.status.at),
        state: Badge::status(row.status.status),
        code: row.status.status.name(),
        description: row.status.description.map(|text| shown(&text)),
        receipt: row.status.raw_receipt.map(|text| shown(&text)),
    });
    drawn(&One {
        frame: Frame::of(&web),
        title,
        facts,
        state: if it.is_finished {
            Badge { class: "quiet", text: "Avsluttet" }
        } else {
            Badge { class: "good", text: "Pågår" }
        },
        expires: Moment::of(it.deadline.moment()),
        updated: Moment::of(it.updated),
        statuses: statuses.collect(),
    })
}
