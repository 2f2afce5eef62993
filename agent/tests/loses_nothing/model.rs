//! What a case system knows of each message, and what must therefore be true. An answer that was not seen leaves a doubt.

use super::site::{self, Answered, LOCK, Site, WHOLE};
use super::{Act, FILES, MESSAGES};
use Sure::{Maybe, No, Yes};
use jiff::Timestamp;
use proptest::prop_assert;
use proptest::test_runner::TestCaseError;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

type Judged = Result<(), TestCaseError>;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Sure {
    #[default]
    No,
    Maybe,
    Yes,
}

impl Sure {
    fn or_maybe(self) -> Self {
        if self == No { Maybe } else { self }
    }
}

#[derive(Debug, Default)]
struct Known {
    created: Sure,
    files: BTreeMap<u8, Sure>,
    sent: Sure,
    discarded: Sure,
    locked_until: Option<Timestamp>,
    acknowledged: Sure,
}

impl Known {
    fn file(&mut self, file: u8) -> &mut Sure {
        self.files.entry(file).or_default()
    }

    /// It lies there, unsent, for all that we know.
    fn is_open(&self) -> bool {
        (self.created, self.sent, self.discarded) == (Yes, No, No)
    }

    /// Whether a peek of ours holds it for sure; a moment passes between its answer and our look at the clock.
    fn is_held(&self, now: Timestamp) -> bool {
        self.acknowledged == No && self.locked_until.is_some_and(|until| now + Duration::from_secs(5) < until)
    }
}

#[derive(Debug, Default)]
pub struct Model {
    messages: BTreeMap<u8, Known>,
    /// A peek whose answer nobody saw may hold a message.
    has_unseen_peek: bool,
}

impl Model {
    fn of(&mut self, message: u8) -> &mut Known {
        self.messages.entry(message).or_default()
    }

    /// None: the answer was not seen.
    pub fn judge(&mut self, act: &Act, answer: Option<Answered>, site: &Site) -> Judged {
        let Some(answer) = answer else {
            self.doubt(act);
            return Ok(());
        };
        let text = answer.text();
        let now = site.now();
        let is = |status: u16, what: &str| answer.status == status && text.contains(what);
        let strange = || TestCaseError::fail(format!("{act:?}: {} {text}", answer.status));
        prop_assert!(answer.status != 500 || answer.had_failure, "{act:?}: 500 and nothing failed: {text}");
        match act {
            Act::Create(message) => self.created(*message, &answer, &[]).map_err(|()| strange())?,
            Act::CreateWhole(message) => self.created(*message, &answer, &WHOLE).map_err(|()| strange())?,
            Act::Upload(message, file) => {
                let known = self.of(*message);
                if answer.status == 200 {
                    prop_assert!(known.created != No && known.sent != Yes && known.discarded != Yes, "{act:?}");
                    prop_assert!(*known.file(*file) != Yes, "{act:?}: a second file of this name is taken");
                    (known.created, known.sent, known.discarded) = (Yes, No, No);
                    *known.file(*file) = Yes;
                } else if is(400, "DuplicateFilename") {
                    prop_assert!(*known.file(*file) != No, "{act:?}: nobody uploaded it");
                    *known.file(*file) = Yes;
                } else if is(404, "MessageNotFound") {
                    prop_assert!(!known.is_open(), "message {message} was created and is lost");
                } else if answer.status != 500 {
                    return Err(strange());
                }
            }
            Act::Send(message) => {
                let known = self.of(*message);
                if answer.status == 200 {
                    prop_assert!(known.created != No && known.discarded != Yes, "{act:?}");
                    (known.created, known.sent, known.discarded) = (Yes, Yes, No);
                } else if is(404, "MessageNotFound") {
                    prop_assert!(!known.is_open(), "message {message} was created and is lost");
                } else {
                    return Err(strange());
                }
            }
            Act::Discard(message) => {
                prop_assert!(answer.status == 200, "{act:?}: {text}");
                let known = self.of(*message);
                match (known.created, known.sent) {
                    (No, _) => {}
                    (_, No) => known.discarded = Yes,
                    // It may have been handed over before.
                    (_, Maybe | Yes) => known.discarded = known.discarded.or_maybe(),
                }
            }
            Act::Peek => self.peeked(&answer, now)?,
            Act::Pop(message) => self.popped(*message, &answer, now)?,
            Act::Acknowledge(message) => {
                let has_unseen_peek = self.has_unseen_peek;
                let known = self.of(*message);
                if answer.status == 200 {
                    prop_assert!(known.acknowledged != Yes, "message {message} was delivered before");
                    prop_assert!(known.locked_until.is_some() || has_unseen_peek, "{act:?}: nobody had peeked");
                    known.acknowledged = Yes;
                } else {
                    prop_assert!(!known.is_held(now), "message {message} was peeked at and is lost: {text}");
                }
            }
            Act::Dispatch => prop_assert!(answer.status == 200, "{act:?}"),
            Act::Collect | Act::Upkeep => {}
        }
        Ok(())
    }

