//! Copies of the child's data and how they are put back.

use super::*;

const COPY: &str = "2026-11-21T05-30-00Z-4.0.8";

/// A home whose folders can be removed at the end whatever rights they have.
struct Home(tempfile::TempDir);

impl Home {
    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = super::super::system::make_removable(self.path());
    }
}

fn home() -> Home {
    Home(tempfile::tempdir().unwrap())
}

/// Data as an integration point leaves it, and what else may lie in such folders.
fn data(home: &Path) {
    write(&home.join("integrasjonspunkt.mv.db"), &vec![7; 300_000]);
    write(&home.join("messages/2/empty"), b"");
    write(&home.join("messages/1/arkivmelding.xml"), b"<one/>");
    fs::create_dir_all(home.join("messages/no one/ingenting")).unwrap();
    let sparse = home.join("activemq-data/db-1.log");
    write(&sparse, b"journal");
    File::options().write(true).open(&sparse).unwrap().set_len(32 * 1024 * 1024).unwrap();
    let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let message = File::options().write(true).open(home.join("messages/1/arkivmelding.xml")).unwrap();
    message.set_modified(long_ago).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        use std::os::unix::fs::PermissionsExt;
        write(&home.join("messages").join(std::ffi::OsStr::from_bytes(b"gr\xf8t")), b"latin-1 name");
        std::os::unix::fs::symlink("../1/arkivmelding.xml", home.join("messages/2/link")).unwrap();
        std::os::unix::fs::symlink("/etc", home.join("messages/2/outside")).unwrap();
        fs::set_permissions(home.join("messages/1/arkivmelding.xml"), fs::Permissions::from_mode(0o440)).unwrap();
        fs::set_permissions(home.join("messages/1"), fs::Permissions::from_mode(0o550)).unwrap();
    }
}

/// What a new version makes of it.
fn migrate(home: &Path) {
    write(&home.join("integrasjonspunkt.mv.db"), &vec![8; 500_000]);
    write(&home.join("messages/9/new.xml"), b"<new/>");
    let _ = fs::remove_dir_all(home.join("messages/no one"));
    let _ = fs::remove_file(home.join("activemq-data/db-1.log"));
}

fn backup_of(home: &Path) -> PathBuf {
    home.join("kosmos/backup").join(COPY)
}

#[test]
fn k_24_what_is_put_back_is_what_was_copied_to_the_last_bit_time_and_right() {
    let home = home();
    data(home.path());
    let before = picture(home.path(), &DATA);
    let folder = folder(home.path());
    wait(folder.back_up(&id(COPY))).unwrap();
    assert_eq!(picture(home.path(), &DATA), before);
    migrate(home.path());
    let migrated = picture(home.path(), &DATA);
    wait(folder.put_back(&id(COPY))).unwrap();
    assert_eq!(picture(home.path(), &DATA), before);
    assert_eq!(picture(&backup_of(home.path()).join("set-aside-1"), &DATA), migrated);
    nothing_unfinished(home.path());
}

#[cfg(unix)]
#[test]
fn holes_stay_holes_and_the_copy_is_private() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let home = home();
    data(home.path());
    let folder = folder(home.path());
    assert!(wait(folder.data_size()).unwrap() > 32 * 1024 * 1024);
    wait(folder.back_up(&id(COPY))).unwrap();
    let copy = fs::metadata(backup_of(home.path()).join("copy-1/activemq-data/db-1.log")).unwrap();
    assert_eq!(copy.len(), 32 * 1024 * 1024);
    assert!(copy.blocks() * 512 < 1024 * 1024, "{} blocks", copy.blocks());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&backup_of(home.path())), mode(&home.path().join("kosmos/backup"))), (0o700, 0o700));
}

#[test]
fn a_copy_shares_no_file_with_the_data() {
    let home = home();
    data(home.path());
    let folder = folder(home.path());
    wait(folder.back_up(&id(COPY))).unwrap();
    // As a database does: in place.
    let database = File::options().write(true).open(home.path().join("integrasjonspunkt.mv.db")).unwrap();
    (&database).write_all(b"migrated").unwrap();
    let copied = fs::read(backup_of(home.path()).join("copy-1/integrasjonspunkt.mv.db")).unwrap();
    assert_eq!(copied, vec![7; 300_000]);
}

#[test]
fn what_was_not_there_is_not_there_again() {
    let home = home();
    write(&home.path().join("integrasjonspunkt.mv.db"), b"old");
    let folder = folder(home.path());
    wait(folder.back_up(&id(COPY))).unwrap();
    migrate(home.path());
    wait(folder.put_back(&id(COPY))).unwrap();
    assert!(!home.path().join("messages").exists());
    assert_eq!(fs::read(home.path().join("integrasjonspunkt.mv.db")).unwrap(), b"old");
    let aside = backup_of(home.path()).join("set-aside-1/messages/9/new.xml");
    assert_eq!(fs::read(aside).unwrap(), b"<new/>");
}

