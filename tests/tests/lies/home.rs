//! A home folder as a site has it, with a verified integration point running in it, and the liar that it listens to.

use crate::fixture::{Ends, Fixture, KeyFile, Person, Publish, Serve, Site};
use crate::forgery;
use efm::chain::Chain;
use efm::clock::Clock;
use kosmos::config;
use kosmos::ports::{Child, SourceError, Vault, state_folder};
use kosmos::sources::AnySource;
use kosmos::update::compare::Wish;
use kosmos::update::{self, Outcome, Running, UpdateError, Verified, World};
use kosmos::vault;
use outside_world::child::{self, program};
use outside_world::doors::{Real, world};
use outside_world::liar::{Liar, Lie, Page};
use sha2::Digest;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;

const LIST: &str = "/latest-versions.yml";
/// What a fetch may leave in staging.
const NOT_LAUNCHABLE: [&str; 2] = ["archive.part", "resume.json"];

/// The site.
pub struct Home {
    site: child::Home,
    pub liar: Liar,
    pub world: World<Real>,
    _leave: watch::Sender<bool>,
}

/// All that a lie must leave as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub pointer: String,
    pub floors: String,
    pub held: String,
    pub trial: String,
    pub runs: String,
    /// Every start and stop of an integration point in this home.
    pub ran: Vec<Vec<String>>,
    pub versions: Vec<String>,
    /// Each file and folder, with what would show that it was touched.
    pub listing: BTreeMap<PathBuf, String>,
}

impl Home {
    /// An empty site that believes in the publisher.
    pub fn new() -> Self {
        let site = child::Home::new().unwrap();
        let liar = Liar::start().unwrap();
        let write = |name: &str, bytes: &[u8]| efm::atomic::replace(&site.path().join(name), bytes).unwrap();
        write("eformidling-key.asc", &forgery::key_file(None));
        write("kosmos.toml", settings_text(&liar).as_bytes());
        let settings = config::load(site.path(), &[], &[]).map_err(|all| config::problems_text(&all)).unwrap();
        let (leave, left) = watch::channel(false);
        let lock = vault::lock(site.path()).unwrap();
        let world = world(settings.settings, lock, Clock::machine(), left);
        Self { site, liar, world, _leave: leave }
    }

    /// What the site has said, from now on.
    pub fn listen_as(&mut self, site: &Site) {
        self.put_key(site.key_file);
        let mut settings = self.world.settings.clone();
        if site.earlybird {
            settings.release.channel = config::settings::Channel::Earlybird;
        }
        if site.impatient {
            settings.network.read_timeout = Duration::from_secs(1);
            settings.network.total_timeout = Duration::from_secs(3);
            settings.network.slowest_bytes_per_second = 1 << 30;
        }
        self.world.source = AnySource::from_settings(&settings, &state_folder(self.site.path()));
    }

    fn put_key(&self, what: Option<KeyFile>) {
        let path = self.site.path().join("eformidling-key.asc");
        efm::atomic::replace(&path, &forgery::key_file(what)).unwrap();
    }

    /// Publishes it, and tells the server what to make of it. The archive, as it was made.
    pub fn publish(&self, publish: &Publish, serve: &Serve) -> Vec<u8> {
        let archive = forgery::archive(publish);
        let list = publish.list.clone().unwrap_or_else(|| list_of(&publish.tag));
        let checksum = publish.checksum.clone().unwrap_or_else(|| forgery::checksum(&archive));
        let jar = format!("/{0}/integrasjonspunkt-{0}.jar", publish.tag);
        self.put(LIST, list.into_bytes(), &serve.list, None);
        self.put(&format!("{jar}.asc"), forgery::signature_file(publish, &archive), &serve.signature, None);
        self.put(&format!("{jar}.sha1"), checksum.into_bytes(), &serve.checksum, None);
        self.put(&jar, archive.clone(), &serve.archive, serve.archive_etag.as_deref());
        archive
    }

    /// Lies count from the next request on, whatever was asked before.
    fn put(&self, path: &str, body: Vec<u8>, lies: &[Lie], etag: Option<&str>) {
        let etag = etag.map_or_else(|| format!("\"{}\"", hex::encode(sha2::Sha256::digest(&body))), str::to_owned);
        let before = self.liar.asked(path).len();
        let told = std::iter::repeat_n(Lie::Honest, before).chain(lies.iter().cloned());
        let lies = if lies.is_empty() { Vec::new() } else { told.collect() };
        self.liar.put(path, Page { body, etag: Some(etag), lies });
    }

    /// Looks, fetches and verifies.
    pub async fn look(&self) -> Result<Option<Verified>, UpdateError> {
        update::look(&self.world, &Wish::Newest).await
    }

