//! Runbooks by chance: valid documents from a seed, for scenarios nobody thought of.
//!
//! Their steps are scripts of [`scripted`](crate::scripted): one line a call, so that a failing seed can be read.

use std::fmt::Write as _;

use fastrand::Rng;

/// What generated runbooks may hold. Less of everything makes a failure easier to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Knobs {
    /// How many runbooks; each may start those after it as children.
    pub runbooks: u32,
    /// Steps in one, at most.
    pub steps: u32,
    /// Lines of a step's script, at most.
    pub calls: u32,
    /// Whether anything fails.
    pub failures: bool,
    /// Whether steps wait for people.
    pub people: bool,
    /// Whether steps wait for times and probes.
    pub waits: bool,
    /// Whether steps run in loops.
    pub loops: bool,
    /// Whether it matters how long something takes: deadlines, timeouts, steps side by side that fail.
    pub races: bool,
}

impl Knobs {
    /// Everything.
    pub const ALL: Self = Self {
        runbooks: 3,
        steps: 6,
        calls: 4,
        failures: true,
        people: true,
        waits: true,
        loops: true,
        races: true,
    };

    /// What ends the same however often it is interrupted.
    pub const STEADY: Self = Self {
        races: false,
        ..Self::ALL
    };
}

/// A generated document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The runbook's name: `R0` and so on.
    pub name: String,
    /// Its YAML.
    pub text: String,
}

/// Writes the runbooks of a seed.
#[must_use]
pub fn runbooks(rng: &mut Rng, knobs: &Knobs) -> Vec<Written> {
    (0..knobs.runbooks)
        .map(|number| {
            let mut writer = Writer {
                rng: rng.fork(),
                knobs: *knobs,
                number,
                graph: false,
                readable: Vec::new(),
            };
            Written {
                name: format!("R{number}"),
                text: writer.document(),
            }
        })
        .collect()
}

struct Writer {
    rng: Rng,
    knobs: Knobs,
    number: u32,
    graph: bool,
    /// Steps with outputs that the steps after them may use.
    readable: Vec<u32>,
}

