//! What must hold after every event. The checker folds the journals on its own and asks nobody.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use runwright_executor::{decide, ports::Clock as _, state::State, summary};
use runwright_model::{
    capability::{Answer, CallContext, Request, approvals},
    digest::Digest,
    event::{Event, Record, Signal, Try},
    id::{ExecutionId, StepId},
    plan::Plan,
    time::Timestamp,
};
use runwright_store::Append;
use runwright_testkit::JumpClock;

use crate::sim::{
    disk::Written,
    rules,
    trace::{self, Trace},
};

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The name of the promise: a row of [`rules::RULES`].
    pub(crate) rule: &'static str,
    /// What happened.
    pub(crate) text: String,
}

/// The checker of one simulation; a clone is the same.
#[derive(Clone)]
pub(crate) struct Checker(Arc<Mutex<Seen>>);

/// One journal, as the checker knows it.
pub(crate) struct Journal {
    pub(crate) state: State,
    /// The number of the record that asked for the end.
    pub(crate) cancelled: Option<u64>,
    pub(crate) ever_cancelled: bool,
    pub(crate) ever_rolled_back: bool,
    /// Where a cancelled flow may go on.
    pub(crate) after_cancel: Option<BTreeSet<StepId>>,
    pub(crate) succeeded: BTreeSet<(StepId, u32)>,
    /// Visits that are undone, and those that somebody said need not be.
    pub(crate) settled: BTreeSet<(StepId, u32)>,
    pub(crate) undone: BTreeSet<(StepId, u32)>,
    /// The number of each call's record, by key.
    pub(crate) requested: BTreeMap<String, u64>,
    /// Signals since the beginning, with their numbers.
    pub(crate) signals: Vec<(u64, Signal)>,
}

struct Seen {
    clock: JumpClock,
    trace: Trace,
    violation: Option<Violation>,
    plans: BTreeMap<Digest, Arc<Plan>>,
    journals: BTreeMap<ExecutionId, Journal>,
    /// Calls that are durable in a journal, and those that will be.
    durable: BTreeMap<String, Digest>,
    buffered: Vec<(String, Digest)>,
    begun: BTreeSet<String>,
    /// What was answered with yes.
    acknowledged: Acknowledged,
    latest_life: u32,
    lives: u32,
}

#[derive(Default)]
struct Acknowledged {
    starts: BTreeSet<ExecutionId>,
    /// With the number of the record: a repaired execution can be cancelled again.
    cancels: BTreeMap<ExecutionId, Option<u64>>,
    rollbacks: BTreeSet<ExecutionId>,
    signals: Vec<(ExecutionId, String, String)>,
}

/// What a person may be told.
pub(crate) enum Yes {
    Start,
    Cancel,
    Rollback,
    Signal { name: String, by: String },
}

