//! How the whole program is told to stop: once, by whoever it is, heard by all.

use tokio::sync::watch;

/// Tells and hears.
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<Option<&'static str>>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl Stop {
    /// Asks to stop. The first one's words count.
    pub fn ask(&self, by: &'static str) {
        self.0.send_if_modified(|asked| {
            let is_first = asked.is_none();
            *asked = asked.or(Some(by));
            is_first
        });
    }

    /// Whether it was asked.
    pub fn is_asked(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Resolves when it is asked, and says by whom. May be dropped and called again.
    pub async fn asked(&self) -> &'static str {
        let mut heard = self.0.subscribe();
        // We hold a sender: the channel is never closed.
        heard.wait_for(Option::is_some).await.ok().and_then(|asked| *asked).unwrap_or("nobody")
    }
}
