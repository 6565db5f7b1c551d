//! Standard output and error, into the step's log.

use bytes::Bytes;
use runwright_model::log::Stream;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::{
    DynOutputStream, OutputStream, Pollable, StreamResult,
    bindings::cli::{stderr, stdout},
};

use crate::{logbook::Logbook, state::State};

/// How much a guest may write at once. It writes as often as it likes; the log's own limit counts.
const PERMIT_BYTES: usize = 64 * 1024;

struct Output {
    logbook: Logbook,
    stream: Stream,
}

#[async_trait::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

#[async_trait::async_trait]
impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.logbook.bytes(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT_BYTES)
    }
}

impl State {
    fn output(&mut self, stream: Stream) -> wasmtime::Result<Resource<DynOutputStream>> {
        let output: DynOutputStream = Box::new(Output {
            logbook: self.logbook.clone(),
            stream,
        });
        Ok(self.table.push(output)?)
    }
}

impl stdout::Host for State {
    fn get_stdout(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.output(Stream::Stdout)
    }
}

impl stderr::Host for State {
    fn get_stderr(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.output(Stream::Stderr)
    }
}
