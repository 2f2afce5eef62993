//! What goes wrong with every simulator in the same way: it is slow, it fails, it breaks off. Reproducible: the same seed
//! gives the same failures in the same order.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How it goes wrong; shared by all who hold a copy, and can be changed while it runs.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Now>>);

#[derive(Debug, Default)]
struct Now {
    latency: Duration,
    fail_rate: f64,
    random: Seeded,
    refuses: Option<(StatusCode, Option<Duration>)>,
    asked: u64,
}

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is answered.
    Answered,
    /// It gets a 500 and is not looked at.
    Failed,
    /// It gets a 503 and is not looked at.
    Unavailable,
    /// It is done, and the answer breaks off: who asked cannot know.
    CutOff,
    /// It is done, and the connection ends without an answer.
    Dropped,
    /// It gets this, and is not looked at.
    Refused(StatusCode, Option<Duration>),
}

/// On an answer: it is never given, and the connection ends in its place.
#[derive(Clone, Copy, Debug)]
pub struct NoAnswer;

/// An answer that is never given.
pub fn no_answer() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(NoAnswer);
    response
}

impl Faults {
    /// Each answer comes so much later, and of all requests this part (0 to 1) goes wrong.
    pub fn new(latency: Duration, fail_rate: f64, seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Now { latency, fail_rate, random: Seeded(seed), ..Now::default() })))
    }

    /// From now on.
    pub fn set(&self, latency: Duration, fail_rate: f64) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (state.latency, state.fail_rate) = (latency, fail_rate);
    }

    /// From now on every request gets this status, with `Retry-After` where one is given; none: no longer.
    pub fn refuse_all(&self, with: Option<(u16, Option<Duration>)>) {
        let status = |code| StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).refuses = with.map(|(code, wait)| (status(code), wait));
    }

    /// How often it was asked.
    pub fn asked(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).asked
    }

    /// What becomes of the next request, and after how long.
    pub fn next(&self) -> (Fate, Duration) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.asked += 1;
        if let Some((status, wait)) = state.refuses {
            return (Fate::Refused(status, wait), state.latency);
        }
        let goes_wrong = state.random.part() < state.fail_rate;
        let fate = match (goes_wrong, state.random.next() % 4) {
            (false, _) => Fate::Answered,
            (true, 0) => Fate::Failed,
            (true, 1) => Fate::Unavailable,
            (true, 2) => Fate::Dropped,
            (true, _) => Fate::CutOff,
        };
        (fate, state.latency)
    }

    /// Lays the faults around all routes.
    pub fn around(&self, routes: Router) -> Router {
        routes.layer(from_fn_with_state(self.clone(), pass))
    }
}

async fn pass(State(faults): State<Faults>, request: Request, next: Next) -> Response {
    let (fate, latency) = faults.next();
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    match fate {
        Fate::Answered => next.run(request).await,
        Fate::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "this simulator was told to fail").into_response(),
        Fate::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "this simulator was told to fail").into_response(),
        Fate::Refused(status, wait) => {
            let mut response = (status, "this simulator was told to refuse").into_response();
            if let Some(wait) = wait {
                response.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().into());
            }
            response
        }
        Fate::Dropped => {
            drop(next.run(request).await);
            no_answer()
        }
        Fate::CutOff => {
            drop(next.run(request).await);
            let cut = futures_util::stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("cut off"))]);
            Response::new(Body::from_stream(cut))
        }
    }
}

/// `--port`, `--latency` (milliseconds), `--fail-rate` (0 to 1), `--seed`: what every simulator's program takes.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// Zero: one that is free.
    pub port: u16,
    /// How it goes wrong.
    pub faults: Faults,
    /// Of what is drawn at random.
    pub seed: u64,
    /// What is left, for the program itself, as `--name value` or `--name=value`.
    pub rest: Vec<(String, String)>,
}

