//! Watching a command: feeding it, reading it, hearing those who attach, and ending it.

use std::{
    io::{self, Read as _, Write as _},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::{UnixListener, UnixStream},
    },
    process::{Child, ChildStdin},
    time::{Duration, Instant},
};

use nix::sys::signalfd::SignalFd;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::OFlags,
    process::{Pid, PidfdFlags, Signal, pidfd_open},
};

use super::{
    super::{
        GRACE,
        job::{How, MORE, STOP},
    },
    Lines,
    tape::{Summary, Tape},
    tree::{Ended, Tree},
};

/// How long pipes are read after the process has ended, while a child it left behind holds them open.
const LINGER: Duration = Duration::from_millis(500);
/// What is read at most after that: a full pipe, and more.
const LINGER_BYTES_MAX: usize = 1024 * 1024;
/// How often is looked whether those that were asked to end have ended.
const LOOK: Duration = Duration::from_millis(50);
/// How long is waited for processes that were killed: one that waits for a broken disk stays.
const KILL_PATIENCE: Duration = Duration::from_secs(5);
const READ_BYTES: usize = 64 * 1024;

/// How it ended, and what is known of its output.
pub(super) struct Watched {
    pub(super) how: How,
    pub(super) output: Summary,
    pub(super) unkilled: Vec<i32>,
}

impl Watched {
    /// Nothing ran.
    pub(super) fn nothing(how: How, tape: Tape) -> Self {
        Self {
            how,
            output: tape.finish(),
            unkilled: Vec::new(),
        }
    }
}

/// A running command.
pub(super) struct Watch {
    tree: Tree,
    /// Tells of the end of the first process. `None` on kernels without: then there is a look now and then.
    end: Option<OwnedFd>,
    pipes: [Option<Pipe>; 2],
    input: Option<Input>,
    tape: Tape,
    clients: Vec<UnixStream>,
    listener: UnixListener,
    signals: Option<SignalFd>,
    deadline: Option<Instant>,
    phase: Phase,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Running,
    /// The first process has ended; its pipes are read until then.
    Lingering(Ended, Instant),
    /// All were asked to end, and are killed then.
    Ending(Why, Instant),
    /// All were killed, and are waited for until then.
    Killing(Why, Instant),
    Over(Outcome),
}

#[derive(Debug, Clone, Copy)]
enum Why {
    TimedOut,
    Stopped,
}

#[derive(Debug, Clone, Copy)]
enum Outcome {
    Ended(Ended),
    Made(Why),
}

/// A stream of the command.
enum Pipe {
    Out(std::process::ChildStdout),
    Errors(std::process::ChildStderr),
}

/// What is fed to the command.
struct Input {
    pipe: ChildStdin,
    bytes: Vec<u8>,
    fed: usize,
}

/// What has something to say.
enum Source {
    End,
    Signals,
    Listener,
    Pipe(usize),
    Input,
    Client(usize),
}

impl Watch {
    pub(super) fn new(mut child: Child, stdin: Option<Vec<u8>>, tape: Tape, lines: Lines) -> Self {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.expect("a process has a number above 0");
        let pipes = [
            child.stdout.take().map(Pipe::Out),
            child.stderr.take().map(Pipe::Errors),
        ];
        let input = child.stdin.take().zip(stdin);
        let watch = Self {
            end: pidfd_open(pid, PidfdFlags::empty()).ok(),
            pipes,
            input: input.map(|(pipe, bytes)| Input { pipe, bytes, fed: 0 }),
            tape,
            tree: Tree::new(pid, lines.signals.is_some()),
            clients: vec![lines.first],
            listener: lines.listener,
            signals: lines.signals,
            deadline: None,
            phase: Phase::Running,
        };
        watch.without_blocking();
        watch
    }

