//! Registries that do what they should not.

use std::{
    io::Write as _,
    sync::{Arc, Mutex},
};

use runwright_model::digest::Digest;
use runwright_registry::{Error, Settings};
use serde_json::json;

use crate::{
    component, facts, reference, registry,
    server::{fake, say},
};

/// What pulling from such a registry says.
async fn pulled(host: &str, settings: Settings) -> Error {
    let folder = tempfile::tempdir().unwrap();
    let user = registry(folder.path(), settings);
    let error = user.pull(&reference(&format!("{host}/acme/drain:1")), None).await;
    let error = error.unwrap_err();
    assert!(error.to_string().len() < 1000, "{error}");
    assert!(!error.to_string().contains('\u{1b}'), "{error:?}");
    error
}

fn manifest_of(component: &[u8], size: usize) -> Vec<u8> {
    let manifest = json!({
        "schemaVersion": 2,
        "config": {"mediaType": "application/vnd.wasm.config.v0+json", "digest": Digest::of(b"{}"), "size": 2},
        "layers": [{"mediaType": "application/wasm", "digest": Digest::of(component), "size": size}],
    });
    serde_json::to_vec(&manifest).unwrap()
}

#[tokio::test]
async fn garbage_is_told_as_such() {
    let html = fake(|_, stream| say(stream, "200 OK", "", b"<html>Log in to the hotel's network</html>"));
    assert_eq!(pulled(&html, Settings::default()).await.code(), "RW-P108");
    let noise = fake(|_, stream| {
        let _ = stream.write_all(b"\x00\x01\x02 SSH-2.0 nothing of the kind\r\n\r\n");
    });
    assert_eq!(pulled(&noise, Settings::default()).await.code(), "RW-P102");
    let teapot = fake(|_, stream| say(stream, "418 I'm a teapot", "", b"\x1b[2J\x1b[31mshort and stout"));
    let error = pulled(&teapot, Settings::default()).await;
    assert_eq!(error.code(), "RW-P103");
    assert!(error.to_string().contains("short and stout"), "{error}");
    let broken = fake(|_, stream| say(stream, "500 Oops", "", b"disk full"));
    let error = pulled(&broken, Settings::default()).await;
    assert_eq!(error.code(), "RW-P102");
    assert!(error.to_string().contains("disk full"), "{error}");
    let image = fake(|_, stream| {
        let list = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []});
        say(stream, "200 OK", "", list.to_string().as_bytes());
    });
    assert_eq!(pulled(&image, Settings::default()).await.code(), "RW-P108");
}

#[tokio::test]
async fn a_connection_that_breaks_is_told_as_such() {
    let cut = fake(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf of it");
    });
    let error = pulled(&cut, Settings::default()).await;
    assert_eq!(error.code(), "RW-P102", "{error}");
    let closed = fake(|_, _| {});
    assert_eq!(pulled(&closed, Settings::default()).await.code(), "RW-P102");
}

#[tokio::test]
async fn another_component_than_the_manifest_says_is_refused() {
    let wrong = fake(|asked, stream| {
        let body = if asked.line.contains("/manifests/") {
            manifest_of(b"right", 5)
        } else {
            b"wrong".to_vec()
        };
        say(stream, "200 OK", "", &body);
    });
    let error = pulled(&wrong, Settings::default()).await;
    assert_eq!(error.code(), "RW-P106", "{error}");
}

