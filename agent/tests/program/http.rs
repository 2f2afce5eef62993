//! A client as small as can be: one request a connection, and all of the answer.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// An answer.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Pretty, with what changes from run to run taken out.
    pub fn text_without_times(&self) -> String {
        let Ok(mut body) = serde_json::from_slice::<serde_json::Value>(&self.body) else { return self.text() };
        if let Some(time) = body.get_mut("timestamp") {
            *time = "…".into();
        }
        for row in body.get_mut("content").and_then(|rows| rows.as_array_mut()).into_iter().flatten() {
            if let Some(time) = row.get_mut("lastUpdate") {
                *time = "…".into();
            }
        }
        let header = &mut body["standardBusinessDocumentHeader"];
        if header.is_object() {
            header["documentIdentification"]["creationDateAndTime"] = "…".into();
            header["businessScope"]["scope"][0]["scopeInformation"][0]["expectedResponseDateTime"] = "…".into();
            if let Some(second) = header["businessScope"]["scope"].get_mut(1) {
                second["instanceIdentifier"] = "…".into();
            }
        } else if let Some(body) = body.as_object_mut() {
            body.remove("standardBusinessDocumentHeader");
        }
        serde_json::to_string_pretty(&body).unwrap()
    }
}

pub fn call(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    try_call(port, method, path, headers, body).unwrap()
}

/// An error, too, where the answer ends in the middle.
pub fn try_call(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    write!(head, "Content-Length: {}\r\n\r\n", body.len()).unwrap();
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all)?;
    read(&all).ok_or_else(|| std::io::Error::other("the answer is not whole"))
}

pub fn read(all: &[u8]) -> Option<Answer> {
    let end = all.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(all[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let raw = &all[end + 4..];
    let header = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    if header("content-length").and_then(|it| it.parse::<usize>().ok()).is_some_and(|length| raw.len() < length) {
        return None;
    }
    let body = if header("transfer-encoding") == Some("chunked") { dechunked(raw)? } else { raw.to_vec() };
    Some(Answer { status, headers, body })
}

fn dechunked(mut raw: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = raw.windows(2).position(|window| window == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&raw[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(raw.get(end + 2..end + 2 + length)?);
        raw = raw.get(end + 2 + length + 2..)?;
    }
}
