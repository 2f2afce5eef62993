//! Against a mail server that speaks SMTP.

use efm::chain::Chain;
use efm::secret::Secret;
use std::path::Path;

use super::server::Server;
use super::{mail_to, names, open, upgraded, warning};
use crate::config::settings::{Mail, MailSecurity};
use crate::notice::NoticeError;
use crate::ports::{Event, Notice};

fn by(server: &Server, state: &Path, security: MailSecurity) -> Mail {
    let ca_file = state.join("ca.pem");
    efm::atomic::replace(&ca_file, server.ca.as_bytes()).unwrap();
    Mail { port: server.port(), security, ca_file: Some(ca_file), ..mail_to(&["drift@example.no"]) }
}

#[allow(clippy::unnecessary_wraps, reason = "it is what the setting holds")]
fn login(password: &str) -> Option<(String, Secret)> {
    Some(("ola".into(), Secret::new(password)))
}

#[tokio::test]
async fn mail_gets_through_plain_with_starttls_and_with_tls_with_and_without_login() {
    let table = [
        (MailSecurity::Plain, MailSecurity::Plain, false),
        (MailSecurity::Plain, MailSecurity::StartTlsIfOffered, false),
        (MailSecurity::StartTls, MailSecurity::StartTlsIfOffered, true),
        (MailSecurity::StartTls, MailSecurity::StartTls, true),
        (MailSecurity::Tls, MailSecurity::Tls, true),
    ];
    for (of_server, ours, encrypted) in table {
        for wants_login in [false, true] {
            let state = tempfile::tempdir().unwrap();
            let server = Server { wants_login, ..Server::start(of_server).await };
            let login = if wants_login { login("hunter2") } else { None };
            let notices = open(state.path(), Some(Mail { login, ..by(&server, state.path(), ours) }));
            notices.tell(upgraded());
            server.during(notices.deliver_once()).await.unwrap();
            let received = server.received.borrow();
            assert_eq!(received.len(), 1, "{of_server:?} {ours:?}");
            assert_eq!(
                (received[0].encrypted, received[0].logged_in),
                (encrypted, wants_login),
                "{of_server:?} {ours:?}"
            );
            assert_eq!(received[0].from.split_whitespace().next(), Some("<kosmos@example.no>"));
            assert_eq!(received[0].to, ["drift@example.no"]);
            assert_eq!(received[0].header("Subject").unwrap(), "Upgrade SUCCESS integrasjonspunkt-4.0.8.jar");
            assert_eq!(received[0].header("Auto-Submitted").unwrap(), "auto-generated");
            assert!(received[0].body().contains("Started Application in 31.4 seconds"), "{}", received[0].data);
            assert_eq!(notices.waiting(), 0);
        }
    }
}

#[tokio::test]
async fn a_relay_that_offers_no_login_is_given_the_mail_without() {
    let state = tempfile::tempdir().unwrap();
    let server = Server { offers_login: false, ..Server::start(MailSecurity::Plain).await };
    let mail = Mail { login: login("hunter2"), ..by(&server, state.path(), MailSecurity::Plain) };
    let notices = open(state.path(), Some(mail));
    notices.tell(upgraded());
    server.during(notices.deliver_once()).await.unwrap();
    let received = server.received.borrow();
    assert_eq!((received.len(), received[0].logged_in, notices.waiting()), (1, false, 0));
}

