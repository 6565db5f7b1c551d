//! Each runbook, stopped after each of its appends and resumed: the same end, the same outputs, the same effects.
//!
//! The store stops and loses what was not durable; commands go on under their supervisors, as they do when the machine
//! keeps running and the engine is killed. What a run did is what is in its folder then: programs that were called
//! write down there how often.

use std::{fs, path::Path, sync::Arc};

use futures_util::future::join_all;
use runwright::{
    Error, Until,
    model::{id::ExecutionId, status::Status},
    view::ExecutionView,
};
use runwright_testkit::{CrashStore, Tape};
use serde_json::{Value, json};

use crate::{Guarded, MEGABYTE, Service, World, apt_get, old_file, precious, program, secret, with, with_secret};

/// More appends than any of them has.
const APPENDS_MAX: usize = 1_000;
/// Worlds at the same time: most of what they do is wait. Each engine reserves addresses for its instances, and a process
/// has room for about a dozen.
const AT_ONCE: usize = 4;

/// What outlives the engine beside the files.
enum Outside {
    Nothing,
    Service(Service),
    /// And the secret that is known to it.
    Guarded(Guarded),
}

/// A world that is ready for a runbook.
struct Ready {
    // Before its folder, where it looks for its process.
    outside: Outside,
    world: World,
    runbook: &'static str,
    inputs: Value,
}

async fn quickstart(world: World) -> Ready {
    let inputs = json!({"Folder": world.path("")});
    Ready {
        world,
        outside: Outside::Nothing,
        runbook: "quickstart",
        inputs,
    }
}

/// A version that does not answer, over one that does.
async fn service_rollout(mut world: World) -> Ready {
    let service = Service::new(&mut world);
    service.pack("1.0", true);
    service.pack("2.0", false);
    let view = world.run("service-rollout", service.rollout("1.0")).await;
    assert_eq!(view.status, Status::Success, "{view:#?}");
    let inputs = with(&service.rollout("2.0"), json!({"HealthSeconds": 1}));
    Ready {
        world,
        outside: Outside::Service(service),
        runbook: "service-rollout",
        inputs,
    }
}

/// A secret that the service does not take.
async fn rotate_secret(mut world: World) -> Ready {
    let (service, inputs) = with_secret(&world, |secret| secret == "first-secret").await;
    world.hide(&service.url(""), "<service>");
    Ready {
        world,
        outside: Outside::Guarded(service),
        runbook: "rotate-secret",
        inputs,
    }
}

async fn disk_cleanup(world: World) -> Ready {
    old_file(world.path("logs/old.log"), 2 * MEGABYTE);
    old_file(world.path("logs/keep.txt"), MEGABYTE);
    let inputs = json!({"Folder": world.path("logs"), "Name": "*.log", "ApproveAbove": 1});
    Ready {
        world,
        outside: Outside::Nothing,
        runbook: "disk-cleanup",
        inputs,
    }
}

async fn patch_host(mut world: World) -> Ready {
    world.hide_output("reboot_needed", "Stdout", "<yes or no>");
    let inputs = with(&apt_get(&world), json!({"Operation": "Install"}));
    Ready {
        world,
        outside: Outside::Nothing,
        runbook: "patch-host",
        inputs,
    }
}

/// The second copy goes wrong; each copy is written down.
async fn backup_directory(world: World) -> Ready {
    let copy = world.path("copy");
    let text = format!(
        "echo \"$2\" >>'{}'\ncp -- \"$1\" \"$2\"\ncase \"$2\" in */second/*) printf x >>\"$2\" ;; esac\n",
        world.path("copied")
    );
    program(&copy, &text);
    let inputs = with(&precious(&world), json!({"CopyCommand": [copy]}));
    Ready {
        world,
        outside: Outside::Nothing,
        runbook: "backup-directory",
        inputs,
    }
}

fn id() -> ExecutionId {
    "crash".parse().unwrap()
}

