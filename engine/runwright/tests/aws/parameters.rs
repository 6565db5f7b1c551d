//! Parameters on this machine and in Parameter Store: the same calls, the same answers.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use runwright::{
    local::{Local, keys::StoreKey},
    model::{
        capability::{
            Answer, Backend, CallContext, Capability, Error, Outcome, Request,
            parameters::{self, NewValue, Parameter, ParameterType},
        },
        grant::{Grants, ParameterGrants},
        log::{Level, LogSink, Stream},
        secret::{SecretSource, Secrets},
    },
};
use runwright_aws::Aws;
use runwright_store::memory::MemoryStore;

use self::parameters::Request as R;

/// Nobody reads what is said here.
struct Silence;

impl LogSink for Silence {
    fn line(&self, _: Level, _: Stream, _: &str) {}
}

/// Parameters, wherever they are, below a folder of their own.
struct Store<'a, B> {
    backend: &'a B,
    folder: String,
}

impl<B: Backend + SecretSource> Store<'_, B> {
    fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    async fn call_in(&self, request: R, context: CallContext) -> Outcome {
        self.backend.perform(Request::Parameters(request), context).await
    }

    async fn call(&self, request: R) -> Outcome {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        let key = format!("call {}", CALLS.fetch_add(1, Ordering::Relaxed));
        self.call_in(request, context(&key, Grants::all_of(&Capability::ALL)))
            .await
    }

    async fn one(&self, request: R) -> Result<Parameter, Error> {
        one(self.call(request).await)
    }

    async fn several(&self, request: R) -> Result<Vec<Parameter>, Error> {
        match self.call(request).await? {
            Answer::Parameters(parameters::Answer::Parameters(found)) => Ok(found),
            other => panic!("{other:?}"),
        }
    }

    async fn get(&self, name: &str) -> Result<Parameter, Error> {
        self.one(R::Get { name: self.name(name) }).await
    }

    async fn put(&self, name: &str, parameter_type: ParameterType, value: &str) -> Result<Parameter, Error> {
        self.one(put(
            &self.name(name),
            parameter_type,
            NewValue::Given(value.into()),
            true,
        ))
        .await
    }

    async fn under(&self, path: &str, recursive: bool) -> Vec<String> {
        let path = format!("{}{path}", self.folder);
        let found = self.several(R::GetByPath { path, recursive }).await.unwrap();
        let bare = |parameter: Parameter| parameter.name[self.folder.len()..].to_owned();
        found.into_iter().map(bare).collect()
    }

    async fn revealed(&self, placeholder: &str) -> Result<String, Error> {
        let placeholder = placeholder.to_owned();
        match self.call(R::Reveal { placeholder }).await? {
            Answer::Parameters(parameters::Answer::Revealed(value)) => Ok(value),
            other => panic!("{other:?}"),
        }
    }
}

fn put(name: &str, parameter_type: ParameterType, value: NewValue, overwrite: bool) -> R {
    R::Put {
        name: name.to_owned(),
        parameter_type,
        value,
        overwrite,
    }
}

#[track_caller]
fn one(outcome: Outcome) -> Result<Parameter, Error> {
    match outcome? {
        Answer::Parameters(parameters::Answer::Parameter(found)) => Ok(found),
        other => panic!("{other:?}"),
    }
}

fn context(key: &str, grants: Grants) -> CallContext {
    CallContext {
        execution: "conformance".parse().unwrap(),
        step: "one".into(),
        idempotency_key: key.into(),
        deadline: None,
        again: false,
        log: Arc::new(Silence),
        secrets: Secrets::default(),
        grants: Arc::new(grants),
        role: None,
    }
}

/// What every backend of parameters does.
async fn conforms<B: Backend + SecretSource>(backend: &B) {
    let folder = |name: &str| Store {
        backend,
        folder: format!("/conformance-{}/{name}", std::process::id()),
    };
    versions_and_labels(&folder("versions")).await;
    what_exists_is_kept(&folder("existing")).await;
    paths_list_what_is_under_them(&folder("paths")).await;
    secrets_are_answered_as_placeholders(&folder("secrets")).await;
    a_call_that_is_made_again_finds_itself(&folder("again")).await;
    what_is_wrong_is_said(&folder("wrong")).await;
}

