//! The judgement over what a version on trial says of itself. Values only: no door, no clock.
//!
//! Health is judged against what was red before the stop: a component that was red then is no evidence now. A red
//! component of the outside world that is red only after is told, not rolled back. Several samples, never one.

use std::time::Duration;

use efm::manage::{Health, Status};

use crate::ports::Examination;
use crate::release::Version;

/// The name under which an integration point that is down as a whole, without saying which component, is red.
pub const ITSELF: &str = "(itself)";
/// The first pause between two questions.
pub const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause while nobody answers: a connection that is refused costs next to nothing, and this is what it may
/// be up without our seeing it.
const LONGEST_PAUSE_IN_SILENCE: Duration = Duration::from_millis(50);
/// The longest pause while it answers and is not up: each answer is work for it.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// So many answers in a row must be good at the end.
const GOOD_IN_A_ROW: u32 = 3;
/// It may turn red and green again so often in one probation.
const FLIPS_ALLOWED: u32 = 3;
/// Between two questions in a probation.
const PAUSE: Duration = Duration::from_secs(5);
/// It may be red, or silent, for so long in one go.
const RED_PATIENCE: Duration = Duration::from_mins(1);

/// The pause that follows this one while it comes up.
pub fn next_pause(pause: Duration, answers: bool) -> Duration {
    (pause * 3 / 2).min(if answers { LONGEST_PAUSE } else { LONGEST_PAUSE_IN_SILENCE })
}

/// The names of what is red.
pub fn red(health: &Health) -> Vec<String> {
    let is_red = |status: Status| match status {
        Status::Down | Status::OutOfService => true,
        Status::Up | Status::Unknown => false,
    };
    let mut names: Vec<String> =
        health.components.iter().filter(|(_, of)| is_red(of.status)).map(|(name, _)| name.clone()).collect();
    if names.is_empty() && health.status != Status::Up {
        names.push(ITSELF.to_owned());
    }
    names
}

/// Whether it is the version it should be and nothing of its own is newly red; if not, why.
pub fn is_up(
    examination: &Examination,
    version: &Version,
    red_before: &[String],
    own: &[String],
) -> Result<(), String> {
    match &examination.version {
        Some(said) if is_version(said, version) => {}
        Some(said) => return Err(format!("it says that it is version {said}, not {version}")),
        None => return Err("it does not say which version it is".to_owned()),
    }
    let newly_red: Vec<String> =
        red(&examination.health).into_iter().filter(|name| !red_before.contains(name)).collect();
    let own_red: Vec<&String> = newly_red.iter().filter(|name| *name == ITSELF || own.contains(name)).collect();
    if let Some(first) = own_red.first() {
        return Err(format!("{first} is down"));
    }
    if let Some(outside) = newly_red.first() {
        tracing::debug!(component = %outside, "red since the start, but not its own: no evidence against it");
    }
    Ok(())
}

fn is_version(said: &str, version: &Version) -> bool {
    said.parse::<crate::release::Tag>().is_ok_and(|said| said.version() == version)
}

/// Hears each answer of a probation and says how it goes on.
pub struct Judge<'a> {
    probation: Duration,
    version: &'a Version,
    red_before: &'a [String],
    own: &'a [String],
    good_in_a_row: u32,
    flips: u32,
    red_since: Option<Duration>,
}

/// How a probation goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Ask again after this pause.
    GoOn(Duration),
    /// It held.
    Healthy,
    /// It did not.
    Failed(String),
}

impl<'a> Judge<'a> {
    /// A probation that begins now.
    pub fn new(probation: Duration, version: &'a Version, red_before: &'a [String], own: &'a [String]) -> Self {
        Self { probation, version, red_before, own, good_in_a_row: 0, flips: 0, red_since: None }
    }

    /// An answer, or why there was none, so long after the beginning.
    pub fn hears(&mut self, answer: Result<Examination, String>, held: Duration) -> Verdict {
        let good = answer.and_then(|examination| is_up(&examination, self.version, self.red_before, self.own));
        match good {
            Ok(()) => {
                self.good_in_a_row += 1;
                self.red_since = None;
                if held >= self.probation && self.good_in_a_row >= GOOD_IN_A_ROW {
                    return Verdict::Healthy;
                }
            }
            Err(why) => {
                if self.red_since.is_none() {
                    self.flips += 1;
                }
                self.good_in_a_row = 0;
                let since = *self.red_since.get_or_insert(held);
                if self.flips > FLIPS_ALLOWED {
                    return Verdict::Failed(format!("it turned red {} times in its probation: {why}", self.flips));
                }
                if held.saturating_sub(since) >= self.red_patience() {
                    return Verdict::Failed(why);
                }
            }
        }
        Verdict::GoOn(self.pause())
    }

    fn pause(&self) -> Duration {
        (self.probation / 10).clamp(FIRST_PAUSE, PAUSE)
    }

