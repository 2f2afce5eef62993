//! The mark of a folder: of which key its files are. It tells the folder from another one at the same place, such as the empty
//! one below a share that is not mounted, wherever the key lies.

use super::key::Key;
use efm::atomic;
use ring::hmac;
use std::io;
use std::path::{Path, PathBuf};

const NAME: &str = "mark";

/// Where folder and key lie, and what the mark must say.
#[derive(Clone, Debug)]
pub(super) struct Place {
    folder: PathBuf,
    key_file: PathBuf,
    mark: String,
}

impl Place {
    /// The folder with this key. One that has no mark yet gets it.
    pub(super) fn of(folder: &Path, key_file: &Path, key: &Key, is_new: bool) -> io::Result<Self> {
        // It says nothing of the key.
        let secret = hmac::Key::new(hmac::HMAC_SHA256, key.bytes());
        let mark = hex::encode(hmac::sign(&secret, b"integrasjonspunkt: the folder of this key"));
        let place = Self { folder: folder.to_owned(), key_file: key_file.to_owned(), mark };
        let file = folder.join(NAME);
        match std::fs::read_to_string(&file) {
            Ok(text) if text.trim() == place.mark => {}
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(_) if !is_new => return Err(place.wrong(&file)),
            Ok(_) | Err(_) => atomic::replace(&file, format!("{}\n", place.mark).as_bytes())?,
        }
        Ok(place)
    }

    fn wrong(&self, file: &Path) -> io::Error {
        let (key, folder, file) = (self.key_file.display(), self.folder.display(), file.display());
        let why = format!(
            "{key} holds another key than the one of the files in {folder}: restore that one, or remove {file} to go on \
             without those files"
        );
        io::Error::new(io::ErrorKind::InvalidData, why)
    }

    /// Whether it is still there: the same folder, and a key in its file.
    pub(super) fn look(&self) -> io::Result<()> {
        let gone = |why: String| io::Error::new(io::ErrorKind::NotFound, why);
        let folder = self.folder.display();
        let file = self.folder.join(NAME);
        match std::fs::read_to_string(&file) {
            Ok(text) if text.trim() == self.mark => {}
            Ok(_) => {
                return Err(gone(format!("{folder} is another folder than before, of another key: mount that one")));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(gone(format!("{folder} is not there, or is another folder than before: mount it")));
            }
            Err(error) => return Err(error),
        }
        if self.key_file.try_exists()? {
            return Ok(());
        }
        Err(gone(format!("{folder} has lost its key: restore {}", self.key_file.display())))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Whether a folder has its mark, or files from before there were marks.
pub(super) fn has_files(folder: &Path) -> io::Result<bool> {
    let is_part = |name: &str| name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        if name.to_str().is_some_and(|name| name == NAME || is_part(name)) {
            return Ok(true);
        }
    }
    Ok(false)
}
