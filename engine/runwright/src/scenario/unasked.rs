//! Mocks that answered nothing.

use serde::Serialize;

use super::file::TestFile;

/// A mock that answered nothing: what it mocks is called otherwise, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct UnaskedMock {
    /// Its line, from 1.
    pub line: usize,
    /// Its column, from 1.
    pub column: usize,
    /// Its first line, as it is written.
    pub mock: String,
}

/// Gathers them.
pub(super) struct Unasked<'a> {
    file: &'a TestFile,
    /// Mocks of one scenario that it did not ask.
    own: Vec<UnaskedMock>,
    /// For each mock of all scenarios whether one of them asked it, or whether that is left open.
    shared: Vec<bool>,
}

impl<'a> Unasked<'a> {
    /// Nothing was asked yet. Mocks of all scenarios count when all of them run.
    pub(super) fn of(file: &'a TestFile, all: bool) -> Self {
        Self {
            file,
            own: Vec::new(),
            shared: vec![!all; file.says.mocks.len()],
        }
    }

    /// Notes which mocks a scenario asked: its own, then those of all. One that did not begin says nothing.
    pub(super) fn note(&mut self, scenario: usize, asked: &[bool]) {
        let mocks = self.file.says.scenarios[scenario].mocks.len();
        let Some((own, shared)) = asked.split_at_checked(mocks) else {
            return;
        };
        for (index, _) in own.iter().enumerate().filter(|(_, asked)| !**asked) {
            self.own
                .push(self.mock(&format!("/scenarios/{scenario}/mocks/{index}")));
        }
        for (ever, now) in self.shared.iter_mut().zip(shared) {
            *ever |= now;
        }
    }

    /// All of them, as they stand in the file.
    pub(super) fn mocks(self) -> Vec<UnaskedMock> {
        let shared = self.shared.iter().enumerate().filter(|(_, asked)| !**asked);
        let mut mocks: Vec<UnaskedMock> = shared.map(|(index, _)| self.mock(&format!("/mocks/{index}"))).collect();
        mocks.extend(self.own);
        mocks.sort();
        mocks
    }

    fn mock(&self, pointer: &str) -> UnaskedMock {
        let span = self.file.tree.span(pointer);
        let written = self
            .file
            .source
            .text
            .get(span.bytes)
            .and_then(|mock| mock.lines().next());
        UnaskedMock {
            line: span.line,
            column: span.column,
            mock: written.unwrap_or_default().trim().to_owned(),
        }
    }
}
