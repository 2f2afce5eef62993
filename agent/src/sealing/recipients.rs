//! What stands before the content of an encrypted envelope: to whom, and how.

use super::ber::{self, CONSTRUCTED, CONTEXT, Head, OCTETS, OID, PLAIN, Reader, SEQUENCE, SET, Unreadable};
use super::certificate::{self, Certificate};
use super::{keys, oids};
use crate::ports::SealError;

/// Nobody seals one message to more.
const MOST_RECIPIENTS: usize = 100;

/// All of it.
#[derive(Debug)]
pub(super) struct Beginning {
    pub(super) recipients: Vec<Recipient>,
    /// How many are named whose kind is not known here.
    pub(super) others: usize,
    pub(super) method: Vec<u8>,
    /// The parameters of the method.
    pub(super) parameters: Vec<u8>,
    /// Where what is open round the content ends: the whole, `[0]`, enveloped data, content info; none: with an end mark.
    pub(super) ends: [Option<u64>; 4],
    /// The content's own tag and length.
    pub(super) content: Head,
    /// Where the content begins.
    pub(super) length: usize,
    /// Whether the tag of the content stands beside it.
    pub(super) is_authenticated: bool,
}

/// Somebody to whom it is sealed.
#[derive(Debug)]
pub(super) struct Recipient {
    who: Who,
    algorithm: Vec<u8>,
    parameters: Vec<u8>,
    pub(super) sealed_key: Vec<u8>,
}

#[derive(Debug)]
enum Who {
    Named { issuer: Vec<u8>, serial: Vec<u8> },
    KeyIdentifier(Vec<u8>),
}

impl Recipient {
    pub(super) fn is(&self, own: &Certificate) -> bool {
        match &self.who {
            Who::Named { issuer, serial } => own.is_of(issuer, serial),
            Who::KeyIdentifier(identifier) => own.key_identifier.as_ref() == Some(identifier),
        }
    }

    pub(super) fn shown(&self) -> String {
        match &self.who {
            Who::Named { issuer, serial } => certificate::shown(issuer, serial),
            Who::KeyIdentifier(identifier) => {
                format!("key {}", hex::encode(identifier.get(..identifier.len().min(32)).unwrap_or_default()))
            }
        }
    }

    pub(super) fn wrapping(&self) -> Result<keys::Wrapping, SealError> {
        keys::Wrapping::read(&self.algorithm, Reader(&self.parameters)).map_err(SealError::Unknown)
    }
}

/// Why it cannot be read yet, or at all.
pub(super) enum Stop {
    More,
    Never(SealError),
}

impl From<Unreadable> for Stop {
    fn from(why: Unreadable) -> Self {
        match why {
            Unreadable::More => Self::More,
            Unreadable::Wrong(what) => Self::Never(SealError::NotSealed(what.into())),
        }
    }
}

/// Reads it from the first bytes of an envelope.
pub(super) fn read(input: &[u8]) -> Result<Beginning, Stop> {
    let mut at = At { input, place: 0 };
    let whole = at.enter(SEQUENCE, "it begins with no sequence")?;
    let kind = at.element(OID, "it has no type")?;
    let is_authenticated = match kind.content {
        oids::ENVELOPED_DATA => false,
        oids::AUTH_ENVELOPED_DATA => true,
        oids::SIGNED_DATA => return Err(never("it is signed, and not encrypted")),
        oids::DATA => return Err(never("it is plain data")),
        _ => return Err(never("it is of another type")),
    };
    let explicit = at.enter(CONTEXT, "it has no content")?;
    let data = at.enter(SEQUENCE, "it has no enveloped data")?;
    at.element(ber::INTEGER, "it has no version")?;
    if at.is_next(CONTEXT)? {
        at.element(CONTEXT, "it has no originator")?;
    }
    let named = at.element(SET, "it names no recipients")?;
    let (recipients, others) = recipients(named.inside()).map_err(Stop::of_whole)?;
    let info = at.enter(SEQUENCE, "it has no encrypted content")?;
    at.element(OID, "its content has no type")?;
    let mut algorithm = at.element(SEQUENCE, "its content has no algorithm")?.inside();
    let method = algorithm.expect(OID, "its content has no algorithm").map_err(Stop::of_whole)?;
    let content = ber::head(at.rest())?;
    if content.tag & !CONSTRUCTED != PLAIN {
        return Err(never("its content is not in it"));
    }
    Ok(Beginning {
        recipients,
        others,
        method: method.content.to_vec(),
        parameters: algorithm.0.to_vec(),
        ends: [whole, explicit, data, info],
        content,
        length: at.place + content.size,
        is_authenticated,
    })
}