impl Writer {
    fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(0..100) < percent
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.rng.usize(0..from.len())]
    }

    fn document(&mut self) -> String {
        self.graph = self.chance(40);
        let count = self.rng.u32(1..=self.knobs.steps.max(1));
        let mut text = String::from(
            "schemaVersion: '0.3'\nparameters: {X: {type: String, default: x}}\nvariables: {V: {type: String, default: v}}\n",
        );
        if self.graph {
            let most = if self.knobs.races { self.rng.u32(1..=4) } else { 1 };
            let _ = writeln!(text, "maxConcurrency: {most}");
        }
        if self.chance(25) {
            text.push_str("onFailure: Rollback\n");
        }
        text.push_str("mainSteps:\n");
        for index in 0..count {
            let step = self.step(index, count);
            let _ = writeln!(text, "- {{name: S{index}, {step}}}");
        }
        if let Some(step) = self.readable.first() {
            let _ = writeln!(text, "outputs: [S{step}.Value]");
        }
        text
    }

    fn step(&mut self, index: u32, count: u32) -> String {
        let last = index + 1 == count;
        let mut step = if self.knobs.loops && self.chance(12) {
            self.repeat(index, count)
        } else {
            match self.plain(index, count, last) {
                Ok(plain) => return plain,
                Err(action) => action,
            }
        };
        if self.graph {
            let needs: Vec<String> = (0..index)
                .filter(|_| self.rng.u32(0..100) < 35)
                .map(|need| format!("S{need}"))
                .collect();
            let _ = write!(step, ", dependsOn: [{}]", needs.join(", "));
        }
        step
    }

    /// A step without dependencies, or an action.
    fn plain(&mut self, index: u32, count: u32, last: bool) -> Result<String, String> {
        let plain = if self.graph {
            None
        } else {
            match self.rng.u32(0..100) {
                0..8 if !last => Some(self.branch(index, count)),
                8..14 => Some(self.variable()),
                _ => None,
            }
        };
        if let Some(step) = plain {
            return Ok(step);
        }
        let mut step = self.action(index);
        self.readable.push(index);
        let forward = (!self.graph && !last).then(|| self.rng.u32(index + 1..count));
        let forward = forward.map(|to| format!("S{to}"));
        self.policies(&mut step, forward.as_deref());
        if self.jumps(&mut step, forward.as_deref()) {
            // The flow does not lead straight from these to what comes after.
            self.readable.clear();
        }
        Err(step)
    }

    /// A loop over a list or until a condition, with one to three steps.
    fn repeat(&mut self, index: u32, count: u32) -> String {
        let steps = self.rng.u32(1..=3);
        let body: Vec<String> = (0..steps).map(|at| self.inside(index, at, steps, count)).collect();
        let how = match self.rng.u32(0..3) {
            0 => "Iterators: [x, y, z], MaxIterations: 2".to_owned(),
            1 => "Iterators: ['{{ X }}', '{{ variable:V }}']".to_owned(),
            _ => format!(
                "LoopCondition: {{Variable: '{{{{ S{index}.CurrentIteration }}}}', NumericLesser: {}}}",
                self.rng.u32(1..=3)
            ),
        };
        let mut step = format!("action: 'aws:loop', inputs: {{{how}, Steps: [{}]}}", body.join(", "));
        if self.knobs.races && self.chance(15) {
            let _ = write!(step, ", timeoutSeconds: {}", self.pick(&[1, 10, 100]));
        }
        if self.chance(20) {
            step.push_str(", onFailure: Continue");
        }
        step
    }

    /// A step of a loop: some lead out of it.
    fn inside(&mut self, index: u32, at: u32, steps: u32, count: u32) -> String {
        let out = (!self.graph && index + 1 < count).then(|| self.rng.u32(index + 1..count));
        let out = out.map(|to| format!("S{to}"));
        let next = (at + 1 < steps).then(|| format!("S{index}B{}", self.rng.u32(at + 1..steps)));
        let to = if self.chance(50) { out.clone() } else { next.clone() };
        let name = format!("name: S{index}B{at}");
        let when = format!("Variable: '{{{{ S{index}.CurrentIteration }}}}', NumericEquals: 2");
        let branch = |to: &str, more: &str| {
            format!("{{{name}, action: 'aws:branch', inputs: {{Choices: [{{NextStep: {to}, {when}}}]}}{more}}}")
        };
        if let Some(out) = out.filter(|_| self.chance(15)) {
            return branch(&out, "");
        }
        if at + 1 < steps && self.chance(15) {
            return branch(&format!("S{index}B{}", at + 1), ", isEnd: true");
        }
        if self.chance(10) {
            return format!("{{{name}, {}}}", self.variable());
        }
        let mut step = self.action(index * 100 + 50 + at);
        self.policies(&mut step, to.as_deref());
        if next.is_none() && self.chance(10) {
            step.push_str(", isEnd: true");
        }
        format!("{{{name}, {step}}}")
    }

    /// Forward, or back to a step that counts its rounds.
    fn branch(&mut self, index: u32, count: u32) -> String {
        let back = !self.readable.is_empty() && self.chance(60);
        let (target, condition) = if back {
            let target = self.rng.usize(0..self.readable.len());
            let target = self.readable[target];
            (
                target,
                format!("Variable: '{{{{ S{target}.Round }}}}', NumericLesser: 3"),
            )
        } else {
            let target = self.rng.u32(index + 1..count);
            (target, "Variable: '{{ X }}', StringEquals: x".to_owned())
        };
        format!("action: 'aws:branch', inputs: {{Choices: [{{NextStep: S{target}, {condition}}}]}}")
    }

    fn variable(&mut self) -> String {
        let value = self.value();
        format!("action: 'aws:updateVariable', inputs: {{Name: 'variable:V', Value: '{value}'}}")
    }

    fn value(&mut self) -> String {
        match self.rng.u32(0..4) {
            0 => "{{ X }}".to_owned(),
            1 => "{{ variable:V }}".to_owned(),
            2 if !self.graph && !self.readable.is_empty() => {
                let from = self.rng.usize(0..self.readable.len());
                format!("{{{{ S{}.Value }}}}", self.readable[from])
            }
            _ => "text".to_owned(),
        }
    }

    fn action(&mut self, index: u32) -> String {
        let undoable = self.chance(75);
        let lines: Vec<String> = (0..self.rng.u32(0..=self.knobs.calls))
            .map(|line| format!("'{}'", self.line(index, line)))
            .collect();
        let value = self.value();
        let action = if undoable { "sim:do" } else { "sim:plain" };
        format!(
            "action: '{action}', inputs: {{Do: [{}], With: '{value}'}}",
            lines.join(", ")
        )
    }

    fn line(&mut self, step: u32, line: u32) -> String {
        let name = format!(
            "{}{step}{line}",
            (b'a' + u8::try_from(self.number).unwrap_or(0)) as char
        );
        let Knobs {
            failures,
            people,
            waits,
            races,
            runbooks,
            ..
        } = self.knobs;
        match self.rng.u32(0..100) {
            0..10 => format!("write {name}"),
            10..18 => format!("post {name}"),
            18..26 => format!("stat {name}"),
            26..38 if waits => format!("sleep {}", self.pick(&[0, 5, 50, 400, 1_500, 90_000, 86_400_000])),
            38..42 if waits => format!("until {}", self.pick(&[-1_000, 0, 20, 3_000, 3_600_000])),
            42..46 if waits => format!("probe {name}"),
            46..54 if people => {
                let quorum = self.rng.u32(1..=2);
                let who = self.pick(&["*", "kim,lee", "lee,max,kim"]);
                let deadline = if races {
                    self.pick(&["-", "-", "700", "60000"])
                } else {
                    "-"
                };
                format!("ask {quorum} {who} {deadline}")
            }
            54..58 if people => {
                let deadline = if races { self.pick(&["-", "900"]) } else { "-" };
                format!("signal {} {deadline}", self.pick(&["Go", "Resume"]))
            }
            58..66 if self.number + 1 < runbooks => {
                format!("child R{} {name}", self.rng.u32(self.number + 1..runbooks))
            }
            66..74 if failures => {
                let kind = self.pick(&["failed", "throttled", "rejected", "uncertain", "plugin", "denied"]);
                format!("fail {kind} {}", self.rng.u32(1..=4))
            }
            74..77 if failures => format!("run false-{name}"),
            77..80 if races => format!("run hang-{name}"),
            _ => format!("run {name}"),
        }
    }

    fn policies(&mut self, step: &mut String, forward: Option<&str>) {
        let hangs = step.contains("run hang-");
        if hangs || (self.knobs.races && self.chance(20)) {
            let _ = write!(step, ", timeoutSeconds: {}", self.pick(&[1, 2, 10, 100]));
        }
        if self.knobs.failures && self.chance(35) {
            let backoff = self.pick(&["10ms", "300ms", "2s", "60s"]);
            let jitter = self.rng.bool();
            let attempts = self.rng.u32(2..=4);
            let _ = write!(
                step,
                ", retry: {{maxAttempts: {attempts}, backoff: {backoff}, jitter: {jitter}}}"
            );
        }
        // Steps side by side, and one that ends the whole: who was quicker would decide.
        let calm_graph = self.graph && !self.knobs.races;
        match (self.rng.u32(0..100), forward) {
            (0..20, _) => step.push_str(", onFailure: Continue"),
            (20..38, _) if !calm_graph => step.push_str(", onFailure: Rollback"),
            (38..48, Some(target)) => {
                let _ = write!(step, ", onFailure: 'step:{target}'");
            }
            _ => {}
        }
        if self.chance(12) {
            let _ = write!(step, ", isCritical: {}", self.rng.bool());
        }
        if self.chance(8) {
            step.push_str(", rollback: none");
        } else if step.contains("sim:do") && self.chance(6) {
            step.push_str(", rollback: {With: '{{ X }}'}");
        }
        if self.chance(8) {
            step.push_str(", when: {Variable: '{{ X }}', StringEquals: x}");
        }
        if let Some(target) = forward.filter(|_| self.chance(25)) {
            let _ = write!(step, ", onCancel: 'step:{target}'");
        }
    }

    /// Whether the flow was led elsewhere than to the following step.
    fn jumps(&mut self, step: &mut String, forward: Option<&str>) -> bool {
        let Some(target) = forward else { return false };
        if self.chance(4) {
            step.push_str(", isEnd: true");
        } else if self.chance(6) {
            let _ = write!(step, ", nextStep: {target}");
        } else {
            return false;
        }
        true
    }
}
