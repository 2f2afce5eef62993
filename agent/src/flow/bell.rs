//! A bell that all who listen hear; also one who was busy when it rang hears it when it listens again.

use tokio::sync::watch;

/// The bell.
#[derive(Debug, Default)]
pub struct Bell(watch::Sender<()>);

/// Who listens.
#[derive(Debug)]
pub struct Ear(watch::Receiver<()>);

impl Bell {
    /// Everybody hears it.
    pub fn ring(&self) {
        self.0.send_replace(());
    }

    /// Hears what is rung from now on.
    pub fn ear(&self) -> Ear {
        Ear(self.0.subscribe())
    }
}

impl Ear {
    /// Until it was rung since this was heard last. Cancel safe.
    pub async fn heard(&mut self) {
        if self.0.changed().await.is_err() {
            // The bell is gone, and who listens with it.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn all_hear_it_once_also_who_was_busy() {
        let bell = Bell::default();
        let (mut first, mut second) = (bell.ear(), bell.ear());
        assert!(first.heard().now_or_never().is_none());
        bell.ring();
        bell.ring();
        for ear in [&mut first, &mut second] {
            assert!(ear.heard().now_or_never().is_some());
            assert!(ear.heard().now_or_never().is_none());
        }
    }
}
