//! `[release]`

use crate::config::check;
use crate::config::problem::{Wrong, quoted, wrong};
use crate::config::reader::{Bases, Reader};
use crate::config::settings::{Channel, Release, Source};
use crate::config::value::{Scalar, word_of};
use std::path::PathBuf;
use url::Url;

const CHANNELS: [(&str, Channel); 2] = [("latest", Channel::Latest), ("earlybird", Channel::Earlybird)];
const LIKE_SOURCE: &str = "\"digdir\", \"maven\" or \"directory:/path/to/releases\"";

/// The word, before it is put together with the addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Where {
    Digdir,
    Maven,
    Directory(PathBuf),
}

pub(super) fn read(reader: &mut Reader) -> Option<Release> {
    let bases = reader.bases();
    let source = source(reader);
    let channel =
        reader.need("release.channel", |scalar| scalar.choice(&CHANNELS), |channel| word_of(&CHANNELS, channel));
    let supported_major = reader.one("release.supported_major", major, u64::to_string);
    let allow = reader.one("release.allow", allow, ToString::to_string);
    let keys = reader.many(
        "release.keys",
        |scalar| Ok(bases.find(scalar, &check::path(scalar.text()?)?)),
        |path| path.display().to_string(),
    );
    let fingerprints = reader.many("release.fingerprints", check::fingerprint, String::clone);
    let accept_expired_key = reader.need("release.accept_expired_key", Scalar::boolean, bool::to_string);
    if keys.is_empty() && reader.scalar("release.keys").is_none() {
        reader.refuse(
            "release.keys",
            wrong("there is no key, so nothing could be verified", "[\"eformidling-key.asc\"]"),
        );
    }
    Some(Release {
        source: source?,
        channel: channel?,
        supported_major,
        allow,
        keys,
        fingerprints,
        accept_expired_key: accept_expired_key?,
    })
}

fn source(reader: &mut Reader) -> Option<Source> {
    let bases = reader.bases();
    let choice = reader.need("release.source", |scalar| choice(scalar, &bases), show_choice);
    let list = reader.need("release.list", check::outside, Url::to_string);
    let downloads = reader.need("release.downloads", check::outside_folder, Url::to_string);
    let repository = reader.one("release.repository", check::outside_folder, Url::to_string);
    let group = reader.need("release.group", check::plain_name, String::clone);
    let artifact = reader.need("release.artifact", check::plain_name, String::clone);
    let choice = choice?;
    unused(reader, &choice);
    match choice {
        Where::Digdir => Some(Source::Digdir { list: list?, downloads: downloads?, artifact: artifact? }),
        Where::Maven => {
            if reader.scalar("release.repository").is_none() {
                let what = wrong("a Maven repository needs an address", "`repository` in [release]");
                reader.refuse("release.source", what);
            }
            let (repository, group, artifact) = (repository?, group?, artifact?);
            let folder = repository.join(&format!("{}/{artifact}/", group.replace('.', "/"))).ok()?;
            Some(Source::Maven { artifact_folder: folder, artifact })
        }
        Where::Directory(folder) => Some(Source::Directory { folder, artifact: artifact? }),
    }
}

/// Addresses that are set and not used with this source: somebody thinks that they are.
fn unused(reader: &mut Reader, choice: &Where) {
    let of_others: &[&'static str] = match choice {
        Where::Digdir => &["release.repository", "release.group"],
        Where::Maven => &["release.list", "release.downloads"],
        Where::Directory(_) => &["release.list", "release.downloads", "release.repository", "release.group"],
    };
    for name in of_others {
        if reader.is_set(name) {
            let what = format!("it is not used with source = \"{}\"", show_choice(choice));
            reader.warn(name, wrong(what, "leave it out, or another source"));
        }
    }
}

fn choice(scalar: &Scalar, bases: &Bases) -> Result<Where, Wrong> {
    let text = scalar.text().map_err(|mut wrong| {
        wrong.right = LIKE_SOURCE.into();
        wrong
    })?;
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "digdir" => return Ok(Where::Digdir),
        "maven" => return Ok(Where::Maven),
        _ => {}
    }
    if lower.starts_with("directory:") {
        let folder = text.get("directory:".len()..).unwrap_or_default();
        return check::path(folder)
            .map(|folder| Where::Directory(bases.find(scalar, &folder)))
            .map_err(|_| wrong(format!("{} names no folder", quoted(text)), "\"directory:/path/to/releases\""));
    }
    let right = match crate::config::nearest::nearest(text, ["digdir", "maven", "directory"]) {
        Some("directory") => "\"directory:/path/to/releases\"".to_owned(),
        Some(near) => format!("perhaps \"{near}\"; {LIKE_SOURCE}"),
        None => LIKE_SOURCE.to_owned(),
    };
    Err(wrong(format!("{} is no source", quoted(text)), right))
}

fn show_choice(choice: &Where) -> String {
    match choice {
        Where::Digdir => "digdir".into(),
        Where::Maven => "maven".into(),
        Where::Directory(folder) => format!("directory:{}", folder.display()),
    }
}

/// People write the tag's `v` here too, and whole versions: what is right for them is the number alone.
fn major(scalar: &Scalar) -> Result<u64, Wrong> {
    scalar.number(0, 1_000_000).map_err(|mut wrong| {
        let text = scalar.text.trim().trim_start_matches(['v', 'V']);
        if let Some(Ok(number)) = text.split('.').next().map(str::parse::<u64>) {
            wrong.right = format!("{number}");
        }
        wrong
    })
}

fn allow(scalar: &Scalar) -> Result<semver::VersionReq, Wrong> {
    let text = scalar.text()?;
    semver::VersionReq::parse(text)
        .map_err(|error| wrong(format!("{} is no range of versions: {error}", quoted(text)), "like \">=4, <5\""))
}
