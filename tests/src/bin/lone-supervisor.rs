//! A supervisor that starts an integration point, says which, and does nothing more until it is killed.
//! `lone-supervisor HOME PORT JAVA ARCHIVE VERSION`

use kosmos::child::IntegrationPoint;
use kosmos::ports::{Child, Launch};
use outside_world::child::settings;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [home, port, java, archive, version] = words.as_slice() else {
        return Err("five words are needed".into());
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let child = IntegrationPoint::of(home.into(), settings(port.parse()?, Some(java.into()))?);
        let process = child.spawn(&Launch { file: archive.into(), version: version.parse()? }).await?;
        println!("{}", serde_json::to_string(&process)?);
        tokio::time::sleep(std::time::Duration::from_mins(1)).await;
        Ok(())
    })
}
