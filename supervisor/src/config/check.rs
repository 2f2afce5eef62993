//! From text to what it means, one kind of value at a time. Each says what is wrong and what would be right.

use super::problem::{Wrong, quoted, wrong};
use super::value::{Kind, Scalar};
use crate::schedule::Cron;
use jiff::civil::Date;
use std::path::{Component, Path, PathBuf};
use url::{Host, Url};

/// Nine digits, the last of which follows from the others.
pub(super) fn organisation(scalar: &Scalar) -> Result<String, Wrong> {
    const WEIGHTS: [u32; 9] = [3, 2, 7, 6, 5, 4, 3, 2, 1];
    let text = scalar.text.trim();
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(10)).collect();
    if !matches!(scalar.kind, Kind::Loose | Kind::Text | Kind::Integer) || digits.len() != 9 || text.len() != 9 {
        return Err(wrong(format!("{} is not nine digits", quoted(text)), "nine digits, like \"987464291\""));
    }
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    if !sum.is_multiple_of(11) {
        let right = "the number from Brønnøysund: its last digit follows from the others, so one of them is mistyped";
        return Err(wrong(format!("{text} has a wrong check digit"), right));
    }
    Ok(text.to_owned())
}

/// A whole fingerprint, with or without blanks, in any case.
pub(super) fn fingerprint(scalar: &Scalar) -> Result<String, Wrong> {
    let text = scalar.text()?;
    let plain: String = text.chars().filter(|letter| !letter.is_whitespace()).collect::<String>().to_ascii_lowercase();
    let digits = plain.strip_prefix("0x").unwrap_or(&plain);
    if !digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(wrong(
            format!("{} is not hexadecimal", quoted(text)),
            "40 or 64 hexadecimal digits; blanks may be between",
        ));
    }
    match digits.len() {
        40 | 64 => Ok(digits.to_owned()),
        8 | 16 => Err(wrong(
            format!("{} is a key id, of which anybody can make another key", quoted(text)),
            "the whole fingerprint, 40 or 64 hexadecimal digits",
        )),
        other => Err(wrong(format!("{} has {other} digits", quoted(text)), "40 or 64 hexadecimal digits")),
    }
}

/// A cron expression of six fields.
pub(super) fn cron(scalar: &Scalar) -> Result<Cron, Wrong> {
    Cron::parse(scalar.text()?).map_err(|error| {
        // In a properties file quotation marks would be part of the value.
        let as_written = |text: &str| if scalar.kind == Kind::Text { format!("\"{text}\"") } else { text.to_owned() };
        let example = || format!("like {}", as_written("0 30 5,19,21 * * MON-FRI"));
        let right = error.corrected().map_or_else(example, as_written);
        wrong(error.to_string(), right)
    })
}

/// A day, or the first and the last of several.
pub(super) fn days(scalar: &Scalar) -> Result<(Date, Date), Wrong> {
    let text = scalar.text.trim();
    let right = "a day or two, like \"2026-12-24\" or \"2026-12-20/2027-01-02\"";
    let (first, last) = text.split_once('/').unwrap_or((text, text));
    let day = |text: &str| text.trim().parse::<Date>().map_err(|_| wrong(format!("{} is no day", quoted(text)), right));
    let (first, last) = (day(first)?, day(last)?);
    if last < first {
        return Err(wrong(format!("{last} is before {first}"), format!("\"{last}/{first}\"")));
    }
    Ok((first, last))
}

/// A path as people and Spring write it: `file:` may be in front.
pub(super) fn path(text: &str) -> Result<PathBuf, Wrong> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    if let Some((scheme, _)) = lower.split_once(':')
        && (lower.contains("://") && scheme != "file" || scheme.starts_with("classpath"))
    {
        return Err(wrong(format!("{} is no file", quoted(text)), "a path, or file: and a path"));
    }
    let Some(rest) = lower.starts_with("file:").then(|| text.get(5..).unwrap_or_default()) else {
        return not_empty(text.to_owned());
    };
    let decoded = percent_decoded(rest)
        .ok_or_else(|| wrong(format!("{} has a % that is no escape", quoted(text)), "the path itself, or %25 for %"))?;
    let local = decoded.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(&decoded);
    // `file:/C:/kosmos` names a drive, not a folder of that name.
    let drive = local.strip_prefix('/').filter(|rest| rest.get(1..2) == Some(":"));
    not_empty(drive.unwrap_or(local).to_owned())
}

fn not_empty(text: String) -> Result<PathBuf, Wrong> {
    if text.is_empty() || text.contains('\0') {
        return Err(wrong("it names no file", "a path"));
    }
    Ok(PathBuf::from(text))
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// An address of HTTP, without a login, a query or a fragment.
pub(super) fn url(scalar: &Scalar) -> Result<Url, Wrong> {
    let text = scalar.text()?;
    let right = "an address like \"https://example.org/path\"";
    let url = Url::parse(text).map_err(|error| wrong(format!("{} is no address: {error}", quoted(text)), right))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong(format!("{} is not of HTTP", quoted(text)), right));
    }
    if has_login(&url) {
        return Err(wrong(format!("{} has a user in it, which is not used", quoted(text)), "the address without it"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(format!("{} has a ? or a # in it", quoted(text)), "the address without it"));
    }
    Ok(url)
}