async fn versions_and_labels<B: Backend + SecretSource>(store: &Store<'_, B>) {
    for n in 1..=3 {
        let written = store.put("x", ParameterType::String, &format!("v{n}")).await.unwrap();
        assert_eq!((written.version, written.value), (n, format!("v{n}")));
    }
    let label = |version, label: &str| R::Label {
        name: store.name("x"),
        version,
        label: label.to_owned(),
    };
    assert_eq!(store.call(label(2, "prod")).await, Ok(Answer::Done));
    for (selector, value) in [("x", "v3"), ("x:1", "v1"), ("x:prod", "v2")] {
        let found = store.get(selector).await.unwrap();
        assert_eq!(
            (found.name, found.value.as_str()),
            (store.name("x"), value),
            "{selector}"
        );
    }
    assert_eq!(store.call(label(3, "prod")).await, Ok(Answer::Done));
    let history = store.several(R::History { name: store.name("x") }).await.unwrap();
    let found: Vec<_> = history
        .iter()
        .map(|version| (version.version, version.labels.len()))
        .collect();
    assert_eq!(found, [(1, 0), (2, 0), (3, 1)]);
    assert!(history[2].modified >= history[0].modified && history[0].modified.as_millis() > 0);
    for unknown in ["x:9", "x:test", "y"] {
        assert!(matches!(store.get(unknown).await, Err(Error::NotFound(_))), "{unknown}");
    }
    assert!(matches!(store.call(label(9, "prod")).await, Err(Error::NotFound(_))));
    assert!(matches!(store.call(label(1, "1st")).await, Err(Error::Invalid(_))));
    let missing = R::History { name: store.name("y") };
    assert!(matches!(store.call(missing).await, Err(Error::NotFound(_))));
    let list = store.put("list", ParameterType::StringList, "a,b").await.unwrap();
    assert_eq!(
        (list.parameter_type, list.value.as_str()),
        (ParameterType::StringList, "a,b")
    );
}

async fn what_exists_is_kept<B: Backend + SecretSource>(store: &Store<'_, B>) {
    store.put("x", ParameterType::String, "a").await.unwrap();
    let again = put(
        &store.name("x"),
        ParameterType::String,
        NewValue::Given("b".into()),
        false,
    );
    let refused = store.call(again).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Invalid(text) if text.contains("exists already")),
        "{refused}"
    );
    let refused = store.put("x", ParameterType::SecureString, "b").await.unwrap_err();
    assert!(
        matches!(&refused, Error::Invalid(text) if text.contains("cannot become")),
        "{refused}"
    );
    assert_eq!(store.get("x").await.unwrap().version, 1);
    for _ in 0..2 {
        let delete = R::Delete { name: store.name("x") };
        assert_eq!(store.call(delete).await, Ok(Answer::Done));
    }
    assert!(matches!(store.get("x").await, Err(Error::NotFound(_))));
}

async fn paths_list_what_is_under_them<B: Backend + SecretSource>(store: &Store<'_, B>) {
    for name in ["app/b", "app/a", "app/db/host", "apple"] {
        store.put(name, ParameterType::String, "v").await.unwrap();
    }
    assert_eq!(store.under("/app", false).await, ["/app/a", "/app/b"]);
    assert_eq!(store.under("/app/", true).await, ["/app/a", "/app/b", "/app/db/host"]);
    assert!(store.under("/none", true).await.is_empty());
    let narrow = Grants {
        parameters: ParameterGrants {
            read: vec![store.name("app"), store.name("app/a")],
            ..ParameterGrants::default()
        },
        ..Grants::default()
    };
    let path = store.name("app");
    let all = R::GetByPath { path, recursive: false };
    let denied = store.call_in(all, context("k", narrow)).await.unwrap_err();
    assert!(
        matches!(&denied, Error::Denied { missing, .. } if missing.contains("app/b")),
        "{denied}"
    );
}

