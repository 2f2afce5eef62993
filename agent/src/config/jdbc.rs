//! Where the database is, as JDBC writes it.

use super::reader::Reader;
use super::settings::{Database, PostgresAt, PostgresTls};
use efm::secret::Secret;
use std::path::Path;

const URL: &str = "difi.datasource.url";
const RIGHT: &str = "jdbc:sqlite:<file> or jdbc:postgresql://<host>[:<port>][,…]/<database>";
const MODES: &str = "sslmode=disable, allow, prefer, require, verify-ca or verify-full";
const NO_CERTIFICATE: &str = "a user with a password: this version shows PostgreSQL no certificate of its own";
/// The driver would take it for a part of the host, and hosts are told and shown.
const LOGIN: &str = "a URL without a login in it: the user in difi.datasource.username and the password in \
                     difi.datasource.password (an @ in the name of the database is %40)";
const PORT: u16 = 5432;

/// The database of the settings; none where something is wrong, which is told.
pub(super) fn database(from: &mut Reader, folder: &Path) -> Option<Database> {
    let found = from.need(URL, |text| parse(text, folder));
    let user = from.maybe("difi.datasource.username", |text| Ok(text.to_owned()));
    let password = from.maybe("difi.datasource.password", |text| Ok(Secret::new(text)));
    let Database::Postgres(mut server) = found? else { return from.need(URL, |text| parse(text, folder)) };
    // What the URL says wins, as it does for the driver.
    if server.user.is_empty() {
        const USER: &str = "difi.datasource.username";
        server.user = user.or_else(|| from.need(USER, |_| Err("the user of the PostgreSQL database")))?;
    }
    server.password = server.password.or(password);
    Some(Database::Postgres(server))
}

#[allow(clippy::too_many_lines, reason = "a row for each key of the URL")]
fn parse(text: &str, folder: &Path) -> Result<Database, &'static str> {
    if let Some(file) = text.strip_prefix("jdbc:sqlite:").filter(|file| !file.is_empty()) {
        return Ok(Database::Sqlite(folder.join(file)));
    }
    let rest = text.strip_prefix("jdbc:postgresql://").ok_or(RIGHT)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    if rest.contains('@') {
        return Err(LOGIN);
    }
    let (hosts, database) = rest.split_once('/').ok_or(RIGHT)?;
    let hosts = hosts.split(',').map(host).collect::<Option<Vec<_>>>().ok_or(RIGHT)?;
    let database = plain(database).filter(|name| !name.is_empty()).ok_or(RIGHT)?;
    let mut server = PostgresAt {
        hosts,
        database,
        schema: None,
        user: String::new(),
        password: None,
        tls: PostgresTls::WherePossible,
        trusted: None,
    };
    let mut mode = None;
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let value = plain(value).ok_or(RIGHT)?;
        match key {
            "user" => server.user = value,
            "password" => server.password = Some(Secret::new(value)),
            "currentSchema" => server.schema = Some(value),
            // As Java's driver has it: `ssl=true` alone asks for everything.
            "ssl" if value != "false" && mode.is_none() => server.tls = PostgresTls::VerifyName,
            "sslmode" => {
                server.tls = tls(&value).ok_or(MODES)?;
                mode = Some(server.tls);
            }
            "sslrootcert" => server.trusted = Some(folder.join(value)),
            "sslcert" | "sslkey" => return Err(NO_CERTIFICATE),
            // Of the others some tune Java's driver, and none says where the data is.
            _ => {}
        }
    }
    Ok(Database::Postgres(server))
}

fn tls(mode: &str) -> Option<PostgresTls> {
    match mode {
        "disable" => Some(PostgresTls::Never),
        "allow" | "prefer" => Some(PostgresTls::WherePossible),
        "require" => Some(PostgresTls::Always),
        "verify-ca" => Some(PostgresTls::VerifyAuthority),
        "verify-full" => Some(PostgresTls::VerifyName),
        _ => None,
    }
}

/// `host`, `host:port`, `[::1]:port`
fn host(text: &str) -> Option<(String, u16)> {
    let after_address = text.rfind(']').map_or(0, |at| at + 1);
    let (name, port) = match text.get(after_address..)?.rfind(':') {
        Some(at) => {
            let (name, port) = text.split_at_checked(after_address + at)?;
            (name, port.trim_start_matches(':').parse().ok()?)
        }
        None => (text, PORT),
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    (!name.is_empty()).then(|| (name.to_owned(), port))
}

/// Without `%xx`.
fn plain(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.extend(hex::decode(digits).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_the_driver_reads_them() {
        let parsed = |text: &str| parse(text, Path::new("/home")).unwrap();
        let Database::Postgres(server) =
            parsed("jdbc:postgresql://a,[::1]:5433/ip%20x?user=u&password=p%26w&currentSchema=s&sslmode=prefer")
        else {
            panic!("not PostgreSQL")
        };
        assert_eq!(server.hosts, [("a".to_owned(), 5432), ("::1".to_owned(), 5433)]);
        assert_eq!(
            (server.database.as_str(), server.user.as_str(), server.schema.as_deref()),
            ("ip x", "u", Some("s"))
        );
        assert_eq!(server.password.as_ref().unwrap().reveal(), "p&w");
        assert!(matches!(parsed("jdbc:sqlite:x.sqlite"), Database::Sqlite(path) if path.ends_with("x.sqlite")));
        for wrong in ["jdbc:h2:file:./x", "jdbc:postgresql://h", "jdbc:postgresql:///d", "jdbc:postgresql://h:x/d"] {
            assert_eq!(parse(wrong, Path::new("/")).unwrap_err(), RIGHT, "{wrong}");
        }
    }

    #[test]
    fn a_login_in_the_url_is_refused() {
        for wrong in ["u:p@h:1/x", "u@h/x", "u:p/w@h/x", "h,u:p@i/x", "u:p@h", "u:p@h/x?user=u"] {
            let refused = parse(&format!("jdbc:postgresql://{wrong}"), Path::new("/"));
            assert_eq!(refused.unwrap_err(), LOGIN, "{wrong}");
        }
        let good = parse("jdbc:postgresql://h/my%40x?password=p@w", Path::new("/"));
        assert!(matches!(good, Ok(Database::Postgres(server)) if server.database == "my@x"));
    }

    #[test]
    fn tls_is_asked_for_as_the_driver_does() {
        use PostgresTls::{Always, Never, VerifyAuthority, VerifyName, WherePossible};
        for (query, tls, trusted) in [
            ("", WherePossible, None),
            ("ssl=false", WherePossible, None),
            ("ssl=true", VerifyName, None),
            ("sslmode=disable", Never, None),
            ("ssl=true&sslmode=require", Always, None),
            ("sslmode=require&ssl=true", Always, None),
            ("sslmode=verify-ca&sslrootcert=ca.pem", VerifyAuthority, Some("/home/ca.pem")),
            ("sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem", VerifyName, Some("/etc/ca.pem")),
        ] {
            let Database::Postgres(server) =
                parse(&format!("jdbc:postgresql://h/d?{query}"), Path::new("/home")).unwrap()
            else {
                panic!("not PostgreSQL")
            };
            assert_eq!((server.tls, server.trusted.as_deref()), (tls, trusted.map(Path::new)), "{query}");
        }
        for (wrong, right) in [("sslmode=yes", MODES), ("sslcert=x", NO_CERTIFICATE)] {
            assert_eq!(parse(&format!("jdbc:postgresql://h/d?{wrong}"), Path::new("/")).unwrap_err(), right);
        }
    }
}