fn has_login(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// An address of the outside: HTTPS, but to this machine itself.
pub(super) fn outside(scalar: &Scalar) -> Result<Url, Wrong> {
    let text = scalar.text()?;
    // A list may have a query; what `url` refuses of it is the fragment and the login only.
    let url = match Url::parse(text) {
        Ok(url) if url.query().is_some() && url.fragment().is_none() && !has_login(&url) => url,
        Ok(_) | Err(_) => self::url(scalar)?,
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && is_this_machine(&url)) {
        let right = text.split_once("://").map_or("https", |(_, rest)| rest);
        return Err(wrong(
            format!("{} is not HTTPS, so anybody on the way may change it", quoted(text)),
            format!("https://{right}"),
        ));
    }
    Ok(url)
}

/// Like [`outside`], and a folder: something can be put behind it.
pub(super) fn outside_folder(scalar: &Scalar) -> Result<Url, Wrong> {
    let mut url = outside(scalar)?;
    if url.query().is_some() {
        return Err(wrong(format!("{} has a ? in it", quoted(&scalar.text)), "the address without it"));
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// Whether an address leads to this machine by its name alone.
pub(super) fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost") || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Something to put into an address and a file name: letters, digits, dots, dashes.
pub(super) fn plain_name(scalar: &Scalar) -> Result<String, Wrong> {
    let text = scalar.text()?;
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    if text.starts_with('.') || text.contains("..") || !text.chars().all(fits) {
        return Err(wrong(
            format!("{} has more than letters, digits, dots and dashes", quoted(text)),
            "like \"integrasjonspunkt\"",
        ));
    }
    Ok(text.to_owned())
}

/// A mail address, with or without a name before it.
pub(super) fn address(scalar: &Scalar) -> Result<String, Wrong> {
    let text = scalar.text()?;
    let right = "an address like \"drift@example.org\" or \"Drift <drift@example.org>\"";
    let is_address = text.parse::<lettre::message::Mailbox>().is_ok() && !text.contains(char::is_control);
    if is_address { Ok(text.to_owned()) } else { Err(wrong(format!("{} is no mail address", quoted(text)), right)) }
}

/// Text on one line.
pub(super) fn line(scalar: &Scalar) -> Result<String, Wrong> {
    let text = scalar.text()?;
    if text.contains(char::is_control) {
        return Err(wrong(format!("{} is more than one line", quoted(text)), "text on one line"));
    }
    Ok(text.to_owned())
}

/// The name of a machine.
pub(super) fn host(scalar: &Scalar) -> Result<String, Wrong> {
    let text = scalar.text()?;
    if text.contains("://") || Host::parse(text.trim_matches(['[', ']'])).is_err() && Host::parse(text).is_err() {
        return Err(wrong(format!("{} is no name of a machine", quoted(text)), "like \"smtp.example.org\""));
    }
    if text.contains(':') && text.parse::<std::net::Ipv6Addr>().is_err() && !text.starts_with('[') {
        return Err(wrong(
            format!("{} has a port in it", quoted(text)),
            "the name alone; the port is a setting of its own",
        ));
    }
    Ok(text.to_owned())
}

/// A path in the home folder that is not ours, as short as it can be written: `./messages` is `messages`.
pub(super) fn stays_inside(scalar: &Scalar, home: &Path) -> Result<PathBuf, Wrong> {
    const OURS: &str = "kosmos";
    let given = path(scalar.text()?)?;
    let right = "a path in the home folder, like \"messages\"";
    let refused = |what: &str| Err(wrong(format!("{} {what}", quoted(&scalar.text)), right));
    let mut below = PathBuf::new();
    for part in given.components() {
        match part {
            Component::Normal(name) if name.to_string_lossy().contains(':') => return refused("has a colon in it"),
            Component::Normal(name) => below.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return refused("leads out of the home folder");
            }
        }
    }
    let Some(Component::Normal(first)) = below.components().next() else {
        return refused("is the home folder itself, and the copies would be copied too");
    };
    if first.eq_ignore_ascii_case(OURS) {
        return refused("is the supervisor's own folder, where the copies lie");
    }
    let is_link = |path: &Path| std::fs::symlink_metadata(home.join(path)).is_ok_and(|it| it.is_symlink());
    match below.ancestors().skip(1).find(|above| !above.as_os_str().is_empty() && is_link(above)) {
        Some(link) => refused(&format!("leads through {}, which is a link", link.display())),
        None => Ok(below),
    }
}