impl Checker {
    pub(crate) fn new(clock: JumpClock, plans: impl IntoIterator<Item = Arc<Plan>>) -> Self {
        Self(Arc::new(Mutex::new(Seen {
            clock,
            trace: Trace::default(),
            violation: None,
            plans: plans.into_iter().map(|plan| (plan.digest(), plan)).collect(),
            journals: BTreeMap::new(),
            durable: BTreeMap::new(),
            buffered: Vec::new(),
            begun: BTreeSet::new(),
            acknowledged: Acknowledged::default(),
            latest_life: 0,
            lives: 0,
        })))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note(&self, text: String) {
        self.seen().line(&text);
    }

    pub(crate) fn fail(&self, rule: &'static str, text: String) {
        self.seen().fail(rule, text);
    }

    pub(crate) fn violation(&self) -> Option<Violation> {
        self.seen().violation.clone()
    }

    pub(crate) fn trace(&self) -> Vec<String> {
        self.seen().trace.lines().to_vec()
    }

    /// A new engine process opens the store: the ones before it are fenced off.
    pub(crate) fn new_life(&self) -> u32 {
        let mut seen = self.seen();
        seen.lives += 1;
        seen.lives
    }

    pub(crate) fn claimed(&self, life: u32) {
        let mut seen = self.seen();
        seen.latest_life = seen.latest_life.max(life);
        seen.line(&format!("engine {life} owns the store"));
    }

    /// An append was accepted.
    pub(crate) fn appended(&self, append: &Append, life: u32) {
        let mut seen = self.seen();
        let wake = append.wake.map_or("-".to_owned(), |wake| {
            (wake.as_millis() - super::BEGIN.as_millis()).to_string()
        });
        if append.records.is_empty() {
            seen.line(&format!("{} [{life}] rests, wake {wake}", append.execution));
        }
        for record in &*append.records {
            let line = format!(
                "{} [{life}] #{} {}",
                append.execution,
                record.sequence,
                trace::words(&record.event)
            );
            seen.line(&line);
        }
        seen.take(append);
    }

    /// Everything so far survives a power cut.
    pub(crate) fn durable(&self) {
        let mut seen = self.seen();
        let buffered = std::mem::take(&mut seen.buffered);
        seen.durable.extend(buffered);
    }

    /// The machine stopped, and this is what is left.
    pub(crate) fn power_cut(&self, written: &[Written], lost: usize) {
        let mut seen = self.seen();
        seen.line(&format!("power cut: {lost} writes are lost"));
        seen.journals.clear();
        seen.durable.clear();
        seen.buffered.clear();
        for entry in written {
            if let Written::Append(append) = entry {
                seen.take(append);
                let buffered = std::mem::take(&mut seen.buffered);
                seen.durable.extend(buffered);
            }
        }
        seen.check_acknowledged();
    }

    /// Somebody was told yes.
    pub(crate) fn acknowledged(&self, id: &ExecutionId, yes: Yes) {
        let mut seen = self.seen();
        let id = id.clone();
        match yes {
            Yes::Start => {
                seen.line(&format!("{id}: start acknowledged"));
                seen.acknowledged.starts.insert(id);
            }
            Yes::Cancel => {
                seen.line(&format!("{id}: cancel acknowledged"));
                let cancelled = seen.journals.get(&id).and_then(|journal| journal.cancelled);
                seen.acknowledged.cancels.insert(id, cancelled);
            }
            Yes::Rollback => {
                seen.line(&format!("{id}: rollback acknowledged"));
                seen.acknowledged.rollbacks.insert(id);
            }
            Yes::Signal { name, by } => {
                seen.line(&format!("{id}: {name} by {by} acknowledged"));
                seen.acknowledged.signals.push((id, name, by));
            }
        }
    }

    /// An engine asks the world for an effect.
    pub(crate) fn performing(&self, request: &Request, context: &CallContext, life: u32, known: bool) {
        let mut seen = self.seen();
        let key = &context.idempotency_key;
        seen.line(&format!(
            "  {} {key}{}",
            request.function(),
            if context.again { " again" } else { "" }
        ));
        let journalled = seen.durable.get(key) == Some(&request.digest());
        if request.has_effect() && !journalled && life == seen.latest_life {
            seen.fail(rules::APPEND_THEN_ACT, format!("{key} is not durable in the journal"));
        }
        if known && !context.again && life == seen.latest_life {
            seen.fail(rules::ONE_EFFECT, format!("{key} began before, and nobody says so"));
        }
        if !known && !seen.begun.insert(key.clone()) {
            seen.fail(rules::ONE_EFFECT, format!("{key} began twice"));
        }
        let told = seen.acknowledged.cancels.get(&context.execution).copied().flatten();
        let journal = seen.journals.get(&context.execution);
        let before = journal.and_then(|journal| {
            let cancelled = journal.cancelled.filter(|cancelled| told == Some(*cancelled))?;
            Some(*journal.requested.get(key)? < cancelled)
        });
        if before == Some(true) && !known && !context.again && life == seen.latest_life {
            seen.fail(
                rules::CANCEL_IS_FINAL,
                format!("{key} began after the cancel was acknowledged"),
            );
        }
    }

    /// Looks at the journals.
    pub(crate) fn journals<T>(&self, look: impl FnOnce(&BTreeMap<ExecutionId, Journal>) -> T) -> T {
        look(&self.seen().journals)
    }

    /// Whether the start was acknowledged.
    pub(crate) fn is_started(&self, id: &ExecutionId) -> bool {
        self.seen().acknowledged.starts.contains(id)
    }
}

impl Seen {
    fn line(&mut self, text: &str) {
        let now = self.clock.now();
        self.trace.line(now, text);
    }