    /// Publishes an honest release of this version and brings it up in place of what runs.
    pub async fn go_on_to(&mut self, version: &str, running: Option<Running>) -> Result<Running, String> {
        self.listen_as(&Site::default());
        let honest = Publish { tag: format!("v{version}"), inside: version.to_owned(), ..Publish::default() };
        self.publish(&honest, &Serve::default());
        let found = self.look().await.map_err(|error| format!("honest {version}: {}", Chain(&error)))?;
        let verified = found.ok_or(format!("honest {version}: nothing newer was found"))?;
        match update::attempt(&self.world, verified, running).await {
            Outcome::Committed { running, .. } => Ok(running),
            other @ (Outcome::RolledBack { .. }
            | Outcome::NothingRuns { .. }
            | Outcome::NotTouched { .. }
            | Outcome::Left) => Err(format!("honest {version}: {other:?}")),
        }
    }

    /// What must not change.
    pub async fn state(&self, running: &Running) -> State {
        let vault = &self.world.vault;
        let process = &running.process;
        let says = self.world.child.examine(process).await;
        let runs = format!(
            "{} lives: {}, says: {:?}, remembered: {:?}",
            process.pid,
            self.world.child.lives(process),
            says.map(|said| (said.version, said.health)),
            vault.remembered_child().unwrap().map(|child| child.pid),
        );
        let ran = self.site.ran();
        State {
            pointer: format!("{:?}", vault.pointer().unwrap()),
            floors: format!("{:?}", vault.floors().unwrap()),
            held: format!("{:?}", vault.all_held().unwrap()),
            trial: format!("{:?}", vault.trial().unwrap()),
            runs,
            ran,
            versions: vault.all_stored().unwrap().iter().map(|stored| stored.version().to_string()).collect(),
            listing: listing(self.site.path()),
        }
    }

    /// What lies in staging and could be started.
    pub fn launchable_in_staging(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let staging = state_folder(self.site.path()).join("staging");
        each_below(&staging, &mut |path, metadata| {
            let name = path.file_name().unwrap_or_default();
            #[cfg(unix)]
            let may_be_run = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
            #[cfg(not(unix))]
            let may_be_run = false;
            if !metadata.is_dir() && (may_be_run || !NOT_LAUNCHABLE.iter().any(|known| *known == name)) {
                found.push(path.to_owned());
            }
        });
        found
    }

    /// What a person would read, with what is another each time taken out.
    pub fn plain(&self, text: &str, archive: &[u8]) -> String {
        let mut plain = text
            .replace(&self.liar.address().to_string(), "127.0.0.1:<port>")
            .replace(&self.site.path().display().to_string(), "<home>")
            .replace(&format!("{} bytes", archive.len()), "<all> bytes");
        for (person, name) in [
            (Person::Publisher, "<publisher's key>"),
            (Person::PublisherOfOld, "<publisher's old key>"),
            (Person::Stranger, "<stranger's key>"),
        ] {
            plain = plain.replace(&person.forger().fingerprint(), name);
        }
        for (before, after) in
            [(" and it is ", " here;"), (" ended after ", " of "), (": bytes from ", " on were asked for")]
        {
            if let Some((start, rest)) = plain.split_once(before)
                && let Some((_, end)) = rest.split_once(after)
            {
                plain = format!("{start}{before}<n>{after}{end}");
            }
        }
        plain
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.site.clear();
    }
}

/// How it ended, and what a person would read.
pub fn told(result: &Result<Option<Verified>, UpdateError>) -> (Option<Ends>, String) {
    match result {
        Ok(Some(verified)) => (Some(Ends::Verified), format!("{} is verified", verified.stored().version())),
        Ok(None) => (None, "nothing newer".to_owned()),
        Err(error) => {
            let ends = match error {
                UpdateError::Source(SourceError::NotPublished { .. }) => Some(Ends::NotPublished),
                UpdateError::Source(SourceError::Unreachable { .. }) => Some(Ends::Unreachable),
                UpdateError::Source(SourceError::Refused { .. }) => Some(Ends::Refused),
                UpdateError::Source(SourceError::BadList { .. }) => Some(Ends::BadList),
                UpdateError::Policy(_) => Some(Ends::Policy),
                UpdateError::Verification { .. } => Some(Ends::Verification),
                UpdateError::Source(_)
                | UpdateError::Keys { .. }
                | UpdateError::Vault(_)
                | UpdateError::Child(_)
                | UpdateError::WillNotStop { .. }
                | UpdateError::PortTaken { .. } => None,
            };
            (ends, Chain(error).to_string())
        }
    }
}

/// The difference between two states, in words; empty: none.
pub fn difference(before: &State, after: &State) -> String {
    let mut text = String::new();
    let mut differs = |what: &str, one: &dyn std::fmt::Debug, other: &dyn std::fmt::Debug| {
        let (one, other) = (format!("{one:?}"), format!("{other:?}"));
        if one != other {
            let _ = writeln!(text, "  {what} was {one} and is {other}");
        }
    };
    differs("pointer", &before.pointer, &after.pointer);
    differs("floors", &before.floors, &after.floors);
    differs("held", &before.held, &after.held);
    differs("trial", &before.trial, &after.trial);
    differs("what runs", &before.runs, &after.runs);
    differs("what ran", &before.ran, &after.ran);
    differs("versions", &before.versions, &after.versions);
    let names = before.listing.keys().chain(after.listing.keys()).collect::<std::collections::BTreeSet<_>>();
    for name in names {
        differs(&name.display().to_string(), &before.listing.get(name), &after.listing.get(name));
    }
    text
}

