//! Drives one execution: appends what was decided, then makes what goes on match it.
//!
//! An actor lives while something of its execution is going on in this process. When nothing is (it waits
//! for a person, a time, a child), it leaves memory; an input or a wake-up starts it again from the journal.

use std::{
    collections::{BTreeMap, HashSet},
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use runwright_model::{
    capability::{Error as CallError, Outcome, Request, executions::ChildEnd},
    event::{Event, Record, Try},
    id::ExecutionId,
    time::Timestamp,
};
use runwright_store::Durability;
use tokio::{
    sync::{mpsc, oneshot},
    task::AbortHandle,
    time::{Instant, Sleep, sleep_until},
};

use crate::{
    Error,
    decide::{Decision, decide},
    input::{Input, Ticket},
    limits,
    react::{self, Refusal},
    shared::Shared,
    state::State,
    waits, work,
};

pub(crate) struct Actor {
    pub(crate) shared: Arc<Shared>,
    pub(crate) id: ExecutionId,
    pub(crate) sender: mpsc::UnboundedSender<Input>,
    pub(crate) state: State,
    /// Running tries, each with the generation of its run.
    pub(crate) running: BTreeMap<Try, (u64, AbortHandle)>,
    pub(crate) generation: u64,
    pub(crate) probing: HashSet<(Try, u32)>,
    /// Effects that are being stopped.
    pub(crate) stopping: HashSet<(Try, u32)>,
    /// Children that were told that this execution is cancelled.
    pub(crate) cancelled: HashSet<ExecutionId>,
    /// Effects that were asked to end: once, also when their backend cannot stop them.
    pub(crate) asked_to_stop: HashSet<(Try, u32)>,
    /// Children that were looked at, and whether they were held with this execution then.
    pub(crate) children: BTreeMap<ExecutionId, bool>,
    /// Those that are being looked at. One that ended before told nobody who waited, and one may not know yet that its
    /// parent is paused, or no more: so a crash must find this execution due.
    pub(crate) looking_at: HashSet<ExecutionId>,
    /// Something was appended that is not durable yet.
    pub(crate) unsynced: bool,
    /// Records of the state that the store does not have yet.
    pub(crate) pending: Vec<Record>,
    /// When they go to the store at the latest.
    pub(crate) linger_until: Option<Instant>,
    /// Since when the engine closes.
    pub(crate) closing: Option<Timestamp>,
}

/// Runs the actor of an execution until nothing of it is going on.
pub(crate) async fn run(
    shared: Arc<Shared>,
    id: ExecutionId,
    sender: mpsc::UnboundedSender<Input>,
    mut inbox: mpsc::UnboundedReceiver<Input>,
) {
    let first = inbox.recv().await.expect("an actor is started with an input");
    let (state, first) = match first {
        Input::Begun(state) => (shared.unless_begun(*state).await, Input::Look),
        other => (shared.load(&id).await, other),
    };
    let state = match state {
        Ok(state) => state,
        Err(error) => return shared.give_up(&id, error.to_string()),
    };
    shared.set_secrets(&id, &state.secrets);
    let mut actor = Actor {
        shared: shared.clone(),
        id: id.clone(),
        sender,
        state,
        running: BTreeMap::new(),
        generation: 0,
        probing: HashSet::new(),
        stopping: HashSet::new(),
        cancelled: HashSet::new(),
        asked_to_stop: HashSet::new(),
        children: BTreeMap::new(),
        looking_at: HashSet::new(),
        unsynced: false,
        pending: Vec::new(),
        linger_until: None,
        closing: None,
    };
    let lived = match actor.own_what_is_under_way().await {
        Ok(()) => actor.live(first, &mut inbox).await,
        Err(error) => Err(error),
    };
    if let Err(error) = lived {
        actor.stop_all();
        shared.give_up(&id, error.to_string());
    }
}

impl Actor {
    /// An effect that was requested before is made again from the journal, without an append of its own. So this sees to
    /// it first that what was read is durable, and that nobody else owns the store by now.
    async fn own_what_is_under_way(&mut self) -> Result<(), Error> {
        let under_way = |of: &Try| {
            let last = self.state.open_calls(*of).and_then(<[_]>::last);
            last.is_some_and(|call| call.outcome.is_none() && call.request.has_effect())
        };
        if !self.state.open_tries().iter().any(under_way) {
            return Ok(());
        }
        self.hand_in(Durability::Durable).await
    }

    async fn live(&mut self, first: Input, inbox: &mut mpsc::UnboundedReceiver<Input>) -> Result<(), Error> {
        let mut input = Some(first);
        self.obey_parent().await?;
        let mut lingering = Lingering::new();
        loop {
            if let Some(input) = input.take() {
                self.take(input).await?;
            }
            while let Ok(more) = inbox.try_recv() {
                self.take(more).await?;
            }
            self.obey_holds().await?;
            let mut decision = self.settle().await?;
            if self.closing.is_some() {
                self.drain();
                decision.wake = waits::earliest(decision.wake, self.drained_by());
            } else {
                self.reconcile(&decision);
            }
            if self.is_idle(&decision) {
                self.rest(&decision).await?;
                if self.shared.retire(&self.id, inbox) {
                    self.shared.rests_until(decision.wake);
                    return Ok(());
                }
            }
            lingering.set(self.linger_until);
            let clock = self.shared.ports.clock.clone();
            let wake = decision.wake.unwrap_or(Timestamp::from_millis(i64::MAX));
            tokio::select! {
                // No chance: the same inputs make the same journal.
                biased;
                received = inbox.recv() => input = received,
                () = lingering.over() => {
                    if self.linger_until.is_some_and(|until| until <= Instant::now()) {
                        self.hand_in(Durability::Buffered).await?;
                    }
                }
                () = clock.sleep_until(wake), if decision.wake.is_some() => {}
            }
        }
    }

    /// When a closing engine waits no longer.
    pub(crate) fn drained_by(&self) -> Option<Timestamp> {
        Some(self.closing?.after(Duration::from_millis(limits::DRAIN_MS_MAX)))
    }

    /// Appends what is decided until there is nothing more to decide.
    async fn settle(&mut self) -> Result<Decision, Error> {
        loop {
            let decision = decide(&self.state, self.shared.ports.clock.now());
            if decision.events.is_empty() {
                return Ok(decision);
            }
            let ends = decision.events.iter().any(|event| matches!(event, Event::Ended { .. }));
            let durability = if ends {
                Durability::Durable
            } else {
                Durability::Buffered
            };
            self.append(decision.events, durability).await?;
        }
    }

    fn is_idle(&self, decision: &Decision) -> bool {
        let now = self.shared.ports.clock.now();
        self.running.is_empty()
            && self.probing.is_empty()
            && (self.closing.is_some()
                || (self.stopping.is_empty() && self.looking_at.is_empty() && decision.cancelling.is_empty()))
            && (self.closing.is_some() || !decision.wake.is_some_and(|wake| waits::is_short(wake, now)))
    }

    async fn take(&mut self, input: Input) -> Result<(), Error> {
        let now = self.shared.ports.clock.now();
        match input {
            Input::Begun(_) | Input::Look => {}
            Input::Close => self.closing = self.closing.or(Some(now)),
            Input::Invoked {
                of,
                generation,
                invoked,
            } => {
                if self.is_current(of, generation) {
                    self.running.remove(&of);
                    let events = react::invoked(&self.state, of, invoked, now);
                    self.append_some(events, Durability::Buffered).await?;
                }
            }
            Input::Call {
                of,
                generation,
                call,
                request,
                reply,
            } => {
                let ticket = self.ticket(of, generation, call, request).await?;
                let _ = reply.send(ticket);
            }
            Input::Performed {
                of,
                generation,
                call,
                outcome,
                reply,
            } => {
                if self.is_current(of, generation) {
                    let durability = self.answer_durability(of, call);
                    let at = self
                        .append(vec![Event::CallCompleted { of, call, outcome }], durability)
                        .await?;
                    let _ = reply.send(at);
                    if durability == Durability::Durable {
                        work::settle_call(&self.shared, of.idempotency_key(&self.id, call));
                    }
                }
            }
            Input::Probed { of, call, result } => self.probed(of, call, result, now).await?,
            Input::ChildGoesOn { id } => drop(self.looking_at.remove(&id)),
            Input::ChildEnded { id, end, reply } => {
                self.child_ended(&id, &end).await?;
                let _ = reply.send(());
            }
            Input::Asked { ask, reply } => {
                let events = react::asked(&self.state, &ask);
                self.answer(events, reply).await?;
            }
            Input::Stopped { of, call } => {
                self.stopping.remove(&(of, call));
                // In this process the call itself answers.
                if !self.running.contains_key(&of) {
                    let events = react::stopped(&self.state, of, call);
                    self.append_some(events, Durability::Buffered).await?;
                }
            }
        }
        Ok(())
    }

    /// The child's journal may only say that it told when this one has it.
    async fn child_ended(&mut self, id: &ExecutionId, end: &ChildEnd) -> Result<(), Error> {
        self.looking_at.remove(id);
        let events = react::child_ended(&self.state, id, end);
        self.append_some(events, Durability::Buffered).await?;
        if self.pending.is_empty() {
            return Ok(());
        }
        self.hand_in(Durability::Buffered).await
    }

    fn is_current(&self, of: Try, generation: u64) -> bool {
        self.running.get(&of).is_some_and(|(running, _)| *running == generation) && self.state.open_calls(of).is_some()
    }

    async fn ticket(&mut self, of: Try, generation: u64, call: u32, request: Request) -> Result<Ticket, Error> {
        let counted = self
            .state
            .open_calls(of)
            .is_some_and(|calls| calls.len() == call as usize);
        if !self.is_current(of, generation) || !counted || self.state.is_cancelling(of) {
            return Ok(Ticket::Stopped(work::over(&self.state, of)));
        }
        if self.closing.is_some() || self.state.paused.is_some() {
            // It makes this call when it runs again.
            return Ok(Ticket::Suspended);
        }
        let digest = request.digest();
        let refused = match react::check_call(&self.state, of, call, &request, &self.shared.ports.policy) {
            Ok(()) => None,
            Err(Refusal::Answer(error)) => Some(error),
            Err(Refusal::Stop(failure)) => return Ok(Ticket::Stopped(failure)),
        };
        let (effect, wait) = (request.has_effect(), request.is_wait());
        let request = react::journalled(request);
        if let Err(failure) = react::check_size(&self.state, of, &request) {
            return Ok(Ticket::Stopped(failure));
        }
        let requested = Event::CallRequested {
            of,
            call,
            digest,
            request,
        };
        if let Some(error) = refused {
            let outcome: Outcome = Err(error);
            let events = vec![
                requested,
                Event::CallCompleted {
                    of,
                    call,
                    outcome: outcome.clone(),
                },
            ];
            let at = self.append(events, Durability::Buffered).await?;
            return Ok(Ticket::Answered(outcome, at));
        }
        let durability = if effect {
            Durability::Durable
        } else {
            Durability::Buffered
        };
        let at = self.append(vec![requested], durability).await?;
        if !wait {
            return Ok(Ticket::Perform);
        }
        let answered = self
            .state
            .waiting_call(of)
            .and_then(|(_, waiting)| waits::outcome(waiting, at));
        match answered {
            Some(outcome) => {
                let event = Event::CallCompleted {
                    of,
                    call,
                    outcome: outcome.clone(),
                };
                let at = self.append(vec![event], Durability::Buffered).await?;
                Ok(Ticket::Answered(outcome, at))
            }
            None => Ok(Ticket::Suspended),
        }
    }

    async fn probed(&mut self, of: Try, call: u32, result: Result<(), CallError>, now: Timestamp) -> Result<(), Error> {
        self.probing.remove(&(of, call));
        let waiting = self.state.waiting_call(of).filter(|(number, _)| *number == call);
        let Some(event) = waiting.map(|(_, waiting)| waits::probed(waiting, of, call, result, now)) else {
            return Ok(());
        };
        self.append(vec![event], Durability::Buffered).await.map(|_| ())
    }

    fn stop_all(&mut self) {
        for (_, task) in std::mem::take(&mut self.running).into_values() {
            task.abort();
        }
        self.probing.clear();
    }

    /// Tells the parent that this child ended; answers whether nobody needs to be told any more. Until then the child
    /// stands in the wake-up index, so that a crash between the two journals keeps no parent waiting for ever.
    pub(crate) async fn tell_parent(&self) -> Result<bool, Error> {
        let (Some(parent), Some(ended)) = (&self.state.started.parent, &self.state.ended) else {
            return Ok(true);
        };
        let parent = &parent.execution;
        if self.shared.closing.load(Ordering::Relaxed) || self.shared.why_stopped(parent).is_some() {
            return Ok(false);
        }
        if self.shared.ports.store.head(parent).await?.is_none() {
            return Ok(true);
        }
        let (reply, told) = oneshot::channel();
        let end = ChildEnd {
            status: ended.status,
            outputs: ended.outputs.clone(),
            failure: ended.failure.as_ref().map(|failure| failure.message.clone()),
        };
        let id = self.id.clone();
        self.shared.send(parent, Input::ChildEnded { id, end, reply });
        // The parent's record is in the store before the child's row says that it was told: a crash keeps both or the
        // earlier one.
        Ok(told.await.is_ok())
    }

    /// Whoever watches the parent wants to know that its child waits.
    pub(crate) fn bump_family(&self) {
        if let Some(parent) = &self.state.started.parent {
            self.shared.changes.bump_rested(&parent.execution);
        }
    }
}

/// When to look whether records have waited long enough for others.
///
/// A timer that is set wakes the thread that waits for timers, each time. Most records are gone long before their time
/// is over, so one that is set stays so until it is over, and is set again then if there are others.
struct Lingering {
    timer: Pin<Box<Sleep>>,
    is_set: bool,
}

impl Lingering {
    fn new() -> Self {
        let timer = Box::pin(sleep_until(Instant::now()));
        Self { timer, is_set: false }
    }

    fn set(&mut self, until: Option<Instant>) {
        if let Some(until) = until.filter(|_| !self.is_set) {
            self.timer.as_mut().reset(until);
            self.is_set = true;
        }
    }

    /// Returns when the timer is over; never when it is not set.
    async fn over(&mut self) {
        if !self.is_set {
            return std::future::pending().await;
        }
        self.timer.as_mut().await;
        self.is_set = false;
    }
}

/// Where an execution stands in the wake-up index while something of it goes on: due, whatever the clock is set to
/// when somebody opens the store after a crash.
pub(crate) const ACTIVE: Timestamp = Timestamp::from_millis(0);
/// The longest an actor sleeps at once, so that a clock that jumped is noticed.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(1);