    fn fail(&mut self, rule: &'static str, text: String) {
        self.line(&format!("VIOLATION of {rule}: {text}"));
        self.violation.get_or_insert(Violation { rule, text });
    }

    fn take(&mut self, append: &Append) {
        for record in &*append.records {
            if let Err((rule, text)) = self.record(&append.execution, record) {
                self.fail(rule, format!("{} #{}: {text}", append.execution, record.sequence));
            }
        }
        let Some(journal) = self.journals.get(&append.execution) else {
            return;
        };
        if summary::of(&journal.state) != append.summary {
            let text = format!(
                "{}: the journal folds to {:?}, and the engine has {:?}",
                append.execution,
                summary::of(&journal.state),
                append.summary
            );
            self.fail(rules::STATE_IS_FOLD, text);
            return;
        }
        if let Err(text) = rules::wake(journal, append, self.clock.now()) {
            self.fail(rules::WAKE_FITS, text);
        }
    }

    fn record(&mut self, id: &ExecutionId, record: &Record) -> rules::Checked {
        if let Event::Started(started) = &record.event {
            if let Some(parent) = &started.parent {
                let fits = |key: &String| parent.execution.child(key) == *id;
                if !self.durable.keys().any(fits) {
                    return Err((rules::APPEND_THEN_ACT, "a child that no durable call started".into()));
                }
            }
            let plan = self.plans.get(&started.plan).expect("all plans are known").clone();
            let state = State::fold(id.clone(), plan, [record.clone()])
                .map_err(|error| (rules::STATE_IS_FOLD, error.to_string()))?;
            if self.journals.insert(id.clone(), Journal::new(state)).is_some() {
                return Err((rules::NO_GAPS, "it began twice".into()));
            }
            return Ok(());
        }
        let Some(journal) = self.journals.get_mut(id) else {
            return Err((rules::NO_GAPS, "it has no beginning".into()));
        };
        if let Event::CallRequested { of, call, digest, .. } = &record.event {
            self.buffered.push((of.idempotency_key(id, *call), *digest));
        }
        journal.take(record)
    }

    fn check_acknowledged(&mut self) {
        let Acknowledged {
            starts,
            cancels,
            rollbacks,
            signals,
        } = &self.acknowledged;
        let mut lost = Vec::new();
        for id in starts {
            if !self.journals.contains_key(id) {
                lost.push(format!("the start of {id}"));
            }
        }
        for id in cancels.keys() {
            let cancelled = self.journals.get(id).is_some_and(|journal| journal.ever_cancelled);
            if !cancelled {
                lost.push(format!("the cancel of {id}"));
            }
        }
        for id in rollbacks {
            if self.journals.get(id).is_none_or(|journal| !journal.ever_rolled_back) {
                lost.push(format!("the rollback of {id}"));
            }
        }
        for (id, name, by) in signals {
            let fits = |(_, signal): &(u64, Signal)| signal.name == *name && signal.by == *by;
            if !self
                .journals
                .get(id)
                .is_some_and(|journal| journal.signals.iter().any(fits))
            {
                lost.push(format!("{name} by {by} for {id}"));
            }
        }
        for what in lost {
            self.fail(
                rules::ACKNOWLEDGED_IS_KEPT,
                format!("{what} was acknowledged, and is lost"),
            );
        }
    }
}

impl Journal {
    fn new(state: State) -> Self {
        Self {
            state,
            cancelled: None,
            ever_cancelled: false,
            ever_rolled_back: false,
            after_cancel: None,
            succeeded: BTreeSet::new(),
            settled: BTreeSet::new(),
            undone: BTreeSet::new(),
            requested: BTreeMap::new(),
            signals: Vec::new(),
        }
    }

