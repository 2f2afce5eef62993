//! Zip archives with the same bytes from the same files: in order of name, all of one moment.

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;

/// 1980-01-01, before which a zip archive knows no time.
const OLDEST: i64 = 315_532_800;

/// Packs what lies in a folder, under the folder's own name.
pub fn zip(folder: &Path, epoch: i64, file: &Path) -> Result<(), Box<dyn Error>> {
    pack(folder, folder.parent().ok_or("the folder has no name")?, epoch, file)
}

/// Packs what lies in a folder, and not the folder: a release of a native integrasjonspunkt as the supervisor takes it.
pub fn release(folder: &Path, epoch: i64, file: &Path) -> Result<(), Box<dyn Error>> {
    pack(folder, folder, epoch, file)
}

fn pack(folder: &Path, above: &Path, epoch: i64, file: &Path) -> Result<(), Box<dyn Error>> {
    let mut files = Vec::new();
    walk(folder, &mut files)?;
    files.sort();
    let mut archive = zip::ZipWriter::new(File::create(file)?);
    for path in files {
        let mode = if is_program(&path)? { 0o755 } else { 0o644 };
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated)
            .last_modified_time(moment(epoch)?)
            .unix_permissions(mode);
        let name = path.strip_prefix(above)?.to_str().ok_or("a name is no text")?.replace('\\', "/");
        archive.start_file(name, options)?;
        std::io::copy(&mut File::open(&path)?, &mut archive)?;
    }
    archive.finish()?.sync_all()?;
    Ok(())
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(unix)]
fn is_program(path: &Path) -> Result<bool, Box<dyn Error>> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(path.metadata()?.permissions().mode() & 0o100 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> Result<bool, Box<dyn Error>> {
    Ok(path.extension().is_none_or(|ending| ending == "exe"))
}

/// Of the day only: a zip archive's hours are of no zone.
fn moment(epoch: i64) -> Result<zip::DateTime, Box<dyn Error>> {
    let days = epoch.max(OLDEST);
    let text = crate::parts::moment(days);
    let number = |from: usize, to: usize| text.get(from..to).and_then(|it| it.parse::<u16>().ok()).ok_or("no moment");
    let byte = |from, to| -> Result<u8, Box<dyn Error>> { Ok(u8::try_from(number(from, to)?)?) };
    Ok(zip::DateTime::from_date_and_time(number(0, 4)?, byte(5, 7)?, byte(8, 10)?, 0, 0, 0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_make_the_same_bytes_whenever_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str, order: [&str; 2]| {
            let root = folder.path().join(name).join("kosmos-1");
            std::fs::create_dir_all(root.join("docs")).unwrap();
            for file in order {
                efm::atomic::replace(&root.join(file), file.as_bytes()).unwrap();
            }
            let zipped = folder.path().join(format!("{name}.zip"));
            zip(&root, 1_795_247_805, &zipped).unwrap();
            std::fs::read(zipped).unwrap()
        };
        let bytes = make("a", ["kosmos", "docs/README.md"]);
        assert_eq!(bytes, make("b", ["docs/README.md", "kosmos"]));
        let archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        assert_eq!(
            archive.file_names().map(|name| name.unwrap().into_owned()).collect::<Vec<_>>(),
            ["kosmos-1/docs/README.md", "kosmos-1/kosmos"]
        );
    }
}