#[test]
fn nothing_at_all_can_be_copied_and_put_back() {
    let home = home();
    let folder = folder(home.path());
    assert_eq!(wait(folder.data_size()).unwrap(), 0);
    wait(folder.back_up(&id(COPY))).unwrap();
    wait(folder.put_back(&id(COPY))).unwrap();
    assert!(picture(home.path(), &DATA).is_empty());
}

#[test]
fn put_back_is_done_once_so_that_messages_taken_since_are_not_lost() {
    let home = home();
    data(home.path());
    let folder = folder(home.path());
    wait(folder.back_up(&id(COPY))).unwrap();
    migrate(home.path());
    wait(folder.put_back(&id(COPY))).unwrap();
    write(&home.path().join("messages/10/taken-since.xml"), b"<since/>");
    let before = picture(home.path(), &DATA);
    wait(folder.put_back(&id(COPY))).unwrap();
    assert_eq!(picture(home.path(), &DATA), before);
    // A new copy of the same name can be put back again.
    wait(folder.back_up(&id(COPY))).unwrap();
    migrate(home.path());
    wait(folder.put_back(&id(COPY))).unwrap();
    assert_eq!(picture(home.path(), &DATA), before);
    assert!(backup_of(home.path()).join("set-aside-2").exists());
}

#[test]
fn a_copy_that_is_not_whole_or_not_as_it_was_is_not_put_back_and_nothing_is_touched() {
    let spoil: [fn(&Path); 5] = [
        |copy| fs::remove_file(copy.with_file_name("manifest.json")).unwrap(),
        |copy| write(&copy.with_file_name("manifest.json"), b"{}"),
        |copy| fs::remove_file(copy.join("messages/2/empty")).unwrap(),
        |copy| write(&copy.join("messages/2/added"), b""),
        |copy| {
            let mut bytes = fs::read(copy.join("integrasjonspunkt.mv.db")).unwrap();
            bytes[1000] ^= 1;
            write(&copy.join("integrasjonspunkt.mv.db"), &bytes);
        },
    ];
    for (number, spoil) in spoil.into_iter().enumerate() {
        let home = home();
        data(home.path());
        let folder = folder(home.path());
        wait(folder.back_up(&id(COPY))).unwrap();
        migrate(home.path());
        let before = picture(home.path(), &DATA);
        spoil(&backup_of(home.path()).join("copy-1"));
        let put_back = wait(folder.put_back(&id(COPY)));
        if number == 4 && put_back.is_ok() {
            println!("left out: this file system clones files, and answers for their bytes itself");
            continue;
        }
        assert!(matches!(put_back, Err(VaultError::Corrupt { .. })), "{number}: {put_back:?}");
        assert_eq!(picture(home.path(), &DATA), before);
    }
    let home = home();
    assert!(matches!(wait(folder(home.path()).put_back(&id("never-made"))), Err(VaultError::Corrupt { .. })));
}

#[test]
fn a_full_disk_while_copying_leaves_no_half_copy_and_says_what_is_missing() {
    let home = home();
    write(&home.path().join("integrasjonspunkt.mv.db"), &vec![7; 300_000]);
    let before = picture(home.path(), &DATA);
    let folder = folder(home.path());
    folder.core.disk.power.fill_up(100_000);
    let Err(error) = wait(folder.back_up(&id(COPY))) else {
        println!("left out: this file system clones files, and needs no room");
        return;
    };
    assert!(matches!(error, VaultError::NoRoom { needed: 300_000, .. }), "{error:?}");
    assert_eq!(picture(home.path(), &DATA), before);
    assert!(!backup_of(home.path()).join("copy-1").exists());
    nothing_unfinished(home.path());
    folder.core.disk.power.fill_up(10_000_000);
    wait(folder.back_up(&id(COPY))).unwrap();
}

#[test]
fn a_full_disk_does_not_keep_a_roll_back_from_happening() {
    let home = home();
    data(home.path());
    let before = picture(home.path(), &DATA);
    let folder = folder(home.path());
    wait(folder.back_up(&id(COPY))).unwrap();
    migrate(home.path());
    folder.core.disk.power.fill_up(0);
    wait(folder.put_back(&id(COPY))).unwrap();
    assert_eq!(picture(home.path(), &DATA), before);
    wait(folder.put_back(&id(COPY))).unwrap();
    assert_eq!(picture(home.path(), &DATA), before);
}

