//! The one who empties the outbox: oldest first, again and again until each mail has got through or is too old.

use efm::chain::Chain;
use lettre::message::Mailbox;
use std::path::Path;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::history::Row;
use super::outbox::{self, Dropped, Lane, Letter};
use super::smtp::Smtp;
use super::{NoticeError, Notices};
use crate::config::settings::Mail;

/// The wait after a first failed round; it doubles.
const FIRST_RETRY: Duration = Duration::from_mins(1);
/// And no longer than this.
const LAST_RETRY: Duration = Duration::from_hours(1);
/// With so many mails refused one after the other it is not about the mails.
pub(super) const REFUSED_AT_MOST: u32 = 3;
/// The memory of a mail server that was told to be failing.
const FAILING: &str = "mail-failed";

/// Whoever takes a mail to its receivers. The real one speaks SMTP; tests have others.
pub(super) trait Post {
    /// Sends the letter to those in `now`, with all of `to` in its head.
    async fn send(&self, letter: &Letter, body: String, to: &[Mailbox], now: &[Mailbox]) -> Result<(), NoticeError>;
}

impl Notices {
    /// Sends what lies in the outbox, mails and the calls of each webhook side by side, for as long as it is polled; it
    /// never ends by itself.
    ///
    /// Cancel safe: dropped at any point, each mail is on disk until a server has taken it. One that was being handed
    /// over at that very moment may be sent again, with the same `Message-ID`.
    pub async fn deliver(&self) {
        self.outbox.drop_what_nobody_waits_for(&self.lanes(), self.clock.now());
        let mails = async {
            match &self.mail {
                Some(mail) => self.deliver_by(mail, || Smtp::of(mail)).await,
                None => std::future::pending().await,
            }
        };
        let calls = self.hooks.iter().flat_map(|hooks| hooks.all.iter().map(|hook| self.call(hooks, hook)));
        futures_util::future::join(Box::pin(mails), futures_util::future::join_all(calls)).await;
    }

    /// One round, for a supervisor that is about to end; the same promises as [`Notices::deliver`].
    pub async fn deliver_once(&self) -> Result<(), NoticeError> {
        match &self.mail {
            Some(mail) => self.round(mail, &Smtp::of(mail)?).await,
            None => Ok(()),
        }
    }

    pub(super) async fn deliver_by<P: Post>(&self, mail: &Mail, post: impl Fn() -> Result<P, NoticeError>) {
        in_rounds(&self.new_mail, async || {
            let result = if self.outbox.waiting().is_empty() {
                Ok(())
            } else {
                match post() {
                    Ok(post) => self.round(mail, &post).await,
                    Err(error) => Err(error),
                }
            };
            self.tell_how_it_went(&result);
            result.map_err(|_| None)
        })
        .await;
    }

    /// Tries each mail once. A mail that is refused does not hold up the others; a server that fails does.
    pub(super) async fn round(&self, mail: &Mail, post: &impl Post) -> Result<(), NoticeError> {
        let to = mailboxes(mail)?;
        let (mut refused, mut result) = (0, Ok(()));
        for path in self.outbox.waiting() {
            let sent = match self.outbox.open::<Letter>(&Lane::Mail, &path, self.clock.now()) {
                Ok(Some(letter)) => self.send_one(&path, letter, &to, post).await,
                Ok(None) => continue,
                Err(error) => Err(error),
            };
            match sent {
                Ok(()) => refused = 0,
                Err(error @ NoticeError::Letter { .. }) if refused + 1 < REFUSED_AT_MOST => {
                    refused += 1;
                    result = result.and(Err(error));
                }
                // One file that cannot be read or removed is no reason to keep the others.
                Err(error @ NoticeError::Disk { .. }) => result = result.and(Err(error)),
                Err(error) => return Err(error),
            }
        }
        result
    }

