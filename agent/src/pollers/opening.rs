//! Opens what may come later than we do: the database, the folder of files. Asked again and again, less and less often, until
//! it is there. The database may also go while we run: it is asked whether it is there for as long as we do.

use super::pace;
use crate::flow::{Awaited, Desk, Need};
use crate::ports::BlobError;
use efm::chain::Chain;

/// Opens both, and looks after the database until `stopped` resolves.
pub async fn open(desk: &Desk, stopped: impl Future<Output = ()>) {
    let both = async {
        tokio::join!(
            async {
                loop {
                    let bring_up = async || desk.store.bring_up().await.map_err(|error| Chain(&error).to_string());
                    one(&desk.awaited, Need::Database, bring_up).await;
                    tokio::time::sleep(pace::LOOKED_AFTER).await;
                }
            },
            one(&desk.awaited, Need::Files, async || files(desk).await),
        )
    };
    tokio::select! {
        () = stopped => {}
        _ = both => {}
    }
}

async fn one(awaited: &Awaited, need: Need, bring_up: impl AsyncFn() -> Result<(), String>) {
    let mut in_vain = 0;
    while let Err(why) = bring_up().await {
        in_vain += 1;
        awaited.is_away(need, &efm::masking::mask(&why));
        let has_database = awaited.why(Need::Database).is_none();
        tokio::select! {
            () = tokio::time::sleep(pace::to_open(in_vain)) => {}
            // What waits for its word asks at once.
            () = awaited.here(&[Need::Database]), if need != Need::Database && !has_database => {}
        }
    }
    awaited.is_here(need);
}

/// What is whole is opened, whatever the database says. What is not is made anew only where the database knows of no file:
/// else it is a share that is not mounted, or a key that was lost, and the files of messages lie there.
async fn files(desk: &Desk) -> Result<(), String> {
    let why = |error: BlobError| Chain(&error).to_string();
    let lost = match desk.blobs.bring_up(false).await {
        Err(error @ BlobError::Lost(_)) => why(error),
        opened => return opened.map_err(why),
    };
    desk.awaited.tried(Need::Database).await;
    match desk.store.names_blobs().await {
        Ok(false) => desk.blobs.bring_up(true).await.map_err(why),
        Ok(true) => Err(format!("the database knows files, and {lost}")),
        Err(error) => Err(format!("{lost}; whether the database knows files: {}", Chain(&error))),
    }
}
