//! How a person or the system asks us to stop: what [`efm::console`] hears, and on Windows the service manager besides.

use std::io;

/// Hears that we are asked to stop.
#[derive(Debug)]
pub struct Stop {
    console: efm::console::Stop,
    #[cfg(windows)]
    service: efm::service::Asks,
}

impl Stop {
    /// From now on nothing of this ends us by itself. Needs a tokio runtime.
    ///
    /// # Errors
    /// The system does not let us listen.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            console: efm::console::Stop::listen()?,
            #[cfg(windows)]
            service: efm::service::Asks::of(efm::service::kept()),
        })
    }

    /// Resolves when we are asked to stop, and says by what. Cancel safe.
    #[cfg(unix)]
    pub async fn asked(&mut self) -> &'static str {
        self.console.asked().await
    }

    /// Resolves when we are asked to stop, and says by what. Cancel safe.
    #[cfg(windows)]
    pub async fn asked(&mut self) -> &'static str {
        tokio::select! {
            by = self.console.asked() => by,
            by = self.service.heard() => by,
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sigterm_is_heard_and_does_not_end_us() {
        let mut stop = Stop::listen().unwrap();
        let own = rustix::process::getpid();
        rustix::process::kill_process(own, rustix::process::Signal::TERM).unwrap();
        let heard = tokio::time::timeout(std::time::Duration::from_secs(10), stop.asked()).await;
        assert_eq!(heard.unwrap(), "terminate");
    }
}