fn never(what: &str) -> Stop {
    Stop::Never(SealError::NotSealed(what.into()))
}

impl Stop {
    /// Something that is there whole and ends too early will not end later.
    fn of_whole(why: Unreadable) -> Self {
        Self::Never(SealError::NotSealed(why.to_string()))
    }
}

fn recipients(mut all: Reader<'_>) -> Result<(Vec<Recipient>, usize), Unreadable> {
    let (mut known, mut others) = (Vec::new(), 0);
    while let Some(recipient) = all.next()? {
        if known.len() + others == MOST_RECIPIENTS {
            return Err(Unreadable::Wrong("more recipients than anybody names"));
        }
        if recipient.tag == SEQUENCE {
            known.push(one(recipient.inside())?);
        } else {
            others += 1;
        }
    }
    Ok((known, others))
}

fn one(mut parts: Reader<'_>) -> Result<Recipient, Unreadable> {
    parts.expect(ber::INTEGER, "a recipient without a version")?;
    let who = parts.any("a recipient without a name")?;
    let who = match who.tag {
        SEQUENCE => {
            let mut named = who.inside();
            let issuer = named.expect(SEQUENCE, "a recipient without an issuer")?.whole.to_vec();
            let serial = named.expect(ber::INTEGER, "a recipient without a number")?.content.to_vec();
            Who::Named { issuer, serial }
        }
        PLAIN => Who::KeyIdentifier(who.content.to_vec()),
        CONTEXT => Who::KeyIdentifier(who.octets()?.into_owned()),
        _ => return Err(Unreadable::Wrong("a recipient without a name")),
    };
    let mut algorithm = parts.expect(SEQUENCE, "a recipient without an algorithm")?.inside();
    let name = algorithm.expect(OID, "a recipient without an algorithm")?;
    let sealed_key = parts.any("a recipient without a key")?;
    if sealed_key.tag & !CONSTRUCTED != OCTETS {
        return Err(Unreadable::Wrong("a recipient without a key"));
    }
    let sealed_key = sealed_key.octets()?.into_owned();
    Ok(Recipient { who, algorithm: name.content.to_vec(), parameters: algorithm.0.to_vec(), sealed_key })
}

/// A place in what has come so far.
struct At<'a> {
    input: &'a [u8],
    place: usize,
}

impl<'a> At<'a> {
    fn rest(&self) -> &'a [u8] {
        self.input.get(self.place..).unwrap_or_default()
    }

    fn is_next(&self, tag: u8) -> Result<bool, Stop> {
        self.rest().first().map(|first| *first == tag).ok_or(Stop::More)
    }

    /// Steps into something that need not be there whole. Says where it ends.
    fn enter(&mut self, tag: u8, what: &str) -> Result<Option<u64>, Stop> {
        if !self.is_next(tag)? {
            return Err(never(what));
        }
        let head = ber::head(self.rest())?;
        self.place += head.size;
        let begin = u64::try_from(self.place).unwrap_or(u64::MAX);
        Ok(head.length.map(|length| begin.saturating_add(length)))
    }

    /// Steps over something that must be there whole.
    fn element(&mut self, tag: u8, what: &str) -> Result<ber::Element<'a>, Stop> {
        if !self.is_next(tag)? {
            return Err(never(what));
        }
        let element = Reader(self.rest()).next()?.ok_or(Stop::More)?;
        self.place += element.whole.len();
        Ok(element)
    }
}
