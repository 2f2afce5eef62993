//! A server for webhooks, to try them by hand: it prints each call as a line of JSON, and whether its signature is right.
//! `webhook-sink [--port N] [--latency MILLISECONDS] [--fail-rate 0..100] [--answer STATUS|hang-up|silence] [--secret SECRET]`

use efm::secret::Secret;
use outside_world::world::sink::{Answer, Call, Manners, Sink};
use std::error::Error;
use std::io::Write as _;
use std::time::Duration;

const PATH: &str = "/hook";

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (mut port, mut manners, mut secret) = (9999_u16, Manners::default(), None);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--port" => port = value.parse()?,
            "--latency" => manners.latency = Duration::from_millis(value.parse()?),
            "--fail-rate" => manners.fails_of_hundred = value.parse::<u8>()?.min(100),
            "--answer" => manners.answer = answer(&value)?,
            "--secret" => {
                efm::webhook::check(&value)?;
                secret = Some(Secret::new(value));
            }
            _ => return Err(format!("{word} is no word of webhook-sink").into()),
        }
    }
    let sink = Sink::start(port)?;
    sink.behave(PATH, manners);
    eprintln!("listening at {}", sink.url(PATH));
    let mut told = 0;
    loop {
        sink.wait(PATH, Duration::from_hours(1), |calls| calls.len() > told);
        for call in sink.calls_of(PATH).into_iter().skip(told) {
            told += 1;
            writeln!(std::io::stdout(), "{}", line(&call, secret.as_ref()))?;
        }
    }
}

fn answer(text: &str) -> Result<Answer, Box<dyn Error>> {
    match text {
        "hang-up" => Ok(Answer::HangUp),
        "silence" => Ok(Answer::Silence),
        status => Ok(Answer::Status(status.parse()?)),
    }
}

fn line(call: &Call, secret: Option<&Secret>) -> serde_json::Value {
    let signature = secret.map(|secret| {
        let seconds = call.header("webhook-timestamp").parse().unwrap_or_default();
        let right = efm::webhook::signature(secret, call.header("webhook-id"), seconds, &call.body);
        if call.header("webhook-signature") == right { "right" } else { "WRONG" }
    });
    let body = serde_json::from_str(&call.body).unwrap_or_else(|_| serde_json::Value::from(call.body.clone()));
    serde_json::json!({
        "id": call.header("webhook-id"),
        "signature": signature,
        "answered": call.answered,
        "body": body,
    })
}
