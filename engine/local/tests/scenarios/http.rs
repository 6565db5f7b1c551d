//! HTTP requests to a server on loopback.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use runwright_model::{
    capability::{
        Answer, Backend as _, CallContext, Error, Request,
        http::{self, BODY_BYTES_MAX, Response},
    },
    grant::Grants,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::world::{PLACEHOLDER, SECRET, World, assert_hidden};

/// A server that keeps what it was asked and answers by path.
pub(crate) struct Server {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// `answer` gets the whole request as text and makes the whole answer.
    pub(crate) async fn start(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, kept) = (Arc::new(answer), asked.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer.clone(), kept.clone()));
            }
        });
        Self { port, asked }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, answer: Arc<impl Fn(&str) -> Vec<u8>>, asked: Arc<Mutex<Vec<String>>>) {
    let mut bytes = Vec::new();
    let length = loop {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
        if !bytes[0].is_ascii_alphabetic() {
            // Not HTTP: a server without TLS answers a TLS greeting like this.
            let _ = stream.write_all(&answer("")).await;
            return;
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            break head.len() + 4 + length.unwrap_or(0_usize);
        }
    };
    while bytes.len() < length && stream.read_buf(&mut bytes).await.unwrap_or(0) > 0 {}
    let text = String::from_utf8_lossy(&bytes).into_owned();
    asked.lock().unwrap().push(text.clone());
    let answer = answer(&text);
    if !answer.is_empty() {
        // The client may have hung up.
        let _ = stream.write_all(&answer).await;
        return;
    }
    // No answer at all: hold the connection until the client gives up.
    let _ = stream.read(&mut [0]).await;
}

pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn get(url: &str) -> http::Request {
    http::Request {
        method: "GET".into(),
        url: url.into(),
        ..Default::default()
    }
}

async fn send_in(world: &World, request: http::Request, context: CallContext) -> Result<Response, Error> {
    match world.local.perform(Request::Http(request), context).await? {
        Answer::Http(response) => Ok(response),
        other => panic!("{other:?}"),
    }
}

async fn send(world: &World, request: http::Request) -> Result<Response, Error> {
    send_in(world, request, world.context()).await
}

fn granted(world: &World, patterns: &[String]) -> CallContext {
    world.granted(Grants {
        http: patterns.to_vec(),
        ..Default::default()
    })
}

#[tokio::test]
async fn every_status_is_an_answer_and_the_host_is_sent() {
    let world = World::new();
    let server = Server::start(|_| answer("418 Teapot", "X-Kind: Short\r\n", "and stout")).await;
    let request = http::Request {
        method: "post".into(),
        headers: vec![("X-One".into(), "1".into()), ("X-One".into(), "2".into())],
        body: Some(b"hello".to_vec().into()),
        ..get(&server.url("/tea?x=1#part"))
    };
    let response = send(&world, request).await.unwrap();
    assert_eq!(
        (response.status, response.body.0.as_slice()),
        (418, b"and stout".as_slice())
    );
    assert!(response.headers.contains(&("x-kind".into(), "Short".into())));
    let asked = server.asked().remove(0);
    assert!(asked.starts_with("POST /tea?x=1 HTTP/1.1\r\n"), "{asked}");
    assert!(
        asked.contains(&format!("\r\nhost: 127.0.0.1:{}\r\n", server.port)),
        "{asked}"
    );
    assert!(
        asked.contains("x-one: 1\r\nx-one: 2\r\n") && asked.ends_with("\r\n\r\nhello"),
        "{asked}"
    );
}

