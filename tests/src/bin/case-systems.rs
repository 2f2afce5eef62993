//! Case systems that send and receive without a pause, for a machine of its own: what `.ci/systemd` puts into its container.
//! `case-systems PORT UNTIL SAID`
//!
//! They are at it until the file UNTIL is there; then what was sent arrives, and what they were told stands in the file
//! SAID, last a line `refused 0, failed 0, lost 0, twice 0`.

use outside_world::load::Load;
use outside_world::site::pause;
use std::error::Error;
use std::path::Path;
use std::time::Duration;

const CLIENTS: usize = 8;
const POLL: Duration = Duration::from_millis(20);

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [port, until, said] = words.as_slice() else { return Err("case-systems PORT UNTIL SAID".into()) };
    let load = Load::begin(port.parse()?, CLIENTS);
    while !Path::new(until).exists() {
        pause(POLL);
    }
    let ledger = load.end();
    let text = format!(
        "{:#?}\n{} answers, {} messages, {} wait, longest wait {:?}\nrefused {}, failed {}, lost {}, twice {}\n",
        ledger.failures,
        ledger.answered,
        ledger.sent.len(),
        ledger.waiting.len(),
        ledger.longest,
        ledger.refused,
        ledger.failures.len(),
        ledger.lost().len(),
        ledger.twice().len()
    );
    Ok(efm::atomic::replace(Path::new(said), text.as_bytes())?)
}
