//! The side of the other processes: asks the one that holds the store.

use std::{
    io,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{net::UnixStream, time::timeout};

use super::{
    SILENCE,
    frame::{self, FRAME_BYTES_MAX},
    hello::{HELLO_BYTES_MAX, Hello},
    place,
};
use crate::{
    Error,
    builder::Options,
    call::{Answer, Asked},
    error::Told,
};

/// The engine of another process.
pub(crate) struct Client {
    directory: PathBuf,
    /// The process, when the system says it.
    holder: Option<u32>,
    drives: bool,
    /// Connections over which nothing is asked now.
    idle: Mutex<Vec<UnixStream>>,
}

/// Why an engine was not asked.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Nobody answers in this directory now, or not any more: the next one may.
    Nobody,
    /// It is of no use to try again.
    Final(Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidData => Self::Final(Error::Garbled(error.to_string())),
            // Whatever else the system says: there may be another engine, or the store's own error says more.
            _ => Self::Nobody,
        }
    }
}

impl Client {
    /// Connects to the engine that holds this state directory, which has so much time to say hello.
    pub(crate) async fn connect(options: &Options, patience: Duration) -> Result<Self, Refusal> {
        let stream = place::connect(&options.state_dir).await?;
        let pid = stream.peer_cred()?.pid();
        let client = Self {
            directory: options.state_dir.clone(),
            holder: pid.and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid != 0),
            drives: options.drive,
            idle: Mutex::default(),
        };
        let greeted = client.within(patience, client.greet(stream)).await?;
        client.rests(greeted);
        Ok(client)
    }

    /// The process.
    pub(crate) fn holder(&self) -> Option<u32> {
        self.holder
    }

    /// Its answer. With [`Refusal::Nobody`] it may have done what was asked, or not.
    pub(crate) async fn ask(&self, asked: &Asked) -> Result<Result<Answer, Error>, Refusal> {
        let rested = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut stream = match rested {
            Some(stream) => stream,
            None => {
                let stream = place::connect(&self.directory).await?;
                self.within(SILENCE, self.greet(stream)).await?
            }
        };
        let bytes = frame::encode(asked);
        self.within(SILENCE, async { Ok(frame::write(&mut stream, &bytes).await?) })
            .await?;
        loop {
            let read = async { Ok(frame::read(&mut stream, FRAME_BYTES_MAX).await?) };
            let reply = self.within(SILENCE, read).await?.ok_or(Refusal::Nobody)?;
            if !reply.is_empty() {
                let reply: Result<Answer, Told> = frame::decode(&reply)?;
                self.rests(stream);
                return Ok(reply.map_err(Error::from));
            }
        }
    }

    async fn greet(&self, mut stream: UnixStream) -> Result<UnixStream, Refusal> {
        let mine = Hello::mine(self.drives);
        frame::write(&mut stream, &frame::encode(&mine)).await?;
        let bytes = frame::read(&mut stream, HELLO_BYTES_MAX)
            .await?
            .ok_or(Refusal::Nobody)?;
        let theirs: Hello = frame::decode(&bytes)?;
        if theirs.is_understood() {
            return Ok(stream);
        }
        Err(Refusal::Final(Error::OtherVersion {
            path: self.directory.clone(),
            holder: self.holder,
            theirs: theirs.shown(),
            ours: mine.shown(),
        }))
    }

    async fn within<T>(
        &self,
        patience: Duration,
        work: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Refusal> {
        timeout(patience, work).await.unwrap_or_else(|_| {
            Err(Refusal::Final(Error::Unanswered {
                path: self.directory.clone(),
                holder: self.holder,
                waited: patience,
            }))
        })
    }

    fn rests(&self, stream: UnixStream) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
    }
}
