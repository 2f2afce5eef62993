//! The child's output: one file that it writes itself, so that it needs nobody to read. We turn the file over by size,
//! follow it when its lines are wanted in our own log, and cut the start-up log out of it for mail.
//!
//! Turning over copies the old part away and cuts it off the front of the file while the child goes on appending. On
//! ext4 and xfs nothing is lost; elsewhere the file is emptied, and what was written in the microseconds between the
//! last look and the emptying is lost. Never a pipe: a pipe dies with its reader, and the child with the pipe.

use crate::host::system;
use efm::masking::{Masker, mask};
use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file's name in the folder `logs/`.
pub const FILE: &str = "integrasjonspunkt.log";
/// Begins the line that we write before each start.
const HEADER: &str = "==== kosmos starts ";
/// The most that a start-up log holds.
const START_UP_LOG_BYTES: u64 = 64 * 1024;
/// How often a followed file is looked at. Only when `include_log` is set.
const FOLLOW_EVERY: Duration = Duration::from_millis(250);
/// The most that is passed on at one look; the rest of a flood is only counted.
const FOLLOW_BYTES: u64 = 256 * 1024;
/// A line that is passed on is not longer.
const FOLLOW_LINE_CHARS: usize = 4096;
/// Turning over moves so many bytes at a time.
const COPY_BYTES: usize = 256 * 1024;

/// The file, and what we know of it.
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    limit_bytes: u64,
    files_kept: u32,
    /// Bytes cut off the front since we began: positions are counted from the start of all output.
    removed: Cell<u64>,
}