#[test]
fn data_on_a_volume_of_its_own_is_put_back_too() {
    let home = home();
    data(home.path());
    let before = picture(home.path(), &DATA);
    let folder = folder(home.path());
    wait(folder.back_up(&id(COPY))).unwrap();
    migrate(home.path());
    folder.core.disk.power.put_on_another_volume(&home.path().join("messages"));
    wait(folder.put_back(&id(COPY))).unwrap();
    assert_eq!(picture(home.path(), &DATA), before);
    let aside = backup_of(home.path()).join("set-aside-1/messages/9/new.xml");
    assert_eq!(fs::read(aside).unwrap(), b"<new/>");
}

#[cfg(unix)]
#[test]
fn what_is_neither_file_nor_folder_nor_link_is_left_out() {
    let home = home();
    write(&home.path().join("messages/1/one.xml"), b"<one/>");
    let socket = home.path().join("messages/socket");
    let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(home.path().join("messages/fifo")).status().unwrap().success());
    let folder = folder(home.path());
    wait(folder.back_up(&id(COPY))).unwrap();
    let copy = backup_of(home.path()).join("copy-1/messages");
    assert!(copy.join("1/one.xml").exists() && !copy.join("socket").exists() && !copy.join("fifo").exists());
    wait(folder.put_back(&id(COPY))).unwrap();
    assert!(home.path().join("messages/1/one.xml").exists() && !socket.exists());
}

#[test]
fn nothing_outside_the_home_and_nothing_of_ours_is_copied() {
    let home = home();
    for bad in ["", "/etc", "../other", "messages/../../other", ".", "kosmos", "kosmos/versions", "KOSMOS/x"] {
        let mut plan = plan(home.path());
        plan.backup.paths = vec![PathBuf::from(bad)];
        let folder = folder_with(plan, Power::default());
        assert!(wait(folder.data_size()).is_err(), "{bad}");
        assert!(wait(folder.back_up(&id(COPY))).is_err(), "{bad}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/etc", home.path().join("link")).unwrap();
        let mut through = plan(home.path());
        through.backup.paths = vec![PathBuf::from("link/ssl")];
        assert!(wait(folder_with(through, Power::default()).back_up(&id(COPY))).is_err());
        // The link itself is copied as what it is.
        let mut itself = plan(home.path());
        itself.backup.paths = vec![PathBuf::from("link")];
        wait(folder_with(itself, Power::default()).back_up(&id(COPY))).unwrap();
        assert_eq!(fs::read_link(backup_of(home.path()).join("copy-1/link")).unwrap(), Path::new("/etc"));
    }
}

#[test]
fn the_name_of_a_copy_is_never_a_path() {
    let home = home();
    let folder = folder(home.path());
    for bad in ["", ".", "..", "../x", "a/b", "a\\b", "a:b", "x.unfinished", &"x".repeat(200)] {
        assert!(wait(folder.back_up(&id(bad))).is_err(), "{bad}");
        assert!(wait(folder.put_back(&id(bad))).is_err(), "{bad}");
    }
    assert!(!home.path().join("kosmos/backup").exists());
}

#[test]
fn a_path_in_another_is_copied_once() {
    let home = home();
    let mut plan = plan(home.path());
    plan.backup.paths = ["messages/1", "messages/", "data/deep/db"].map(PathBuf::from).to_vec();
    write(&home.path().join("messages/1/one.xml"), b"<one/>");
    write(&home.path().join("data/deep/db"), b"old");
    let folder = folder_with(plan, Power::default());
    assert_eq!(wait(folder.data_size()).unwrap(), 9);
    wait(folder.back_up(&id(COPY))).unwrap();
    fs::remove_dir_all(home.path().join("data")).unwrap();
    write(&home.path().join("messages/1/one.xml"), b"<two/>");
    wait(folder.put_back(&id(COPY))).unwrap();
    assert_eq!(fs::read(home.path().join("data/deep/db")).unwrap(), b"old");
    assert_eq!(fs::read(home.path().join("messages/1/one.xml")).unwrap(), b"<one/>");
}

#[test]
fn many_small_files_are_copied_and_put_back() {
    let home = home();
    for number in 0..1500 {
        write(&home.path().join(format!("messages/{}/{number}.xml", number % 30)), number.to_string().as_bytes());
    }
    let before = picture(home.path(), &DATA);
    let folder = folder(home.path());
    wait(folder.back_up(&id(COPY))).unwrap();
    fs::remove_dir_all(home.path().join("messages")).unwrap();
    wait(folder.put_back(&id(COPY))).unwrap();
    assert_eq!(picture(home.path(), &DATA), before);
}
