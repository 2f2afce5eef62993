//! Where the database is, as JDBC writes it.

use super::reader::Reader;
use super::settings::{Database, PostgresAt};
use efm::secret::Secret;
use std::path::Path;

const URL: &str = "difi.datasource.url";
const RIGHT: &str = "jdbc:sqlite:<file> or jdbc:postgresql://<host>[:<port>][,…]/<database>";
const NO_TLS: &str = "sslmode=disable, prefer or allow: this version speaks no TLS to PostgreSQL";
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

fn parse(text: &str, folder: &Path) -> Result<Database, &'static str> {
    if let Some(file) = text.strip_prefix("jdbc:sqlite:").filter(|file| !file.is_empty()) {
        return Ok(Database::Sqlite(folder.join(file)));
    }
    let rest = text.strip_prefix("jdbc:postgresql://").ok_or(RIGHT)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (hosts, database) = rest.split_once('/').ok_or(RIGHT)?;
    let hosts = hosts.split(',').map(host).collect::<Option<Vec<_>>>().ok_or(RIGHT)?;
    let database = plain(database).filter(|name| !name.is_empty()).ok_or(RIGHT)?;
    let mut server = PostgresAt { hosts, database, schema: None, user: String::new(), password: None };
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let value = plain(value).ok_or(RIGHT)?;
        match key {
            "user" => server.user = value,
            "password" => server.password = Some(Secret::new(value)),
            "currentSchema" => server.schema = Some(value),
            "ssl" if value != "false" => return Err(NO_TLS),
            "sslmode" if !["disable", "prefer", "allow"].contains(&value.as_str()) => return Err(NO_TLS),
            // Of the others some tune Java's driver, and none says where the data is.
            _ => {}
        }
    }
    Ok(Database::Postgres(server))
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
        for wrong in ["ssl=true", "sslmode=require", "sslmode=verify-full"] {
            assert_eq!(parse(&format!("jdbc:postgresql://h/d?{wrong}"), Path::new("/")).unwrap_err(), NO_TLS);
        }
    }
}
