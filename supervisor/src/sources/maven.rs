//! A Maven repository: `maven-metadata.xml` says which versions there are, the files lie in folders named after them.

use std::path::Path;
use url::Url;

use super::http::Session;
use super::published::Ending;
use super::remembered::Memory;
use super::{Wish, checksums, file_name, place, signature};
use crate::config::settings::{Channel, Network};
use crate::ports::{Opened, ReleaseSource, Resume, SourceError};
use crate::release::{Checksum, Release, Tag, Version};
use efm::outside::headers::clip;
use efm::outside::shown;

/// More elements than this are no list of versions.
const NODES_LIMIT: u32 = 50_000;

/// A Maven repository.
#[derive(Clone, Debug)]
pub struct Maven {
    artifact_folder: Url,
    artifact: String,
    wish: Wish,
    network: Network,
    memory: Memory,
}

impl Maven {
    /// `artifact_folder` is the folder above the versions.
    pub fn new(artifact_folder: Url, artifact: String, wish: Wish, network: Network, state_folder: &Path) -> Self {
        Self { artifact_folder, artifact, wish, network, memory: Memory::new(state_folder) }
    }

    /// `<artifact_folder>/<v>/<artifact>-<v>.jar`, and an ending perhaps.
    fn file(&self, tag: &Tag, ending: &str) -> Result<Url, SourceError> {
        place(&self.artifact_folder, &[tag.as_str(), &(file_name(&self.artifact, tag, self.wish.kind) + ending)])
    }
}

impl ReleaseSource for Maven {
    async fn find(&self) -> Result<Release, SourceError> {
        let session = Session::new(&self.network)?;
        let list = place(&self.artifact_folder, &["maven-metadata.xml"])?;
        let text = self.memory.list(&session, &list, self.network.list_limit_bytes).await?;
        wanted(&text, self.wish.channel)
            .map(|tag| Release { tag })
            .map_err(|reason| SourceError::BadList { what: shown(&list), reason })
    }

    /// Here a tag is the version itself.
    async fn named(&self, version: &Version) -> Result<Release, SourceError> {
        Ok(Release { tag: Tag::from(version.clone()) })
    }

    async fn signature(&self, release: &Release) -> Result<Vec<u8>, SourceError> {
        let session = Session::new(&self.network)?;
        signature(&session, &self.network, &self.file(&release.tag, ".asc")?).await
    }

    async fn checksums(&self, release: &Release) -> Result<Vec<Checksum>, SourceError> {
        const ENDINGS: [Ending; 4] = [Ending::Sha512, Ending::Sha256, Ending::Sha1, Ending::Md5];
        let session = Session::new(&self.network)?;
        checksums(&session, &self.network, &ENDINGS, |ending| self.file(&release.tag, ending)).await
    }

    async fn open(&self, release: &Release, resume: Option<&Resume>) -> Result<Opened, SourceError> {
        Session::new(&self.network)?.open(&self.file(&release.tag, "")?, resume).await
    }
}

/// The newest version on the channel; or what is wrong with the list, in words.
fn wanted(text: &str, channel: Channel) -> Result<Tag, String> {
    let said = versions(text)?;
    // Names that are no versions are older than our grammar, or somebody else's.
    let tags = said.iter().filter_map(|name| name.parse::<Tag>().ok());
    let newest = tags
        .filter(|tag| match channel {
            Channel::Latest => !tag.version().is_prerelease(),
            Channel::Earlybird => !is_snapshot(tag),
        })
        .max_by(|a, b| a.version().cmp(b.version()));
    newest.ok_or_else(|| match said.as_slice() {
        [] => "it names no versions".into(),
        names => format!("none of the {} versions in it is a release, like {:?}", names.len(), clip(&said_last(names))),
    })
}

fn said_last(names: &[String]) -> String {
    names.last().cloned().unwrap_or_default()
}

fn is_snapshot(tag: &Tag) -> bool {
    tag.as_str().to_ascii_uppercase().ends_with("SNAPSHOT")
}