/// All that is not the integration point's own talk, what is being fetched, or the list that was seen last.
fn listing(home: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    each_below(home, &mut |path, metadata| {
        let name = path.strip_prefix(home).unwrap().to_owned();
        let may_change = ["logs", "ran.log", "eformidling-key.asc", "kosmos/staging", "kosmos/look"];
        if may_change.iter().any(|allowed| name.starts_with(allowed)) {
            return;
        }
        // A folder's time changes when something is written into it that is allowed.
        let modified = if metadata.is_dir() { None } else { metadata.modified().ok() };
        found.insert(name, format!("{} {modified:?}", if metadata.is_dir() { 0 } else { metadata.len() }));
    });
    found
}

fn each_below(folder: &Path, seen: &mut dyn FnMut(&Path, &std::fs::Metadata)) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let metadata = std::fs::symlink_metadata(&path).unwrap();
        seen(&path, &metadata);
        if metadata.is_dir() {
            each_below(&path, seen);
        }
    }
}

fn list_of(tag: &str) -> String {
    format!("integrasjonspunkt:\n  environments:\n    production: {{ latest: {tag}, earlybird: {tag} }}\n")
}

/// Patient, so that a busy machine changes no outcome.
fn settings_text(liar: &Liar) -> String {
    format!(
        "[release]\nlist = '{}'\ndownloads = '{}'\n\
         [child]\njava = '{}'\nprobation = '50ms'\nstop_grace = '5s'\nstart_patience = '20s'\n\
         [network]\nproxy = 'none'\nread_timeout = '15s'\ntotal_timeout = '30s'\n\
         jar_limit = '4MiB'\nlist_limit = '64KiB'\nsignature_limit = '16KiB'\n",
        liar.url(LIST),
        liar.url("/"),
        program("false-java").unwrap().display()
    )
}

/// Reads one fixture's folder, tells its lie, and says what was wrong.
pub async fn tell(folder: &Path, home: &mut Home) -> Result<(), String> {
    let fixture = Fixture::read(folder)?;
    let running = home.go_on_to("4.0.7", None).await?;
    home.listen_as(&fixture.site);
    let archive = home.publish(&fixture.publish, &fixture.serve);
    let before = home.state(&running).await;

    let mut lines: Vec<String> = Vec::new();
    for (number, expected) in fixture.ends.iter().enumerate() {
        let (ends, text) = told(&home.look().await);
        if ends != Some(*expected) {
            return Err(format!("look {} must end {expected:?} and ended {ends:?}: {text}", number + 1));
        }
        lines.push(home.plain(&text, &archive));
    }
    lines.dedup();
    compare(&folder.join("expected.txt"), &(lines.join("\n") + "\n"))?;

    let mut after = home.state(&running).await;
    if fixture.ends.contains(&Ends::Verified) {
        let came = after.versions.iter().filter(|version| !before.versions.contains(version)).count();
        if came != 1 {
            return Err(format!("one version must have come: {:?}", after.versions));
        }
        after.versions.clone_from(&before.versions);
        let is_new = |name: &PathBuf| {
            name.starts_with("kosmos/versions")
                && name.components().nth(2).is_some_and(|part| part.as_os_str().to_string_lossy().starts_with("4.0.8-"))
        };
        after.listing.retain(|name, _| !is_new(name));
    }
    let difference = difference(&before, &after);
    if !difference.is_empty() {
        return Err(format!("not all is as it was:\n{difference}"));
    }
    let launchable = home.launchable_in_staging();
    if !launchable.is_empty() {
        return Err(format!("staging holds what could be started: {launchable:?}"));
    }

    let now = home.go_on_to("4.0.9", Some(running.clone())).await?;
    if now.process.is(&running.process) || home.world.child.lives(&running.process) {
        return Err("the honest release did not take the place of the old one".into());
    }
    Ok(())
}

/// Compares a text with a file; with `UPDATE_EXPECTED=1` writes it instead.
fn compare(path: &Path, text: &str) -> Result<(), String> {
    #[allow(clippy::disallowed_methods, reason = "how a person tells this test to write")]
    if std::env::var("UPDATE_EXPECTED").is_ok_and(|set| set == "1") {
        return efm::atomic::replace(path, text.as_bytes()).map_err(|error| format!("{}: {error}", path.display()));
    }
    let expected = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    // A checkout on Windows may have other line ends.
    if expected.replace("\r\n", "\n") == text {
        Ok(())
    } else {
        Err(format!("{} says\n  {expected}and it is\n  {text}(UPDATE_EXPECTED=1 rewrites it)", path.display()))
    }
}
