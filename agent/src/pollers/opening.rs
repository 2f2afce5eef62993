//! Opens what may come later than we do: the database, the folder of files. Asked again and again, less and less often, until
//! it is there. The database may also go while we run: it is asked whether it is there for as long as we do.

use super::pace;
use crate::flow::{Awaited, Desk, Need};
use crate::ports::Answer;
use efm::chain::Chain;
use std::error::Error;

/// Opens both, and looks after the database until `stopped` resolves.
pub async fn open(desk: &Desk, stopped: impl Future<Output = ()>) {
    let both = async {
        tokio::join!(
            async {
                loop {
                    one(&desk.awaited, Need::Database, || desk.store.bring_up()).await;
                    tokio::time::sleep(pace::LOOKED_AFTER).await;
                }
            },
            one(&desk.awaited, Need::Files, || desk.blobs.bring_up()),
        )
    };
    tokio::select! {
        () = stopped => {}
        _ = both => {}
    }
}

async fn one<'a, E: Error>(awaited: &Awaited, need: Need, bring_up: impl Fn() -> Answer<'a, (), E>) {
    let mut in_vain = 0;
    while let Err(error) = bring_up().await {
        in_vain += 1;
        awaited.is_away(need, &efm::masking::mask(&Chain(&error).to_string()));
        tokio::time::sleep(pace::to_open(in_vain)).await;
    }
    awaited.is_here(need);
}