/// All that the list names: `<versions>`, and `<release>` and `<latest>`, which some repositories have alone.
fn versions(text: &str) -> Result<Vec<String>, String> {
    let options = roxmltree::ParsingOptions { allow_dtd: false, nodes_limit: NODES_LIMIT, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(text.trim_start_matches('\u{feff}'), options)
        .map_err(|error| format!("it is no Maven metadata: {error}"))?;
    let root = document.root_element();
    if root.tag_name().name() != "metadata" {
        let name = clip(root.tag_name().name());
        return Err(format!("it is no Maven metadata: it starts with <{name}>, not <metadata>"));
    }
    let versioning = root.children().find(|node| node.has_tag_name("versioning"));
    let Some(versioning) = versioning else {
        return Err("it is no Maven metadata of versions: there is no <versioning> in it".into());
    };
    let listed = versioning.children().filter(|node| node.has_tag_name("versions"));
    let listed = listed.flat_map(|list| list.children().filter(|node| node.has_tag_name("version")));
    let alone = versioning.children().filter(|node| node.has_tag_name("release") || node.has_tag_name("latest"));
    Ok(listed.chain(alone).filter_map(|node| node.text()).map(|name| name.trim().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(inside: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metadata>\n<groupId>no.difi.meldingsutveksling</groupId>\n\
             <artifactId>integrasjonspunkt</artifactId>\n<versioning>{inside}</versioning>\n</metadata>"
        )
    }

    fn of(inside: &str, channel: Channel) -> Result<String, String> {
        wanted(&metadata(inside), channel).map(|tag| tag.as_str().to_owned())
    }

    const LIST: &str = "<latest>2.29.0-SNAPSHOT</latest><release>2.28.0</release><versions>
        <version>1.7.93-SNAPSHOT</version><version>2.9.0</version><version>2.28.0</version>
        <version>2.28.1-rc.1</version><version>2.29.0-SNAPSHOT</version><version>old-name</version>
        <version>2.27.3</version></versions><lastUpdated>20230801000000</lastUpdated>";

    #[test]
    fn latest_is_the_newest_release_and_earlybird_the_newest_but_snapshots() {
        assert_eq!(of(LIST, Channel::Latest).unwrap(), "2.28.0");
        assert_eq!(of(LIST, Channel::Earlybird).unwrap(), "2.28.1-rc.1");
    }

    #[test]
    fn a_list_that_only_names_its_release_is_enough() {
        assert_eq!(of("<release>2.28.0</release>", Channel::Latest).unwrap(), "2.28.0");
    }

    #[test]
    fn a_list_without_releases_says_what_it_has() {
        assert_eq!(of("<versions/>", Channel::Latest).unwrap_err(), "it names no versions");
        let error = of("<latest>3.0.0-SNAPSHOT</latest>", Channel::Earlybird).unwrap_err();
        assert!(error.contains("3.0.0-SNAPSHOT"), "{error}");
    }

    #[test]
    fn what_is_not_metadata_is_refused() {
        let many = format!("<versions>{}</versions>", "<version>1.0.0</version>".repeat(60_000));
        let bomb = "<?xml version=\"1.0\"?><!DOCTYPE m [<!ENTITY a \"2.28.0\"><!ENTITY b \"&a;&a;\">]>\
                    <metadata><versioning><release>&b;</release></versioning></metadata>";
        let outside = "<!DOCTYPE m SYSTEM \"file:///etc/passwd\"><metadata><versioning/></metadata>";
        let open = "<metadata><versioning><release>2.28.0</release></versioning>";
        for bad in ["", "<html/>", "<metadata/>", "<metadata>", "not xml", bomb, outside, open, &metadata(&many)] {
            assert!(wanted(bad, Channel::Latest).is_err(), "{}", bad.get(..40).unwrap_or(bad));
        }
        let path = "<release>../../9.9.9</release>";
        assert!(of(path, Channel::Latest).is_err());
    }
}
