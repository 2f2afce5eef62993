//! Maskinporten and Altinn's exchange, as a program: `false-maskinporten --client NAME --certificate FILE [--scopes A,B]
//! [--consumers ORG,ORG] [--system-user 0192:ORG/NAME] [--audience URL] [--port N] [--latency MS] [--fail-rate 0..1] [--seed N]`
//!
//! The certificate is a PEM file, of which the first certificate counts. Says where it listens on its first line.

use efm::clock::Clock;
use efm_world::faults::Flags;
use efm_world::maskinporten::{Account, Maskinporten};
use efm_world::server::serve_for_ever;
use outside_world::identity::certificates;
use std::collections::BTreeSet;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let flags = Flags::read(std::env::args().skip(1))?;
    let list = |name: &str| -> BTreeSet<String> {
        flags.value(name).into_iter().flat_map(|all| all.split(',')).map(str::to_owned).collect()
    };
    let client = flags.value("--client").ok_or("--client NAME is needed")?;
    let certificate = std::fs::read_to_string(flags.value("--certificate").ok_or("--certificate FILE is needed")?)?;
    let user = flags.value("--system-user").and_then(|text| text.split_once('/'));
    let audience = flags.value("--audience").unwrap_or("https://test.maskinporten.no/");
    let maskinporten = Maskinporten::new(audience, Clock::machine());
    maskinporten.register(Account {
        id: client.to_owned(),
        scopes: list("--scopes"),
        certificates: certificates(&certificate).into_iter().take(1).collect(),
        keys: Vec::new(),
        delegations: list("--consumers"),
        system_users: user.map(|(org, name)| (org.to_owned(), name.to_owned())).into_iter().collect(),
    });
    Ok(serve_for_ever(&flags, maskinporten.routes())?)
}
