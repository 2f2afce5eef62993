//! The story: a letter goes from nord to sør, is taken in there, and is answered with a receipt. Each status is shown as it
//! comes.

use super::case_system::CaseSystem;
use super::{Mishap, say};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

const LETTER: &str = "5ca1ab1e-0000-4000-8000-000000000001";
const RECEIPT: &str = "5ca1ab1e-0000-4000-8000-000000000002";
/// The story is over by then, or something is wrong.
const PATIENCE: Duration = Duration::from_mins(1);
/// Another process has no event for us.
const A_LOOK: Duration = Duration::from_millis(50);

/// Where one of the two answers, as soon as it does.
pub(super) type At = watch::Receiver<Option<SocketAddr>>;

/// What sør was given, in the folder of the demo.
const PACKAGE: &str = "letter.asice.zip";

/// Tells it.
pub(super) async fn tell(home: &Path, nord: At, sor: At) -> Result<(), Mishap> {
    let begun = Instant::now();
    let told = async {
        let (nord, sor) = (found(nord).await?, found(sor).await?);
        say(&format!("Two integration points, in {}:", home.display()));
        say(&format!("  nord (910077473)  {}", nord.page()));
        say(&format!("  sør  (910075918)  {}", sor.page()));
        tokio::select! {
            told = plot(&nord, &sor, home) => told,
            failed = follow("nord", &nord, begun) => failed,
            failed = follow("sør ", &sor, begun) => failed,
        }
    };
    timeout(PATIENCE, told).await.map_err(|_| "the story does not come to its end")??;
    say(&format!("\nThe letter was delivered and read {:.1} s after the start.", begun.elapsed().as_secs_f32()));
    Ok(())
}

/// Where a person can look, as long as both go on.
pub(super) fn invite(nord: &At, sor: &At) {
    say("Look at their pages; both go on until Ctrl-C:");
    for (name, at) in [("nord", nord), ("sør ", sor)] {
        if let Some(address) = *at.borrow() {
            say(&format!("  {name}  http://{address}/"));
        }
    }
}

async fn plot(nord: &CaseSystem, sor: &CaseSystem, home: &Path) -> Result<(), Mishap> {
    say("\nNord's case system sends a letter with an attachment:");
    let files = [
        ("arkivmelding.xml", "text/xml", ARKIVMELDING),
        ("brev.txt", "text/plain", "Kjære sør, her er svaret.\n"),
        ("vedlegg.txt", "text/plain", "Vedlegg 1.\n"),
    ];
    let letter = sbd(
        LETTER,
        ("910077473", "910075918"),
        ("arkivmelding", "administrasjon"),
        json!({ "hoveddokument": "brev.txt" }),
    );
    nord.send(LETTER, &letter, &files).await?;
    until_told(nord, LETTER, &["MOTTATT"]).await?;

    say("\nSør's case system takes it in:");
    let came = taken(sor).await?;
    let package = sor.pop(&came).await?;
    let path = home.join(PACKAGE);
    efm::atomic::replace(&path, &package)?;
    say(&format!("         {} bytes, signed by nord, opened with sør's key: {PACKAGE}", package.len()));
    sor.remove(&came).await?;
    until_told(nord, LETTER, &["LEVERT"]).await?;

    say("\nand answers with a receipt:");
    let body = json!({ "receiptType": "OK", "relatedToMessageId": LETTER, "messages": [] });
    let receipt = sbd(RECEIPT, ("910075918", "910077473"), ("arkivmelding_kvittering", "response"), body);
    sor.send(RECEIPT, &receipt, &[]).await?;
    until_told(nord, LETTER, &["LEST"]).await?;
    let came = taken(nord).await?;
    nord.remove(&came).await?;
    until_told(sor, RECEIPT, &["MOTTATT", "LEVERT"]).await
}

async fn found(mut at: At) -> Result<CaseSystem, Mishap> {
    let address = at.wait_for(Option::is_some).await?.ok_or("it has no address")?;
    CaseSystem::at(address)
}

/// Waits for a message and locks it; its id.
async fn taken(of: &CaseSystem) -> Result<String, Mishap> {
    loop {
        if let Some(sbd) = of.peek().await? {
            let id = sbd.pointer("/standardBusinessDocumentHeader/documentIdentification/instanceIdentifier");
            return Ok(id.and_then(Value::as_str).ok_or("a message without an id")?.to_owned());
        }
        sleep(A_LOOK).await;
    }
}

/// Waits until this message has these statuses.
async fn until_told(of: &CaseSystem, message: &str, expected: &[&str]) -> Result<(), Mishap> {
    loop {
        let all = of.statuses().await?;
        let has = |status: &&str| all.iter().any(|(_, of, named)| of == message && named == status);
        if expected.iter().all(has) {
            // Those who follow show it first.
            sleep(A_LOOK * 3).await;
            return Ok(());
        }
        sleep(A_LOOK).await;
    }
}

/// Shows each status once, for ever.
async fn follow(name: &str, of: &CaseSystem, begun: Instant) -> Result<(), Mishap> {
    let mut shown = BTreeSet::new();
    loop {
        for (number, message, status) in of.statuses().await? {
            if shown.insert(number) {
                let what = if message == LETTER { "letter" } else { "receipt" };
                say(&format!("{:6.1} s  {name}  {what:<8} {status}", begun.elapsed().as_secs_f32()));
            }
        }
        sleep(A_LOOK).await;
    }
}

fn sbd(id: &str, (from, to): (&str, &str), (kind, process): (&str, &str), body: Value) -> Value {
    let party = |number: &str| json!([{ "identifier": { "value": format!("0192:{number}"), "authority": "iso6523-actorid-upis" } }]);
    let mut sbd = json!({
        "standardBusinessDocumentHeader": {
            "headerVersion": "1.0", "sender": party(from), "receiver": party(to),
            "documentIdentification": {
                "standard": format!("urn:no:difi:arkivmelding:xsd::{kind}"), "typeVersion": "2.0", "type": kind,
                "instanceIdentifier": id,
            },
            "businessScope": { "scope": [{
                "type": "ConversationId", "instanceIdentifier": LETTER,
                "identifier": format!("urn:no:difi:profile:arkivmelding:{process}:ver1.0"),
            }] },
        },
    });
    if let Some(members) = sbd.as_object_mut() {
        members.insert(kind.to_owned(), body);
    }
    sbd
}

const ARKIVMELDING: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<arkivmelding xmlns="http://www.arkivverket.no/standarder/noark5/arkivmelding"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <system>demo</system>
  <meldingId>1</meldingId>
  <tidspunkt>2026-01-01T12:00:00</tidspunkt>
  <antallFiler>2</antallFiler>
  <mappe xsi:type="saksmappe">
    <systemID>4043f2a0-26dc-4f3b-8a36-1f0c4a2f5d11</systemID>
    <tittel>Demo</tittel>
    <basisregistrering xsi:type="journalpost">
      <dokumentbeskrivelse>
        <dokumentnummer>1</dokumentnummer>
        <dokumentobjekt><referanseDokumentfil>brev.txt</referanseDokumentfil></dokumentobjekt>
      </dokumentbeskrivelse>
      <dokumentbeskrivelse>
        <dokumentnummer>2</dokumentnummer>
        <dokumentobjekt><referanseDokumentfil>vedlegg.txt</referanseDokumentfil></dokumentobjekt>
      </dokumentbeskrivelse>
      <tittel>Svar</tittel>
      <offentligTittel>Svar</offentligTittel>
      <journalpostnummer>1</journalpostnummer>
    </basisregistrering>
  </mappe>
</arkivmelding>
"#;