    /// Watches until the command has ended; it is ended after `limit`. Answers who is attached, to be told when the end
    /// is written.
    pub(super) fn until_end(mut self, limit: Option<Duration>) -> (Watched, Vec<UnixStream>) {
        self.deadline = limit.map(|limit| Instant::now() + limit);
        let outcome = loop {
            self.advance();
            if let Phase::Over(outcome) = self.phase {
                break outcome;
            }
            self.wait();
        };
        self.drain();
        let how = match outcome {
            Outcome::Ended(Ended::Code(code)) => How::Exited(code),
            Outcome::Ended(Ended::Signal(signal)) => How::Signalled(signal),
            Outcome::Made(Why::TimedOut) => How::TimedOut,
            Outcome::Made(Why::Stopped) => How::Stopped,
        };
        let unkilled = match outcome {
            Outcome::Ended(_) => Vec::new(),
            Outcome::Made(_) => self.tree.living().into_iter().map(Pid::as_raw_pid).collect(),
        };
        let output = self.tape.finish();
        let watched = Watched { how, output, unkilled };
        (watched, self.clients)
    }

    /// Goes to the next phase when its time has come.
    fn advance(&mut self) {
        let now = Instant::now();
        match self.phase {
            Phase::Running => {
                if let Some(ended) = self.tree.ended() {
                    self.input = None;
                    self.phase = Phase::Lingering(ended, now + LINGER);
                    self.advance();
                } else if self.deadline.is_some_and(|deadline| now >= deadline) {
                    self.ask_to_end(Why::TimedOut);
                }
            }
            Phase::Lingering(ended, until) => {
                if now >= until || self.pipes.iter().all(Option::is_none) {
                    self.phase = Phase::Over(Outcome::Ended(ended));
                }
            }
            Phase::Ending(why, until) => {
                if self.all_gone() {
                    self.phase = Phase::Over(Outcome::Made(why));
                } else if now >= until {
                    self.phase = Phase::Killing(why, now + KILL_PATIENCE);
                    self.advance();
                }
            }
            Phase::Killing(why, until) => {
                // Again and again: one of them may just have started another.
                self.tree.signal(Signal::KILL);
                if self.all_gone() || now >= until {
                    self.phase = Phase::Over(Outcome::Made(why));
                }
            }
            Phase::Over(_) => {}
        }
    }

    fn ask_to_end(&mut self, why: Why) {
        if matches!(self.phase, Phase::Running) {
            self.tree.ask_to_end();
            self.phase = Phase::Ending(why, Instant::now() + GRACE);
        }
    }

    fn all_gone(&mut self) -> bool {
        self.tree.ended().is_some() && self.tree.living().is_empty()
    }

    /// When there is something to do though nobody says anything.
    fn patience(&self) -> Option<Duration> {
        let until = |moment: Instant| moment.saturating_duration_since(Instant::now());
        match self.phase {
            Phase::Running => {
                let deadline = self.deadline.map(until);
                let look = self.end.is_none().then_some(LOOK);
                deadline.into_iter().chain(look).min()
            }
            Phase::Lingering(_, moment) => Some(until(moment)),
            Phase::Ending(_, moment) | Phase::Killing(_, moment) => Some(until(moment).min(LOOK)),
            Phase::Over(_) => Some(Duration::ZERO),
        }
    }

    /// Waits until something happens, and takes what there is.
    fn wait(&mut self) {
        // A millisecond more: it must not be a little too early, again and again.
        let patience = self.patience().map(|patience| patience + Duration::from_millis(1));
        let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
        let ready: Vec<Source> = {
            let (sources, mut polled): (Vec<Source>, Vec<PollFd<'_>>) = self.sources().into_iter().unzip();
            if poll(&mut polled, patience.as_ref()).is_err() {
                return;
            }
            let ready = sources
                .into_iter()
                .zip(polled)
                .filter(|(_, fd)| !fd.revents().is_empty());
            ready.map(|(source, _)| source).collect()
        };
        let mut news = false;
        // From the last: taking away a client moves those after it.
        for source in ready.into_iter().rev() {
            match source {
                // `advance` looks.
                Source::End => {}
                Source::Signals => self.hear_signals(),
                Source::Listener => self.accept(),
                Source::Pipe(stream) => news |= self.read(stream),
                Source::Input => self.feed(),
                Source::Client(number) => self.hear(number),
            }
        }
        if news {
            self.tell();
        }
    }

    fn sources(&self) -> Vec<(Source, PollFd<'_>)> {
        fn of<'a>(source: Source, fd: BorrowedFd<'a>, flags: PollFlags) -> (Source, PollFd<'a>) {
            (source, PollFd::from_borrowed_fd(fd, flags))
        }
        let mut all = vec![of(Source::Listener, self.listener.as_fd(), PollFlags::IN)];
        if let (Some(end), Phase::Running) = (&self.end, self.phase) {
            all.push(of(Source::End, end.as_fd(), PollFlags::IN));
        }
        if let Some(signals) = &self.signals {
            all.push(of(Source::Signals, signals.as_fd(), PollFlags::IN));
        }
        if let Some(input) = &self.input {
            all.push(of(Source::Input, input.pipe.as_fd(), PollFlags::OUT));
        }
        for (stream, pipe) in self.pipes.iter().enumerate() {
            if let Some(pipe) = pipe {
                all.push(of(Source::Pipe(stream), pipe.as_fd(), PollFlags::IN));
            }
        }
        for (number, client) in self.clients.iter().enumerate() {
            all.push(of(Source::Client(number), client.as_fd(), PollFlags::IN));
        }
        all
    }

