//! `POST /api/messages/out/multipart`: the document and all files at once, then sent.

use super::answer::{json, sbd};
use super::json::unicode;
use super::outgoing::SBD_LIMIT_BYTES;
use super::problem::Problem;
use super::upload::media_type_of;
use crate::domain::NewFile;
use crate::flow::accept::Upload;
use crate::flow::{Desk, accept};
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{FromRequest, Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use std::sync::Arc;

/// All parts together have at most so many bytes.
pub(super) const LIMIT_BYTES: usize = 500 << 20;

const TWO_DOCUMENTS: &str = "The request has more than one part named 'sbd'; a message has one document, and its files are parts with other names";

/// The handler. Where sending is refused the message is there, and the client may go on with it.
pub(super) async fn create(State(desk): State<Arc<Desk>>, request: Request) -> Result<Response, Problem> {
    let given = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let given = given.unwrap_or_default().to_owned();
    let mut parts = Multipart::from_request(request, &()).await.map_err(|_| Problem::MediaType(given))?;
    let mut files = Vec::new();
    let taken = take(&desk, &mut parts, &mut files).await;
    let document = match taken {
        Ok(Some(document)) => unicode(&document.into())
            .and_then(|document| crate::sbd::read(&document, desk.clock.now()).map_err(Problem::from)),
        Ok(None) => Err(Problem::MissingParameter("sbd")),
        Err(problem) => Err(problem),
    };
    let envelope = match document {
        Ok(envelope) => envelope,
        Err(problem) => {
            accept::drop_parts(&desk, files).await;
            return Err(problem);
        }
    };
    let envelope = accept::create_whole(&desk, envelope, files).await?;
    if let Some(id) = &envelope.document.message_id {
        accept::send(&desk, id).await?;
    }
    json(&sbd(&envelope)?)
}

/// The document; the files come into the list as soon as their bytes are on the disk.
async fn take(desk: &Desk, parts: &mut Multipart, files: &mut Vec<NewFile>) -> Result<Option<Vec<u8>>, Problem> {
    let mut document = None;
    while let Some(part) = parts.next_field().await.map_err(|error| cut_off(&error))? {
        let name = part.name().unwrap_or_default().to_owned();
        if name == "sbd" && document.is_some() {
            return Err(Problem::IllegalArgument(TWO_DOCUMENTS.to_owned()));
        }
        if name == "sbd" {
            document = Some(whole(part).await?);
            continue;
        }
        // A field that is no file says nothing here.
        let Some(filename) = part.file_name().filter(|name| !name.is_empty()).map(str::to_owned) else { continue };
        let mime_type = media_type_of(part.content_type().unwrap_or_default(), &filename);
        let title = Some(name).filter(|name| !name.is_empty());
        files.push(accept::keep_part(desk, Upload { filename, title, mime_type }, part).await?);
    }
    Ok(document)
}

async fn whole(mut part: Field<'_>) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(piece) = part.chunk().await.map_err(|error| cut_off(&error))? {
        if bytes.len() + piece.len() > SBD_LIMIT_BYTES {
            return Err(Problem::TooLarge { what: "part sbd", limit_bytes: SBD_LIMIT_BYTES });
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

fn cut_off(error: &MultipartError) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::TooLarge { what: "request", limit_bytes: LIMIT_BYTES };
    }
    Problem::Unreadable(format!("the request is not read: {}", error.body_text()))
}
