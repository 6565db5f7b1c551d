//! Parameters: the rules of the store, and secrets that stay secret.

use runwright_local::{Local, keys::StoreKey, parameters::Put};
use runwright_model::{
    capability::{
        Answer, Backend as _, CallContext, Error, Request,
        parameters::{self, NewValue, Parameter, ParameterType},
    },
    grant::{Grants, ParameterGrants},
    secret::{SecretSource as _, Secrets},
};
use runwright_store::{Store as _, Table};

use crate::world::{PLACEHOLDER, SECRET, World, assert_done};

fn put<'a>(name: &'a str, parameter_type: ParameterType, value: &str) -> Put<'a> {
    let value = NewValue::Given(value.to_owned());
    Put {
        name,
        parameter_type,
        value,
        overwrite: true,
        idempotency_key: None,
        secrets: Secrets::default(),
    }
}

fn plain<'a>(name: &'a str, value: &str) -> Put<'a> {
    put(name, ParameterType::String, value)
}

async fn call(world: &World, request: parameters::Request, context: CallContext) -> Result<Parameter, Error> {
    match world.local.perform(Request::Parameters(request), context).await? {
        Answer::Parameters(parameters::Answer::Parameter(parameter)) => Ok(parameter),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn versions_and_labels_are_selected() {
    let world = World::new();
    let store = world.local.parameters();
    for n in 1..=3 {
        let written = store.put(plain("/app/x", &format!("v{n}"))).await.unwrap();
        assert_eq!((written.version, written.value), (n, format!("v{n}")));
    }
    store.label("/app/x", 2, "prod").await.unwrap();
    let value = async |selector: &str| store.get(selector).await.map(|p| p.value);
    assert_eq!(value("/app/x").await, Ok("v3".into()));
    assert_eq!(value("/app/x:1").await, Ok("v1".into()));
    assert_eq!(value("/app/x:prod").await, Ok("v2".into()));
    store.label("/app/x", 3, "prod").await.unwrap();
    let labels: Vec<_> = store
        .history("/app/x")
        .await
        .unwrap()
        .into_iter()
        .map(|p| p.labels)
        .collect();
    assert_eq!(labels, [vec![], vec![], vec!["prod".to_owned()]]);
    for unknown in ["/app/x:9", "/app/x:test", "/app/y"] {
        assert!(matches!(store.get(unknown).await, Err(Error::NotFound(_))), "{unknown}");
    }
    assert!(matches!(store.history("/app/y").await, Err(Error::NotFound(_))));
    assert!(matches!(
        store.label("/app/x", 9, "prod").await,
        Err(Error::NotFound(_))
    ));
}

#[tokio::test]
async fn an_existing_parameter_is_overwritten_only_when_asked_and_keeps_its_type() {
    let world = World::new();
    let store = world.local.parameters();
    store.put(plain("/x", "a")).await.unwrap();
    let again = store
        .put(Put {
            overwrite: false,
            ..plain("x", "b")
        })
        .await
        .unwrap_err();
    assert!(
        matches!(&again, Error::Invalid(text) if text.contains("exists already")),
        "{again}"
    );
    let other = store
        .put(put("/x", ParameterType::SecureString, "b"))
        .await
        .unwrap_err();
    assert!(
        matches!(&other, Error::Invalid(text) if text.contains("cannot become")),
        "{other}"
    );
    assert_eq!(store.get("/x").await.unwrap().version, 1);
    store.delete("/x").await.unwrap();
    store.delete("/x").await.unwrap();
    assert!(matches!(store.get("/x").await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn a_path_lists_what_is_under_it() {
    let world = World::new();
    let store = world.local.parameters();
    for name in ["/app/b", "/app/a", "/app/db/host", "/apple", "top"] {
        store.put(plain(name, "v")).await.unwrap();
    }
    let names = async |path: &str, recursive| -> Vec<String> {
        store
            .get_by_path(path, recursive)
            .await
            .unwrap()
            .into_iter()
            .map(|p| p.name)
            .collect()
    };
    assert_eq!(names("/app", false).await, ["/app/a", "/app/b"]);
    assert_eq!(names("/app/", true).await, ["/app/a", "/app/b", "/app/db/host"]);
    assert_eq!(names("/", false).await, ["/apple", "top"]);
    assert_eq!(store.list().await.unwrap().len(), 5);
    assert!(names("/none", true).await.is_empty());
}

#[tokio::test]
async fn a_put_made_again_finds_what_it_wrote() {
    let world = World::new();
    let request = || parameters::Request::Put {
        name: "/app/made".into(),
        parameter_type: ParameterType::SecureString,
        value: NewValue::Generated(40),
        overwrite: false,
    };
    let first = call(&world, request(), world.context()).await.unwrap();
    let again = call(
        &world,
        request(),
        CallContext {
            again: true,
            ..world.context()
        },
    )
    .await
    .unwrap();
    assert_eq!(first, again);
    let other = CallContext {
        idempotency_key: "other".into(),
        ..world.context()
    };
    assert!(matches!(call(&world, request(), other).await, Err(Error::Invalid(_))));
    assert_eq!(world.local.parameters().reveal(&first.value).await.unwrap().len(), 40);
}

#[tokio::test]
async fn secure_values_are_placeholders_outside_and_ciphertext_at_rest() {
    let world = World::new();
    let store = world.local.parameters();
    let written = store
        .put(put("/app/password", ParameterType::SecureString, SECRET))
        .await
        .unwrap();
    assert_eq!(written.value, PLACEHOLDER);
    assert_eq!(store.get("/app/password").await.unwrap().value, PLACEHOLDER);
    assert_eq!(store.history("/app/password").await.unwrap()[0].value, PLACEHOLDER);
    assert_eq!(store.get_by_path("/app", true).await.unwrap()[0].value, PLACEHOLDER);
    for (_, row) in world.store.scan(Table::Parameters, b"", None, 0).await.unwrap() {
        crate::world::assert_hidden(&String::from_utf8(row).unwrap());
    }
    let secrets = world.local.secrets(vec![PLACEHOLDER.into()]).await.unwrap();
    assert_eq!(secrets.get(PLACEHOLDER), Some(SECRET));
    let wrong_key = Local::new(world.store.clone(), StoreKey::from_bytes([4; 32]));
    let error = wrong_key.parameters().reveal(PLACEHOLDER).await.unwrap_err();
    assert!(error.to_string().contains("another key"), "{error}");
}

#[tokio::test]
async fn reveal_needs_a_placeholder_of_a_kept_secret() {
    let world = World::new();
    world.local.parameters().put(plain("/app/open", "v")).await.unwrap();
    world
        .local
        .parameters()
        .put(put("/app/password", ParameterType::SecureString, SECRET))
        .await
        .unwrap();
    let reveal = async |placeholder: &str| {
        let request = parameters::Request::Reveal {
            placeholder: placeholder.into(),
        };
        world.perform(Request::Parameters(request)).await
    };
    let revealed = Answer::Parameters(parameters::Answer::Revealed(SECRET.into()));
    assert_eq!(reveal(PLACEHOLDER).await, Ok(revealed));
    assert!(matches!(
        reveal("((secret:/app/password:2))").await,
        Err(Error::NotFound(_))
    ));
    assert!(matches!(
        reveal("((secret:/app/none:1))").await,
        Err(Error::NotFound(_))
    ));
    assert!(matches!(reveal("((secret:/app/open:1))").await, Err(Error::Invalid(_))));
    assert!(matches!(reveal("password").await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn placeholders_inside_a_value_are_filled_into_secure_ones_alone() {
    let world = World::new();
    let put = |parameter_type| parameters::Request::Put {
        name: "/app/url".into(),
        parameter_type,
        value: NewValue::Given(format!("postgres://app:{PLACEHOLDER}@db")),
        overwrite: true,
    };
    let refused = call(&world, put(ParameterType::String), world.context())
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, Error::Invalid(text) if text.contains("SecureString")),
        "{refused}"
    );
    let written = call(&world, put(ParameterType::SecureString), world.context())
        .await
        .unwrap();
    let value = world.local.parameters().reveal(&written.value).await.unwrap();
    assert_eq!(*value, format!("postgres://app:{SECRET}@db"));
    let nothing_given = CallContext {
        secrets: Secrets::default(),
        ..world.context()
    };
    assert!(matches!(
        call(&world, put(ParameterType::SecureString), nothing_given).await,
        Err(Error::Invalid(_))
    ));
}

#[tokio::test]
async fn a_grant_of_a_path_is_not_one_of_what_is_under_it() {
    let world = World::new();
    world.local.parameters().put(plain("/app/x", "v")).await.unwrap();
    let by_path = || {
        Request::Parameters(parameters::Request::GetByPath {
            path: "/app".into(),
            recursive: true,
        })
    };
    let read = |pattern: &[&str]| Grants {
        parameters: ParameterGrants {
            read: pattern.iter().map(|p| (*p).to_owned()).collect(),
            ..Default::default()
        },
        ..Default::default()
    };
    let denied = world
        .local
        .perform(by_path(), world.granted(read(&["/app"])))
        .await
        .unwrap_err();
    assert!(
        matches!(&denied, Error::Denied { missing, .. } if missing.contains("/app/x")),
        "{denied}"
    );
    assert!(
        world
            .local
            .perform(by_path(), world.granted(read(&["/app", "/app/*"])))
            .await
            .is_ok()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_puts_get_a_version_each() {
    let world = World::new();
    let puts = (0..20).map(|n| {
        let store = world.local.parameters().clone();
        tokio::spawn(async move {
            loop {
                match store.put(plain("/x", &n.to_string())).await {
                    Err(Error::Throttled(_)) => {}
                    other => return other.unwrap().version,
                }
            }
        })
    });
    let mut versions = Vec::new();
    for put in puts.collect::<Vec<_>>() {
        versions.push(put.await.unwrap());
    }
    versions.sort_unstable();
    assert_eq!(versions, (1..=20).collect::<Vec<u64>>());
}

#[tokio::test]
async fn delete_and_label_answer_done() {
    let world = World::new();
    world.local.parameters().put(plain("/x", "v")).await.unwrap();
    let label = parameters::Request::Label {
        name: "/x".into(),
        version: 1,
        label: "prod".into(),
    };
    assert_done(&world.perform(Request::Parameters(label)).await);
    assert_done(
        &world
            .perform(Request::Parameters(parameters::Request::Delete { name: "/x".into() }))
            .await,
    );
}
