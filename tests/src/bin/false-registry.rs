//! The service registry as a program; `--help` says more.

use efm_world::registry::{Check, ServiceRegistry, Signer};
use efm_world::stage;
use outside_world::identity::{Authority, Holds};
use outside_world::simulator;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

const HELP: &str = "\
A false service registry. Its answers are signed; the key stands at /jwk.

  --organisation NUMBER=FILE   takes everything that comes over DPO, for the certificate in this PEM file; any number of times
  --folder FOLDER              the registry's own documents, identifier/<number>.json, and certificates, virksert/<number>.pem;
                               into it goes authority.pem, the authority that signs for whoever signs the answers
  --maskinporten URL           whoever asks needs a token that this false Maskinporten has given; without it everybody may ask

Example
  false-registry --port 9102 --maskinporten http://127.0.0.1:9101 --organisation 910077473=nord.pem
";

fn main() -> ExitCode {
    simulator::main(HELP, &["--organisation", "--folder", "--maskinporten"], |flags| {
        let check = flags.value("--maskinporten").map(str::to_owned).map(|maskinporten| -> Check {
            Arc::new(move |token| simulator::introspect(&maskinporten, token).map(|known| known.scopes))
        });
        let authority = Authority::new("An authority of tests");
        let made = authority.issue("991825827", 1, Holds::long());
        let registry = ServiceRegistry::new(Signer::new(&made.key, "registry", made.chain.clone())?, check);
        for (number, pem) in simulator::organisations(flags)? {
            let certificate = pem.find("-----BEGIN CERTIFICATE").and_then(|at| pem.get(at..));
            let certificate =
                certificate.ok_or_else(|| format!("--organisation {number}: its file has no certificate"))?;
            stage::enter(&registry, &number, &format!("TEST {number}"), certificate);
        }
        if let Some(folder) = flags.value("--folder").map(Path::new) {
            for (name, text) in files(&folder.join("identifier"))? {
                registry.put(&name, serde_json::from_str(&text)?);
            }
            for (name, text) in files(&folder.join("virksert"))? {
                registry.put_certificate(&name, &text);
            }
            efm::atomic::replace(&folder.join("authority.pem"), authority.pem().as_bytes())?;
        }
        Ok(registry.routes(""))
    })
}

/// The names without their endings, and what is in them; none where there is no folder.
fn files(folder: &Path) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        all.push((name, std::fs::read_to_string(&path)?));
    }
    Ok(all)
}
