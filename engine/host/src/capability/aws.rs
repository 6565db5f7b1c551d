//! `wit/aws.wit`: requests to services of AWS.

use runwright_model::capability::{Answer, Request, aws as model};

use crate::{
    bindings::{aws, types::Error},
    state::State,
};

impl aws::Host for State {
    async fn send(&mut self, request: aws::Request) -> wasmtime::Result<Result<aws::Response, Error>> {
        let request = model::Request {
            service: request.service,
            region: request.region,
            host: request.host,
            method: request.method,
            path: request.path,
            headers: request.headers,
            body: request.body.into(),
            credentials: request.credentials,
            timeout_ms: request.timeout_ms,
        };
        self.ask(Request::Aws(request), |answer| match answer {
            Answer::Aws(model::Response { status, headers, body }) => Some(aws::Response {
                status,
                headers,
                body: body.0,
            }),
            _ => None,
        })
        .await
    }
}