    /// To everybody at once; where that is refused, to one after the other, so that one wrong address holds up nobody.
    async fn send_one(
        &self,
        path: &Path,
        mut letter: Letter,
        to: &[Mailbox],
        post: &impl Post,
    ) -> Result<(), NoticeError> {
        let missing: Vec<Mailbox> =
            to.iter().filter(|mailbox| !letter.delivered_to.contains(&mailbox.email.to_string())).cloned().collect();
        let dropped = self.outbox.dropped(&Lane::Mail);
        let body = whole_body(&letter, dropped);
        let mut result = Ok(());
        if !missing.is_empty() {
            result = post.send(&letter, body.clone(), to, &missing).await;
        }
        if matches!(result, Err(NoticeError::Letter { .. })) && missing.len() > 1 {
            result = Ok(());
            for mailbox in &missing {
                match post.send(&letter, body.clone(), to, std::slice::from_ref(mailbox)).await {
                    Ok(()) => {
                        letter.delivered_to.push(mailbox.email.to_string());
                        outbox::write(path, &letter)?;
                    }
                    Err(error @ NoticeError::Letter { .. }) => result = result.and(Err(error)),
                    Err(error) => return Err(error),
                }
            }
        }
        if let Some(dropped) = dropped
            && (result.is_ok() || !letter.delivered_to.is_empty())
        {
            self.outbox.dropped_is_told(&Lane::Mail, dropped);
        }
        result?;
        tracing::info!(subject = letter.subject, "mail sent");
        self.outbox.done(path)
    }

    /// A failing mail server cannot be told by mail: the log has each failed round, the history the first of a row.
    fn tell_how_it_went(&self, result: &Result<(), NoticeError>) {
        let Err(error) = result else { return self.told().forget(FAILING) };
        let error = Chain(error).to_string();
        tracing::warn!(error, waiting = self.waiting(), "mail not sent");
        let now = self.clock.now();
        let mut told = self.told();
        if told.is_news(FAILING, 0) {
            self.write_down(&Row { reason: Some(efm::masking::mask(&error)), ..Row::plain(FAILING, now) });
            told.remember(FAILING, 0, now);
        }
    }
}

/// Rounds without end: after one that went well when there is something new, after one that did not again and again. An
/// error is how long the other side wants to be left alone, where it says so.
pub(super) async fn in_rounds(new: &Notify, mut round: impl AsyncFnMut() -> Result<(), Option<Duration>>) {
    let mut failed: u32 = 0;
    loop {
        let tried = Instant::now();
        let Err(wait) = round().await else {
            failed = 0;
            new.notified().await;
            continue;
        };
        failed = failed.saturating_add(1);
        let wait = wait.unwrap_or_default();
        let retry = tried + back_off(failed).max(wait);
        tokio::select! {
            () = tokio::time::sleep_until(retry) => {}
            // Something new is worth a try before that, but a failing server is not asked more often than once a minute.
            () = new.notified() => tokio::time::sleep_until(retry.min(tried + FIRST_RETRY.max(wait))).await,
        }
    }
}

/// One minute, two, four … an hour.
pub(super) fn back_off(failed: u32) -> Duration {
    FIRST_RETRY.saturating_mul(2_u32.saturating_pow(failed.saturating_sub(1))).min(LAST_RETRY)
}

/// An address that is none is told and left out; none at all is an error.
fn mailboxes(mail: &Mail) -> Result<Vec<Mailbox>, NoticeError> {
    let (good, bad): (Vec<_>, Vec<_>) =
        mail.recipients.iter().map(|text| text.parse::<Mailbox>().map_err(|_| text)).partition(Result::is_ok);
    for text in bad.into_iter().filter_map(Result::err) {
        tracing::error!(recipient = text, "leave out a recipient that is no mail address");
    }
    if good.is_empty() {
        let what = "no recipient is a mail address like drift@example.no".into();
        return Err(NoticeError::SetUp { what });
    }
    Ok(good.into_iter().filter_map(Result::ok).collect())
}

fn whole_body(letter: &Letter, dropped: Option<Dropped>) -> String {
    match dropped {
        None => letter.body.clone(),
        Some(Dropped { count, first, last, .. }) => format!(
            "{}\n{count} earlier mails could not be delivered and were dropped ({first} to {last}); \
             kosmos history has what they said.\n",
            letter.body
        ),
    }
}
