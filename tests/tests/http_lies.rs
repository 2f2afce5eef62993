//! A release server that lies, and what our sources make of it: one clear error, soon, and nothing kept.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that fails may panic")]
#![allow(clippy::as_conversions, reason = "a test knows its numbers")]

use efm::chain::Chain;
use kosmos::config::settings::{Channel, Kind, Network};
use kosmos::ports::{Opened, ReleaseSource, Resume, SourceError};
use kosmos::release::Release;
use kosmos::sources::fetches::{AT_A_TIME, Fetches, Shared};
use kosmos::sources::{AnySource, Digdir, Wish};
use outside_world::liar::{Liar, Lie, Page};
use std::time::Duration;
use tempfile::TempDir;

const LIST: &str = "/latest-versions.yml";
const JAR: &str = "/v4.0.8/integrasjonspunkt-v4.0.8.jar";
const SIGNATURE: &str = "/v4.0.8/integrasjonspunkt-v4.0.8.jar.asc";
const CHECKSUM: &str = "/v4.0.8/integrasjonspunkt-v4.0.8.jar.sha1";
const LIST_OF_TODAY: &str = "integrasjonspunkt: {environments: {production: {latest: v4.0.8}}}";

/// A lying server, and a source that knows no other.
struct Stage {
    liar: Liar,
    source: Digdir,
    _state: TempDir,
}

/// Patient, so that a busy machine changes no outcome.
fn network() -> Network {
    Network {
        way: efm::outside::Network::straight("kosmos/test", Duration::from_secs(10)),
        read_timeout: Duration::from_secs(10),
        total_timeout: Duration::from_secs(20),
        slowest_bytes_per_second: 1 << 20,
        fastest_bytes_per_second: None,
        list_limit_bytes: 64 << 10,
        signature_limit_bytes: 4 << 10,
        jar_limit_bytes: 1 << 20,
    }
}

/// For those who wait until we lose patience.
fn impatient() -> Network {
    let (read_timeout, total_timeout) = (Duration::from_millis(300), Duration::from_millis(600));
    Network { read_timeout, total_timeout, ..network() }
}

fn source(liar: &Liar, state: &TempDir, network: Network) -> Digdir {
    let wish = Wish { profile: "production".into(), channel: Channel::Latest, kind: Kind::Java };
    let (list, downloads) = (liar.url(LIST).parse().unwrap(), liar.url("/").parse().unwrap());
    Digdir::new(list, downloads, "integrasjonspunkt".into(), wish, network, state.path())
}

fn stage_with(network: Network) -> Stage {
    let (liar, state) = (Liar::start().unwrap(), tempfile::tempdir().unwrap());
    let source = source(&liar, &state, network);
    Stage { liar, source, _state: state }
}

fn jar() -> Vec<u8> {
    (0..160_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect()
}

fn release() -> Release {
    Release { tag: "v4.0.8".parse().unwrap() }
}

fn told(error: &SourceError) -> String {
    Chain(error).to_string()
}

/// What came, and how it ended.
async fn read(mut opened: Opened) -> (Vec<u8>, Result<(), SourceError>) {
    let mut bytes = Vec::new();
    loop {
        match opened.body.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return (bytes, Ok(())),
            Err(error) => return (bytes, Err(error)),
        }
    }
}

async fn fetch(stage: &Stage, resume: Option<&Resume>) -> Result<Vec<u8>, SourceError> {
    let (bytes, end) = read(stage.source.open(&release(), resume).await?).await;
    end.map(|()| bytes)
}

/// The error that a lie about the jar ends in.
async fn jar_error(lie: Lie) -> SourceError {
    jar_error_of(&stage_with(network()), lie).await
}

async fn jar_error_of(stage: &Stage, lie: Lie) -> SourceError {
    stage.liar.page(JAR, jar(), &[lie]);
    fetch(stage, None).await.unwrap_err()
}

async fn list_error(lies: &[Lie]) -> SourceError {
    list_error_of(&stage_with(network()), lies).await
}

async fn list_error_of(stage: &Stage, lies: &[Lie]) -> SourceError {
    stage.liar.page(LIST, LIST_OF_TODAY, lies);
    stage.source.find().await.unwrap_err()
}

fn resume(offset: u64) -> Resume {
    Resume { offset, validator: format!("\"{}\"", jar().len()) }
}

