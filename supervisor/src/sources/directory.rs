//! A folder or a file share, for sites without internet: `integrasjonspunkt-<tag>.jar` with `.asc` beside it.
//!
//! A list of the same form as Digdir's (`latest-versions.yml`) decides where it lies there; else the newest version
//! does. Names are found whatever their case, because shares are. A name never leads out of the folder.
//!
//! A share may hang: every act has the read time limit of the network.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::published::Ending;
use super::{Wish, file_name, name_end, tags_of, versions_list};
use crate::config::settings::{Channel, Network};
use crate::ports::{Body, Opened, ReleaseSource, Resume, SourceError};
use crate::release::{Checksum, Release, Tag, Version};

/// The names that a list may have.
const LISTS: [&str; 2] = ["latest-versions.yml", "latest-versions.yaml"];
/// More names than this are no folder of releases.
const ENTRIES_LIMIT: usize = 10_000;
/// A file that grows within this long is still being copied.
const SETTLE: Duration = Duration::from_millis(200);

/// A folder or a file share.
#[derive(Clone, Debug)]
pub struct Directory {
    folder: PathBuf,
    artifact: String,
    wish: Wish,
    network: Network,
}

impl Directory {
    /// `folder` is absolute; on Windows it may be a share, `\\server\share\folder`.
    pub fn new(folder: PathBuf, artifact: String, wish: Wish, network: Network) -> Self {
        Self { folder, artifact, wish, network }
    }

    async fn names(&self) -> Result<Vec<String>, SourceError> {
        let folder = self.folder.clone();
        self.in_time(self.folder.clone(), move || names_in(&folder)).await?
    }

    /// The whole of a small file, found whatever the case of its name.
    async fn small(&self, name: String, limit: u64) -> Result<Vec<u8>, SourceError> {
        let folder = self.folder.clone();
        self.in_time(self.folder.join(&name), move || {
            let (path, file) = open_in(&folder, &name)?;
            let mut bytes = Vec::new();
            file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|source| read_error(&path, source))?;
            if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
                return Err(refused(&path, format!("it is larger than the limit of {limit} bytes")));
            }
            Ok(bytes)
        })
        .await?
    }

    async fn by_list(&self, list: &str) -> Result<Tag, SourceError> {
        let bytes = self.small(list.to_owned(), self.network.list_limit_bytes).await?;
        let wrong = |reason| SourceError::BadList { what: self.folder.join(list).display().to_string(), reason };
        let text = String::from_utf8(bytes).map_err(|_| wrong("it is not text in UTF-8".into()))?;
        versions_list::wanted(&text, &self.wish.profile, self.wish.channel).map_err(wrong)
    }

    fn tags<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = Tag> + 'a {
        let end = name_end(self.wish.kind);
        names.iter().filter_map(move |name| tag_in(name, &self.artifact, &end))
    }

    fn nothing_here(&self, version: &str) -> SourceError {
        let name = format!("{}-{version}{}", self.artifact, name_end(self.wish.kind));
        SourceError::NotPublished { what: self.folder.join(name).display().to_string() }
    }

    /// Runs it on a thread where a share that hangs does no harm.
    async fn in_time<T: Send + 'static>(
        &self,
        path: PathBuf,
        act: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, SourceError> {
        match tokio::time::timeout(self.network.read_timeout, tokio::task::spawn_blocking(act)).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(_)) => Err(read_error(&path, io::Error::other("the reader ended without an answer"))),
            Err(_) => Err(read_error(&path, ErrorKind::TimedOut.into())),
        }
    }
}

impl ReleaseSource for Directory {
    async fn find(&self) -> Result<Release, SourceError> {
        let names = self.names().await?;
        if let Some(list) = names.iter().find(|name| LISTS.iter().any(|list| list.eq_ignore_ascii_case(name))) {
            return self.by_list(list).await.map(|tag| Release { tag });
        }
        let newest = self
            .tags(&names)
            .filter(|tag| self.wish.channel == Channel::Earlybird || !tag.version().is_prerelease())
            .max_by(|a, b| a.version().cmp(b.version()).then_with(|| a.as_str().cmp(b.as_str())));
        newest.map(|tag| Release { tag }).ok_or_else(|| self.nothing_here("<version>"))
    }

    async fn named(&self, version: &Version) -> Result<Release, SourceError> {
        let names = self.names().await?;
        let here: Vec<Tag> = self.tags(&names).collect();
        let found = tags_of(version).find(|tag| here.contains(tag));
        found.map(|tag| Release { tag }).ok_or_else(|| self.nothing_here(&version.to_string()))
    }

    async fn signature(&self, release: &Release) -> Result<Vec<u8>, SourceError> {
        let name = file_name(&self.artifact, &release.tag, self.wish.kind) + ".asc";
        self.small(name, self.network.signature_limit_bytes).await
    }

