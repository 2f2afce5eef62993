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

type At = watch::Receiver<Option<SocketAddr>>;

/// Tells it.
pub(super) async fn tell(home: &Path, nord: At, sor: At) -> Result<(), Mishap> {
    let begun = Instant::now();
    let told = async {
        let (nord, sor) = (found(nord).await?, found(sor).await?);
        say(&format!("Two integration points, in {}:", home.display()));
        say(&format!("  nord (910077473)  {}", nord.page()));
        say(&format!("  sør  (910075918)  {}", sor.page()));
        let plot = async {
            let told = plot(&nord, &sor, home).await;
            // The last statuses are still on their way.
            until_all_is_told(&nord, &sor).await.and(told)
        };
        tokio::select! {
            told = plot => told,
            failed = follow("nord", &nord, begun) => failed,
            failed = follow("sør ", &sor, begun) => failed,
        }
    };
    timeout(PATIENCE, told).await.map_err(|_| "the story does not come to its end")??;
    say(&format!("The letter was delivered and read {:.1} s after the start.", begun.elapsed().as_secs_f32()));
    Ok(())
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

    let came = taken(sor).await?;
    say("\nSør's case system takes it in:");
    let package = sor.pop(&came).await?;
    let path = home.join("letter.asice.zip");
    efm::atomic::replace(&path, &package)?;
    say(&format!("         {} bytes, signed by nord, opened with sør's key: {}", package.len(), path.display()));
    sor.remove(&came).await?;

    say("\nand answers with a receipt:");
    let body = json!({ "receiptType": "OK", "relatedToMessageId": LETTER, "messages": [] });
    let receipt = sbd(RECEIPT, ("910075918", "910077473"), ("arkivmelding_kvittering", "response"), body);
    sor.send(RECEIPT, &receipt, &[]).await?;
    let came = taken(nord).await?;
    nord.remove(&came).await
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

async fn until_all_is_told(nord: &CaseSystem, sor: &CaseSystem) -> Result<(), Mishap> {
    loop {
        let has = |all: &[(i64, String, String)], message: &str, status: &str| {
            all.iter().any(|(_, of, named)| of == message && named == status)
        };
        let (at_nord, at_sor) = (nord.statuses().await?, sor.statuses().await?);
        if has(&at_nord, LETTER, "LEST") && has(&at_nord, LETTER, "LEVERT") && has(&at_sor, RECEIPT, "LEVERT") {
            // Once more, so that those who follow have shown it.
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
