//! The simulators as programs: what all of them do with their arguments, and how one of them learns from the false Maskinporten
//! what a token stands for.

use axum::Router;
use efm_world::faults::Flags;
use efm_world::maskinporten::INTROSPECT;
use efm_world::server::serve_for_ever;
use serde_json::Value;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

/// What every one of them takes.
const COMMON: &str = "
Each of them also takes
  --port N           listens there on 127.0.0.1; without it on a port that is free
  --latency MS       answers so many milliseconds later
  --fail-rate 0..1   this part of all requests goes wrong: a 500, a 503, an answer that breaks off
  --seed N           the same seed goes wrong in the same places (1)
  --help             this text

Its address is the first line of standard output. It runs until it is ended.
";
/// Maskinporten answers at once or not at all.
const PATIENCE: Duration = Duration::from_secs(5);
const LIMIT_BYTES: u64 = 64 << 10;

/// The main function of one: 0 after `--help`, 2 where words make no sense, 1 where it cannot serve.
pub fn main(help: &str, known: &[&str], routes: impl FnOnce(&Flags) -> Result<Router, Box<dyn Error>>) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|word| word == "--help" || word == "-h") {
        return match write!(io::stdout(), "{help}{COMMON}") {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    let flags = Flags::read(arguments).and_then(|flags| match flags.stranger(known) {
        None => Ok(flags),
        Some(name) => Err(format!("{name} is no word of this program")),
    });
    let told = |code: u8, error: &dyn std::fmt::Display| {
        let _ = writeln!(io::stderr(), "{error}; --help says more");
        ExitCode::from(code)
    };
    let flags = match flags {
        Ok(flags) => flags,
        Err(error) => return told(2, &error),
    };
    match routes(&flags) {
        Err(error) => told(2, &error),
        Ok(routes) => match serve_for_ever(&flags, routes) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => told(1, &error),
        },
    }
}

/// `--organisation 910077473=nord.pem`: each number, and what the file holds.
///
/// # Errors
/// One has no file, or it cannot be read.
pub fn organisations(flags: &Flags) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let read = |text: &str| -> Result<(String, String), Box<dyn Error>> {
        let right = || format!("--organisation {text}: right would be 910077473=file.pem");
        let (number, path) = text.split_once('=').ok_or_else(right)?;
        if number.len() != 9 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(right().into());
        }
        let pem = std::fs::read_to_string(path).map_err(|error| format!("--organisation {text}: {error}"))?;
        Ok((number.to_owned(), pem))
    };
    flags.values("--organisation").map(read).collect()
}

/// What a token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What its bearer may do.
    pub scopes: Vec<String>,
    /// It was exchanged at Altinn, and is this organisation's system user's.
    pub altinn_user_of: Option<String>,
}

/// Asks the false Maskinporten at `http://127.0.0.1:9101`.
///
/// # Errors
/// It does not know the token, or is not there.
pub fn introspect(maskinporten: &str, token: &str) -> Result<Known, String> {
    let not_there = |error: io::Error| format!("the false Maskinporten at {maskinporten} does not say: {error}");
    let answer = ask(maskinporten, token).map_err(not_there)?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    if answer.get("active") != Some(&Value::Bool(true)) {
        return Err(text("why").unwrap_or("no such token").to_owned());
    }
    let is_altinn = answer.get("altinn") == Some(&Value::Bool(true));
    Ok(Known {
        scopes: text("scope").unwrap_or_default().split(' ').map(str::to_owned).collect(),
        altinn_user_of: text("system_user_org").filter(|_| is_altinn).map(str::to_owned),
    })
}

fn ask(maskinporten: &str, token: &str) -> io::Result<Value> {
    let wrong = || io::Error::other("right would be http://127.0.0.1:<port>");
    let host = maskinporten.strip_prefix("http://").ok_or_else(wrong)?.trim_end_matches('/');
    let address = host.to_socket_addrs()?.next().ok_or_else(wrong)?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("token", token).finish();
    write!(
        stream,
        "POST {INTROSPECT} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )?;
    let mut all = String::new();
    stream.take(LIMIT_BYTES).read_to_string(&mut all)?;
    let (_, body) = all.split_once("\r\n\r\n").ok_or_else(|| io::Error::other("the answer breaks off"))?;
    serde_json::from_str(body).map_err(io::Error::other)
}