#[tokio::test]
async fn without_lies_all_is_found() {
    let stage = stage_with(network());
    stage.liar.page(LIST, LIST_OF_TODAY, &[]).page(SIGNATURE, "signature", &[]).page(JAR, jar(), &[]);
    stage.liar.page(CHECKSUM, "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709  integrasjonspunkt-v4.0.8.jar\n", &[]);
    let found = stage.source.find().await.unwrap();
    assert_eq!(found, release());
    assert_eq!(stage.source.signature(&found).await.unwrap(), b"signature");
    assert_eq!(stage.source.checksums(&found).await.unwrap().len(), 1);
    assert_eq!(fetch(&stage, None).await.unwrap(), jar());
    let asked = &stage.liar.asked(JAR)[0];
    assert_eq!(asked.headers["accept-encoding"], "identity");
    assert!(asked.headers["user-agent"].starts_with("kosmos/"));
}

#[tokio::test]
async fn k02_a_release_without_files_is_not_published_yet() {
    let stage = stage_with(network());
    let not_published = |error: SourceError| assert!(matches!(error, SourceError::NotPublished { .. }), "{error}");
    not_published(stage.source.find().await.unwrap_err());
    not_published(stage.source.signature(&release()).await.unwrap_err());
    not_published(fetch(&stage, None).await.unwrap_err());
    assert_eq!(stage.source.checksums(&release()).await.unwrap(), []);
    stage.liar.page(SIGNATURE, "signature", &[Lie::Status { code: 410, headers: Vec::new() }]);
    not_published(stage.source.signature(&release()).await.unwrap_err());
}

#[tokio::test]
async fn a_404_that_becomes_a_200_is_found_at_the_next_look() {
    let stage = stage_with(network());
    stage.liar.page(SIGNATURE, "signature", &[Lie::Status { code: 404, headers: Vec::new() }, Lie::Honest]);
    assert!(stage.source.signature(&release()).await.is_err());
    assert_eq!(stage.source.signature(&release()).await.unwrap(), b"signature");
}

#[tokio::test]
async fn a_version_named_by_a_person_is_found_with_and_without_v() {
    let stage = stage_with(network());
    stage.liar.page(SIGNATURE, "x", &[]).page("/4.0.7/integrasjonspunkt-4.0.7.jar.asc", "x", &[]);
    for (version, tag) in [("4.0.8", "v4.0.8"), ("4.0.7", "4.0.7")] {
        assert_eq!(stage.source.named(&version.parse().unwrap()).await.unwrap().tag.as_str(), tag);
    }
    let error = stage.source.named(&"4.0.6".parse().unwrap()).await.unwrap_err();
    assert!(matches!(&error, SourceError::NotPublished { what } if what.contains("v4.0.6")), "{error}");
}

#[tokio::test]
async fn k44_a_server_that_asks_for_time_gets_it() {
    let busy = |code, after: &str| Lie::Status { code, headers: vec![("Retry-After".into(), after.into())] };
    for (lie, wait) in [(busy(503, "120"), Some(120)), (busy(429, "7"), Some(7)), (busy(503, "soon"), None)] {
        let error = list_error(&[lie]).await;
        let SourceError::Unreachable { retry_after, .. } = &error else { panic!("{error}") };
        assert_eq!(retry_after.map(|wait| wait.as_secs()), wait);
        assert!(told(&error).contains("it answered"), "{}", told(&error));
    }
}

#[tokio::test]
async fn a_cut_at_each_sixteenth_is_an_error_and_can_be_resumed() {
    for n in 0..16 {
        let stage = stage_with(network());
        stage.liar.page(JAR, jar(), &[Lie::CutAtSixteenth { n }, Lie::Honest]);
        let opened = stage.source.open(&release(), None).await.unwrap();
        let validator = opened.validator.clone().unwrap();
        let (start, end) = read(opened).await;
        let error = end.unwrap_err();
        assert!(matches!(error, SourceError::Unreachable { .. }), "{error}");
        assert!(told(&error).contains("of 160000 bytes"), "{}", told(&error));
        assert_eq!(start, jar()[..start.len()]);
        assert!(start.len() <= 160_000 * n / 16);

        let resume = Resume { offset: start.len() as u64, validator };
        let rest = stage.source.open(&release(), Some(&resume)).await.unwrap();
        assert_eq!((rest.starts_at, rest.length), (start.len() as u64, Some(160_000)));
        let (rest, end) = read(rest).await;
        end.unwrap();
        assert_eq!([start, rest].concat(), jar(), "sixteenth {n}");
    }
}