#[tokio::test]
async fn what_is_too_large_is_not_read_to_its_end() {
    let settings = || Settings {
        component_bytes: 1000,
        ..Settings::default()
    };
    let said = fake(|asked, stream| {
        if asked.line.contains("/manifests/") {
            say(stream, "200 OK", "", &manifest_of(b"x", 1));
        } else {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n");
        }
    });
    let error = pulled(&said, settings()).await;
    assert_eq!(error.code(), "RW-P107", "{error}");
    assert!(error.to_string().contains("`component-bytes`") && error.to_string().contains("1000000000000"));
    let endless = fake(|asked, stream| {
        if asked.line.contains("/manifests/") {
            return say(stream, "200 OK", "", &manifest_of(b"x", 1));
        }
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        while stream.write_all(b"100\r\n").is_ok()
            && stream.write_all(&[0; 256]).is_ok()
            && stream.write_all(b"\r\n").is_ok()
        {}
    });
    let error = pulled(&endless, settings()).await;
    assert_eq!(error.code(), "RW-P107", "{error}");
    // Manifests have a limit of their own.
    let manifest = fake(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        while stream.write_all(b"10000\r\n").is_ok()
            && stream.write_all(&[b' '; 65536]).is_ok()
            && stream.write_all(b"\r\n").is_ok()
        {}
    });
    let error = pulled(&manifest, settings()).await;
    assert!(
        matches!(
            error,
            Error::TooLarge {
                which: "manifest-bytes",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn credentials_stay_with_the_registry_they_are_for() {
    let seen = Arc::new(Mutex::new(String::new()));
    let elsewhere = {
        let seen = seen.clone();
        fake(move |asked, stream| {
            seen.lock().unwrap().push_str(&asked.headers);
            say(stream, "404 Not Found", "", b"");
        })
    };
    let host = fake(move |asked, stream| {
        if asked.headers.contains("authorization:") {
            let place = format!("location: http://{elsewhere}/there\r\n");
            say(stream, "307 Temporary Redirect", &place, b"");
        } else {
            say(
                stream,
                "401 Unauthorized",
                "www-authenticate: Basic realm=\"x\"\r\n",
                b"",
            );
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    let login = format!(r#"{{"auths": {{"{host}": {{"username": "kim", "password": "secret"}}}}}}"#);
    std::fs::write(&file, login).unwrap();
    let settings = Settings {
        logins: Some(file),
        ..Settings::default()
    };
    assert_eq!(pulled(&host, settings).await.code(), "RW-P105");
    let seen = seen.lock().unwrap();
    assert!(seen.contains("host:") && !seen.contains("authorization"), "{seen}");
}

#[tokio::test]
async fn a_token_is_fetched_where_the_registry_says_and_shown() {
    let server = fake(|asked, stream| {
        let host = asked
            .headers
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .unwrap()
            .trim();
        if asked.line.contains("/token?") {
            assert!(
                asked
                    .line
                    .contains("scope=repository%3Aacme%2Fdrain%3Apull&service=here"),
                "{}",
                asked.line
            );
            say(stream, "200 OK", "", br#"{"access_token": "t0ken"}"#);
        } else if !asked.headers.contains("authorization: bearer t0ken") {
            let header = format!("www-authenticate: Bearer realm=\"http://{host}/token\",service=\"here\"\r\n");
            say(stream, "401 Unauthorized", &header, b"");
        } else if asked.line.contains(".sig ") {
            say(stream, "404 Not Found", "", b"");
        } else if asked.line.contains("/manifests/") {
            say(stream, "200 OK", "", &manifest_of(&component(), component().len()));
        } else if asked.line.contains(&Digest::of(b"{}").to_hex()) {
            say(stream, "200 OK", "", b"{}");
        } else {
            say(stream, "200 OK", "", &component());
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let user = registry(folder.path(), Settings::default());
    let pulled = user
        .pull(&reference(&format!("{server}/acme/drain:1")), None)
        .await
        .unwrap();
    assert_eq!(pulled.component, component());
}

#[tokio::test]
async fn nothing_leaves_this_machine_without_tls() {
    // A registry of this machine that sends to one that is not.
    let host = fake(|_, stream| {
        say(
            stream,
            "307 Temporary Redirect",
            "location: http://registry.example/x\r\n",
            b"",
        )
    });
    assert_eq!(pulled(&host, Settings::default()).await.code(), "RW-P109");
    // And one that wants the password sent there.
    let host = fake(|_, stream| {
        let header = "www-authenticate: Bearer realm=\"http://registry.example/token\"\r\n";
        say(stream, "401 Unauthorized", header, b"");
    });
    assert_eq!(pulled(&host, Settings::default()).await.code(), "RW-P109");
    let around = fake(|_, stream| say(stream, "307 Temporary Redirect", "location: /again\r\n", b""));
    assert_eq!(pulled(&around, Settings::default()).await.code(), "RW-P103");
}

#[tokio::test]
async fn what_cannot_be_pushed_is_said_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let digest = Digest::of(b"x");
    let by_digest = reference(&format!("registry.example/drain@{digest}"));
    let author = registry(folder.path(), Settings::default());
    let refused = author
        .push(&by_digest, component(), &facts("1.0.0"), None)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "RW-P101");
    let offline = registry(
        folder.path(),
        Settings {
            offline: true,
            ..Settings::default()
        },
    );
    let name = reference("registry.example/drain:1");
    let refused = offline
        .push(&name, component(), &facts("1.0.0"), None)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "RW-P111");
}
