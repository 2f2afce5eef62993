//! When: pure decisions from cron text, zone and now. To be written.

/// A cron expression in Spring's dialect.
#[derive(Clone, Debug)]
pub struct Cron(());
