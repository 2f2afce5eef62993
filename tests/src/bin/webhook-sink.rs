//! A server for webhooks, to try them by hand; `--help` says more.

use efm::secret::Secret;
use outside_world::world::sink::{Answer, Call, Manners, Sink};
use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

const PATH: &str = "/hook";
const HELP: &str = "\
A server for webhooks, at /hook. It prints each call as a line of JSON, and whether its signature is right.

  --port N                             listens there on 127.0.0.1 (9999)
  --latency MS                         answers so many milliseconds later
  --fail-rate 0..1                     this part of all calls gets a 503
  --answer STATUS|hang-up|silence      what is answered (200)
  --secret SECRET                      checks signatures with it: integrasjonspunkt.webhooks.secret
  --help                               this text

Example
  webhook-sink --port 9999 --secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
  curl http://localhost:9093/api/subscriptions -H 'Content-Type: application/json' -d \\
    '{ \"name\": \"mine\", \"pushEndpoint\": \"http://127.0.0.1:9999/hook\", \"resource\": \"all\", \"event\": \"all\" }'
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = if words.iter().any(|word| word == "--help" || word == "-h") {
        write!(std::io::stdout(), "{HELP}").map_err(Into::into)
    } else {
        serve(words)
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}; --help says more");
            ExitCode::from(2)
        }
    }
}

fn serve(words: Vec<String>) -> Result<(), Box<dyn Error>> {
    let mut words = words.into_iter();
    let (mut port, mut manners, mut secret) = (9999_u16, Manners::default(), None);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--port" => port = value.parse()?,
            "--latency" => manners.latency = Duration::from_millis(value.parse()?),
            "--fail-rate" => manners.fails_of_hundred = hundredths(&value)?,
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

/// `0.25` is 25.
fn hundredths(text: &str) -> Result<u8, Box<dyn Error>> {
    let part = text.parse::<f64>().ok().filter(|part| (0.0..=1.0).contains(part));
    let part = part.ok_or_else(|| format!("--fail-rate {text}: right would be 0 to 1"))?;
    Ok(format!("{:.0}", part * 100.0).parse()?)
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
