//! `[mail]`: off unless there is a recipient.

use super::{HOUR, SECOND, duration, file};
use crate::config::check;
use crate::config::files;
use crate::config::problem::{Place, wrong};
use crate::config::reader::Reader;
use crate::config::settings::{Mail, MailSecurity};
use crate::config::value::{Scalar, word_of};
use efm::secret::Secret;
use std::path::PathBuf;

const SECURITIES: [(&str, MailSecurity); 4] = [
    ("plain", MailSecurity::Plain),
    ("starttls-if-offered", MailSecurity::StartTlsIfOffered),
    ("starttls", MailSecurity::StartTls),
    ("tls", MailSecurity::Tls),
];

pub(super) fn read(reader: &mut Reader, read_files: &mut Vec<PathBuf>) -> Option<Mail> {
    let recipients = reader.many("mail.recipients", check::address, String::clone);
    let from = reader.one("mail.from", check::address, String::clone);
    let append_subject = reader.one("mail.append_subject", check::line, String::clone);
    let host = reader.one("mail.host", check::host, String::clone);
    let security =
        reader.need("mail.security", |scalar| scalar.choice(&SECURITIES), |security| word_of(&SECURITIES, security));
    let port = port(reader, security);
    let login = login(reader, read_files);
    let timeout = duration(reader, "mail.timeout", SECOND, HOUR);
    let ca_file = file(reader, "mail.ca_file");
    if reader.scalar("mail.recipients").is_none() {
        // A host alone may be the integration point's own; a sender is ours.
        if reader.is_set("mail.from") {
            reader.warn("mail.from", wrong("nobody to write to, so no mail is sent", "kosmos.mail.recipient too"));
        }
        return None;
    }
    if reader.scalar("mail.from").is_none() {
        reader.refuse("mail.recipients", wrong("there is no sender", "`from` in [mail], or kosmos.mail.from"));
    }
    if reader.scalar("mail.host").is_none() {
        // KOSMOS is silent here; such a site has never had a mail, and must still be able to start.
        let what = wrong("there is no mail server, so no mail is sent", "`host` in [mail], or spring.mail.host");
        reader.warn("mail.recipients", what);
        return None;
    }
    if login.is_some() && security == Some(MailSecurity::Plain) {
        let right = "security = \"starttls\" or \"tls\" in [mail], where the server can";
        reader.warn("mail.security", wrong("the password is sent without encryption", right));
    }
    Some(Mail {
        recipients,
        from: from?,
        append_subject,
        host: host?,
        port: port?,
        login,
        security: security?,
        timeout: timeout?,
        ca_file,
    })
}

fn port(reader: &mut Reader, security: Option<MailSecurity>) -> Option<u16> {
    let read = |scalar: &Scalar| {
        let number = scalar.number(1, 65_535)?;
        u16::try_from(number).map_err(|_| wrong(format!("{number} is no port"), "from 1 to 65535"))
    };
    let set = reader.one("mail.port", read, u16::to_string);
    if reader.scalar("mail.port").is_some() {
        return set;
    }
    let port = if security == Some(MailSecurity::Tls) { 465 } else { 25 };
    reader.show("mail.port", Some(port.to_string()), Place::From("mail.security"));
    Some(port)
}

/// A user and a password, or neither; the password here or in a file.
fn login(reader: &mut Reader, read_files: &mut Vec<PathBuf>) -> Option<(String, Secret)> {
    let user = reader.one("mail.username", check::line, String::clone);
    // A password may begin or end with anything but a line end.
    let mut password = reader.one("mail.password", |scalar| Ok(Secret::new(scalar.text.as_str())), |_| String::new());
    if let Some(path) = file(reader, "mail.password_file") {
        read_files.push(path.clone());
        match files::secret(&path) {
            Ok(_) if password.is_some() => {
                reader.refuse("mail.password_file", wrong("password is set too", "one of the two"));
            }
            Ok(text) => {
                reader.show("mail.password", Some("********".into()), Place::From("mail.password_file"));
                password = Some(Secret::new(text));
            }
            Err(wrong) => reader.refuse("mail.password_file", wrong),
        }
    }
    let is_set = |reader: &Reader, name: &str| reader.scalar(name).is_some();
    let has_password = is_set(reader, "mail.password") || is_set(reader, "mail.password_file");
    match (is_set(reader, "mail.username"), has_password) {
        (true, false) => reader.refuse("mail.username", wrong("there is no password", "password or password_file too")),
        (false, true) => {
            let name = if is_set(reader, "mail.password") { "mail.password" } else { "mail.password_file" };
            reader.refuse(name, wrong("there is no user", "username too"));
        }
        _ => {}
    }
    user.zip(password)
}
