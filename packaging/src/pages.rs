//! Man pages and completions, from the definitions that the program itself uses.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use kosmos::cli::exit;

/// Each with what it wants before and after the program's name, in its place.
const SHELLS: [(Shell, &str, &str); 4] = [
    (Shell::Bash, "bash/", ""),
    (Shell::Zsh, "zsh/_", ""),
    (Shell::Fish, "fish/", ".fish"),
    (Shell::PowerShell, "powershell/", ".ps1"),
];

/// What a sysadmin looks for in section FILES.
const FILES: &str = r".SH FILES
.TP
\fIkosmos.toml\fR, \fIkosmos\-local.properties\fR, \fIintegrasjonspunkt\-local.properties\fR
Settings, in the home folder. As a service: \fI/var/lib/kosmos\fR.
.TP
\fIkosmos/\fR
The supervisor's state, in the home folder.
.TP
\fIlogs/kosmos.log\fR, \fIlogs/integrasjonspunkt.log\fR
What was said, in the home folder.
";

/// Writes `man/*.1` and `completions/<shell>/…`.
pub fn write(folder: &Path) -> Result<(), Box<dyn Error>> {
    let man = folder.join("man");
    std::fs::create_dir_all(&man)?;
    let programs =
        [("kosmos", kosmos::cli::args::Cli::command()), ("integrasjonspunkt", integrasjonspunkt::cli::Cli::command())];
    for (name, command) in programs {
        let mut program = command.clone().disable_help_subcommand(true);
        program.build();
        page(&man, &program, name)?;
        for (shell, before, after) in SHELLS {
            let path = folder.join("completions").join(format!("{before}{name}{after}"));
            if let Some(above) = path.parent() {
                std::fs::create_dir_all(above)?;
            }
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut command.clone(), name, &mut text);
            crate::write(&path, &text)?;
        }
    }
    Ok(())
}

/// A page for the word, and for each word below it.
fn page(folder: &Path, word: &Command, name: &str) -> Result<(), Box<dyn Error>> {
    // Without a date: what does not change from build to build.
    // clap keeps names for as long as the program runs; this one runs for a moment.
    let kept: &'static str = name.to_owned().leak();
    let man = Man::new(word.clone().name(kept).display_name(kept))
        .title(name.to_uppercase())
        .section("1")
        .date("")
        .source(format!("kosmos {}", env!("CARGO_PKG_VERSION")))
        .manual("kosmos");
    let mut text = Vec::new();
    man.render(&mut text)?;
    let mut text = String::from_utf8(text)?;
    if name == "kosmos" {
        text.push_str(FILES);
        write!(text, ".SH \"EXIT STATUS\"\n.nf\n{}\n.fi\n", exit::HELP.replace('\\', "\\e").replace('-', "\\-"))?;
    }
    crate::write(&folder.join(format!("{name}.1")), text.as_bytes())?;
    for below in word.get_subcommands().filter(|it| !it.is_hide_set()) {
        page(folder, below, &format!("{name}-{}", below.get_name()))?;
    }
    Ok(())
}