impl Flags {
    /// Reads the arguments; the error is for people.
    ///
    /// # Errors
    /// One makes no sense.
    pub fn read(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let (mut port, mut latency, mut fail_rate, mut seed, mut rest) = (0, 0, 0.0, 1, Vec::new());
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name.to_owned(), value.to_owned()),
                None => (argument.clone(), arguments.next().ok_or(format!("{argument} needs a value"))?),
            };
            let wrong = |right: &str| format!("{name} {value}: right would be {right}");
            match name.as_str() {
                "--port" => port = value.parse().map_err(|_| wrong("a port"))?,
                "--latency" => latency = value.parse().map_err(|_| wrong("milliseconds"))?,
                "--fail-rate" => fail_rate = rate(&value).ok_or_else(|| wrong("0 to 1"))?,
                "--seed" => seed = value.parse().map_err(|_| wrong("a number"))?,
                _ => rest.push((name, value)),
            }
        }
        Ok(Self { port, faults: Faults::new(Duration::from_millis(latency), fail_rate, seed), seed, rest })
    }

    /// A part of all, 0 to 1, that was given under this name; else 0.
    ///
    /// # Errors
    /// It is none.
    pub fn rate(&self, name: &str) -> Result<f64, String> {
        let Some(value) = self.value(name) else { return Ok(0.0) };
        rate(value).ok_or_else(|| format!("{name} {value}: right would be 0 to 1"))
    }

    /// All that was given under this name, in order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.rest.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The first name that is none of these; what every program takes is not among what is left.
    pub fn stranger(&self, known: &[&str]) -> Option<&str> {
        self.rest.iter().map(|(name, _)| name.as_str()).find(|name| !known.contains(name))
    }

    /// What was given under this name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.rest.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

fn rate(value: &str) -> Option<f64> {
    value.parse().ok().filter(|rate| (0.0..=1.0).contains(rate))
}

/// Numbers that look random and are the same for the same seed (splitmix64).
#[derive(Clone, Debug, Default)]
pub struct Seeded(pub u64);

impl Seeded {
    /// The next.
    #[allow(clippy::should_implement_trait, reason = "it has no end")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to 1.
    pub fn part(&mut self) -> f64 {
        let thousandths = u32::try_from(self.next() % 1_000_000).unwrap_or(0);
        f64::from(thousandths) / 1_000_000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_fails_in_the_same_places_and_as_often_as_it_was_told() {
        let fates = |seed| {
            let faults = Faults::new(Duration::ZERO, 0.25, seed);
            (0..4000).map(|_| faults.next().0).collect::<Vec<_>>()
        };
        assert_eq!(fates(7), fates(7));
        assert_ne!(fates(7), fates(8));
        let wrong = fates(7).iter().filter(|fate| **fate != Fate::Answered).count();
        assert!((900..1100).contains(&wrong), "{wrong} of 4000");
    }

    #[test]
    fn who_is_told_to_refuse_refuses_each_and_all_are_counted() {
        let faults = Faults::default();
        faults.refuse_all(Some((429, Some(Duration::from_secs(9)))));
        assert_eq!(faults.next().0, Fate::Refused(StatusCode::TOO_MANY_REQUESTS, Some(Duration::from_secs(9))));
        faults.refuse_all(None);
        assert_eq!((faults.next().0, faults.asked()), (Fate::Answered, 2));
    }

    #[test]
    fn flags_are_read_in_both_forms_and_what_makes_no_sense_is_told() {
        let read = |text: &str| Flags::read(text.split(' ').map(str::to_owned));
        let flags = read("--port 7 --latency=20 --fail-rate 0.5 --folder /x --cuts 0.1 --seed 4").unwrap();
        assert_eq!((flags.rate("--cuts"), flags.rate("--none"), flags.seed), (Ok(0.1), Ok(0.0), 4));
        assert!(flags.rate("--folder").unwrap_err().contains("0 to 1"));
        assert_eq!(
            (flags.port, flags.faults.next().1, flags.value("--folder")),
            (7, Duration::from_millis(20), Some("/x"))
        );
        for (wrong, told) in [("--port", "needs a value"), ("--fail-rate 2", "0 to 1"), ("--latency x", "milliseconds")]
        {
            assert!(read(wrong).unwrap_err().contains(told), "{wrong}");
        }
    }
}
