//! What a `lie.toml` can say. Every key is known or the fixture is refused: a lie that is not told tests nothing.

use jiff::Timestamp;
use outside_world::liar::Lie;
use serde::Deserialize;
use std::path::Path;

/// One lie: what is published, what the server makes of it, and how a look must end.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    /// Why it is a lie, or why it only looks like one.
    pub why: String,
    /// How each look ends.
    pub ends: Vec<Ends>,
    /// What was published before anybody lied.
    #[serde(default)]
    pub publish: Publish,
    /// What the server does: each request in turn, the last one stays.
    #[serde(default)]
    pub serve: Serve,
    /// What the site has said.
    #[serde(default)]
    pub site: Site,
}

/// How a look ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ends {
    /// It is not there yet: no harm meant.
    NotPublished,
    /// The server cannot be reached, or gives up.
    Unreachable,
    /// The server gives what we refuse.
    Refused,
    /// The list makes no sense.
    BadList,
    /// A rule of the site says no.
    Policy,
    /// The bytes are not trusted.
    Verification,
    /// It is verified: it only looked like a lie.
    Verified,
}

/// What was published.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Publish {
    /// In the URLs, and in the list where it is not given.
    pub tag: String,
    /// What the archive says that it is.
    pub inside: String,
    /// Whose archive it says that it is.
    pub artifact: String,
    /// When it says that it was built.
    pub built: Timestamp,
    /// What is wrong with the archive as such.
    pub shape: Shape,
    /// The list, as it is written.
    pub list: Option<String>,
    /// The `.sha1`; none: that of the archive.
    pub checksum: Option<String>,
    /// In the signature file, one after the other; none: one of the publisher.
    pub signatures: Vec<Signed>,
    /// The signature file, where it is no signature.
    pub signature_text: Option<String>,
}

impl Default for Publish {
    fn default() -> Self {
        Self {
            tag: "v4.0.8".into(),
            inside: "4.0.8".into(),
            artifact: "integrasjonspunkt".into(),
            built: "2025-06-01T00:00:00Z".parse().unwrap(),
            shape: Shape::Sound,
            list: None,
            checksum: None,
            signatures: Vec::new(),
            signature_text: None,
        }
    }
}

/// What is wrong with the archive as such. It is signed as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Nothing.
    Sound,
    /// Something stands before it: it is a shell script as well.
    DataBefore,
    /// Something stands behind it: it is another archive as well.
    DataBehind,
    /// Two entries are called `build-info.properties`.
    TwoBuildInfos,
    /// The build information inflates to much more than it may.
    Bomb,
    /// As `Bomb`, and says that it is small.
    BombThatSaysItIsSmall,
    /// It is no archive.
    Text,
}

/// One signature.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Signed {
    /// With whose key.
    pub by: Person,
    /// Whose key id it claims, where that is not the signer's.
    pub claims: Option<Person>,
    /// Over what.
    pub over: Over,
    /// With which hash.
    pub hash: Hash,
    /// Dated.
    pub at: Timestamp,
}

impl Default for Signed {
    fn default() -> Self {
        let at = "2025-06-01T00:00:00Z".parse().unwrap();
        Self { by: Person::Publisher, claims: None, over: Over::TheArchive, hash: Hash::Sha512, at }
    }
}

/// Somebody with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Person {
    /// Whom the site trusts.
    Publisher,
    /// The same with his key of before; RSA, since with Ed25519 nobody can sign over a weak hash.
    PublisherOfOld,
    /// Nobody knows him.
    Stranger,
}

/// What a signature is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// What it lies beside.
    TheArchive,
    /// Another file.
    AnotherFile,
}

/// With which hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hash {
    /// A strong one.
    Sha512,
    /// A weak one.
    Sha1,
}

/// What the server does with each kind of file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Serve {
    /// The list of versions.
    pub list: Vec<Lie>,
    /// The `.asc`
    pub signature: Vec<Lie>,
    /// The `.sha1`
    pub checksum: Vec<Lie>,
    /// The `.jar`
    pub archive: Vec<Lie>,
    /// Another validator than the one that follows from the bytes.
    pub archive_etag: Option<String>,
}

/// What the site has said.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Site {
    /// It follows the early bird.
    pub earlybird: bool,
    /// Its key file; none: the publisher's as it should be.
    pub key_file: Option<KeyFile>,
    /// It waits for nobody: for those who wait until we lose patience.
    pub impatient: bool,
}

/// What lies in `eformidling-key.asc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyFile {
    /// Both certificates of the publisher, as during a key change.
    Both,
    /// The publisher's certificate, which ended 2025-09-01.
    Expired,
    /// The publisher's certificate with a revocation of 2025-03-01: the key was stolen.
    Revoked,
}

impl Fixture {
    /// Reads and checks one.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let path = folder.join("lie.toml");
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let fixture = Self::parse(&text).map_err(|why| format!("{}: {why}", path.display()))?;
        Ok(fixture)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let fixture: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if fixture.why.trim().is_empty() || fixture.why.lines().count() != 1 {
            return Err("why: one line must say why it is a lie".into());
        }
        if fixture.ends.len() < 2 {
            return Err("ends: a lie is looked at twice at least; it must not work the second time either".into());
        }
        if fixture.publish.signature_text.is_some() && !fixture.publish.signatures.is_empty() {
            return Err("publish: signature_text or signatures, not both".into());
        }
        refuse_unused_keys(text)?;
        Ok(fixture)
    }
}

/// Serde lets a lie that takes nothing have any keys beside its name.
fn refuse_unused_keys(text: &str) -> Result<(), String> {
    let raw: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
    let serve = raw.get("serve").and_then(toml::Value::as_table).cloned().unwrap_or_default();
    for told in serve.values().filter_map(toml::Value::as_array).flatten().filter_map(toml::Value::as_table) {
        let lie: Lie = told.clone().try_into().map_err(|error: toml::de::Error| error.to_string())?;
        let takes_nothing = !format!("{lie:?}").contains('{');
        if takes_nothing && told.len() != 1 {
            return Err(format!("{lie:?} takes nothing, and {told:?} gives it something"));
        }
    }
    Ok(())
}

#[test]
fn a_fixture_with_an_unknown_key_is_refused() {
    let good = "why = 'x'\nends = ['refused', 'refused']\n";
    Fixture::parse(good).unwrap();
    Fixture::parse(&format!("{good}[serve]\nlist = [{{ lie = 'endless' }}]")).unwrap();
    for bad in [
        "ends = ['refused', 'refused']",
        "why = ''\nends = ['refused', 'refused']",
        "why = 'x'\nends = ['refused']",
        "why = 'x'\nends = ['refused', 'sometimes']",
        &format!("{good}sever = 1"),
        &format!("{good}[publish]\ntags = 'x'"),
        &format!("{good}[site]\npatient = true"),
        &format!("{good}[serve]\nlist = [{{ lie = 'endless', bytes = 3 }}]"),
        &format!("{good}[serve]\nlist = [{{ lie = 'truncated', after = 3, bytes = 3 }}]"),
        &format!("{good}[serve]\nlist = [{{ lie = 'unheard-of' }}]"),
        &format!("{good}[[publish.signatures]]\nof = 'x'"),
        &format!("{good}[publish]\nsignature_text = 'x'\nsignatures = [{{ }}]"),
    ] {
        assert!(Fixture::parse(bad).is_err(), "{bad}");
    }
}
