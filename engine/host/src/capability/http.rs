//! `wit/http.wit`: HTTP requests.

use runwright_model::capability::{Answer, Request, http as model};

use crate::{
    bindings::{http, types::Error},
    state::State,
};

impl http::Host for State {
    async fn send(&mut self, request: http::Request) -> wasmtime::Result<Result<http::Response, Error>> {
        let request = model::Request {
            method: request.method,
            url: request.url,
            headers: request.headers,
            body: request.body.map(Into::into),
            timeout_ms: request.timeout_ms,
            redirects: request.redirects,
        };
        self.ask(Request::Http(request), |answer| match answer {
            Answer::Http(model::Response { status, headers, body }) => Some(http::Response {
                status,
                headers,
                body: body.0,
            }),
            _ => None,
        })
        .await
    }
}
