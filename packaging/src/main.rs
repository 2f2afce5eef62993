//! What the packages hold besides the programs: `packaging/build` calls this, nobody else does. It is no part of what
//! is shipped, so that what makes man pages and completions makes no program larger.
//!
//! The words are in [`USAGE`]. The same input gives the same bytes: no clock, no machine's name, no path of it.

mod archive;
mod licences;
mod metadata;
mod pages;
mod parts;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
packaging pages FOLDER                             man pages and completions, from the definitions of the words
packaging parts PROGRAM METADATA LOCK EPOCH FILE   CycloneDX list of the crates that are in a program
packaging licences PROGRAM METADATA FILE           their licences, in full
packaging zip FOLDER EPOCH FILE                    a zip archive of a folder
packaging release FOLDER EPOCH FILE                a zip archive of what is in a folder, as kosmos takes a native release";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match act(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("packaging: {error}");
            ExitCode::FAILURE
        }
    }
}

fn act(words: &[&str]) -> Result<(), Box<dyn Error>> {
    match words {
        ["pages", folder] => pages::write(Path::new(folder)),
        ["parts", program, metadata, lock, epoch, file] => {
            let crates = metadata::read(Path::new(metadata), program)?;
            let lock = read(Path::new(lock))?;
            write(Path::new(file), &parts::list(program, &crates, &lock, epoch.parse()?)?)
        }
        ["licences", program, metadata, file] => {
            let crates = metadata::read(Path::new(metadata), program)?;
            write(Path::new(file), licences::text(&crates)?.as_bytes())
        }
        ["zip", folder, epoch, file] => archive::zip(Path::new(folder), epoch.parse()?, Path::new(file)),
        ["release", folder, epoch, file] => archive::release(Path::new(folder), epoch.parse()?, Path::new(file)),
        _ => Err(USAGE.into()),
    }
}

fn read(path: &Path) -> Result<String, Box<dyn Error>> {
    std::fs::read_to_string(path).map_err(|error| format!("read {}: {error}", path.display()).into())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    efm::atomic::replace(path, bytes).map_err(|error| format!("write {}: {error}", path.display()).into())
}
