//! A case system as small as can be: it sends, takes in, and asks what became of it.

use super::Mishap;
use efm::outside::{Network, Routes};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use url::Url;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// One that uses the integration point at this address.
pub(super) struct CaseSystem {
    at: Url,
    http: reqwest::Client,
}

impl CaseSystem {
    pub(super) fn at(address: SocketAddr) -> Result<Self, Mishap> {
        let at = Url::parse(&format!("http://{address}/"))?;
        let network = Network::straight("demo", CONNECT_TIMEOUT);
        let http = Routes::new(&network)?.to(&at)?.client;
        Ok(Self { at, http })
    }

    /// Where a person can look.
    pub(super) fn page(&self) -> &Url {
        &self.at
    }

    /// Creates, uploads and sends.
    pub(super) async fn send(&self, id: &str, sbd: &Value, files: &[(&str, &str, &str)]) -> Result<(), Mishap> {
        let create = self.http.post(self.at.join("api/messages/out")?).header("Content-Type", "application/json");
        well(create.body(sbd.to_string())).await?;
        let one = self.at.join(&format!("api/messages/out/{id}"))?;
        for (name, kind, text) in files {
            let upload = self.http.put(one.clone()).header("Content-Type", *kind);
            let upload = upload.header("Content-Disposition", format!("attachment; filename={name}"));
            well(upload.body((*text).to_owned())).await?;
        }
        well(self.http.post(one)).await.map(drop)
    }

    /// The oldest message, locked for us; none: there is none.
    pub(super) async fn peek(&self) -> Result<Option<Value>, Mishap> {
        let answer = well(self.http.get(self.at.join("api/messages/in/peek")?)).await?;
        Ok(if answer.is_empty() { None } else { Some(serde_json::from_slice(&answer)?) })
    }

    /// Its package.
    pub(super) async fn pop(&self, id: &str) -> Result<Vec<u8>, Mishap> {
        well(self.http.get(self.at.join(&format!("api/messages/in/pop/{id}"))?)).await
    }

    /// It is ours now.
    pub(super) async fn remove(&self, id: &str) -> Result<(), Mishap> {
        well(self.http.delete(self.at.join(&format!("api/messages/in/{id}"))?)).await.map(drop)
    }

    /// The statuses of all messages: number, message, status.
    pub(super) async fn statuses(&self) -> Result<Vec<(i64, String, String)>, Mishap> {
        let answer = well(self.http.get(self.at.join("api/statuses?size=100")?)).await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        let rows = answer.get("content").and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let row = |row: &Value| {
            (row.get("id").and_then(Value::as_i64).unwrap_or(0), text(row, "messageId"), text(row, "status"))
        };
        let mut rows: Vec<_> = rows.iter().map(row).collect();
        rows.sort();
        Ok(rows)
    }
}

/// The body of an answer that is a good one.
async fn well(request: reqwest::RequestBuilder) -> Result<Vec<u8>, Mishap> {
    let answer = request.send().await?;
    let (status, path) = (answer.status(), answer.url().path().to_owned());
    let body = answer.bytes().await?;
    if status.is_success() {
        return Ok(body.to_vec());
    }
    Err(format!("{path} answered {status}: {}", String::from_utf8_lossy(&body)).into())
}