#[tokio::test]
async fn secrets_go_out_and_an_echo_does_not_bring_them_back() {
    let world = World::new();
    let server = Server::start(|asked| answer("200 OK", "", &asked.replace('\r', ""))).await;
    let request = http::Request {
        method: "PUT".into(),
        headers: vec![("x-plain".into(), "x".into())],
        body: Some(format!("pw={PLACEHOLDER}").into_bytes().into()),
        ..get(&server.url("/"))
    };
    let response = send(&world, request).await.unwrap();
    assert!(server.asked()[0].ends_with(&format!("pw={SECRET}")));
    let body = String::from_utf8(response.body.0).unwrap();
    assert_hidden(&body);
    assert!(body.contains(PLACEHOLDER));
    let header = |value: &str| http::Request {
        headers: vec![("x-key".into(), value.into())],
        ..get(&server.url("/"))
    };
    let unknown = send(&world, header("((secret:/other:1))")).await;
    assert!(matches!(unknown, Err(Error::Invalid(_))));
    // The secret of these tests has a letter beyond ASCII, which a header carries as UTF-8.
    let response = send(&world, header(PLACEHOLDER)).await.unwrap();
    assert!(server.asked()[1].contains(&format!("x-key: {SECRET}\r\n")));
    assert_hidden(&String::from_utf8(response.body.0).unwrap());
}

#[tokio::test]
async fn redirects_are_followed_within_the_grants() {
    let world = World::new();
    let inner = Server::start(|_| answer("200 OK", "", "inner")).await;
    let elsewhere = inner.url("/inner");
    let outer = Server::start(move |asked| match asked.split(' ').nth(1).unwrap() {
        "/same" => answer("302 Found", "location: /here\r\n", ""),
        "/other" => answer("307 Temporary Redirect", &format!("location: {elsewhere}\r\n"), ""),
        "/loop" => answer("302 Found", "location: /loop\r\n", ""),
        "/bad" => answer("302 Found", "location: file:///etc/passwd\r\n", ""),
        _ => answer("200 OK", "", "outer"),
    })
    .await;
    let follow = |path: &str| http::Request {
        redirects: 3,
        headers: vec![
            ("authorization".into(), "Bearer t0ken".into()),
            ("x-key".into(), PLACEHOLDER.into()),
        ],
        ..get(&outer.url(path))
    };
    let here = || granted(&world, &[format!("GET {}", outer.url("/*"))]);
    let both = || {
        granted(
            &world,
            &[format!("GET {}", outer.url("/*")), format!("GET {}", inner.url("/*"))],
        )
    };
    assert_eq!(send_in(&world, follow("/same"), here()).await.unwrap().body.0, b"outer");
    assert!(outer.asked()[1].contains("t0ken"), "the same origin gets the headers");
    let denied = send_in(&world, follow("/other"), here()).await.unwrap_err();
    assert!(
        matches!(&denied, Error::Denied { missing, .. } if missing.contains("/inner")),
        "{denied}"
    );
    assert!(inner.asked().is_empty());
    assert_eq!(
        send_in(&world, follow("/other"), both()).await.unwrap().body.0,
        b"inner"
    );
    assert!(
        !inner.asked()[0].contains("t0ken") && !inner.asked()[0].contains("x-key"),
        "another origin does not"
    );
    let endless = send_in(&world, follow("/loop"), here()).await.unwrap_err();
    assert!(
        matches!(endless, Error::LimitExceeded { limit: 3, used: 4, .. }),
        "{endless}"
    );
    assert!(matches!(
        send_in(&world, follow("/bad"), here()).await,
        Err(Error::Unavailable(_))
    ));
    let not_followed = http::Request {
        redirects: 0,
        ..follow("/same")
    };
    assert_eq!(send_in(&world, not_followed, here()).await.unwrap().status, 302);
}