impl Output {
    /// The output of the integration point of this home.
    pub fn of(home: &Path, limit_bytes: u64, files_kept: u32) -> Self {
        Self { path: home.join("logs").join(FILE), limit_bytes, files_kept, removed: Cell::new(0) }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it for a child that is about to start, and says in it what is started.
    ///
    /// # Errors
    /// The folder or the file cannot be made or written.
    pub fn open_for(&self, what: &str) -> io::Result<File> {
        if let Some(folder) = self.path.parent() {
            efm::owner::make_folders(folder)?;
        }
        let mut options = OpenOptions::new();
        options.append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
        let mut file = efm::owner::open_or_make(&self.path, &options)?;
        // A line of an earlier process may be unfinished.
        let break_line = if ends_with_a_line(&self.path) { "" } else { "\n" };
        file.write_all(format!("{break_line}{HEADER}{what} ====\n").as_bytes())?;
        Ok(file)
    }

    /// All bytes that were ever written since we began, those that were turned over with them.
    pub fn written(&self) -> u64 {
        self.removed.get() + length(&self.path)
    }

    /// Turns the file over if it has grown over its limit. Cheap when it has not.
    ///
    /// # Errors
    /// A file could not be read, written or renamed; the output itself is untouched then.
    pub async fn turn_over(&self) -> io::Result<()> {
        if length(&self.path) < self.limit_bytes.max(1) {
            return Ok(());
        }
        let (path, limit_bytes, files_kept) = (self.path.clone(), self.limit_bytes.max(1), self.files_kept);
        let work = tokio::task::spawn_blocking(move || turn_over(&path, limit_bytes, files_kept));
        let removed = work.await.map_err(io::Error::other)??;
        self.removed.set(self.removed.get() + removed);
        Ok(())
    }

    /// The output since the last start, its end where it is long, masked.
    pub fn start_up_log(&self) -> String {
        let mut bytes = tail(&self.path, START_UP_LOG_BYTES);
        let missing = START_UP_LOG_BYTES.saturating_sub(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if missing > 0 && self.files_kept > 0 {
            // It was turned over a moment ago.
            let mut before = tail(&numbered(&self.path, 1), missing);
            before.extend_from_slice(&bytes);
            bytes = before;
        }
        let text = String::from_utf8_lossy(&bytes);
        let header = text.rfind(HEADER).and_then(|at| Some(at + text.get(at..)?.find('\n')? + 1));
        // A line whose start is cut off may be the end of a secret that is no longer known for one.
        let whole_line = || text.find('\n').map_or(0, |end| end + 1);
        let is_cut = u64::try_from(bytes.len()).is_ok_and(|length| length >= START_UP_LOG_BYTES);
        let from = header.unwrap_or_else(|| if is_cut { whole_line() } else { 0 });
        mask(text.get(from..).unwrap_or_default())
    }

    /// Passes new lines on to our own log, masked and marked `[INCLUDED]`, from now on and for as long as it is polled. Cancel safe.
    pub async fn include(&self) -> std::convert::Infallible {
        let mut follower = Follower::of(self);
        loop {
            tokio::time::sleep(FOLLOW_EVERY).await;
            for line in follower.read(self) {
                tracing::info!(target: INCLUDED, "[INCLUDED] {}", mask(&line));
            }
        }
    }
}

/// Under this name those lines are logged.
pub const INCLUDED: &str = "integrasjonspunkt";

/// Reads what is new.
struct Follower {
    position: u64,
    rest: Vec<u8>,
    /// The start of the line that comes was missed: it is not passed on.
    is_cut: bool,
    masker: Masker,
}

impl Follower {
    /// What is written from now on is new. It may begin in the middle of anything.
    fn of(output: &Output) -> Self {
        let mut follower =
            Self { position: output.written(), rest: Vec::new(), is_cut: false, masker: Masker::default() };
        follower.missed_some();
        follower.is_cut = !ends_with_a_line(&output.path);
        follower
    }

    /// The rest of a line whose start is not seen may be the end of a secret that is no longer known for one.
    fn missed_some(&mut self) {
        self.rest.clear();
        self.is_cut = true;
        self.masker.missed_some();
    }

    fn read(&mut self, output: &Output) -> Vec<String> {
        let end = output.written();
        let mut lines = Vec::new();
        // Somebody else emptied the file, or it was turned over with more in it than was read.
        let begin = self.position.clamp(output.removed.get().min(end), end);
        let skipped = (end - begin).saturating_sub(FOLLOW_BYTES);
        if skipped > 0 {
            self.missed_some();
            lines.push(format!("({skipped} bytes left out; they are in {FILE})"));
        }
        let offset = begin + skipped - output.removed.get();
        let mut bytes = Vec::new();
        let read = File::open(&output.path).and_then(|mut file| {
            file.seek(SeekFrom::Start(offset))?;
            file.take(FOLLOW_BYTES).read_to_end(&mut bytes)
        });
        self.position = output.removed.get() + offset + read.map_or(0, |read| u64::try_from(read).unwrap_or(0));
        self.rest.append(&mut bytes);
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut whole: Vec<u8> = self.rest.drain(..whole).collect();
        if self.is_cut && !whole.is_empty() {
            whole.drain(..=whole.iter().position(|byte| *byte == b'\n').unwrap_or(0));
            self.is_cut = false;
        }
        // Masked whole and cut then: a secret that is cut may not look like one.
        let masked =
            String::from_utf8_lossy(&whole).lines().filter_map(|line| self.masker.line(line)).collect::<Vec<_>>();
        lines.extend(masked.iter().map(|line| line.chars().take(FOLLOW_LINE_CHARS).collect::<String>()));
        if self.rest.len() > FOLLOW_LINE_CHARS {
            self.missed_some();
        }
        lines
    }
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |found| found.len())
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

fn ends_with_a_line(path: &Path) -> bool {
    matches!(tail(path, 1).as_slice(), [] | [b'\n'])
}

/// The last bytes; nothing where it cannot be read.
fn tail(path: &Path, limit: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(limit)))?;
        file.take(limit).read_to_end(&mut bytes)
    });
    if read.is_err() {
        bytes.clear();
    }
    bytes
}

