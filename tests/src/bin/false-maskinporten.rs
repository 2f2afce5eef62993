//! Maskinporten and Altinn's exchange as a program; `--help` says more.

use efm::clock::Clock;
use efm_world::faults::Flags;
use efm_world::maskinporten::{Account, Maskinporten};
use efm_world::stage;
use outside_world::identity::certificates;
use outside_world::simulator;
use std::collections::BTreeSet;
use std::error::Error;
use std::process::ExitCode;

const HELP: &str = "\
A false Maskinporten (/token) and Altinn's exchange for its tokens. It holds each assertion to what the real one holds it to.

  --organisation NUMBER=FILE   a client MOVE_IP_<number> that signs with the first certificate of this PEM file, with the
                               scopes of DPO and a system user <number>_integrasjonspunkt_systembruker; any number of times
  --audience URL               what assertions must be for (https://test.maskinporten.no/)

One client of any other form:
  --client NAME --certificate FILE [--scopes A,B] [--consumers NUMBER,NUMBER] [--system-user 0192:NUMBER/NAME]

Example
  false-maskinporten --port 9101 --organisation 910077473=nord.pem --organisation 910075918=sor.pem
";
const KNOWN: [&str; 7] =
    ["--organisation", "--audience", "--client", "--certificate", "--scopes", "--consumers", "--system-user"];

fn main() -> ExitCode {
    simulator::main(HELP, &KNOWN, |flags| {
        let audience = flags.value("--audience").unwrap_or("https://test.maskinporten.no/");
        let maskinporten = Maskinporten::new(audience, Clock::machine());
        let mut accounts = Vec::new();
        for (number, pem) in simulator::organisations(flags)? {
            let certificate = certificates(&pem).into_iter().next();
            let certificate =
                certificate.ok_or_else(|| format!("--organisation {number}: its file has no certificate"))?;
            accounts.push(stage::account(&number, certificate, &[]));
        }
        accounts.extend(other(flags)?);
        if accounts.is_empty() {
            return Err("nobody could get a token: --organisation NUMBER=FILE or --client NAME is needed".into());
        }
        for account in accounts {
            maskinporten.register(account);
        }
        Ok(maskinporten.routes())
    })
}

fn other(flags: &Flags) -> Result<Option<Account>, Box<dyn Error>> {
    let Some(client) = flags.value("--client") else { return Ok(None) };
    let list = |name: &str| -> BTreeSet<String> {
        flags.value(name).into_iter().flat_map(|all| all.split(',')).map(str::to_owned).collect()
    };
    let certificate = std::fs::read_to_string(flags.value("--certificate").ok_or("--certificate FILE is needed")?)?;
    let user = flags.value("--system-user").and_then(|text| text.split_once('/'));
    Ok(Some(Account {
        id: client.to_owned(),
        scopes: list("--scopes"),
        certificates: certificates(&certificate).into_iter().take(1).collect(),
        keys: Vec::new(),
        delegations: list("--consumers"),
        system_users: user.map(|(org, name)| (org.to_owned(), name.to_owned())).into_iter().collect(),
    }))
}