#[tokio::test]
async fn what_is_not_granted_is_not_sent() {
    let world = World::new();
    let server = Server::start(|_| answer("200 OK", "", "")).await;
    let only_get = || granted(&world, &[format!("GET {}", server.url("/*"))]);
    assert!(send_in(&world, get(&server.url("/a")), only_get()).await.is_ok());
    let post = http::Request {
        method: "POST".into(),
        ..get(&server.url("/a"))
    };
    assert!(matches!(
        send_in(&world, post, only_get()).await,
        Err(Error::Denied { .. })
    ));
    // Read as text it is under the granted address; the request would go elsewhere.
    let trick = granted(&world, &["GET http://good.example\\*".to_owned()]);
    let elsewhere = get(&format!("http://good.example\\@127.0.0.1:{}/", server.port));
    assert!(matches!(
        send_in(&world, elsewhere, trick).await,
        Err(Error::Denied { .. })
    ));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn bodies_have_limits() {
    let world = World::new();
    let most = usize::try_from(BODY_BYTES_MAX).unwrap();
    let server = Server::start(move |asked| match asked.split(' ').nth(1).unwrap() {
        "/fits" => answer("200 OK", "", &"x".repeat(most)),
        "/long" => answer("200 OK", "", &"x".repeat(most + 1)),
        // No length: it must be stopped while it is read.
        "/unknown" => format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", "x".repeat(most + 1)).into_bytes(),
        _ => answer("200 OK", "", ""),
    })
    .await;
    assert_eq!(
        send(&world, get(&server.url("/fits"))).await.unwrap().body.0.len(),
        most
    );
    for path in ["/long", "/unknown"] {
        let error = send(&world, get(&server.url(path))).await.unwrap_err();
        assert!(
            matches!(
                error,
                Error::LimitExceeded {
                    limit: BODY_BYTES_MAX,
                    ..
                }
            ),
            "{path}: {error}"
        );
    }
    let sent = |length| http::Request {
        method: "POST".into(),
        body: Some(vec![b'x'; length].into()),
        ..get(&server.url("/"))
    };
    assert!(send(&world, sent(most)).await.is_ok());
    assert!(matches!(
        send(&world, sent(most + 1)).await,
        Err(Error::LimitExceeded { .. })
    ));
}

#[tokio::test]
async fn failures_are_sentences_with_the_address() {
    let world = World::new();
    let silent = Server::start(|_| Vec::new()).await;
    let patient = http::Request {
        timeout_ms: Some(200),
        ..get(&silent.url("/slow"))
    };
    let error = send(&world, patient).await.unwrap_err();
    assert!(
        matches!(&error, Error::TimedOut(text) if text.contains("/slow") && text.contains("0.2 s")),
        "{error}"
    );
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let error = send(&world, get(&format!("http://127.0.0.1:{closed}/x")))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Unavailable(text) if text.contains("refused") && text.contains("/x")),
        "{error}"
    );
    let plain = Server::start(|_| answer("400 Bad Request", "", "no TLS here")).await;
    let error = send(&world, get(&format!("https://127.0.0.1:{}/", plain.port)))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Unavailable(text) if text.contains("TLS")),
        "{error}"
    );
    let error = send(&world, get("http://no-such-host.invalid/")).await.unwrap_err();
    assert!(
        matches!(&error, Error::Unavailable(text) if text.contains("cannot be resolved")),
        "{error}"
    );
    let header = |name: &str| http::Request {
        headers: vec![(name.into(), "x".into())],
        ..get(&plain.url("/"))
    };
    for bad in [
        get("nonsense"),
        get("ftp://x/"),
        header("Host"),
        header("content-length"),
        header("a b"),
    ] {
        assert!(
            matches!(send(&world, bad.clone()).await, Err(Error::Invalid(_))),
            "{bad:?}"
        );
    }
    let in_address = get(&format!("http://127.0.0.1/?key={PLACEHOLDER}"));
    assert!(matches!(send(&world, in_address).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn a_request_of_before_a_crash_is_sent_again_if_it_is_safe() {
    let world = World::new();
    let server = Server::start(|_| answer("200 OK", "", "")).await;
    let again = || CallContext {
        again: true,
        ..world.context()
    };
    assert!(send_in(&world, get(&server.url("/")), again()).await.is_ok());
    let post = http::Request {
        method: "POST".into(),
        ..get(&server.url("/"))
    };
    let error = send_in(&world, post, again()).await.unwrap_err();
    assert!(
        matches!(&error, Error::Uncertain(text) if text.contains("POST")),
        "{error}"
    );
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_dropped_request_hangs_up() {
    let world = World::new();
    let silent = Server::start(|_| Vec::new()).await;
    let gone = tokio::time::timeout(Duration::from_millis(200), send(&world, get(&silent.url("/")))).await;
    assert!(gone.is_err());
}