    fn take(&mut self, record: &Record) -> rules::Checked {
        if record.sequence != self.state.length {
            return Err((rules::NO_GAPS, format!("its place is {}", self.state.length)));
        }
        if record.at < self.state.last_at {
            return Err((
                rules::TIME_GOES_ON,
                format!("it is older than the record before: {}", record.at),
            ));
        }
        rules::before(self, record)?;
        match &record.event {
            Event::CallRequested { of, call, .. } => {
                let key = of.idempotency_key(&self.state.id, *call);
                self.requested.insert(key, record.sequence);
            }
            Event::Signalled(signal) => self.signals.push((record.sequence, signal.clone())),
            Event::CancelRequested { .. } => {
                self.cancelled = Some(record.sequence);
                self.ever_cancelled = true;
                self.after_cancel = Some(self.cancel_targets());
            }
            Event::StepSucceeded { of, .. } => {
                self.succeeded.insert((of.step, of.visit));
            }
            Event::RollbackStepSucceeded { of } => {
                self.undone.insert((of.step, of.visit));
                self.settled.insert((of.step, of.visit));
            }
            Event::RollbackStepSkipped { step, visit, .. } => {
                self.settled.insert((*step, *visit));
            }
            Event::Resumed(_) => {
                self.cancelled = None;
                self.after_cancel = None;
            }
            Event::Started(_)
            | Event::StepStarted { .. }
            | Event::AttemptFailed { .. }
            | Event::StepFailed { .. }
            | Event::StepSkipped { .. }
            | Event::IterationStarted { .. }
            | Event::StepExited { .. }
            | Event::VariableSet { .. }
            | Event::CallProbed { .. }
            | Event::CallCompleted { .. }
            | Event::Paused(_)
            | Event::Unpaused { .. }
            | Event::RollbackStepStarted { .. }
            | Event::RollbackStepFailed { .. }
            | Event::Ended { .. } => {}
            Event::RollbackStarted { .. } => self.ever_rolled_back = true,
        }
        self.state
            .apply(record.at, record.event.clone())
            .map_err(|why| (rules::STATE_IS_FOLD, why))
    }

    /// Where the steps that run now want to go when they are cancelled.
    fn cancel_targets(&self) -> BTreeSet<StepId> {
        let open = self.state.open.iter();
        open.filter_map(|step| self.state.plan.step(*step).on_cancel).collect()
    }

    /// The question of a call that asks for an approval, and the number of its record.
    pub(crate) fn question(&self, of: Try, call: u32) -> Option<(&approvals::Request, u64)> {
        let asked = self.state.open_calls(of)?.get(call as usize)?;
        let Request::Approvals(question) = &asked.request else {
            return None;
        };
        let key = of.idempotency_key(&self.state.id, call);
        Some((question, *self.requested.get(&key)?))
    }

    /// Whether nothing but a person or a child can make it go on.
    pub(crate) fn waits_for_others(&self, now: Timestamp) -> bool {
        let mut decision = decide::decide(&self.state, now);
        // It asked its children to end, and waits for that.
        decision.cancelling.clear();
        !rules::is_busy(&decision)
    }

    /// When time alone makes it go on; now, when it has something to do.
    pub(crate) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        if self.waits_for_others(now) {
            return decide::decide(&self.state, now).wake;
        }
        let deadlines = self
            .state
            .open_tries()
            .into_iter()
            .filter_map(|of| self.state.deadline(of));
        // What runs may hang until its time is over.
        deadlines.min().or(Some(now))
    }

    /// Whether a call of this try was approved, going by the answer.
    pub(crate) fn is_approved(call: &runwright_executor::state::Call) -> bool {
        matches!(&call.outcome, Some((Ok(Answer::Approvals(decision)), _)) if decision.approved)
    }
}