#[tokio::test]
async fn a_length_that_lies_is_an_error() {
    let short = jar_error(Lie::SaysLength { bytes: 200_000 }).await;
    assert!(told(&short).contains("160000 of 200000 bytes"), "{}", told(&short));
    let huge = jar_error(Lie::SaysLength { bytes: 10 << 30 }).await;
    assert!(matches!(&huge, SourceError::Refused { reason, .. } if reason.contains("the limit is 1048576")), "{huge}");
}

#[tokio::test]
async fn bytes_beyond_the_length_are_never_seen() {
    let stage = stage_with(network());
    stage.liar.page(JAR, jar(), &[Lie::TooMuch { bytes: 1000 }]);
    assert_eq!(fetch(&stage, None).await.unwrap(), jar());
}

#[tokio::test]
async fn k19_an_endless_body_ends_at_the_limit() {
    let error = jar_error(Lie::Endless).await;
    assert!(matches!(&error, SourceError::Refused { reason, .. } if reason.contains("1048576")), "{error}");
    let error = list_error(&[Lie::Endless]).await;
    assert!(matches!(&error, SourceError::Refused { reason, .. } if reason.contains("65536")), "{error}");
}

#[tokio::test]
async fn k19_a_drip_is_given_up() {
    let drip = Lie::Drip { bytes: 1, every_ms: 50 };
    let stage = stage_with(impatient());
    for error in [list_error_of(&stage, std::slice::from_ref(&drip)).await, jar_error_of(&stage, drip).await] {
        assert!(matches!(error, SourceError::Unreachable { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_stall_at_99_percent_is_given_up_and_what_came_is_kept() {
    let stage = stage_with(impatient());
    stage.liar.page(JAR, jar(), &[Lie::Stall { percent: 99 }]);
    let (bytes, end) = read(stage.source.open(&release(), None).await.unwrap()).await;
    assert_eq!(bytes.len(), 158_400);
    assert!(told(&end.unwrap_err()).contains("nothing came for 0.3 s"));
}

#[tokio::test]
async fn silence_is_given_up() {
    let error = list_error_of(&stage_with(impatient()), &[Lie::Silence]).await;
    assert!(told(&error).contains("no answer within 0.6 s"), "{}", told(&error));
}

#[tokio::test]
async fn redirects_are_followed_so_far_and_no_farther() {
    let error = list_error(&[Lie::RedirectLoop]).await;
    assert!(told(&error).contains("redirects more than 5 times"), "{}", told(&error));

    let stage = stage_with(network());
    stage.liar.page(LIST, "", &[Lie::Redirect { code: 302, to: "/a/b".into() }]);
    stage.liar.page("/a/b", "", &[Lie::Redirect { code: 308, to: "../c".into() }]).page("/c", LIST_OF_TODAY, &[]);
    assert_eq!(stage.source.find().await.unwrap(), release());
}

#[tokio::test]
async fn a_redirect_to_plain_http_or_elsewhere_is_refused() {
    for to in ["http://example.invalid/x", "ftp://127.0.0.1/x", "file:///etc/passwd", "javascript:1", "http://"] {
        let error = list_error(&[Lie::Redirect { code: 302, to: to.into() }]).await;
        assert!(matches!(error, SourceError::Refused { .. }), "{to}: {error}");
    }
    let nowhere = list_error(&[Lie::Status { code: 302, headers: Vec::new() }]).await;
    assert!(told(&nowhere).contains("does not say where to"), "{}", told(&nowhere));
}

#[tokio::test]
async fn packed_bodies_are_refused_before_they_are_read() {
    for error in [list_error(&[Lie::GzipBomb]).await, jar_error(Lie::GzipBomb).await] {
        assert!(matches!(&error, SourceError::Refused { reason, .. } if reason.contains("gzip")), "{error}");
    }
}

#[tokio::test]
async fn a_yaml_bomb_is_refused() {
    let error = list_error(&[Lie::YamlBomb]).await;
    assert!(matches!(error, SourceError::BadList { .. }), "{error}");
    assert!(told(&error).len() < 600, "{}", told(&error));
}

#[tokio::test]
async fn a_login_page_is_told_as_such() {
    for honest_type in [true, false] {
        let lie = Lie::LoginPage { honest_type };
        for error in [list_error(std::slice::from_ref(&lie)).await, jar_error(lie).await] {
            assert!(told(&error).contains("login page of a proxy"), "{}", told(&error));
        }
    }
}

#[tokio::test]
async fn broken_talk_is_an_error_that_may_pass() {
    for lie in [Lie::Reset, Lie::HeaderFlood, Lie::Nonsense] {
        let error = list_error(std::slice::from_ref(&lie)).await;
        assert!(matches!(error, SourceError::Unreachable { .. }), "{lie:?}: {error}");
    }
    let error = jar_error(Lie::ResetAfter { bytes: 70_000 }).await;
    assert!(matches!(error, SourceError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_range_that_is_ignored_starts_anew() {
    let stage = stage_with(network());
    stage.liar.page(JAR, jar(), &[Lie::RangeIgnored]);
    let opened = stage.source.open(&release(), Some(&resume(1000))).await.unwrap();
    assert_eq!(opened.starts_at, 0);
    assert_eq!(read(opened).await.0, jar());
    assert_eq!(stage.liar.asked(JAR)[0].headers["range"], "bytes=1000-");
    assert_eq!(stage.liar.asked(JAR)[0].headers["if-range"], "\"160000\"");
}

#[tokio::test]
async fn other_bytes_under_the_same_name_start_anew() {
    let stage = stage_with(network());
    let page = Page { body: jar(), etag: Some("\"new\"".into()), lies: Vec::new() };
    stage.liar.put(JAR, page);
    let opened = stage.source.open(&release(), Some(&resume(1000))).await.unwrap();
    assert_eq!((opened.starts_at, opened.validator.as_deref()), (0, Some("\"new\"")));
}

#[tokio::test]
async fn a_rest_that_does_not_fit_is_refused() {
    let mut lies = vec![Lie::OtherRest];
    for wrong in ["bytes 0-159999/160000", "bytes 999-159999/160000", "bytes 1000-1/160000", "bytes 1000-159999/9", ""]
    {
        lies.push(Lie::WrongRange { content_range: wrong.into() });
    }
    // The range fits, the length of the body does not.
    lies.push(Lie::WrongRange { content_range: "bytes 1000-159999/160000".into() });
    for lie in lies {
        let stage = stage_with(network());
        stage.liar.page(JAR, jar(), std::slice::from_ref(&lie));
        let error = fetch(&stage, Some(&resume(1000))).await.unwrap_err();
        assert!(matches!(error, SourceError::Refused { .. }), "{lie:?}: {error}");
    }
}

#[tokio::test]
async fn a_rest_that_is_not_there_starts_anew() {
    let stage = stage_with(network());
    stage.liar.page(JAR, jar(), &[]);
    let opened = stage.source.open(&release(), Some(&resume(160_000))).await.unwrap();
    assert_eq!(opened.starts_at, 0);
    assert_eq!(read(opened).await.0, jar());
    assert_eq!(stage.liar.asked(JAR).len(), 2);
}

#[tokio::test]
async fn a_part_or_a_304_that_nobody_asked_for_is_refused() {
    let part = Lie::WrongRange { content_range: "bytes 0-159999/160000".into() };
    for error in [jar_error(part).await, jar_error(Lie::NeverChanged).await, list_error(&[Lie::NeverChanged]).await] {
        assert!(matches!(error, SourceError::Refused { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_look_that_finds_nothing_new_costs_one_request_and_no_body_also_after_a_restart() {
    let (liar, state) = (Liar::start().unwrap(), tempfile::tempdir().unwrap());
    liar.page(LIST, LIST_OF_TODAY, &[Lie::Honest, Lie::Honest, Lie::NeverChanged, Lie::Honest]);
    for looks in 1..=3 {
        let restarted = source(&liar, &state, network());
        assert_eq!(restarted.find().await.unwrap(), release());
        assert_eq!(liar.asked(LIST).len(), looks);
    }
    let asked = liar.asked(LIST);
    assert!(!asked[0].headers.contains_key("if-none-match"));
    for again in &asked[1..] {
        assert_eq!(again.headers["if-none-match"], format!("\"{}\"", LIST_OF_TODAY.len()));
    }
    // Damaged memory is forgotten, and the list is fetched whole.
    let look = state.path().join("look");
    let file = std::fs::read_dir(&look).unwrap().next().unwrap().unwrap().path();
    efm::atomic::replace(&file, b"{\"version\":1").unwrap();
    assert_eq!(source(&liar, &state, network()).find().await.unwrap(), release());
    assert!(!liar.asked(LIST)[3].headers.contains_key("if-none-match"));
}

#[tokio::test]
async fn a_list_that_fails_never_replaces_the_one_remembered() {
    let stage = stage_with(network());
    let broken = Lie::Truncated { after: 10 };
    stage.liar.page(LIST, LIST_OF_TODAY, &[Lie::Honest, broken, Lie::GzipBomb, Lie::NeverChanged]);
    assert!(stage.source.find().await.is_ok());
    assert!(stage.source.find().await.is_err());
    assert!(stage.source.find().await.is_err());
    assert_eq!(stage.source.find().await.unwrap(), release());
}

#[tokio::test]
async fn a_signature_that_is_no_signature_is_too_large() {
    let stage = stage_with(network());
    stage.liar.page(SIGNATURE, vec![b'x'; 5000], &[]);
    let error = stage.source.signature(&release()).await.unwrap_err();
    assert!(matches!(&error, SourceError::Refused { reason, .. } if reason.contains("4096")), "{error}");
}

#[tokio::test]
async fn a_checksum_that_is_none_is_told() {
    let stage = stage_with(network());
    stage.liar.page(CHECKSUM, "Not Found", &[]);
    let error = stage.source.checksums(&release()).await.unwrap_err();
    assert!(matches!(&error, SourceError::Refused { reason, .. } if reason.contains("40 hexadecimal")), "{error}");
}

#[tokio::test]
async fn a_cap_on_speed_holds() {
    let stage = stage_with(Network { fastest_bytes_per_second: Some(400_000), ..network() });
    stage.liar.page(JAR, jar(), &[]);
    let started = tokio::time::Instant::now();
    assert_eq!(fetch(&stage, None).await.unwrap(), jar());
    // All but the last piece are paid for before the end.
    assert!(started.elapsed() > Duration::from_millis(150), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_told_in_few_words() {
    let stage = stage_with(network());
    let address = stage.liar.address();
    drop(stage.liar);
    let error = told(&stage.source.find().await.unwrap_err());
    assert!(
        error.starts_with(&format!("fetch http://{address}/latest-versions.yml: connect to 127.0.0.1: ")),
        "{error}"
    );
}

#[tokio::test]
async fn a_password_in_an_url_is_sent_and_never_printed() {
    let (liar, state) = (Liar::start().unwrap(), tempfile::tempdir().unwrap());
    let list = liar.url(LIST).replace("http://", "http://ola:hemmelig@").parse().unwrap();
    let wish = Wish { profile: "production".into(), channel: Channel::Latest, kind: Kind::Java };
    let source = Digdir::new(list, liar.url("/").parse().unwrap(), "ip".into(), wish, impatient(), state.path());
    liar.page(LIST, LIST_OF_TODAY, &[Lie::Status { code: 500, headers: Vec::new() }, Lie::Silence, Lie::Honest]);
    for _ in 0..2 {
        let error = source.find().await.unwrap_err();
        assert!(!format!("{} {error:?}", told(&error)).contains("hemmelig"), "{error:?}");
    }
    source.find().await.unwrap();
    assert_eq!(liar.asked(LIST)[2].headers["authorization"], "Basic b2xhOmhlbW1lbGln");
}

#[test]
fn lies_are_data() {
    let read = |text: &str| serde_json::from_str::<Lie>(text);
    assert_eq!(read(r#"{"lie":"cut-at-sixteenth","n":3}"#).unwrap(), Lie::CutAtSixteenth { n: 3 });
    assert_eq!(read(r#"{"lie":"redirect-loop"}"#).unwrap(), Lie::RedirectLoop);
    assert_eq!(read(r#"{"lie":"status","code":404}"#).unwrap(), Lie::Status { code: 404, headers: Vec::new() });
    assert!(read(r#"{"lie":"unheard-of"}"#).is_err());
}

/// Where one supervisor keeps many homes they do not fetch an archive all at once; lists and signatures wait for nobody.
#[tokio::test]
async fn no_more_than_some_fetch_an_archive_at_a_time_and_the_next_one_begins_when_one_is_done() {
    let stage = stage_with(network());
    stage.liar.page(SIGNATURE, "signature", &[]).page(JAR, jar(), &[]);
    let fetches = Fetches::default();
    let home = || Shared { source: AnySource::Digdir(stage.source.clone()), fetches: fetches.clone() };
    let mut opened = Vec::new();
    for _ in 0..AT_A_TIME {
        opened.push(home().open(&release(), None).await.unwrap());
    }
    let (one_more, late) = (home(), release());
    let mut waits = Box::pin(one_more.open(&late, None));
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut waits).await.is_err(), "it must wait");
    assert_eq!(home().signature(&release()).await.unwrap(), b"signature");
    drop(opened.pop());
    let (bytes, end) = read(waits.await.unwrap()).await;
    assert!(end.is_ok() && bytes == jar());
}
