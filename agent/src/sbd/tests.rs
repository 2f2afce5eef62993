//! Documents go through unharmed, and each rule is told.

use super::*;
use crate::domain::Kind;
use jiff::Timestamp;

const WHOLE: &str = r#"{"standardBusinessDocumentHeader":{"headerVersion":"1.0",
    "sender":[{"identifier":{"value":"0192:910077473","authority":"iso6523-actorid-upis"}}],
    "receiver":[{"identifier":{"value":"0192:910075918","authority":"iso6523-actorid-upis"},"contactInformation":[{"contact":"x"}]}],
    "documentIdentification":{"standard":"urn:no:difi:arkivmelding:xsd::arkivmelding","typeVersion":"2.0",
    "instanceIdentifier":"e99e5cd1-74de-4cce-b902-cecdf97dc4f3","type":"arkivmelding","multipleType":false,
    "creationDateAndTime":"2026-03-25T11:38:23+01:00"},"manifest":{"numberOfItems":1},
    "businessScope":{"scope":[{"type":"ConversationId","instanceIdentifier":"b4567a25-672c-4c2e-9a0f-08c52c54254b",
    "identifier":"urn:no:difi:profile:arkivmelding:administrasjon:ver1.0","strange":1,
    "scopeInformation":[{"expectedResponseDateTime":"2030-01-01T00:00:00+01:00"}]}]}},
    "arkivmelding":{"hoveddokument":"brev.pdf","sikkerhetsnivaa":3}}"#;