    fn doubt(&mut self, act: &Act) {
        match act {
            Act::Create(message) => {
                let known = self.of(*message);
                known.created = known.created.or_maybe();
            }
            Act::CreateWhole(message) => {
                let known = self.of(*message);
                if known.created != Yes {
                    (known.created, known.sent) = (Maybe, known.sent.or_maybe());
                    for file in WHOLE {
                        *known.file(file) = known.file(file).or_maybe();
                    }
                }
            }
            Act::Upload(message, file) => {
                let file = self.of(*message).file(*file);
                *file = file.or_maybe();
            }
            Act::Send(message) => {
                let known = self.of(*message);
                known.sent = known.sent.or_maybe();
            }
            Act::Discard(message) => {
                let known = self.of(*message);
                known.discarded = known.discarded.or_maybe();
            }
            Act::Acknowledge(message) => {
                let known = self.of(*message);
                known.acknowledged = known.acknowledged.or_maybe();
            }
            Act::Peek => self.has_unseen_peek = true,
            Act::Dispatch | Act::Collect | Act::Pop(_) | Act::Upkeep => {}
        }
    }

    fn created(&mut self, message: u8, answer: &Answered, with: &[u8]) -> Result<(), ()> {
        let known = self.of(message);
        let is_taken = answer.status == 400 && answer.text().contains("MessageAlreadyExists");
        match (answer.status, known.created) {
            (200, No | Maybe) => {
                let is_sent = if with.is_empty() { No } else { Yes };
                *known = Known { created: Yes, sent: is_sent, ..Known::default() };
                known.files = with.iter().map(|file| (*file, Yes)).collect();
                Ok(())
            }
            (400, Maybe | Yes) if is_taken => {
                known.created = Yes;
                Ok(())
            }
            (500, _) if answer.had_failure => Ok(()),
            _ => Err(()),
        }
    }

    fn peeked(&mut self, answer: &Answered, now: Timestamp) -> Judged {
        if answer.status == 204 {
            return Ok(());
        }
        prop_assert!(answer.status == 200, "peek: {}", answer.text());
        let text = answer.text();
        let message = (0..MESSAGES).find(|message| text.contains(&site::id(*message)));
        let message = message.ok_or_else(|| TestCaseError::fail(format!("an unknown message: {text}")))?;
        let known = self.of(message);
        prop_assert!(known.acknowledged != Yes, "message {message} was delivered before");
        prop_assert!(known.sent != No, "message {message} was never sent");
        prop_assert!(!known.is_held(now), "message {message} is given to a second peek");
        (known.locked_until, known.acknowledged, known.sent) = (Some(now + LOCK), No, Yes);
        Ok(())
    }

    fn popped(&mut self, message: u8, answer: &Answered, now: Timestamp) -> Judged {
        let known = self.of(message);
        match answer.status {
            200 => {
                prop_assert!(known.acknowledged != Yes, "message {message} was delivered before");
                let Some(body) = answer.body.as_ref().filter(|_| !answer.had_failure) else { return Ok(()) };
                let files = files(body);
                for file in 0..FILES {
                    let there = files.get(&site::filename(file));
                    let sure = *known.file(file);
                    prop_assert!(sure != Yes || there.is_some(), "file {file} of message {message} is lost");
                    prop_assert!(sure != No || there.is_none(), "file {file} of message {message} is nobody's");
                    let is_whole = there.is_none_or(|there| **there == site::bytes(message, file));
                    prop_assert!(is_whole, "file {file} of message {message} has other bytes");
                }
            }
            204 => prop_assert!(!known.files.values().any(|file| *file == Yes), "files of message {message} are lost"),
            400 | 404 => {
                let is_there = known.is_held(now) && !answer.had_failure;
                prop_assert!(!is_there, "message {message} was peeked at and is lost: {}", answer.text());
            }
            _ => prop_assert!(answer.had_failure, "pop: {}", answer.text()),
        }
        Ok(())
    }