    fn red_patience(&self) -> Duration {
        (self.probation / 2).clamp(Duration::from_secs(1), RED_PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use efm::manage::Component;

    fn version() -> Version {
        "4.0.8".parse().unwrap()
    }

    fn says(version: &str, components: &[(&str, Status)]) -> Examination {
        let worst =
            if components.iter().any(|(_, status)| *status == Status::Down) { Status::Down } else { Status::Up };
        let components =
            components.iter().map(|(name, status)| ((*name).to_owned(), Component { status: *status })).collect();
        Examination { version: Some(version.to_owned()), health: Health { status: worst, components } }
    }

    fn own() -> Vec<String> {
        vec!["db".to_owned()]
    }

    #[test]
    fn silence_is_listened_into_more_often_than_an_answer_is_asked_for() {
        let longest = |answers| (0..20).fold(FIRST_PAUSE, |pause, _| next_pause(pause, answers)).as_millis();
        assert_eq!((longest(false), longest(true)), (50, 250));
        assert_eq!(next_pause(Duration::from_millis(250), false).as_millis(), 50);
        assert_eq!(next_pause(FIRST_PAUSE, true).as_millis(), 15);
    }

    #[test]
    fn up_from_the_wrong_version_is_not_up() {
        assert_eq!(
            is_up(&says("4.0.7", &[]), &version(), &[], &own()),
            Err("it says that it is version 4.0.7, not 4.0.8".to_owned())
        );
        assert_eq!(is_up(&says("v4.0.8", &[]), &version(), &[], &own()), Ok(()));
    }

    #[test]
    fn what_was_red_before_the_stop_is_no_evidence() {
        let red_now = says("4.0.8", &[("db", Status::Down)]);
        assert!(is_up(&red_now, &version(), &[], &own()).is_err());
        assert!(is_up(&red_now, &version(), &["db".to_owned()], &own()).is_ok());
    }

    #[test]
    fn an_outside_component_that_is_red_only_after_is_no_reason_to_roll_back() {
        assert!(is_up(&says("4.0.8", &[("altinn", Status::Down)]), &version(), &[], &own()).is_ok());
    }

    #[test]
    fn down_without_components_counts_only_if_it_was_not_down_before() {
        let down = Examination {
            version: Some("4.0.8".into()),
            health: Health { status: Status::Down, components: std::collections::BTreeMap::new() },
        };
        assert!(is_up(&down, &version(), &[], &own()).is_err());
        assert!(is_up(&down, &version(), &[ITSELF.to_owned()], &own()).is_ok());
    }

    #[test]
    fn a_version_that_flaps_is_failed_though_it_is_never_red_for_long() {
        let version = version();
        let own = own();
        let mut judge = Judge::new(Duration::from_mins(10), &version, &[], &own);
        let mut at = Duration::ZERO;
        for round in 0..10 {
            at += Duration::from_secs(5);
            if let Verdict::Failed(why) = judge.hears(Ok(says("4.0.8", &[("db", Status::Down)])), at) {
                assert_eq!(round, 3);
                assert_eq!(why, "it turned red 4 times in its probation: db is down");
                return;
            }
            at += Duration::from_secs(5);
            judge.hears(Ok(says("4.0.8", &[])), at);
        }
        panic!("it was never failed");
    }

    #[test]
    fn a_silent_minute_fails_and_a_silent_moment_does_not() {
        let version = version();
        let own = own();
        let mut judge = Judge::new(Duration::from_mins(10), &version, &[], &own);
        let silent = || Err("timed out".to_owned());
        assert!(matches!(judge.hears(silent(), Duration::from_secs(5)), Verdict::GoOn(_)));
        assert!(matches!(judge.hears(Ok(says("4.0.8", &[])), Duration::from_secs(10)), Verdict::GoOn(_)));
        assert!(matches!(judge.hears(silent(), Duration::from_secs(15)), Verdict::GoOn(_)));
        assert!(matches!(judge.hears(silent(), Duration::from_secs(70)), Verdict::GoOn(_)));
        assert_eq!(judge.hears(silent(), Duration::from_secs(75)), Verdict::Failed("timed out".to_owned()));
    }

    #[test]
    fn it_is_healthy_only_after_the_whole_probation_and_three_good_answers() {
        let version = version();
        let own = own();
        let mut judge = Judge::new(Duration::from_secs(30), &version, &[], &own);
        for seconds in [0, 5, 10, 15, 20, 25] {
            assert!(matches!(judge.hears(Ok(says("4.0.8", &[])), Duration::from_secs(seconds)), Verdict::GoOn(_)));
        }
        assert!(matches!(judge.hears(Err("timed out".into()), Duration::from_secs(29)), Verdict::GoOn(_)));
        for seconds in [31, 32] {
            assert!(matches!(judge.hears(Ok(says("4.0.8", &[])), Duration::from_secs(seconds)), Verdict::GoOn(_)));
        }
        assert_eq!(judge.hears(Ok(says("4.0.8", &[])), Duration::from_secs(33)), Verdict::Healthy);
    }
}