async fn secrets_are_answered_as_placeholders<B: Backend + SecretSource>(store: &Store<'_, B>) {
    let written = store
        .put("password", ParameterType::SecureString, "hunter2")
        .await
        .unwrap();
    let placeholder = format!("((secret:{}:1))", store.name("password"));
    assert_eq!(written.value, placeholder);
    assert_eq!(store.get("password").await.unwrap().value, placeholder);
    let history = store
        .several(R::History {
            name: store.name("password"),
        })
        .await
        .unwrap();
    assert_eq!(history[0].value, placeholder);
    let (path, recursive) = (store.folder.clone(), true);
    let under = store.several(R::GetByPath { path, recursive }).await.unwrap();
    assert_eq!(under[0].value, placeholder);
    assert_eq!(store.revealed(&placeholder).await.unwrap(), "hunter2");
    let opened = store.backend.secrets(vec![placeholder.clone()]).await.unwrap();
    assert_eq!(opened.get(&placeholder), Some("hunter2"));

    let leak = store
        .put("plain", ParameterType::String, &placeholder)
        .await
        .unwrap_err();
    assert!(
        matches!(&leak, Error::Invalid(text) if text.contains("SecureString")),
        "{leak}"
    );
    let copy = put(
        &store.name("copy"),
        ParameterType::SecureString,
        NewValue::Given(format!("<{placeholder}>")),
        true,
    );
    let knowing = CallContext {
        secrets: opened,
        ..context("copy", Grants::all_of(&Capability::ALL))
    };
    let copied = one(store.call_in(copy.clone(), knowing).await).unwrap();
    assert_eq!(store.revealed(&copied.value).await.unwrap(), "<hunter2>");
    assert!(
        matches!(store.call(copy).await, Err(Error::Invalid(_))),
        "the placeholder was not given out"
    );

    store.put("plain", ParameterType::String, "v").await.unwrap();
    for (name, version) in [("plain", 1), ("password", 9), ("none", 1)] {
        let wrong = format!("((secret:{}:{version}))", store.name(name));
        let refused = store.revealed(&wrong).await.unwrap_err();
        assert!(
            matches!(refused, Error::Invalid(_) | Error::NotFound(_)),
            "{wrong}: {refused}"
        );
    }
    let generated = put(
        &store.name("random"),
        ParameterType::SecureString,
        NewValue::Generated(40),
        true,
    );
    let generated = store.one(generated).await.unwrap();
    let value = store.revealed(&generated.value).await.unwrap();
    assert!(
        value.len() == 40 && value.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{value}"
    );
}

async fn a_call_that_is_made_again_finds_itself<B: Backend + SecretSource>(store: &Store<'_, B>) {
    let values = [
        ("given", ParameterType::String, NewValue::Given("v".into())),
        ("drawn", ParameterType::SecureString, NewValue::Generated(20)),
    ];
    for (name, parameter_type, value) in values {
        for overwrite in [false, true] {
            let name = store.name(&format!("{name}-{overwrite}"));
            let request = put(&name, parameter_type, value.clone(), overwrite);
            let call = context(&format!("key of {name}"), Grants::all_of(&Capability::ALL));
            let first = one(store.call_in(request.clone(), call.clone()).await).unwrap();
            let again = CallContext { again: true, ..call };
            let found = one(store.call_in(request.clone(), again).await).unwrap();
            assert_eq!((found.version, &found.value), (1, &first.value), "{name}");
            let other = CallContext {
                again: true,
                ..context(&format!("another key of {name}"), Grants::all_of(&Capability::ALL))
            };
            if overwrite && matches!(value, NewValue::Generated(_)) {
                assert_eq!(one(store.call_in(request, other).await).unwrap().version, 2, "{name}");
            }
        }
    }
}

async fn what_is_wrong_is_said<B: Backend + SecretSource>(store: &Store<'_, B>) {
    let path = "relative".to_owned();
    let wrong = [
        put("/aws/x", ParameterType::String, NewValue::Given("v".into()), true),
        put(
            &store.name("empty"),
            ParameterType::String,
            NewValue::Given(String::new()),
            true,
        ),
        put(&store.name("none"), ParameterType::String, NewValue::Generated(0), true),
        R::GetByPath { path, recursive: true },
    ];
    for request in wrong {
        let refused = store.call(request.clone()).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{request:?}: {refused:?}");
    }
}

#[tokio::test]
async fn parameters_of_this_machine_conform() {
    let local = Local::new(Arc::new(MemoryStore::new()), StoreKey::from_bytes([3; 32]));
    conforms(&local).await;
}

#[tokio::test]
async fn parameters_of_an_account_conform() {
    if std::env::var_os("RUNWRIGHT_TEST_AWS").is_none() {
        println!("skipped: `cargo xtask aws` has what this needs");
        return;
    }
    conforms(&Aws::from_environment().await.unwrap()).await;
}