/// Makes `.1` of what is there, `.2` of `.1` and so on, and says how many bytes were taken off the front.
fn turn_over(path: &Path, limit_bytes: u64, files_kept: u32) -> io::Result<u64> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    if files_kept > 0 {
        for number in (1..files_kept).rev() {
            match efm::atomic::rename(&numbered(path, number), &numbered(path, number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    let length = file.metadata()?.len();
    let first = numbered(path, 1);
    // Of a flood only the end is kept: the copy must not take longer than the flood.
    let from = length.saturating_sub(limit_bytes.saturating_mul(2));
    let mut copied = from;
    if files_kept > 0 {
        let mut copy = efm::owner::open_or_make(&first, OpenOptions::new().write(true).truncate(true))?;
        copied += copy_range(&file, &mut copy, from, length)?;
        copy.sync_all()?;
    } else {
        copied = length;
    }
    cut(&file, &first, copied, files_kept > 0)
}

fn copy_range(mut from: &File, to: &mut File, begin: u64, end: u64) -> io::Result<u64> {
    from.seek(SeekFrom::Start(begin))?;
    let mut left = end.saturating_sub(begin);
    let mut buffer = vec![0; COPY_BYTES];
    while left > 0 {
        let want = usize::try_from(left).unwrap_or(COPY_BYTES).min(COPY_BYTES);
        let read = from.read(buffer.get_mut(..want).unwrap_or_default())?;
        if read == 0 {
            break;
        }
        to.write_all(buffer.get(..read).unwrap_or_default())?;
        left -= u64::try_from(read).unwrap_or(left);
    }
    Ok(end.saturating_sub(begin) - left)
}

/// Cuts what was copied off the front; where the file system cannot, copies what came meanwhile and empties the file.
fn cut(file: &File, first: &Path, copied: u64, kept: bool) -> io::Result<u64> {
    match system::cut_front(file, copied) {
        Ok(removed) if removed > 0 => {
            if kept {
                // Blocks are cut, not bytes: what stays in the file need not be in the copy as well.
                let copy = OpenOptions::new().write(true).open(first)?;
                let length = copy.metadata()?.len();
                copy.set_len(length.saturating_sub(copied - removed))?;
            }
            Ok(removed)
        }
        Ok(_) | Err(_) => {
            let mut removed = copied;
            if kept {
                let mut copy = OpenOptions::new().append(true).open(first)?;
                removed += copy_range(file, &mut copy, copied, file.metadata()?.len())?;
            }
            file.set_len(0)?;
            Ok(removed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(limit: u64, kept: u32) -> (tempfile::TempDir, Output) {
        let home = tempfile::tempdir().unwrap();
        let output = Output::of(home.path(), limit, kept);
        (home, output)
    }

    fn all_text(output: &Output, kept: u32) -> String {
        let mut text = String::new();
        for number in (1..=kept).rev() {
            text.push_str(&fs::read_to_string(numbered(output.path(), number)).unwrap_or_default());
        }
        text + &fs::read_to_string(output.path()).unwrap()
    }

    #[tokio::test]
    async fn turning_over_keeps_every_line_in_order_while_somebody_appends() {
        let (_home, output) = output(300_000, 9);
        let mut file = output.open_for("4.0.8").unwrap();
        let mut written = String::new();
        for round in 0..4 {
            for line in 0..6000 {
                let text = format!("round {round} line {line} {}\n", "x".repeat(40));
                file.write_all(text.as_bytes()).unwrap();
                written.push_str(&text);
            }
            output.turn_over().await.unwrap();
        }
        file.write_all(b"last\n").unwrap();
        assert!(length(output.path()) < 300_000, "{}", length(output.path()));
        let text = all_text(&output, 9);
        assert!(text.ends_with(&(written.clone() + "last\n")), "a line was lost or came twice");
        assert_eq!(output.written(), u64::try_from(text.len()).unwrap());
    }

    #[tokio::test]
    async fn no_more_files_are_kept_than_are_wanted() {
        let (home, output) = output(10, 2);
        let mut file = output.open_for("4.0.8").unwrap();
        for round in 0..5 {
            writeln!(file, "round {round} and more").unwrap();
            output.turn_over().await.unwrap();
        }
        let mut names: Vec<_> = fs::read_dir(home.path().join("logs"))
            .unwrap()
            .map(|f| f.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, [FILE.to_owned(), format!("{FILE}.1"), format!("{FILE}.2")]);
    }

    #[tokio::test]
    async fn of_a_flood_only_the_end_is_kept() {
        let (_home, output) = output(1000, 1);
        let mut file = output.open_for("4.0.8").unwrap();
        file.write_all(&vec![b'x'; 3_000_000]).unwrap();
        let before = output.written();
        output.turn_over().await.unwrap();
        assert!(length(&numbered(output.path(), 1)) <= 2000);
        assert!(length(output.path()) <= 64 * 1024);
        assert_eq!(output.written(), before, "what was thrown away counts as progress still");
    }

    #[test]
    fn the_start_up_log_begins_at_the_last_start_and_is_bounded_and_masked() {
        let (_home, output) = output(1 << 20, 3);
        output.open_for("4.0.7").unwrap().write_all(b"old lines, unfinished").unwrap();
        let mut file = output.open_for("4.0.8").unwrap();
        file.write_all(b"person 01019012345\nready\n").unwrap();
        assert_eq!(output.start_up_log(), "person ********\nready\n");
        file.write_all(format!("password={}\nlater\n", "hunter2".repeat(20_000)).as_bytes()).unwrap();
        assert_eq!(output.start_up_log(), "later\n", "the end of a line that is cut off is not shown");
        file.write_all(&vec![b'y'; 200_000]).unwrap();
        assert_eq!(output.start_up_log().len(), 64 * 1024);
    }

    #[test]
    fn a_follower_sees_whole_lines_once_and_only_counts_a_flood() {
        let (_home, output) = output(1 << 20, 3);
        let mut file = output.open_for("4.0.8").unwrap();
        let mut follower = Follower::of(&output);
        file.write_all(b"one\ntw").unwrap();
        assert_eq!(follower.read(&output), ["one"]);
        file.write_all(b"o\n").unwrap();
        assert_eq!(follower.read(&output), ["two"]);
        assert!(follower.read(&output).is_empty());
        file.write_all(&vec![b'z'; 600_000]).unwrap();
        file.write_all(b"\nend\n").unwrap();
        let lines = follower.read(&output);
        assert!(lines.first().unwrap().contains("left out"), "{lines:?}");
        assert_eq!(lines.last().unwrap(), "end");
        assert!(lines.iter().map(String::len).sum::<usize>() < 300_000);
    }

    #[test]
    fn a_follower_passes_on_no_secret_and_no_identity_number_and_no_rest_of_a_key() {
        let (_home, output) = output(1 << 20, 3);
        let mut file = output.open_for("4.0.8").unwrap();
        file.write_all(b"-----BEGIN PRIVATE KEY-----\n").unwrap();
        let mut follower = Follower::of(&output);
        let key = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj";
        file.write_all(format!("{key}\n{key}\n-----END PRIVATE KEY-----\n").as_bytes()).unwrap();
        file.write_all(b"person 01019012345\n-----BEGIN PRIVATE KEY-----\n").unwrap();
        assert_eq!(follower.read(&output), ["********", "person ********", "********"]);
        // The next look comes in the middle of it.
        file.write_all(format!("{key}\n-----END PRIVATE KEY-----\npassword=x\n").as_bytes()).unwrap();
        assert_eq!(follower.read(&output), ["password=********"]);
        // A line that is too long, and what comes of it later.
        file.write_all(format!("password={}", "hunter2".repeat(1000)).as_bytes()).unwrap();
        assert!(follower.read(&output).is_empty());
        file.write_all(b"hunter2\nafter\n").unwrap();
        assert_eq!(follower.read(&output), ["after"]);
        // It begins in the middle of one.
        file.write_all(b"password=hun").unwrap();
        let mut follower = Follower::of(&output);
        file.write_all(b"ter2\nafter\n").unwrap();
        assert_eq!(follower.read(&output), ["after"]);
    }

    #[tokio::test]
    async fn a_follower_goes_on_after_the_file_was_turned_over() {
        let (_home, output) = output(200_000, 3);
        let mut file = output.open_for("4.0.8").unwrap();
        file.write_all(&vec![b'z'; 250_000]).unwrap();
        file.write_all(b"\n").unwrap();
        let mut follower = Follower::of(&output);
        output.turn_over().await.unwrap();
        file.write_all(b"after\n").unwrap();
        assert_eq!(follower.read(&output), ["after"]);
    }

    #[test]
    fn output_that_cannot_be_opened_is_an_error_not_a_child_without_output() {
        let home = tempfile::tempdir().unwrap();
        fs::File::create(home.path().join("logs")).unwrap();
        assert!(Output::of(home.path(), 1, 1).open_for("x").is_err());
        assert_eq!(Output::of(home.path(), 1, 1).start_up_log(), "");
    }
}
