//! How those who subscribed are called.

use super::reader::Reader;
use super::values::timeout;
use efm::secret::Secret;
use std::time::Duration;

/// How those who subscribed are called.
#[derive(Clone, Debug)]
pub struct Webhooks {
    /// Until there is a connection.
    pub connect_timeout: Duration,
    /// And then until there is an answer.
    pub read_timeout: Duration,
    /// What calls are signed with; none: they are not.
    pub secret: Option<Secret>,
    /// A push that could not be made for so long is given up.
    pub give_up_after: Duration,
    /// Whether who does not take a ping is refused.
    pub ping_is_required: bool,
    /// How long it is known how calls went.
    pub keeps_log: Duration,
}

pub(super) fn read(from: &mut Reader) -> Option<Webhooks> {
    let connect_timeout = from.need("difi.move.webhooks.connectTimeout", timeout);
    let read_timeout = from.need("difi.move.webhooks.readTimeout", timeout);
    let secret = from.maybe("integrasjonspunkt.webhooks.secret", |text| {
        efm::webhook::check(text).map_err(|_| "16 characters or more, or whsec_ and base 64 of as many bytes")?;
        Ok(Secret::new(text))
    });
    let give_up_after = from
        .need("integrasjonspunkt.webhooks.give-up-after-hours", |text| counted(text, 3600, 8760, "hours, 1 to 8760"));
    let ping_is_required = from.need("integrasjonspunkt.webhooks.ping", |text| match text {
        "told" => Ok(false),
        "required" => Ok(true),
        _ => Err("told or required"),
    });
    let keeps_log =
        from.need("integrasjonspunkt.webhooks.log-days", |text| counted(text, 86_400, 3650, "days, 1 to 3650"));
    Some(Webhooks {
        connect_timeout: connect_timeout?,
        read_timeout: read_timeout?,
        secret,
        give_up_after: give_up_after?,
        ping_is_required: ping_is_required?,
        keeps_log: keeps_log?,
    })
}

fn counted(text: &str, seconds: u64, most: u64, right: &'static str) -> Result<Duration, &'static str> {
    let count = text.parse::<u64>().ok().filter(|count| (1..=most).contains(count));
    count.map(|count| Duration::from_secs(count * seconds)).ok_or(right)
}
