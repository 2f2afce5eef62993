//! Reads an encrypted envelope as it comes: finds out that it is for us, and decrypts.

use super::ber::Reader;
use super::cipher::{Decryption, Method, Spoilt};
use super::frames::Frames;
use super::keys::Own;
use super::recipients::{self, Beginning, Stop};
use crate::ports::SealError;
use std::sync::Arc;

/// All that stands before the content has room in this: a hundred recipients, and an originator's certificates.
const BEGINNING_LIMIT_BYTES: usize = 256 << 10;

/// An envelope that is being read.
pub(super) struct Unsealing {
    own: Arc<[Own]>,
    stage: Stage,
    /// Which of them opens it.
    alias: String,
}

enum Stage {
    /// What has come, and at which length it is looked at again.
    Beginning(Vec<u8>, usize),
    Content {
        frames: Frames,
        decryption: Decryption,
    },
    Failed,
}

impl Unsealing {
    pub(super) fn new(own: Arc<[Own]>) -> Self {
        Self { own, stage: Stage::Beginning(Vec::new(), 0), alias: String::new() }
    }

    /// Which key opens it, for people.
    pub(super) fn key(&self) -> String {
        self.alias.clone()
    }

    /// The next bytes; what is decrypted goes to `plain`.
    pub(super) fn push(&mut self, bytes: &[u8], plain: &mut Vec<u8>) -> Result<(), SealError> {
        match &mut self.stage {
            Stage::Failed => Err(SealError::NotSealed("it was given up".into())),
            Stage::Content { frames, decryption } => frames.push(bytes, |content| decryption.update(content, plain)),
            Stage::Beginning(came, next) => {
                came.extend_from_slice(bytes);
                if came.len() < *next {
                    return Ok(());
                }
                // Not at each byte: whoever sends one at a time would make us read all of them each time.
                *next = came.len() + came.len() / 4 + 1;
                self.begin(false, plain)
            }
        }
    }

    fn begin(&mut self, is_all: bool, plain: &mut Vec<u8>) -> Result<(), SealError> {
        let Stage::Beginning(came, _) = &mut self.stage else { return Ok(()) };
        let beginning = match recipients::read(came) {
            Ok(beginning) => beginning,
            Err(Stop::Never(why)) => return Err(why),
            Err(Stop::More) if is_all => {
                return Err(SealError::CutOff(u64::try_from(came.len()).unwrap_or(u64::MAX)));
            }
            Err(Stop::More) if came.len() > BEGINNING_LIMIT_BYTES => {
                return Err(SealError::NotSealed("its content does not begin where it should".into()));
            }
            Err(Stop::More) => return Ok(()),
        };
        let came = std::mem::take(came);
        let (decryption, alias) = open(&self.own, &beginning)?;
        self.stage = Stage::Content { frames: Frames::new(&beginning), decryption };
        self.alias = alias;
        self.push(came.get(beginning.length..).unwrap_or_default(), plain)
    }

    /// There are no more bytes.
    pub(super) fn finish(&mut self, plain: &mut Vec<u8>) -> Result<(), SealError> {
        self.begin(true, plain)?;
        match std::mem::replace(&mut self.stage, Stage::Failed) {
            Stage::Content { frames, decryption } => {
                let tag = frames.finish()?;
                decryption.finish(tag.as_deref(), plain).map_err(|Spoilt| SealError::Undecipherable(self.key()))
            }
            Stage::Beginning(came, _) => Err(SealError::CutOff(u64::try_from(came.len()).unwrap_or(u64::MAX))),
            Stage::Failed => Err(SealError::NotSealed("it was given up".into())),
        }
    }
}

/// With the first of our keys that it is sealed to.
fn open(own: &[Own], beginning: &Beginning) -> Result<(Decryption, String), SealError> {
    let method = Method::read(&beginning.method, Reader(&beginning.parameters)).map_err(SealError::Unknown)?;
    if beginning.is_authenticated && !method.is_gcm() {
        return Err(SealError::Unknown("authenticated content that is not AES-GCM".into()));
    }
    let ours = beginning.recipients.iter().find_map(|recipient| {
        let key = own.iter().find(|own| recipient.is(&own.certificate))?;
        Some((recipient, key))
    });
    let Some((recipient, key)) = ours else { return Err(wrong_recipient(own, beginning)) };
    let secret = key.unwrap(recipient.wrapping()?, &recipient.sealed_key, method.key_length())?;
    let decryption = Decryption::new(&method, &secret, !beginning.is_authenticated);
    let decryption = decryption.ok_or_else(|| SealError::Unknown("content with a key of another length".into()))?;
    Ok((decryption, key.alias.clone()))
}

fn wrong_recipient(own: &[Own], beginning: &Beginning) -> SealError {
    let mut named: Vec<String> = beginning.recipients.iter().take(5).map(recipients::Recipient::shown).collect();
    let more = beginning.recipients.len().saturating_sub(named.len()) + beginning.others;
    if more > 0 {
        named.push(format!("{more} more"));
    }
    let ours: Vec<String> = own.iter().map(|own| own.certificate.shown()).collect();
    let or_nobody = |names: Vec<String>| if names.is_empty() { "nobody".to_owned() } else { names.join(" and ") };
    SealError::WrongRecipient { sealed_to: or_nobody(named), ours: or_nobody(ours) }
}
