//! Access lists of Windows in their text form: who may write, and what a folder of ours is to say.
//!
//! Only what is asked here is understood of the language: the list of who may do what, and in it the entries that allow.

/// Everybody, ordinary users, whoever is logged on, and those who did not say who they are.
const ORDINARY: [(&str, &str); 12] = [
    ("WD", "Everyone"),
    ("S-1-1-0", "Everyone"),
    ("BU", "Users"),
    ("S-1-5-32-545", "Users"),
    ("AU", "Authenticated Users"),
    ("S-1-5-11", "Authenticated Users"),
    ("IU", "Interactive"),
    ("S-1-5-4", "Interactive"),
    ("AN", "Anonymous"),
    ("BG", "Guests"),
    ("DU", "Domain Users"),
    ("NU", "Network"),
];

/// Two letters a right, as the language has them, where it is one that changes something: the whole, writing, adding
/// files or folders, removing, the list itself, the owner.
const CHANGING: [&str; 9] = ["GA", "GW", "FA", "FW", "DC", "LC", "SD", "WD", "WO"];
/// `CC` is reading in a folder's list when it stands for a file's first bit: read data, list folder.
const CHANGING_BITS: u32 = 0x0000_0002 // write data, add file
    | 0x0000_0004 // append, add folder
    | 0x0000_0040 // remove what lies in it
    | 0x0001_0000 // remove
    | 0x0004_0000 // change the list
    | 0x0008_0000 // change the owner
    | 0x1000_0000 // all
    | 0x4000_0000; // write

/// An entry that is for what lies in the folder alone.
const INHERIT_ONLY: &str = "IO";

/// The list of our own folder: the system, administrators, whoever owns it, and this service. Nothing is inherited, and
/// what lies in it inherits it.
pub fn of_our_folder(service: Option<&str>) -> String {
    let mut list = "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)".to_owned();
    if let Some(sid) = service {
        list.push_str("(A;OICI;FA;;;");
        list.push_str(sid);
        list.push(')');
    }
    list
}

/// The list with this identity allowed to read, write and remove, here and below; none: it is already, or the text is no
/// list.
pub fn with_modify(list: &str, sid: &str) -> Option<String> {
    let has = entries(list).any(|entry| entry.allows && entry.who == sid && entry.flags.contains("OI"));
    let at = list.find("D:")?;
    if has {
        return None;
    }
    // Denials come first, then what is said here, then what is inherited.
    let ours = format!("(A;OICI;0x1301bf;;;{sid})");
    let place = list.get(at..)?.find('(').map_or(list.len(), |open| at + open);
    let denials = list
        .get(place..)?
        .split_inclusive(')')
        .take_while(|entry| entry.starts_with("(D;"))
        .map(str::len)
        .sum::<usize>();
    let (before, after) = list.split_at_checked(place + denials)?;
    Some(format!("{before}{ours}{after}"))
}

/// The ordinary users that this list allows to change something; none: only those who were named.
pub fn ordinary_writers(list: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    // No list at all is "everybody may do everything".
    if !list.contains("D:") || list.contains("D:NO_ACCESS_CONTROL") {
        return vec!["Everyone"];
    }
    for entry in entries(list).filter(|entry| entry.allows && !entry.flags.contains(INHERIT_ONLY) && entry.changes()) {
        let name = ORDINARY.iter().find(|(short, _)| *short == entry.who).map(|(_, name)| *name);
        found.extend(name.filter(|name| !found.contains(name)));
    }
    found
}

/// An entry of a list.
struct Entry<'l> {
    allows: bool,
    flags: &'l str,
    rights: &'l str,
    who: &'l str,
}

impl Entry<'_> {
    fn changes(&self) -> bool {
        if let Some(digits) = self.rights.strip_prefix("0x").or_else(|| self.rights.strip_prefix("0X")) {
            // What cannot be read might be anything.
            return u32::from_str_radix(digits, 16).map_or(true, |bits| bits & CHANGING_BITS != 0);
        }
        let letters: Vec<char> = self.rights.chars().collect();
        letters.chunks(2).any(|pair| CHANGING.contains(&pair.iter().collect::<String>().as_str()))
    }
}

fn entries(list: &str) -> impl Iterator<Item = Entry<'_>> {
    // An audit list may follow; its entries are of other kinds.
    list.split('(').skip(1).filter_map(|text| {
        let mut fields = text.split(')').next()?.split(';');
        let kind = fields.next()?;
        let (flags, rights) = (fields.next()?, fields.next()?);
        let who = fields.nth(2)?;
        Some(Entry { allows: kind == "A", flags, rights, who })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_made_in_the_root_of_a_disk_is_open_to_all_who_log_on() {
        // What Windows gives `C:\x`.
        let made = "D:AI(A;OICIID;FA;;;BA)(A;OICIID;FA;;;SY)(A;OICIID;0x1200a9;;;BU)(A;ID;0x1301bf;;;AU)\
                    (A;OICIIOID;SDGXGWGR;;;AU)";
        assert_eq!(ordinary_writers(made), ["Authenticated Users"]);
    }

    #[test]
    fn reading_is_not_writing_and_what_is_only_for_what_lies_in_it_does_not_count() {
        assert!(ordinary_writers("D:PAI(A;OICI;FA;;;SY)(A;OICI;0x1200a9;;;BU)(A;;FRFX;;;WD)").is_empty());
        assert!(ordinary_writers("O:BAG:SYD:(A;OICIIO;GA;;;WD)").is_empty());
        assert!(ordinary_writers("D:(D;;FA;;;WD)").is_empty());
        assert!(ordinary_writers(&of_our_folder(Some("S-1-5-80-1"))).is_empty());
    }

    #[test]
    fn who_may_write_is_named_once_and_no_list_at_all_is_everybody() {
        assert_eq!(ordinary_writers("D:(A;;FW;;;WD)(A;;FA;;;S-1-1-0)(A;;0x40;;;BU)"), ["Everyone", "Users"]);
        assert_eq!(ordinary_writers("O:BAG:SY"), ["Everyone"]);
        assert_eq!(ordinary_writers("D:NO_ACCESS_CONTROL"), ["Everyone"]);
        assert_eq!(ordinary_writers("D:(A;;0xnonsense;;;WD)"), ["Everyone"]);
        assert!(ordinary_writers("D:(A").is_empty());
    }

    #[test]
    fn an_identity_is_let_in_once_after_what_is_denied() {
        let list = "D:AI(D;;FA;;;BG)(A;OICIID;FA;;;BA)";
        let with = with_modify(list, "S-1-5-80-7").unwrap();
        assert_eq!(with, "D:AI(D;;FA;;;BG)(A;OICI;0x1301bf;;;S-1-5-80-7)(A;OICIID;FA;;;BA)");
        assert_eq!(with_modify(&with, "S-1-5-80-7"), None);
        assert_eq!(with_modify("D:P", "S-1-5-80-7").unwrap(), "D:P(A;OICI;0x1301bf;;;S-1-5-80-7)");
        assert_eq!(with_modify("nothing", "S-1-5-80-7"), None);
    }
}