fn now() -> Timestamp {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

#[test]
fn a_document_comes_back_as_it_was() {
    let envelope = read(WHOLE.as_bytes(), now()).unwrap();
    assert_eq!(envelope.document.kind, Kind::Arkivmelding);
    assert_eq!(envelope.body.primary_document.as_deref(), Some("brev.pdf"));
    let written = write(&envelope).unwrap();
    assert_eq!(read_foreign(written.get().as_bytes()).unwrap(), envelope);
    let (mut sent, back): (serde_json::Value, serde_json::Value) =
        (serde_json::from_str(WHOLE).unwrap(), serde_json::from_str(written.get()).unwrap());
    let scope = &mut sent["standardBusinessDocumentHeader"]["businessScope"]["scope"][0];
    scope.as_object_mut().unwrap().remove("strange");
    assert_eq!(sent, back);
}

#[test]
fn every_rule_that_is_not_kept_is_told_with_its_place() {
    let text = WHOLE
        .replace(r#""headerVersion":"1.0","#, "")
        .replace(r#""authority":"iso6523-actorid-upis"}}],"#, "\"a\":1}}],")
        .replace("e99e5cd1", "xyz")
        .replace(r#""type":"arkivmelding""#, r#""type":"postkort""#)
        .replace("ConversationId", "Unknown")
        .replace("2030-01-01", "2020-01-01");
    let Err(Refused::Invalid(violations)) = read(text.as_bytes(), now()) else { panic!("it is refused") };
    let paths: Vec<_> = violations
        .iter()
        .map(|violation| violation.path.strip_prefix("standardBusinessDocumentHeader.").unwrap().to_owned())
        .collect();
    assert_eq!(
        paths,
        [
            "headerVersion",
            "sender[0].identifier.authority",
            "documentIdentification.type",
            "documentIdentification.instanceIdentifier",
            "businessScope.scope[0].type",
            "businessScope.scope[0].scopeInformation[0].expectedResponseDateTime",
        ]
    );
}

#[test]
fn the_body_is_one_member_named_like_the_type() {
    let refused = |text: String| read(text.as_bytes(), now()).unwrap_err().to_string();
    let other = refused(WHOLE.replace("\"arkivmelding\":{", "\"digital\":{"));
    assert_eq!(other, "the business message is named 'digital' and the type is 'arkivmelding'");
    let two = refused(WHOLE.replace("\"arkivmelding\":{", "\"x\":1,\"arkivmelding\":{"));
    assert!(two.ends_with("and it has arkivmelding, x"), "{two}");
    assert!(matches!(read(b"{}", now()), Err(Refused::NoHeader)));
    assert!(matches!(read(b"{", now()), Err(Refused::NotJson(_))));
}

/// A whole document of another type.
fn of(kind: &str, body: &str) -> String {
    let whole = WHOLE.replace("xsd::arkivmelding", &format!("xsd::{kind}"));
    let whole = whole.replace(r#""type":"arkivmelding""#, &format!(r#""type":"{kind}""#));
    let at = whole.rfind(r#""arkivmelding":"#).unwrap();
    format!("{}\"{kind}\":{body}}}", &whole[..at])
}

fn broken(kind: &str, body: &str) -> Vec<String> {
    match read(of(kind, body).as_bytes(), now()) {
        Err(Refused::Invalid(all)) => all.into_iter().map(|it| it.path).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_type_must_have_its_members() {
    assert_eq!(
        broken("digital", r#"{"spraak":"nob","digitalPostInfo":{}}"#),
        [
            "any.sikkerhetsnivaa",
            "any.tittel",
            "any.spraak",
            "any.digitalPostInfo.virkningsdato",
            "any.digitalPostInfo.aapningskvittering"
        ]
    );
    assert_eq!(broken("digital_dpv", "{}"), ["any.tittel", "any.sammendrag", "any.innhold"]);
    assert_eq!(broken("innsynskrav", r#"{"orgnr":"1"}"#), ["any.epost"]);
    assert_eq!(broken("publisering", "{}"), ["any.orgnr"]);
    assert_eq!(broken("einnsyn_kvittering", "{}"), ["any.dokumentId", "any.status", "any.referanseType"]);
    assert_eq!(
        broken("dialogmelding", r#"{"pasient":{"fnr":"01010750161","fornavn":"A"}}"#),
        ["any.pasient.fnr", "any.pasient.etternavn"]
    );
}

#[test]
fn scalars_given_as_texts_become_what_they_should_be_and_nulls_go() {
    let body = r#"{"sikkerhetsnivaa":"3","tittel":1,"spraak":"no","strange":{},"fakturaReferanse":null,
        "digitalPostInfo":{"virkningsdato":"2030-01-31","aapningskvittering":"false"}}"#;
    let read = read(of("digital", body).as_bytes(), now()).unwrap();
    assert_eq!(
        read.body.text,
        r#"{"sikkerhetsnivaa":3,"tittel":"1","spraak":"no","digitalPostInfo":{"virkningsdato":"2030-01-31","aapningskvittering":false},"metadataFiler":{}}"#
    );
    assert_eq!(read.body.security_level, Some(3));
}

#[test]
fn control_characters_in_texts_are_taken() {
    let read = read(of("avtalt", "{\"identifier\":\"a\tb\\\"\nc\"}").as_bytes(), now()).unwrap();
    assert_eq!(read.body.text, r#"{"identifier":"a\tb\"\nc"}"#);
}

#[test]
fn what_has_another_shape_is_told_with_its_place_and_without_its_value() {
    for (kind, body, told) in [
        ("arkivmelding", r#"{"sikkerhetsnivaa":"high"}"#, "any.sikkerhetsnivaa must be a whole number"),
        (
            "arkivmelding",
            r#"{"dpv":{"varselType":"x"}}"#,
            "any.dpv.varselType must be one of VarselDPVUtenRevarsel, VarselDPVMedRevarsel",
        ),
        ("digital", r#"{"digitalPostInfo":[]}"#, "any.digitalPostInfo must be an object"),
        ("dialogmelding", r#"{"pasient":{"fnr":["01010750160"]}}"#, "any.pasient.fnr must be a text"),
        ("arkivmelding_kvittering", r#"{"messages":{"code":"1"}}"#, "any.messages must be an array"),
    ] {
        let error = read(of(kind, body).as_bytes(), now()).unwrap_err().to_string();
        assert_eq!(error, format!("JSON parse error: {told}"));
    }
    let unknown = read(of("fiksio", "{}").as_bytes(), now()).unwrap_err().to_string();
    assert!(unknown.starts_with("'fiksio' is not a business message; known are arkivmelding, "), "{unknown}");
}

/// What the Java integrasjonspunkt's own classes have written; `agent/tests/java` made them.
fn of_java() -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/java/sbd");
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    all.sort();
    all
}

fn without_nulls(value: &mut serde_json::Value) {
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, member| !member.is_null());
        members.values_mut().for_each(without_nulls);
    }
    value.as_array_mut().into_iter().flatten().for_each(without_nulls);
}

/// A header without its nulls; the business message as it is.
fn shown(text: &str) -> serde_json::Value {
    let mut value: serde_json::Value = serde_json::from_str(text).unwrap();
    without_nulls(&mut value["standardBusinessDocumentHeader"]);
    value
}

#[test]
fn what_the_java_integrasjonspunkt_has_written_is_read_and_written_back_as_it_was() {
    let mut known = std::collections::BTreeSet::new();
    for (name, text) in of_java() {
        let read = read_foreign(text.as_bytes());
        if name.starts_with("fiksio") {
            // A type of the version of then, which the one of today does not have.
            assert_eq!(read.unwrap_err().to_string(), "the document has no type that is known here");
            continue;
        }
        let envelope = read.unwrap_or_else(|error| panic!("{name}: {error}"));
        known.insert(envelope.document.kind.name());
        assert!(name.starts_with(envelope.document.kind.name()));
        let written = write(&envelope).unwrap();
        assert_eq!(shown(written.get()), shown(&text), "{name}");
        assert_eq!(read_foreign(written.get().as_bytes()).unwrap(), envelope, "{name}");
    }
    let not_there = Kind::ALL.iter().map(|kind| kind.name()).filter(|name| !known.contains(name));
    assert_eq!(
        not_there.collect::<Vec<_>>(),
        ["dialogmelding", "dialogmelding_kvittering"],
        "younger than that version"
    );
}

/// A client of then sends the same to us.
#[test]
fn what_a_client_of_the_java_integrasjonspunkt_writes_is_accepted() {
    for (name, text) in of_java().iter().filter(|(name, _)| !name.starts_with("fiksio")) {
        let read = read(text.as_bytes(), now());
        assert!(read.is_ok(), "{name}: {:?}", read.unwrap_err());
    }
}

/// With `TWIN` as in `agent/tests/java/run`: the class path of the Java integrasjonspunkt's own classes.
#[test]
fn the_java_integrasjonspunkt_reads_what_we_write_and_writes_the_same() {
    #[allow(clippy::disallowed_methods, reason = "where the jars are is known to who runs the tests")]
    let Ok(jars) = std::env::var("TWIN") else {
        println!("left out: TWIN does not name the Java integrasjonspunkt's classes; see agent/tests/java");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let [ours, theirs] = ["ours", "theirs"].map(|name| folder.path().join(name));
    for path in [&ours, &theirs] {
        std::fs::create_dir(path).unwrap();
    }
    for (name, text) in of_java().iter().filter(|(name, _)| !name.starts_with("fiksio")) {
        let written = write(&read(text.as_bytes(), now()).unwrap()).unwrap();
        efm::atomic::replace(&ours.join(format!("{name}.json")), written.get().as_bytes()).unwrap();
    }
    let output =
        std::process::Command::new("java").args(["-cp", &jars, "Twin", "read"]).args([&ours, &theirs]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for entry in std::fs::read_dir(&ours).unwrap() {
        let path = entry.unwrap().path();
        let text = |path: &std::path::Path| {
            let mut value = shown(&std::fs::read_to_string(path).unwrap());
            without_nulls(&mut value);
            in_any_order(&mut value);
            value
        };
        assert_eq!(text(&theirs.join(path.file_name().unwrap())), text(&path));
    }
}

/// The classes hold scopes in sets, and give them in whichever order.
fn in_any_order(value: &mut serde_json::Value) {
    let scopes = &mut value["standardBusinessDocumentHeader"]["businessScope"]["scope"];
    scopes.as_array_mut().unwrap().sort_by_key(ToString::to_string);
}
