//! The words that need a running supervisor: upgrade, reload, stop.

use std::io::IsTerminal;
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};

use super::args;
use super::exit::Exit;
use super::reach::{NoAnswer, reach};
use super::settings_folder::SettingsFolder;
use super::settled::{self, ToLook};
use crate::config::Settings;
use crate::control::client::AskError;
use crate::control::wire::{AnswerKind, Line, Progress, Question};

/// `kosmos upgrade`
pub async fn upgrade(home: &Path, wanted: args::Upgrade) -> Exit {
    if let Some(Err(error)) = wanted.to.as_deref().map(str::parse::<crate::release::Tag>) {
        super::complain(&error);
        return Exit::Usage;
    }
    let downgrade = wanted.allow_downgrade.then_some(wanted.reason);
    let question = Question::Upgrade { to: wanted.to, now: wanted.now, downgrade };
    let mut shown = Shown::new();
    let answer = reach(home, &question, |line| shown.line(line)).await;
    shown.end();
    said(answer)
}

/// `kosmos forgive`: by the supervisor that runs, or here if none does.
pub(super) async fn forgive(folder: &SettingsFolder, version: String) -> Exit {
    let tag: crate::release::Tag = match version.parse() {
        Ok(tag) => tag,
        Err(error) => {
            super::complain(&error);
            return Exit::Usage;
        }
    };
    let Some(ToLook { settings, .. }) = settled::to_look_or_complain(folder) else { return Exit::Settings };
    match reach(&settings.home, &Question::Forgive { version }, |_| {}).await {
        Err(NoAnswer::Ask(AskError::NobodyThere { .. })) => forgive_here(settings, tag.version()),
        answer => said(answer),
    }
}

fn forgive_here(settings: Settings, version: &crate::release::Version) -> Exit {
    let forgiven = crate::vault::lock(&settings.home)
        .map(|lock| super::house::to_work_in(settings, lock, tokio::sync::watch::channel(false).1))
        .and_then(|world| crate::duty::command::forgive(&world, version));
    match forgiven {
        Ok(0) => {
            eprintln!("nothing was held against {version}");
            Exit::Done
        }
        Ok(_) => {
            eprintln!("{version} may be tried again");
            Exit::Done
        }
        Err(error) => {
            super::complain(&error);
            Exit::Failed
        }
    }
}

/// `kosmos reload`: settings that are wrong are said here, where somebody reads it; the supervisor would only log them.
pub(super) async fn reload(folder: &SettingsFolder) -> Exit {
    let Some(loaded) = folder.load_or_complain() else {
        eprintln!("kosmos: not read again; a supervisor that runs goes on with the settings that it has");
        return Exit::Settings;
    };
    said(reach(&loaded.settings.home, &Question::Reload, |_| {}).await)
}

/// `kosmos stop`: by the supervisor that runs, or here if it has left and the integration point goes on.
pub(super) async fn stop(folder: &SettingsFolder) -> Exit {
    match reach(&settled::home(folder), &Question::Stop, |_| {}).await {
        Err(nobody @ NoAnswer::Ask(AskError::NobodyThere { .. })) => stop_here(folder, nobody).await,
        answer => said(answer),
    }
}

/// How it is asked to end stands in the settings: what is left of wrong ones may not be what it was started with.
async fn stop_here(folder: &SettingsFolder, nobody: NoAnswer) -> Exit {
    let settings = match settled::settle(folder) {
        Ok(settled) => settled.settings().clone(),
        Err(problems) => {
            super::complain_of(&problems);
            return Exit::Settings;
        }
    };
    // No supervisor was ever here to leave anything running, and nothing is made for the asking.
    if !crate::ports::state_folder(&settings.home).is_dir() {
        return said(Err(nobody));
    }
    let lock = match crate::vault::lock(&settings.home) {
        Ok(lock) => lock,
        Err(error) => {
            super::complain(&error);
            return Exit::Failed;
        }
    };
    let world = super::house::to_work_in(settings, lock, tokio::sync::watch::channel(false).1);
    match super::kept::end_child(&world).await {
        Ok(None) => said(Err(nobody)),
        Ok(Some(pid)) => {
            eprintln!("no supervisor ran; the integration point (process {pid}) was stopped");
            Exit::Done
        }
        Err(error) => {
            super::complain(&error);
            Exit::Failed
        }
    }
}

fn said(answer: Result<Line, NoAnswer>) -> Exit {
    match answer {
        Ok(Line::Answer(answer)) => {
            eprintln!("{}", answer.text);
            exit(answer.kind)
        }
        Ok(Line::Progress(_) | Line::Status(_) | Line::Error { .. }) => Exit::Failed,
        Err(error) => {
            super::complain(&error);
            error.exit()
        }
    }
}

fn exit(kind: AnswerKind) -> Exit {
    match kind {
        AnswerKind::Done | AnswerKind::Staged => Exit::Done,
        AnswerKind::RolledBack => Exit::RolledBack,
        AnswerKind::NothingRuns => Exit::NothingRuns,
        AnswerKind::RefusedByVerification => Exit::RefusedByVerification,
        AnswerKind::RefusedByPolicy => Exit::RefusedByPolicy,
        AnswerKind::SourceUnreachable => Exit::SourceUnreachable,
        AnswerKind::Failed => Exit::Failed,
    }
}

/// Progress on stderr: a bar on a terminal, a line for each step otherwise.
struct Shown {
    bar: Option<ProgressBar>,
    last: String,
}

impl Shown {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(ProgressBar::new_spinner);
        Self { bar, last: String::new() }
    }

    fn line(&mut self, line: &Line) {
        let Line::Progress(progress) = line else { return };
        match &self.bar {
            Some(bar) => draw(bar, progress),
            None if self.last != progress.text => eprintln!("{}", progress.text),
            None => {}
        }
        self.last.clone_from(&progress.text);
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn draw(bar: &ProgressBar, progress: &Progress) {
    let template = match (progress.total, progress.bytes) {
        (Some(_), true) => "{msg} [{bar:30}] {bytes} of {total_bytes}",
        (Some(_), false) => "{msg} [{bar:30}]",
        (None, _) => "{msg} …",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(progress.text.clone());
    if let Some(total) = progress.total {
        bar.set_length(total);
    }
    bar.set_position(progress.done.unwrap_or(0));
    bar.tick();
}