    /// Nothing fails any more: what was acknowledged gets to its end, once.
    pub async fn ends_well(&mut self, site: &mut Site) -> Judged {
        site.outside.calm();
        site.restart();
        for message in 0..MESSAGES {
            let act = Act::Send(message);
            let answer = site.act(&act).await;
            self.judge(&act, Some(answer), site)?;
        }
        let mut quiet = 0;
        for round in 0.. {
            prop_assert!(round < 50, "it does not come to an end");
            site.later(3700);
            let mut has_moved = false;
            for act in [Act::Dispatch, Act::Collect] {
                let answer = site.act(&act).await;
                has_moved |= answer.text() != "0" && matches!(act, Act::Dispatch);
                self.judge(&act, Some(answer), site)?;
            }
            loop {
                let answer = site.act(&Act::Peek).await;
                if answer.status == 204 {
                    break;
                }
                has_moved = true;
                let text = answer.text();
                self.judge(&Act::Peek, Some(answer), site)?;
                let message = (0..MESSAGES).find(|message| text.contains(&site::id(*message))).unwrap_or_default();
                for act in [Act::Pop(message), Act::Acknowledge(message)] {
                    let answer = site.act(&act).await;
                    self.judge(&act, Some(answer), site)?;
                }
            }
            quiet = if has_moved { 0 } else { quiet + 1 };
            if quiet == 2 {
                break;
            }
        }
        for (message, known) in &self.messages {
            let is_owed = known.sent == Yes && known.discarded == No;
            prop_assert!(
                !is_owed || known.acknowledged != No,
                "message {message} was acknowledged and is lost: {known:?}"
            );
            statuses(*message, known, site).await?;
        }
        let answer = site.act(&Act::Upkeep).await;
        prop_assert!(answer.status == 200);
        let lying = site.lying();
        prop_assert!(lying.is_empty(), "bytes that nobody names are left: {lying:?}");
        Ok(())
    }
}

/// Each comes once; who sent and who received is told of a delivery.
async fn statuses(message: u8, known: &Known, site: &Site) -> Judged {
    let (_, body) = site.get(&format!("/api/statuses/{}?size=100", site::id(message))).await;
    let body: serde_json::Value = serde_json::from_slice(&body.unwrap()).unwrap();
    let mut seen = BTreeSet::new();
    for row in body["content"].as_array().unwrap() {
        let status = (row["convId"].to_string(), row["status"].as_str().unwrap().to_owned());
        prop_assert!(seen.insert(status), "a status of message {message} comes twice: {body}");
    }
    let has = |name: &str| seen.iter().any(|(_, status)| status == name);
    if known.acknowledged == Yes {
        for name in ["OPPRETTET", "SENDT", "MOTTATT", "LEVERT", "INNKOMMENDE_MOTTATT", "INNKOMMENDE_LEVERT"] {
            prop_assert!(has(name), "message {message} was delivered and {name} is not told: {body}");
        }
    }
    prop_assert!(known.created != Yes || has("OPPRETTET"), "the conversation of message {message} is lost");
    Ok(())
}

/// Name, length, bytes, again and again.
fn files(mut package: &[u8]) -> BTreeMap<String, &[u8]> {
    let mut found = BTreeMap::new();
    while !package.is_empty() {
        let mut parts = package.splitn(3, |byte| *byte == b'\n');
        let (name, length, rest) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let length: usize = std::str::from_utf8(length).unwrap().parse().unwrap();
        let (bytes, after) = rest.split_at(length);
        found.insert(String::from_utf8(name.to_vec()).unwrap(), bytes);
        package = after;
    }
    found
}
