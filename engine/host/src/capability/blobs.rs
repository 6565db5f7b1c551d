//! `wit/blobs.wit`: large values by content.

use runwright_model::capability::{Answer, Request, blobs as model};

use crate::{
    bindings::{blobs, types::Error},
    state::State,
};

impl blobs::Host for State {
    async fn put(&mut self, contents: Vec<u8>) -> wasmtime::Result<Result<String, Error>> {
        self.ask(
            Request::Blobs(model::Request::Put {
                contents: contents.into(),
            }),
            |answer| match answer {
                Answer::Blobs(model::Answer::Name(name)) => Some(name),
                _ => None,
            },
        )
        .await
    }

    async fn get(&mut self, name: String, offset: u64, length: u32) -> wasmtime::Result<Result<Vec<u8>, Error>> {
        self.ask(
            Request::Blobs(model::Request::Get { name, offset, length }),
            |answer| match answer {
                Answer::Blobs(model::Answer::Contents(bytes)) => Some(bytes.0),
                _ => None,
            },
        )
        .await
    }

    async fn size(&mut self, name: String) -> wasmtime::Result<Result<u64, Error>> {
        self.ask(Request::Blobs(model::Request::Size { name }), |answer| match answer {
            Answer::Blobs(model::Answer::Size(size)) => Some(size),
            _ => None,
        })
        .await
    }
}
