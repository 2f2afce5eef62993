//! What a person looks for: conversations by a few words, and what stands on the queue. Only reads, and each read is bounded.

use super::{Answer, Page, PageRequest, StoreError, StoredConversation};
use crate::domain::{Direction, MessageId, Service, Status};
use jiff::Timestamp;

/// Looks at what is kept.
pub trait Overview: Send + Sync {
    /// Conversations that are like this, those that changed last first. The total is counted up to `Search::COUNTED`.
    fn search(&self, search: Search, page: PageRequest) -> Answer<'_, Page<StoredConversation>, StoreError>;
    /// What is on the queue, what is due first first.
    fn queue(&self, most: u32) -> Answer<'_, Vec<Queued>, StoreError>;
    /// How many bytes the database has.
    fn size_bytes(&self) -> Answer<'_, u64, StoreError>;
}

/// Which conversations. Each member that is there must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// One of these must fit; none of them: all do.
    pub alternatives: Vec<Vec<Term>>,
    /// The number of a conversation.
    pub number: Option<i64>,
    /// The status that tells how it stands: [`Status::furthest`].
    pub status: Option<Status>,
    /// The service.
    pub service: Option<Service>,
    /// The direction.
    pub direction: Option<Direction>,
    /// Changed then or later.
    pub from: Option<Timestamp>,
    /// Changed before then.
    pub before: Option<Timestamp>,
}

/// A word that is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The word.
    pub text: String,
    /// Where it is to stand.
    pub wanted: Wanted,
}

/// Where a word is to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// It is the id of a message or of a conversation.
    Id,
    /// It is somewhere in ids, title, reference or status, or it is the sender, the receiver or the service.
    Anywhere,
}

impl Search {
    /// More than so many are not counted: nobody turns so many pages, and counting all would keep others waiting.
    pub const COUNTED: u32 = 10_000;
    const ALTERNATIVES: usize = 5;
    const TERMS: usize = 5;
    const LONGEST: usize = 100;

    /// What a person wrote: alternatives between `||`, words that must all fit between `&&`. What is too much is left out.
    pub fn words(text: &str) -> Vec<Vec<Term>> {
        let alternatives = text.split("||").map(|words| {
            let words = words.split("&&").map(str::trim).filter(|word| !word.is_empty());
            words.take(Self::TERMS).map(Term::of).collect::<Vec<_>>()
        });
        alternatives.filter(|terms| !terms.is_empty()).take(Self::ALTERNATIVES).collect()
    }
}

impl Term {
    fn of(word: &str) -> Self {
        let text: String = word.chars().filter(|letter| *letter != '\0').take(Search::LONGEST).collect();
        let wanted = match MessageId::parse(&text) {
            Ok(_) => Wanted::Id,
            Err(_) => Wanted::Anywhere,
        };
        Self { text, wanted }
    }

    /// `%word%`, with what LIKE takes for a sign made harmless by `\`.
    pub fn pattern(&self) -> String {
        let mut pattern = String::from("%");
        for letter in self.text.chars() {
            if matches!(letter, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        pattern.push('%');
        pattern
    }
}

/// Something on the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Its number on the queue.
    pub number: i64,
    /// The message of a case system; none of a status message of ours.
    pub message: Option<MessageId>,
    /// Who is to get it.
    pub receiver: Option<String>,
    /// Over which service.
    pub service: Service,
    /// When it is tried next.
    pub due: Timestamp,
    /// How often it was tried.
    pub tried: u32,
    /// Somebody is at it, until then at most.
    pub leased_until: Option<Timestamp>,
    /// Why it did not work the last time.
    pub last_error: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_alternatives_of_terms() {
        let id = "75d64e2b-14ca-4aac-82d7-c9a46e885ff4";
        let found = Search::words(&format!(" søknad && 910077473 || {id} ||  && "));
        let term = |text: &str, wanted| Term { text: text.into(), wanted };
        assert_eq!(
            found,
            [vec![term("søknad", Wanted::Anywhere), term("910077473", Wanted::Anywhere)], vec![term(id, Wanted::Id)]]
        );
        assert!(Search::words("  ").is_empty());
        assert!(Search::words(&"a||".repeat(90)).len() <= 5);
    }

    #[test]
    fn signs_of_like_are_made_harmless() {
        assert_eq!(Term::of("50%_\\").pattern(), "%50\\%\\_\\\\%");
    }
}