impl Ready {
    /// Begins, or goes on, and approves what is asked for.
    async fn drive(&self) -> Result<ExecutionView, Error> {
        self.world.start(self.runbook, self.inputs.clone(), Some(id())).await?;
        loop {
            let view = self.world.engine().wait(&id(), Until::NeedsPerson).await?;
            if view.status.is_final() {
                return Ok(view);
            }
            match self.world.engine().decide(&id(), None, true, "kim", None).await {
                // Decided before the store stopped.
                Ok(()) | Err(Error::State(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// What the execution says, and what is in the world then.
    async fn seen(&self, view: &ExecutionView) -> String {
        // What the last probe saw before the time was over differs with how busy the machine is.
        let text = self.world.transcript(view);
        let lines = text
            .lines()
            .map(|line| line.split(" probes: ").next().unwrap_or_default());
        let mut text: String = lines.flat_map(|line| [line, "\n"]).collect();
        let mut tree = String::new();
        list(Path::new(&self.world.path("")), "", &mut tree);
        text += &tree.replace(id().as_str(), "<id>");
        text += &match &self.outside {
            Outside::Nothing => String::new(),
            Outside::Service(service) => format!("version {}\n", service.version()),
            Outside::Guarded(service) => {
                let secret = secret(&self.world).await;
                format!("{} for {secret}\n", service.status(&secret))
            }
        };
        text.replace(&self.world.path(""), "<dir>")
    }
}

/// Every file below a folder, with its contents when they are short and the same each time.
fn list(folder: &Path, indent: &str, text: &mut String) {
    for name in crate::names(folder) {
        let path = folder.join(&name);
        let facts = path.symlink_metadata().unwrap();
        let shown = if facts.is_symlink() {
            format!("-> {}", fs::read_link(&path).unwrap().display())
        } else if facts.is_dir() || facts.len() > 400 || [".pid", ".txt", ".log"].iter().any(|end| name.ends_with(end))
        {
            String::new()
        } else {
            // What goes on side by side is written down in any order.
            let text = fs::read_to_string(&path).unwrap_or_default();
            let mut lines: Vec<&str> = text.lines().collect();
            lines.sort_unstable();
            lines.join(", ")
        };
        *text += &format!("{indent}{name} {shown}\n");
        if facts.is_dir() {
            list(&path, &format!("{indent}  "), text);
        }
    }
}

/// Runs it once as it is, and then once for each append, after which everything stops.
async fn matrix<F: Future<Output = Ready>>(prepare: fn(World) -> F) {
    let tape = Tape::default();
    let mut ready = prepare(World::over(whole(&tape).await).await).await;
    let store = whole(&tape).await;
    ready.world.reopen(store.clone()).await;
    let view = ready.drive().await.unwrap();
    let expected = ready.seen(&view).await;
    let appends = APPENDS_MAX - store.left();
    ready.world.close().await;
    assert!(appends > 3, "{expected}");

    let crashes: Vec<usize> = (0..appends).collect();
    for some in crashes.chunks(AT_ONCE) {
        let stopped = some.iter().map(|crash| stopped_after(prepare, *crash));
        for (crash, seen) in some.iter().zip(join_all(stopped).await) {
            assert_eq!(seen, expected, "stopped after {crash} of {appends} appends");
        }
    }
}

/// What is there at the end, when everything stopped after so many appends and went on.
async fn stopped_after<F: Future<Output = Ready>>(prepare: fn(World) -> F, appends: usize) -> String {
    let tape = Tape::default();
    let mut ready = prepare(World::over(whole(&tape).await).await).await;
    ready.world.reopen(Arc::new(tape.open(appends).await.unwrap())).await;
    // It stops, unless its batches were others this time and it needed fewer.
    let _ = ready.drive().await;
    tape.power_cut();
    ready.world.reopen(whole(&tape).await).await;
    let view = ready.drive().await.unwrap();
    let seen = ready.seen(&view).await;
    ready.world.close().await;
    seen
}

/// What is on the tape, in a store that does not stop.
async fn whole(tape: &Tape) -> Arc<CrashStore> {
    Arc::new(tape.open(APPENDS_MAX).await.unwrap())
}

macro_rules! matrices {
    ($($name:ident),*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            matrix(super::$name).await;
        }
    )*};
}

mod every_append_may_be_the_last_of {
    use super::matrix;

    matrices!(
        quickstart,
        service_rollout,
        rotate_secret,
        disk_cleanup,
        patch_host,
        backup_directory
    );
}
