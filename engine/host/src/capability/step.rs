//! `wit/step.wit`: what a step knows of itself. Needs no grant, and is no call.

use crate::{bindings::step, state::State};

impl step::Host for State {
    fn action(&mut self) -> wasmtime::Result<String> {
        Ok(self.step.action.clone())
    }

    fn globals(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(self.step.globals.clone())
    }
}
