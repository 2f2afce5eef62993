//! `/conversations`: which messages there are.

use super::rows::ConversationRow;
use super::search::Asked;
use super::words::{Badge, count};
use super::{Frame, Trouble, Web};
use crate::domain::{Service, Status};
use crate::ports::{Page, Search};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

#[derive(Template)]
#[template(path = "conversations.html")]
struct Conversations {
    frame: Frame,
    asked: Asked,
    statuses: Vec<(&'static str, &'static str)>,
    services: Vec<&'static str>,
    wrong: Vec<String>,
    found: String,
    place: String,
    rows: Vec<ConversationRow>,
    newer: Option<String>,
    older: Option<String>,
}

/// `GET /conversations`
pub(super) async fn page(
    State(web): State<Web>,
    query: Result<Query<Vec<(String, String)>>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Trouble> {
    let asked = Asked::read(&query.map(|Query(pairs)| pairs).unwrap_or_default());
    let (wrong, found) = match asked.understand() {
        Ok(search) => (Vec::new(), web.manage.desk.store.search(search, asked.page).await?),
        Err(wrong) => (wrong, Page { rows: Vec::new(), total: 0 }),
    };
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let size = u64::from(asked.page.size);
    let pages = u32::try_from(found.total.div_ceil(size)).unwrap_or(u32::MAX);
    let number = asked.page.number;
    let drawn = Conversations {
        frame: Frame::of(&web),
        statuses: Status::ALL.map(|status| (status.name(), Badge::status(status).text)).to_vec(),
        services: Service::ALL.map(Service::name).to_vec(),
        wrong,
        found: told(found.total),
        place: if pages > 1 { format!("Side {} av {pages}", number + 1) } else { String::new() },
        rows: found.rows.iter().map(ConversationRow::of).collect(),
        newer: number.checked_sub(1).map(|before| asked.address(before.min(pages.saturating_sub(1)))),
        older: (number + 1 < pages).then(|| asked.address(number + 1)),
        asked,
    };
    Ok((status, Html(drawn.render()?)).into_response())
}

fn told(total: u64) -> String {
    match total {
        0 => "Ingen treff".to_owned(),
        1 => "1 treff".to_owned(),
        _ if total >= u64::from(Search::COUNTED) => format!("{} treff eller flere", count(total)),
        _ => format!("{} treff", count(total)),
    }
}