    async fn checksums(&self, release: &Release) -> Result<Vec<Checksum>, SourceError> {
        let mut found = Vec::new();
        for ending in [Ending::Sha512, Ending::Sha256, Ending::Sha1, Ending::Md5] {
            let name = file_name(&self.artifact, &release.tag, self.wish.kind) + ending.as_str();
            let path = self.folder.join(&name);
            match self.small(name, self.network.signature_limit_bytes).await {
                Ok(bytes) => found.push(ending.read(&bytes).map_err(|reason| refused(&path, reason))?),
                Err(SourceError::NotPublished { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    async fn open(&self, release: &Release, resume: Option<&Resume>) -> Result<Opened, SourceError> {
        let name = file_name(&self.artifact, &release.tag, self.wish.kind);
        let (folder, path) = (self.folder.clone(), self.folder.join(&name));
        let (file, before) = self.in_time(path.clone(), move || open_measured(&folder, &name)).await??;
        tokio::time::sleep(SETTLE).await;
        let resume = resume.cloned();
        let limit = self.network.jar_limit_bytes;
        let shown = path.clone();
        self.in_time(path, move || opened(file, &before, &shown, resume.as_ref(), limit)).await?
    }
}

/// Size and time of change: what shows that a file is still being written.
#[derive(Debug, PartialEq, Eq)]
struct Measure {
    length: u64,
    modified: Option<SystemTime>,
}

impl Measure {
    fn of(file: &File) -> io::Result<Self> {
        let facts = file.metadata()?;
        Ok(Self { length: facts.len(), modified: facts.modified().ok() })
    }

    fn validator(&self) -> Option<String> {
        let since = self.modified?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(format!("{}-{}", self.length, since.as_nanos()))
    }
}

fn open_measured(folder: &Path, name: &str) -> Result<(File, Measure), SourceError> {
    let (path, file) = open_in(folder, name)?;
    let measure = Measure::of(&file).map_err(|source| read_error(&path, source))?;
    Ok((file, measure))
}

fn opened(
    mut file: File,
    before: &Measure,
    path: &Path,
    resume: Option<&Resume>,
    limit: u64,
) -> Result<Opened, SourceError> {
    let now = Measure::of(&file).map_err(|source| read_error(path, source))?;
    if now != *before || now.length == 0 {
        return Err(SourceError::NotPublished { what: format!("{} (it is still being copied)", path.display()) });
    }
    if now.length > limit {
        return Err(refused(path, format!("it is {} bytes; the limit is {limit}", now.length)));
    }
    let validator = now.validator();
    let same = resume.filter(|resume| Some(&resume.validator) == validator.as_ref() && resume.offset <= now.length);
    let starts_at = same.map_or(0, |resume| resume.offset);
    file.seek(SeekFrom::Start(starts_at)).map_err(|source| read_error(path, source))?;
    Ok(Opened { starts_at, length: Some(now.length), validator, body: Body::File(tokio::fs::File::from_std(file)) })
}

fn names_in(folder: &Path) -> Result<Vec<String>, SourceError> {
    let failed = |source| read_error(folder, source);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        // What is not Unicode is not a name of ours.
        if let Ok(name) = entry.map_err(failed)?.file_name().into_string() {
            names.push(name);
        }
        if names.len() > ENTRIES_LIMIT {
            return Err(refused(folder, format!("there are more than {ENTRIES_LIMIT} files in it")));
        }
    }
    Ok(names)
}

/// Opens the file of this name in the folder, and nothing that lies elsewhere.
fn open_in(folder: &Path, name: &str) -> Result<(PathBuf, File), SourceError> {
    let names = names_in(folder)?;
    let exact = names.iter().find(|found| *found == name);
    let found = exact.or_else(|| names.iter().find(|found| found.eq_ignore_ascii_case(name)));
    let Some(found) = found else {
        return Err(SourceError::NotPublished { what: folder.join(name).display().to_string() });
    };
    let path = folder.join(found);
    let failed = |source| read_error(&path, source);
    if fs::symlink_metadata(&path).map_err(failed)?.is_symlink() && !leads_inside(folder, &path).map_err(failed)? {
        return Err(refused(&path, "it is a link that leads out of its folder".into()));
    }
    if !fs::metadata(&path).map_err(failed)?.is_file() {
        return Err(refused(&path, "it is not a file".into()));
    }
    match File::open(&path) {
        Ok(file) => Ok((path, file)),
        Err(error) if is_held_open(&error) => {
            Err(SourceError::NotPublished { what: format!("{} (it is still being copied)", path.display()) })
        }
        Err(error) => Err(read_error(&path, error)),
    }
}

fn leads_inside(folder: &Path, link: &Path) -> io::Result<bool> {
    Ok(link.canonicalize()?.starts_with(folder.canonicalize()?))
}

/// The tag in the name of an archive, whatever the case of the rest.
pub(super) fn tag_in(name: &str, artifact: &str, end: &str) -> Option<Tag> {
    let start = name.get(..artifact.len())?;
    let rest = name.get(artifact.len()..)?.strip_prefix('-')?;
    let split = rest.len().checked_sub(end.len())?;
    let (tag, behind) = (rest.get(..split)?, rest.get(split..)?);
    if !start.eq_ignore_ascii_case(artifact) || !behind.eq_ignore_ascii_case(end) {
        return None;
    }
    match tag.strip_prefix('V') {
        Some(version) => format!("v{version}").parse().ok(),
        None => tag.parse().ok(),
    }
}

/// On Windows a copy in progress holds its file: `ERROR_SHARING_VIOLATION`, `ERROR_LOCK_VIOLATION`.
fn is_held_open(error: &io::Error) -> bool {
    cfg!(windows) && matches!(error.raw_os_error(), Some(32 | 33))
}

fn read_error(path: &Path, source: io::Error) -> SourceError {
    SourceError::Read { what: path.display().to_string(), source }
}

fn refused(path: &Path, reason: String) -> SourceError {
    SourceError::Refused { what: path.display().to_string(), reason }
}

#[cfg(test)]
mod tests;
