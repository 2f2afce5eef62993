//! The story: a first install, an upgrade, a forged release, a broken release and its roll-back, a crash. The supervisor
//! that is on duty is the real one; the story only publishes, asks, and kills.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::stage::{Mishap, Stage};
use crate::cli::house::{self, Real};
use crate::control::wire;
use crate::duty::command::{Answer, Command};
use crate::duty::{Duty, Snapshot};
use crate::notice::{self, History};
use crate::ports::{Child, state_folder};
use crate::update::World;
use crate::update::compare::Wish;
use crate::vault;

/// No scene takes longer.
const SCENE_PATIENCE: Duration = Duration::from_secs(40);

/// Tells it.
pub async fn tell() -> Result<(), Mishap> {
    let (stage, server) = Stage::set().await?;
    stage.publish("4.0.7", "")?;
    let (_leave, left) = watch::channel(false);
    let lock = vault::lock(stage.home.path())?;
    let world = house::to_work_in(stage.settings.clone(), lock, left);
    let (commands, mut heard) = mpsc::channel(1);
    let (snapshot, seen) = watch::channel(Snapshot::default());
    let director = Director { stage: &stage, world: &world, commands, seen };
    let duty = Duty::new(&world, "demo".to_owned(), snapshot);
    tokio::select! {
        ended = async { tokio::join!(duty.run(&mut heard), director.direct()) } => {
            let (duty, directed) = ended;
            directed?;
            duty?;
            Ok(())
        }
        () = server.serve() => Ok(()),
    }
}

struct Director<'a> {
    stage: &'a Stage,
    world: &'a World<Real>,
    commands: mpsc::Sender<Command>,
    seen: watch::Receiver<Snapshot>,
}

impl Director<'_> {
    async fn direct(mut self) -> Result<(), Mishap> {
        self.say("home folder", &self.stage.home.path().display().to_string());
        let told = self.scenes().await;
        // Whatever happened, nothing is left running.
        let (reply, stopped) = oneshot::channel();
        self.commands.send(Command::StopBoth(reply)).await?;
        stopped.await?;
        told?;
        self.say("supervisor", "stopped the integration point and itself; the home folder is removed");
        Ok(())
    }

    async fn scenes(&mut self) -> Result<(), Mishap> {
        scene("a first install: the newest verified release, without waiting for a window");
        timeout(SCENE_PATIENCE, self.following(Self::first_install)).await??;

        scene("4.0.8 is published");
        self.stage.publish("4.0.8", "")?;
        self.upgrade("upgraded").await?;

        scene("4.0.9 is published, signed by somebody else");
        self.stage.publish_forged("4.0.9")?;
        self.upgrade("refused").await?;

        scene("4.1.0 is published, signed well; it comes up, and dies a moment later");
        self.stage.publish("4.1.0", "crash.after=1500")?;
        self.upgrade("rolled back").await?;

        scene("and is not tried again");
        self.upgrade("refused").await?;

        scene("the integration point is killed");
        self.crash().await?;
        self.end()
    }

    /// Waits for a scene while each step that the supervisor takes is shown.
    async fn following<T>(&mut self, scene: impl AsyncFnOnce(&mut Self) -> Result<T, Mishap>) -> Result<T, Mishap> {
        let stage = self.stage;
        let mut progress = self.world.progress.subscribe();
        let shown = async {
            let mut last = String::new();
            while progress.changed().await.is_ok() {
                let now: Option<wire::Progress> = Option::from(&*progress.borrow_and_update());
                if let Some(now) = now.filter(|now| now.text != last) {
                    say(stage, "supervisor", &now.text);
                    last = now.text;
                }
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            done = scene(self) => done,
            () = shown => Err("the supervisor went away".into()),
        }
    }

    async fn first_install(&mut self) -> Result<(), Mishap> {
        let seen = self.seen.wait_for(|seen| seen.running.is_some()).await?.clone();
        let running = seen.running.ok_or("nothing runs")?;
        self.say("running", &format!("4.0.7 as process {}", running.process.pid));
        Ok(())
    }

    async fn upgrade(&mut self, expected: &str) -> Result<(), Mishap> {
        let answer = timeout(SCENE_PATIENCE, self.following(Self::ask_to_upgrade)).await??;
        let ended = match &answer {
            Answer::Upgraded { .. } => "upgraded",
            Answer::RolledBack { .. } => "rolled back",
            Answer::RefusedByVerification { .. } | Answer::RefusedByPolicy { .. } => "refused",
            Answer::UpToDate { .. }
            | Answer::Staged { .. }
            | Answer::NothingRuns { .. }
            | Answer::SourceUnreachable { .. }
            | Answer::Failed { .. }
            | Answer::Forgiven(_)
            | Answer::Done => "something else",
        };
        self.say(ended, &wire::Answer::from(answer).text);
        if ended == expected { Ok(()) } else { Err(format!("the demo expected: {expected}").into()) }
    }

    async fn ask_to_upgrade(&mut self) -> Result<Answer, Mishap> {
        let (reply, answer) = oneshot::channel();
        self.say("person", "kosmos upgrade --now");
        self.commands.send(Command::Upgrade { wish: Wish::Newest, now: true, reply }).await?;
        Ok(answer.await?)
    }

    async fn crash(&mut self) -> Result<(), Mishap> {
        let before = self.seen.borrow().running.clone().ok_or("nothing runs")?.process;
        let began = std::time::Instant::now();
        self.world.child.kill(&before).await?;
        let is_back = |seen: &Snapshot| seen.up && seen.running.as_ref().is_some_and(|now| !now.process.is(&before));
        let seen = timeout(SCENE_PATIENCE, self.seen.wait_for(is_back)).await??.clone();
        let pid = seen.running.map_or(0, |running| running.process.pid);
        self.say("running", &format!("up again as process {pid}, {} ms after the kill", began.elapsed().as_millis()));
        Ok(())
    }

    fn end(&self) -> Result<(), Mishap> {
        scene("kosmos history");
        let rows = History::of(&state_folder(&self.world.settings.home)).read(50)?;
        println!("{}", notice::table(&rows, &self.world.settings.schedule.timezone));
        Ok(())
    }

    fn say(&self, who: &str, text: &str) {
        say(self.stage, who, text);
    }
}

fn scene(text: &str) {
    println!("\n── {text}");
}

fn say(stage: &Stage, who: &str, text: &str) {
    println!("{:6.2} s  {who:<12} {text}", stage.began.elapsed().as_secs_f64());
}
