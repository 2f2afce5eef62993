//! The service registry, as a program: `false-registry --folder FOLDER [--port N] [--latency MS] [--fail-rate 0..1] [--seed N]`
//!
//! In the folder lie the registry's own documents, `identifier/<number>.json`, and certificates, `virksert/<number>.pem`. Into
//! it goes `authority.pem`, the authority of the certificate that answers are signed with. Everybody may ask. Says where it
//! listens on its first line.

use efm_world::faults::Flags;
use efm_world::registry::{ServiceRegistry, Signer};
use efm_world::server::serve_for_ever;
use outside_world::identity::{Authority, Holds};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let flags = Flags::read(std::env::args().skip(1))?;
    let folder = Path::new(flags.value("--folder").ok_or("--folder FOLDER is needed")?);
    let authority = Authority::new("An authority of tests");
    let made = authority.issue("991825827", 1, Holds::long());
    let registry = ServiceRegistry::new(Signer::new(&made.key, "registry", made.chain.clone())?, None);
    for (name, text) in files(&folder.join("identifier"))? {
        registry.put(&name, serde_json::from_str(&text)?);
    }
    for (name, text) in files(&folder.join("virksert"))? {
        registry.put_certificate(&name, &text);
    }
    efm::atomic::replace(&folder.join("authority.pem"), authority.pem().as_bytes())?;
    Ok(serve_for_ever(&flags, registry.routes(""))?)
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
