//! How the integration point is started: which program with which arguments, in which surroundings.

use super::environment;
use crate::config::settings::{Child as Settings, Kind};
use crate::host::system::sockets::Socket;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The program and its arguments. `java` is the JVM; not looked at for a native one.
pub fn command_line(settings: &Settings, java: &Path, file: &Path) -> (PathBuf, Vec<OsString>) {
    let ours = [
        // What KOSMOS passes; sites' own settings may build on it.
        "--management.endpoint.shutdown.enabled=true".to_owned(),
        "--app.logger.enableSSL=false".to_owned(),
        format!("--spring.profiles.active={}", settings.profile),
    ];
    let theirs = settings.arguments.iter().map(OsString::from);
    let ours = ours.into_iter().map(OsString::from);
    match settings.kind {
        Kind::Java => {
            let jar = [OsString::from("-jar"), file.as_os_str().to_owned()];
            (java.to_owned(), theirs.chain(jar).chain(ours).collect())
        }
        Kind::Native => (file.to_owned(), theirs.chain(ours).collect()),
    }
}

/// The command that starts it: in the home folder, with nothing to read, with its output in a file of its own, and
/// with no handle of ours but that file and the socket that is held for it (everything we open is closed on exec).
pub fn command(
    program: &Path,
    arguments: &[OsString],
    settings: &Settings,
    home: &Path,
    output: File,
    socket: Option<&Socket>,
) -> io::Result<Command> {
    let mut command = if let Some(socket) = socket {
        socket.hand_to(program)?
    } else {
        let mut command = Command::new(program);
        command.stdin(Stdio::null());
        command
    };
    command
        .args(arguments)
        .current_dir(home)
        .env_clear()
        .envs(environment::for_child(&settings.environment_prefixes_removed))
        .stdout(output.try_clone()?)
        .stderr(output);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use url::Url;

    fn settings(kind: Kind) -> Settings {
        let url = Url::parse("http://localhost:9093").unwrap();
        Settings {
            kind,
            java: None,
            arguments: vec!["-Xmx1g".into()],
            profile: "itest".into(),
            stop_grace: Duration::ZERO,
            start_patience: Duration::ZERO,
            start_patience_bound: Duration::ZERO,
            probation: Duration::ZERO,
            base_url: url.clone(),
            health_url: url.clone(),
            info_url: url.clone(),
            shutdown_url: url,
            connect_timeout: Duration::ZERO,
            read_timeout: Duration::ZERO,
            include_log: false,
            environment_prefixes_removed: Vec::new(),
            log_size_bytes: 0,
            log_files_kept: 0,
            hang_patience: None,
            own_components: Vec::new(),
            listen: None,
        }
    }

    #[test]
    fn java_gets_its_options_before_the_archive_and_a_native_program_before_ours() {
        const OURS: &str = "--management.endpoint.shutdown.enabled=true --app.logger.enableSSL=false \
                            --spring.profiles.active=itest";
        let line = |kind| {
            let (program, arguments) = command_line(&settings(kind), Path::new("/jvm/java"), Path::new("/x/ip.jar"));
            format!("{} {}", program.display(), arguments.join(OsString::from(" ").as_os_str()).display())
        };
        assert_eq!(line(Kind::Java), format!("/jvm/java -Xmx1g -jar /x/ip.jar {OURS}"));
        assert_eq!(line(Kind::Native), format!("/x/ip.jar -Xmx1g {OURS}"));
    }

    #[test]
    fn it_works_in_its_home_and_knows_nothing_of_our_own_settings() {
        let home = tempfile::tempdir().unwrap();
        let output = tempfile::tempfile().unwrap();
        let arguments = [OsString::from("-x")];
        let command = command(Path::new("java"), &arguments, &settings(Kind::Java), home.path(), output, None).unwrap();
        assert_eq!(command.get_current_dir(), Some(home.path()));
        // Only what was chosen: an environment that is inherited whole shows no variables here.
        assert!(command.get_envs().any(|(name, _)| name.eq_ignore_ascii_case("PATH")));
    }
}
