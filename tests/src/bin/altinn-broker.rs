//! The false Altinn broker as a program; `--help` says more.

use efm::clock::Clock;
use efm_world::broker::{Bearer, Broker, Check, Mischief, READ, WRITE};
use outside_world::simulator;
use std::process::ExitCode;
use std::sync::Arc;

const HELP: &str = "\
A false Altinn broker: organisations leave files for each other and say when they have them, at /broker/api/v1.

  --maskinporten URL   tokens are those that this false Maskinporten has given and exchanged; without it a token
                       is the organisation that its bearer speaks for: Authorization: Bearer 0192:910077473
  --folder FOLDER      files lie there; without it in a temporary folder
  --duplicates RATE    so many of the files come twice: 0 to 1
  --disorder RATE      so often files come in another order than they were sent
  --cuts RATE          so many of the uploads and downloads break off in the middle
  --unheard RATE       so many of the uploads go well and are answered with a 503

Example
  altinn-broker --port 9103 --maskinporten http://127.0.0.1:9101
";

fn main() -> ExitCode {
    let temporary = tempfile::tempdir();
    simulator::main(
        HELP,
        &["--maskinporten", "--folder", "--duplicates", "--disorder", "--cuts", "--unheard"],
        |flags| {
            let folder = match flags.value("--folder") {
                Some(folder) => folder.into(),
                None => temporary.as_ref().map_err(ToString::to_string)?.path().to_owned(),
            };
            std::fs::create_dir_all(&folder)?;
            let check: Check = match flags.value("--maskinporten").map(str::to_owned) {
                Some(maskinporten) => Arc::new(move |token| {
                    let known = simulator::introspect(&maskinporten, token)?;
                    let organisation =
                        known.altinn_user_of.ok_or("the token was not exchanged, or is no system user's")?;
                    Ok(Bearer { organisation, scopes: known.scopes })
                }),
                None => Arc::new(|token| match token.strip_prefix("0192:") {
                    Some(_) => {
                        Ok(Bearer { organisation: token.to_owned(), scopes: [READ, WRITE].map(str::to_owned).into() })
                    }
                    None => {
                        Err("it must be an organisation, as 0192:910077473; --maskinporten takes real ones".to_owned())
                    }
                }),
            };
            let rate = |name| flags.rate(name);
            let (duplicates, disorder, cuts) = (rate("--duplicates")?, rate("--disorder")?, rate("--cuts")?);
            let broker = Broker::new(folder, check, Clock::machine());
            broker.go_wrong(Mischief { duplicates, disorder, cuts, unheard: rate("--unheard")? }, flags.seed);
            Ok(broker.routes())
        },
    )
}
