//! `wit/files.wit`: files of a target.

use runwright_model::capability::{Answer, Request, files as model};

use super::types::{millis, moment};
use crate::{
    bindings::{files, types::Error},
    state::State,
};

type Answered<T> = wasmtime::Result<Result<T, Error>>;

impl files::Host for State {
    async fn read(&mut self, on: Option<String>, path: String) -> Answered<Vec<u8>> {
        self.ask(
            Request::Files(model::Request::Read { on, path }),
            |answer| match answer {
                Answer::Files(model::Answer::Contents(bytes)) => Some(bytes.0),
                _ => None,
            },
        )
        .await
    }

    async fn write(
        &mut self,
        on: Option<String>,
        path: String,
        contents: Vec<u8>,
        options: files::WriteOptions,
    ) -> Answered<()> {
        let files::WriteOptions {
            mode,
            owner,
            group,
            parents,
        } = options;
        let options = model::WriteOptions {
            mode,
            owner,
            group,
            parents,
        };
        self.order(Request::Files(model::Request::Write {
            on,
            path,
            contents: contents.into(),
            options,
        }))
        .await
    }

    async fn stat(&mut self, on: Option<String>, path: String) -> Answered<Option<files::Facts>> {
        self.ask(
            Request::Files(model::Request::Stat { on, path }),
            |answer| match answer {
                Answer::Files(model::Answer::Stat(stat)) => Some(stat.map(facts_to_wit)),
                _ => None,
            },
        )
        .await
    }

    async fn list_directory(&mut self, on: Option<String>, path: String) -> Answered<Vec<String>> {
        self.ask(
            Request::Files(model::Request::ListDirectory { on, path }),
            |answer| match answer {
                Answer::Files(model::Answer::Names(names)) => Some(names),
                _ => None,
            },
        )
        .await
    }

    async fn make_directory(&mut self, on: Option<String>, path: String, mode: Option<u32>) -> Answered<()> {
        self.order(Request::Files(model::Request::MakeDirectory { on, path, mode }))
            .await
    }

    async fn link(&mut self, on: Option<String>, path: String, points_to: String) -> Answered<()> {
        self.order(Request::Files(model::Request::Link { on, path, points_to }))
            .await
    }

    async fn remove(&mut self, on: Option<String>, path: String) -> Answered<()> {
        self.order(Request::Files(model::Request::Remove { on, path })).await
    }

    async fn snapshot(&mut self, on: Option<String>, path: String) -> Answered<files::Kept> {
        self.ask(
            Request::Files(model::Request::Snapshot { on, path }),
            |answer| match answer {
                Answer::Files(model::Answer::Snapshot(model::Snapshot { path, before, contents })) => {
                    Some(files::Kept {
                        path,
                        before: before.map(facts_to_wit),
                        contents,
                    })
                }
                _ => None,
            },
        )
        .await
    }

    async fn restore(&mut self, on: Option<String>, snapshot: files::Kept) -> Answered<()> {
        let files::Kept { path, before, contents } = snapshot;
        let snapshot = model::Snapshot {
            path,
            before: before.map(facts_to_model),
            contents,
        };
        self.order(Request::Files(model::Request::Restore { on, snapshot }))
            .await
    }
}

fn facts_to_wit(stat: model::Stat) -> files::Facts {
    files::Facts {
        kind: match stat.kind {
            model::Kind::File => files::Kind::File,
            model::Kind::Directory => files::Kind::Directory,
            model::Kind::Symlink => files::Kind::Symlink,
            model::Kind::Other => files::Kind::Other,
        },
        size: stat.size,
        mode: stat.mode,
        owner: stat.owner,
        group: stat.group,
        modified: millis(stat.modified),
        link: stat.link,
        sha256: stat.sha256,
    }
}

fn facts_to_model(facts: files::Facts) -> model::Stat {
    model::Stat {
        kind: match facts.kind {
            files::Kind::File => model::Kind::File,
            files::Kind::Directory => model::Kind::Directory,
            files::Kind::Symlink => model::Kind::Symlink,
            files::Kind::Other => model::Kind::Other,
        },
        size: facts.size,
        mode: facts.mode,
        owner: facts.owner,
        group: facts.group,
        modified: moment(facts.modified),
        link: facts.link,
        sha256: facts.sha256,
    }
}
