//! The false broker as a program: `--port`, `--latency`, `--fail-rate`, `--seed`, and `--folder` for its files (else a temporary
//! one). It goes wrong on demand, each a part of all, 0 to 1: `--duplicates` of files, `--disorder` in which they come, `--cuts`
//! in the middle of uploads and downloads, `--unheard` uploads that went well and are answered with a 503. A bearer's token is the organisation that it speaks for, as `0192:910077473`.

use efm::clock::Clock;
use efm_world::broker::{Bearer, Broker, Check, Mischief, READ, WRITE};
use efm_world::faults::Flags;
use efm_world::server::serve_for_ever;
use std::sync::Arc;

fn main() -> std::io::Result<()> {
    let flags = Flags::read(std::env::args().skip(1)).map_err(std::io::Error::other)?;
    let temporary = tempfile::tempdir()?;
    let folder = flags.value("--folder").map_or_else(|| temporary.path().to_owned(), Into::into);
    std::fs::create_dir_all(&folder)?;
    let check: Check = Arc::new(|token| match token.strip_prefix("0192:") {
        Some(_) => Ok(Bearer { organisation: token.to_owned(), scopes: vec![READ.to_owned(), WRITE.to_owned()] }),
        None => Err("it must be an organisation, as 0192:910077473".to_owned()),
    });
    let rate = |name| flags.rate(name).map_err(std::io::Error::other);
    let (duplicates, disorder, cuts) = (rate("--duplicates")?, rate("--disorder")?, rate("--cuts")?);
    let mischief = Mischief { duplicates, disorder, cuts, unheard: rate("--unheard")? };
    let broker = Broker::new(folder, check, Clock::machine());
    broker.go_wrong(mischief, flags.seed);
    serve_for_ever(&flags, broker.routes())
}
