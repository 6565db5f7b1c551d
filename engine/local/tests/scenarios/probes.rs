//! One try of each probe: come true, not yet, never.

use runwright_model::{
    capability::{
        Answer, Backend as _, CallContext, Error, Outcome, Request, approvals, executions,
        waits::{self, Patience, Probe},
    },
    grant::Grants,
    time::Timestamp,
};
use tokio::net::TcpListener;

use crate::{
    http::{Server, answer},
    world::{World, assert_done},
};

async fn probe_in(world: &World, probe: Probe, context: CallContext) -> Outcome {
    let now = i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let deadline = Timestamp::from_millis(now + 60_000);
    let patience = Patience {
        deadline,
        interval_ms: 1_000,
        backoff_percent: 100,
        max_interval_ms: 1_000,
    };
    world
        .local
        .perform(
            Request::Waits(waits::Request::Probe {
                on: None,
                probe,
                patience,
            }),
            context,
        )
        .await
}

async fn probe(world: &World, probe: Probe) -> Outcome {
    probe_in(world, probe, world.context()).await
}

fn not_yet(outcome: &Outcome, words: &str) {
    assert!(
        matches!(outcome, Err(Error::Unavailable(text)) if text.contains(words)),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_port() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tcp = || Probe::Tcp {
        host: "127.0.0.1".into(),
        port,
    };
    assert_done(&probe(&world, tcp()).await);
    drop(listener);
    not_yet(&probe(&world, tcp()).await, "refused");
}

#[tokio::test]
async fn an_address() {
    let world = World::new();
    let server = Server::start(|asked| {
        let ready = asked.starts_with("GET /ready");
        answer(
            if ready {
                "204 No Content"
            } else {
                "503 Service Unavailable"
            },
            "",
            "",
        )
    })
    .await;
    let at = |path: &str, status| Probe::Http {
        url: server.url(path),
        status,
    };
    assert_done(&probe(&world, at("/ready", None)).await);
    assert_done(&probe(&world, at("/", Some(503))).await);
    not_yet(&probe(&world, at("/", None)).await, "answers 503 and not 2xx");
    not_yet(&probe(&world, at("/ready", Some(200))).await, "answers 204 and not 200");
    let denied = probe_in(&world, at("/ready", None), world.granted(Grants::default())).await;
    assert!(matches!(denied, Err(Error::Denied { .. })), "{denied:?}");
    let nonsense = Probe::Http {
        url: "nonsense".into(),
        status: None,
    };
    assert!(matches!(probe(&world, nonsense).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn a_path() {
    let world = World::new();
    let path = world.path("flag");
    not_yet(
        &probe(&world, Probe::File { path: path.clone() }).await,
        "nothing is at",
    );
    std::fs::write(&path, "").unwrap();
    assert_done(&probe(&world, Probe::File { path: path.clone() }).await);
    let denied = probe_in(&world, Probe::File { path }, world.granted(Grants::default())).await;
    assert!(matches!(denied, Err(Error::Denied { .. })), "{denied:?}");
}

#[tokio::test]
async fn a_command() {
    let world = World::new();
    let shell = |text: &str| Probe::Command {
        arguments: ["sh", "-c", text].map(str::to_owned).into(),
    };
    assert_done(&probe(&world, shell("echo noise; exit 0")).await);
    not_yet(
        &probe(&world, shell("echo starting >&2; exit 7")).await,
        "exit code 7: starting",
    );
    assert!(world.lines.all().is_empty(), "a probe is tried often and logs nothing");
    let again = CallContext {
        again: true,
        ..world.context()
    };
    assert_done(&probe_in(&world, shell("true"), again).await);
    let unknown = probe(
        &world,
        Probe::Command {
            arguments: vec!["no-such-program".into()],
        },
    )
    .await;
    assert!(matches!(unknown, Err(Error::NotFound(_))), "{unknown:?}");
}

#[tokio::test]
async fn what_the_engine_answers_itself_is_refused() {
    let world = World::new();
    let question = approvals::Request {
        message: "m".into(),
        approvers: vec!["*".into()],
        quorum: 1,
        deadline: None,
    };
    for request in [
        Request::Waits(waits::Request::Sleep { duration_ms: 1 }),
        Request::Approvals(question),
        Request::Executions(executions::Request::Start {
            runbook: "r".into(),
            parameters: serde_json::Map::new(),
        }),
    ] {
        let outcome = world.perform(request).await;
        assert!(
            matches!(&outcome, Err(Error::Invalid(text)) if text.contains("the engine itself")),
            "{outcome:?}"
        );
        assert_ne!(outcome, Ok(Answer::Done));
    }
}
