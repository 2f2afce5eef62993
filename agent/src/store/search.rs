//! A search as SQL, the same for every store but for its spelling. Names of columns are ours, what a person wrote is always a
//! parameter.

use super::values::millis;
use crate::domain::{Direction, Service, Status};
use crate::ports::{Search, Term, Wanted};

/// How a database spells it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialect {
    /// Before the number of a parameter.
    pub(super) parameter: char,
    /// LIKE without regard to small and capital letters.
    pub(super) like: &'static str,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(i64),
}

/// What stands behind WHERE, and its parameters.
#[derive(Debug)]
pub(super) struct Condition {
    dialect: Dialect,
    terms: Vec<String>,
    pub(super) values: Vec<Value>,
}

/// Of a conversation, [`Status::furthest`].
fn furthest() -> String {
    let ranks = Status::ALL.map(|status| format!("WHEN '{}' THEN {}", status.name(), status.rank())).join(" ");
    format!(
        "(SELECT status FROM statuses s WHERE s.conversation = conversations.id \
         ORDER BY CASE s.status {ranks} END DESC, s.id DESC LIMIT 1)"
    )
}

/// A word is looked for in these.
const HOLD: [&str; 4] = ["conversation_id", "message_id", "title", "reference"];

impl Condition {
    pub(super) fn of(search: &Search, dialect: Dialect) -> Self {
        let mut condition = Self { dialect, terms: vec!["1 = 1".into()], values: Vec::new() };
        if let Some(number) = search.number {
            condition.compare("id =", Value::Number(number));
        }
        let words =
            [("service =", search.service.map(Service::name)), ("direction =", search.direction.map(Direction::name))];
        for (column, word) in words {
            if let Some(word) = word {
                condition.compare(column, Value::Text(word.into()));
            }
        }
        if let Some(status) = search.status.map(Status::name) {
            condition.compare(&format!("{} =", furthest()), Value::Text(status.into()));
        }
        for (column, moment) in [("updated >=", search.from), ("updated <", search.before)] {
            if let Some(moment) = moment {
                condition.compare(column, Value::Number(millis(moment)));
            }
        }
        condition.add_words(&search.alternatives);
        condition
    }

    pub(super) fn text(&self) -> String {
        self.terms.join(" AND ")
    }

    /// A parameter more, as it is written.
    pub(super) fn add(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("{}{}", self.dialect.parameter, self.values.len())
    }

    fn compare(&mut self, left: &str, value: Value) {
        let parameter = self.add(value);
        self.terms.push(format!("{left} {parameter}"));
    }

    fn add_words(&mut self, alternatives: &[Vec<Term>]) {
        let mut ways = Vec::new();
        for terms in alternatives {
            let all: Vec<String> = terms.iter().map(|term| self.word(term)).collect();
            ways.push(format!("({})", all.join(" AND ")));
        }
        if !ways.is_empty() {
            self.terms.push(format!("({})", ways.join(" OR ")));
        }
    }

    fn word(&mut self, term: &Term) -> String {
        let is = self.add(Value::Text(term.text.clone()));
        if term.wanted == Wanted::Id {
            return format!("(message_id = {is} OR conversation_id = {is})");
        }
        let service = self.add(Value::Text(term.text.to_uppercase()));
        let pattern = self.add(Value::Text(term.pattern()));
        let like = self.dialect.like;
        let holds = HOLD.map(|column| format!("{column} {like} {pattern} ESCAPE '\\'"));
        format!(
            "({} OR sender_identifier = {is} OR receiver_identifier = {is} OR service = {service} \
             OR EXISTS (SELECT 1 FROM statuses s WHERE s.conversation = conversations.id \
                        AND s.status {like} {pattern} ESCAPE '\\'))",
            holds.join(" OR ")
        )
    }
}
