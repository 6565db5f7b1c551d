//! The side of the process that holds the store: lets clients in, and answers them.
//!
//! A client can do no harm but to itself: whatever it sends or does not send ends its own connection only.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::AsyncReadExt as _,
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Semaphore, watch},
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use super::{
    FRAME_WAIT, HEARTBEAT,
    frame::{self, FRAME_BYTES_MAX},
    hello::{HELLO_BYTES_MAX, Hello},
    place,
};
use crate::{
    Error,
    call::{Answer, Asked},
    error::{Fault, Report, Told},
    holder::Holder,
    user,
};

/// Connections at the same time; who comes then waits to be let in.
const CONNECTIONS_MAX: usize = 4_096;
/// Before another client is let in when the machine has no room for one.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// The longest wait for a client to take its answer when the engine closes.
const PARTING: Duration = Duration::from_secs(1);
/// The longest wait for calls under way when the engine closes; those that only wait are not waited for.
const CLOSE_WAIT: Duration = Duration::from_secs(10);

/// Answers other processes until it is closed or dropped.
pub(crate) struct Server {
    closing: watch::Sender<bool>,
    drivers: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

/// What every connection needs.
#[derive(Clone)]
struct Service {
    holder: Arc<Holder>,
    closing: watch::Receiver<bool>,
    drivers: Arc<AtomicUsize>,
}

impl Server {
    /// Begins to listen. Only the process that holds the lock of this directory's store may do so.
    pub(crate) fn listen(directory: &Path, holder: Arc<Holder>) -> Result<Self, Error> {
        let listener = place::listen(directory).map_err(|source| Error::Socket {
            path: directory.to_owned(),
            source,
        })?;
        let (closing, told) = watch::channel(false);
        let drivers = Arc::new(AtomicUsize::new(0));
        let service = Service {
            holder,
            closing: told,
            drivers: drivers.clone(),
        };
        Ok(Self {
            closing,
            drivers,
            accepting: tokio::spawn(accept(listener, service)),
        })
    }

    /// Whether a process is connected that takes the store over when this one lets go of it.
    pub(crate) fn has_successor(&self) -> bool {
        self.drivers.load(Ordering::Relaxed) > 0
    }