#[tokio::test]
async fn where_starttls_is_wanted_and_not_offered_no_mail_and_no_password_leaves() {
    let state = tempfile::tempdir().unwrap();
    let server = Server::start(MailSecurity::Plain).await;
    let mail = Mail { login: login("hunter2"), ..by(&server, state.path(), MailSecurity::StartTls) };
    let notices = open(state.path(), Some(mail));
    notices.tell(upgraded());
    let error = server.during(notices.deliver_once()).await.unwrap_err();
    assert!(matches!(error, NoticeError::Server { .. }), "{}", Chain(&error));
    assert_eq!((server.received.borrow().len(), notices.waiting()), (0, 1));
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused_and_the_mail_stays() {
    let state = tempfile::tempdir().unwrap();
    let server = Server::start(MailSecurity::Tls).await;
    let stranger = Server::start(MailSecurity::Tls).await;
    let mail = Mail { port: server.port(), ..by(&stranger, state.path(), MailSecurity::Tls) };
    let notices = open(state.path(), Some(mail));
    notices.tell(upgraded());
    assert!(server.during(notices.deliver_once()).await.is_err());
    assert_eq!((server.received.borrow().len(), notices.waiting()), (0, 1));
}

#[tokio::test]
async fn a_wrong_password_is_told_in_the_history_and_tried_again_without_trying_each_mail() {
    let state = tempfile::tempdir().unwrap();
    let server = Server { wants_login: true, ..Server::start(MailSecurity::Plain).await };
    let mail = by(&server, state.path(), MailSecurity::Plain);
    let notices = open(state.path(), Some(Mail { login: login("wrong"), ..mail.clone() }));
    for number in 0..5 {
        notices.tell(warning(&format!("number {number}")));
    }
    // The loop's first round, and then the mails still wait.
    let failed = async {
        loop {
            if names(&notices).contains(&"mail-failed".to_owned()) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let told = async {
        tokio::select! { () = notices.deliver() => {}, () = failed => {} }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), server.during(told)).await.unwrap();
    assert_eq!(server.connections.get(), 1, "five wrong passwords in a row lock accounts");
    let row = notices.history.read(1).unwrap().remove(0);
    assert!(row.reason.unwrap().contains("wrong password"));
    // Somebody corrects it and starts us again.
    let notices = open(state.path(), Some(Mail { login: login("hunter2"), ..mail }));
    server.during(notices.deliver_once()).await.unwrap();
    assert_eq!((server.received.borrow().len(), notices.waiting()), (5, 0));
}

#[tokio::test]
async fn k_06_a_server_that_is_down_loses_nothing_and_delays_nothing() {
    let state = tempfile::tempdir().unwrap();
    let down = Server::start(MailSecurity::Plain).await;
    let mail = by(&down, state.path(), MailSecurity::Plain);
    drop(down);
    let notices = open(state.path(), Some(mail.clone()));
    notices.tell(upgraded());
    assert!(matches!(notices.deliver_once().await, Err(NoticeError::Server { .. })));
    drop(notices);
    // Another supervisor, and the server is up again, elsewhere.
    let server = Server::start(MailSecurity::Plain).await;
    let notices = open(state.path(), Some(Mail { port: server.port(), ..mail }));
    server.during(notices.deliver_once()).await.unwrap();
    assert_eq!((server.received.borrow().len(), notices.waiting()), (1, 0));
}

#[tokio::test]
async fn a_mail_that_was_taken_without_saying_so_comes_again_with_the_same_message_id() {
    let state = tempfile::tempdir().unwrap();
    let server = Server::start(MailSecurity::Plain).await;
    let notices = open(state.path(), Some(by(&server, state.path(), MailSecurity::Plain)));
    notices.tell(upgraded());
    server.hang_up_after_data.set(true);
    assert!(server.during(notices.deliver_once()).await.is_err());
    server.hang_up_after_data.set(false);
    server.during(notices.deliver_once()).await.unwrap();
    let ids: Vec<_> = server.received.borrow().iter().map(|mail| mail.header("Message-ID").unwrap()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
    assert!(ids[0].starts_with("<kosmos.") && ids[0].ends_with("@example.no>"), "{}", ids[0]);
}

#[tokio::test]
async fn dots_umlauts_and_long_lines_arrive_as_they_were() {
    let state = tempfile::tempdir().unwrap();
    let server = Server::start(MailSecurity::Plain).await;
    let mail = Mail {
        append_subject: Some("Bærum kommune\r\nBcc: x@example.no".into()),
        ..by(&server, state.path(), MailSecurity::Plain)
    };
    let notices = open(state.path(), Some(mail));
    let log = format!("first\n.\n..two dots\n.one dot\n{}\n", "x".repeat(3_000));
    notices.tell(Event { log: Some(log), ..upgraded() });
    server.during(notices.deliver_once()).await.unwrap();
    let received = server.received.borrow();
    let subject = received[0].header("Subject").unwrap();
    assert!(subject.contains("=?utf-8?"), "{subject}");
    assert_eq!(received[0].header("Bcc"), None, "a line break in a setting makes no header");
    assert!(received[0].data.lines().all(|line| line.len() <= 998));
    // Quoted-printable breaks lines with "=" at the end.
    let body = received[0].body().replace("=\r\n", "");
    assert!(body.contains("first\r\n.\r\n..two dots\r\n.one dot\r\n"), "{body}");
    assert!(body.contains(&"x".repeat(3_000)));
}

#[tokio::test]
async fn one_wrong_address_among_several_holds_up_nobody() {
    let state = tempfile::tempdir().unwrap();
    let server = Server { unknown: vec!["gone@"], ..Server::start(MailSecurity::Plain).await };
    let recipients = ["drift@example.no", "gone@example.no", "Kari <kari@example.no>", "no address"].map(String::from);
    let mail = Mail { recipients: recipients.into(), ..by(&server, state.path(), MailSecurity::Plain) };
    let notices = open(state.path(), Some(mail.clone()));
    notices.tell(upgraded());
    for _ in 0..3 {
        let error = server.during(notices.deliver_once()).await.unwrap_err();
        assert!(matches!(error, NoticeError::Letter { .. }), "{}", Chain(&error));
    }
    let receivers: Vec<_> = server.received.borrow().iter().flat_map(|mail| mail.to.clone()).collect();
    assert_eq!(receivers, ["drift@example.no", "kari@example.no"], "each of them once");
    assert!(server.received.borrow()[0].header("To").unwrap().contains("gone@example.no"));
    // Somebody corrects the setting: the third one gets it, the others not again.
    let recipients = ["drift@example.no", "here@example.no", "kari@example.no"].map(String::from);
    let notices = open(state.path(), Some(Mail { recipients: recipients.into(), ..mail }));
    server.during(notices.deliver_once()).await.unwrap();
    assert_eq!(server.received.borrow().last().unwrap().to, ["here@example.no"]);
    assert_eq!(notices.waiting(), 0);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let state = tempfile::tempdir().unwrap();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mail = Mail {
        port: silent.local_addr().unwrap().port(),
        timeout: std::time::Duration::from_millis(40),
        ..mail_to(&["drift@example.no"])
    };
    let notices = open(state.path(), Some(mail));
    notices.tell(upgraded());
    assert!(matches!(notices.deliver_once().await, Err(NoticeError::Server { .. })));
    assert_eq!(notices.waiting(), 1);
}

#[tokio::test]
async fn a_supervisor_that_stops_in_the_middle_of_a_mail_keeps_it() {
    let state = tempfile::tempdir().unwrap();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mail = Mail { port: silent.local_addr().unwrap().port(), ..mail_to(&["drift@example.no"]) };
    let notices = open(state.path(), Some(mail));
    notices.tell(upgraded());
    let connected = tokio::select! {
        () = notices.deliver() => None,
        accepted = silent.accept() => Some(accepted.unwrap()),
    };
    assert!(connected.is_some());
    // The next supervisor sees a whole mail and nothing half.
    assert_eq!(open(state.path(), None).waiting(), 1);
    assert_eq!(std::fs::read_dir(state.path().join("outbox")).unwrap().count(), 1);
}