    /// Nothing may hold up the supervisor. Where this fails, it is held up for a moment and no more.
    fn without_blocking(&self) {
        let _ = self.listener.set_nonblocking(true);
        for client in &self.clients {
            let _ = client.set_nonblocking(true);
        }
        let pipes = self.pipes.iter().flatten().map(Pipe::as_fd);
        for pipe in pipes.chain(self.input.as_ref().map(|input| input.pipe.as_fd())) {
            let _ = rustix::fs::fcntl_setfl(pipe, OFlags::NONBLOCK);
        }
    }

    /// Reads a piece; whether there was one.
    fn read(&mut self, stream: usize) -> bool {
        let Some(pipe) = &mut self.pipes[stream] else {
            return false;
        };
        let mut buffer = [0; READ_BYTES];
        match pipe.read(&mut buffer) {
            Ok(0) => self.pipes[stream] = None,
            Ok(read) => {
                self.tape.take(stream, &buffer[..read]);
                return true;
            }
            Err(error) if is_passing(&error) => {}
            Err(_) => self.pipes[stream] = None,
        }
        false
    }

    /// Reads what is in the pipes of a command that has ended.
    fn drain(&mut self) {
        for stream in 0..2 {
            // A child that was left behind may write for ever.
            let mut left = LINGER_BYTES_MAX / READ_BYTES;
            while left > 0 && self.read(stream) {
                left -= 1;
            }
        }
    }

    /// A process that reads no more is not an error.
    fn feed(&mut self) {
        let Some(input) = &mut self.input else { return };
        match input.pipe.write(&input.bytes[input.fed..]) {
            Ok(fed) => input.fed += fed,
            Err(error) if is_passing(&error) => {}
            Err(_) => input.fed = input.bytes.len(),
        }
        if input.fed == input.bytes.len() {
            self.input = None;
        }
    }

    fn accept(&mut self) {
        while let Ok((client, _)) = self.listener.accept() {
            // One that cannot be told anything is not kept.
            if client.set_nonblocking(true).is_ok() {
                self.clients.push(client);
            }
        }
    }

    /// Hears what somebody says who is attached, or that they are gone.
    fn hear(&mut self, number: usize) {
        let mut words = [0; 16];
        match self.clients[number].read(&mut words) {
            Ok(read) if words[..read].contains(&STOP) => self.ask_to_end(Why::Stopped),
            Ok(0) => drop(self.clients.swap_remove(number)),
            Err(error) if !is_passing(&error) => drop(self.clients.swap_remove(number)),
            Ok(_) | Err(_) => {}
        }
    }

    /// Tells all who are attached that there is more. One who has not heard the last news needs no others.
    fn tell(&mut self) {
        for client in &mut self.clients {
            let _ = client.write(&[MORE]);
        }
    }

    /// A supervisor that is asked to end does not leave its command alone.
    fn hear_signals(&mut self) {
        while let Some(Ok(Some(heard))) = self.signals.as_ref().map(SignalFd::read_signal) {
            if heard.ssi_signo == nix::sys::signal::Signal::SIGTERM as u32 {
                self.ask_to_end(Why::Stopped);
            } else {
                self.tree.reap_adopted();
            }
        }
    }
}

impl AsFd for Pipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Out(pipe) => pipe.as_fd(),
            Self::Errors(pipe) => pipe.as_fd(),
        }
    }
}

impl Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Out(pipe) => pipe.read(buffer),
            Self::Errors(pipe) => pipe.read(buffer),
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