    /// Lets nobody in any more, answers what is being asked, and ends all connections: a call that is not answered
    /// then was not carried out, and its client asks the next engine.
    pub(crate) async fn close(mut self) {
        self.closing.send_replace(true);
        if timeout(CLOSE_WAIT, &mut self.accepting).await.is_err() {
            tracing::warn!("a call takes too long to wait for it; its client asks the next engine");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: UnixListener, service: Service) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let place = room.clone().acquire_owned().await.expect("nobody closes it");
            listener.accept().await.map(|(stream, _)| (stream, place))
        };
        let accepted = tokio::select! {
            biased;
            () = closed(&service.closing) => break,
            accepted = next => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, place)) => {
                let service = service.clone();
                connections.spawn(async move {
                    if let Err(error) = service.serve(stream).await {
                        tracing::debug!(%error, "a client's connection ended");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "no client can be let in");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Returns when the server closes.
async fn closed(closing: &watch::Receiver<bool>) {
    // A sender that is gone has closed as well.
    let _ = closing.clone().wait_for(|closing| *closing).await;
}

/// Returns some time after the server closes: who does not take an answer then does without.
async fn parted(closing: &watch::Receiver<bool>) {
    closed(closing).await;
    tokio::time::sleep(PARTING).await;
}

/// Hears who comes, and says who answers; `None` when they do not understand each other.
async fn greet(reader: &mut OwnedReadHalf, writer: &mut OwnedWriteHalf) -> io::Result<Option<Hello>> {
    let Some(hello) = timeout(FRAME_WAIT, frame::read(reader, HELLO_BYTES_MAX)).await?? else {
        return Ok(None);
    };
    let hello: Hello = frame::decode(&hello)?;
    send(writer, &frame::encode(&Hello::mine(false))).await?;
    Ok(Some(hello).filter(Hello::is_understood))
}

/// Counts a process that takes over, for as long as it is connected.
struct Driver(Arc<AtomicUsize>);

impl Driver {
    fn counted(drivers: &Arc<AtomicUsize>) -> Self {
        drivers.fetch_add(1, Ordering::Relaxed);
        Self(drivers.clone())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Service {
    /// One connection, until either side ends it.
    async fn serve(&self, stream: UnixStream) -> io::Result<()> {
        let user = stream.peer_cred()?.uid();
        if ![0, rustix::process::geteuid().as_raw()].contains(&user) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let (mut reader, mut writer) = stream.into_split();
        let greeted = tokio::select! {
            biased;
            () = closed(&self.closing) => return Ok(()),
            greeted = greet(&mut reader, &mut writer) => greeted?,
        };
        let Some(hello) = greeted else { return Ok(()) };
        let _counted = hello.drives.then(|| Driver::counted(&self.drivers));
        // A directory service may have to be asked.
        let name = tokio::task::spawn_blocking(move || user::name_of(user)).await?;
        loop {
            let asked = tokio::select! {
                biased;
                () = closed(&self.closing) => return Ok(()),
                asked = next_call(&mut reader) => asked?,
            };
            let Some(asked) = asked else { return Ok(()) };
            let Some(reply) = self.reply(asked, name.clone(), &mut reader, &mut writer).await? else {
                return Ok(());
            };
            let bytes = encoded(reply);
            tokio::select! {
                biased;
                sent = send(&mut writer, &bytes) => sent?,
                () = parted(&self.closing) => return Ok(()),
            }
        }
    }

    /// The answer to a call, or `None` when nobody wants it or the next engine is to give it.
    async fn reply(
        &self,
        asked: Asked,
        name: String,
        reader: &mut OwnedReadHalf,
        writer: &mut OwnedWriteHalf,
    ) -> io::Result<Option<Result<Answer, Told>>> {
        let waits = asked.call.is_wait();
        let holder = self.holder.clone();
        // A task of its own: what changes something is carried out, also when its client is gone meanwhile.
        let mut work = tokio::spawn(async move { answer(&holder, &asked, &name).await });
        let _called_off = waits.then(|| CalledOff(work.abort_handle()));
        loop {
            let mut byte = [0];
            tokio::select! {
                biased;
                answered = &mut work => {
                    let answer = answered.unwrap_or_else(|failed| Err(panicked(&failed)));
                    let refused = answer.is_err() && *self.closing.borrow();
                    return Ok(Some(answer.map_err(Told::from)).filter(|_| !refused));
                }
                () = closed(&self.closing), if waits => return Ok(None),
                // Gone; or it speaks out of turn, which no client does.
                _ = reader.read(&mut byte) => return Ok(None),
                () = tokio::time::sleep(HEARTBEAT) => send(writer, &[]).await?,
            }
        }
    }
}

/// Ends a task when dropped.
struct CalledOff(tokio::task::AbortHandle);

impl Drop for CalledOff {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A client acts as who it is.
async fn answer(holder: &Holder, asked: &Asked, name: &str) -> Result<Answer, Error> {
    match &asked.by {
        Some(claimed) if claimed != name => Err(Error::Identity {
            known: name.to_owned(),
            claimed: claimed.clone(),
            holder: std::process::id(),
        }),
        Some(_) | None => holder.answer(asked, name).await,
    }
}

/// Waits for a call for as long as it takes, but for the rest of it not long.
async fn next_call(reader: &mut OwnedReadHalf) -> io::Result<Option<Asked>> {
    reader.readable().await?;
    match timeout(FRAME_WAIT, frame::read(reader, FRAME_BYTES_MAX)).await?? {
        Some(bytes) => frame::decode(&bytes).map(Some),
        None => Ok(None),
    }
}

async fn send(writer: &mut OwnedWriteHalf, bytes: &[u8]) -> io::Result<()> {
    timeout(FRAME_WAIT, frame::write(writer, bytes)).await?
}

fn encoded(reply: Result<Answer, Told>) -> Vec<u8> {
    let bytes = frame::encode(&reply);
    if bytes.len() <= FRAME_BYTES_MAX {
        return bytes;
    }
    frame::encode(&Err::<Answer, _>(Told::Other(Report {
        message: format!(
            "the answer has {} bytes, and {FRAME_BYTES_MAX} fit between two processes; ask for less, or when no other process holds the state directory",
            bytes.len()
        ),
        code: None,
        help: None,
        fault: Fault::Caller,
    })))
}

fn panicked(failed: &tokio::task::JoinError) -> Error {
    tracing::error!(%failed, "a client's call failed in a way that it must not");
    Error::Reported(Box::new(Report {
        message: format!("the engine failed while it answered: {failed}; this is a bug, please report it"),
        code: None,
        help: None,
        fault: Fault::Machine,
    }))
}
