//! Which rights the site's client has: each scope that an enabled service needs is asked for at Maskinporten.

use super::Finding;
use crate::app;
use crate::config::Settings;
use crate::ports::TokenError;
use crate::tokens::Checked;
use efm::clock::Clock;

const ABOUT: &str = "scopes";

/// A line for what is granted, and one for each that is not. Nothing is asked where nothing needs a token.
pub(super) async fn granted(settings: &Settings, clock: &Clock) -> Vec<Finding> {
    let checked = match app::check_scopes(settings, clock).await {
        Ok(checked) => checked,
        Err(why) => return vec![Finding::wrong(ABOUT, why, "correct difi.move.oidc.*")],
    };
    let (given, missing): (Vec<_>, Vec<_>) = checked.into_iter().partition(|one| one.wrong.is_none());
    let mut findings = Vec::new();
    if !given.is_empty() {
        let names: Vec<_> = given.iter().map(|one| one.needed.scope).collect();
        findings.push(Finding::ok(ABOUT, format!("Maskinporten gives {}", names.join(", "))));
    }
    findings.extend(missing.iter().filter_map(lacking));
    // Many scopes, one reason: it is said once.
    findings.dedup_by(|later, first| later.seen == first.seen);
    findings
}

fn lacking(one: &Checked) -> Option<Finding> {
    let wrong = one.wrong.as_ref()?;
    let Checked { needed, .. } = one;
    Some(match wrong {
        TokenError::Refused { .. } => {
            let seen = format!("{} at {} lacks {}: {wrong}", needed.service.name(), needed.at, needed.scope);
            Finding::wrong(ABOUT, seen, format!("have {} given to the client in Maskinporten", needed.scope))
        }
        TokenError::Off | TokenError::Setup(_) | TokenError::Unavailable(_) => {
            Finding::wrong(ABOUT, wrong.to_string(), "mend what stands there; without tokens nobody can be looked up")
        }
    })
}
