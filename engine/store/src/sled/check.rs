//! Reads everything, and says what does not fit.

use ::sled::IVec;
use runwright_model::{id::ExecutionId, log::LogLine, status::Status, time::Timestamp};

use super::{
    SledStore,
    entries::{self, Entry},
    keys,
    layers::Layers,
    prefixed,
};
use crate::{Error, Head, Result, codec};

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Executions that have a journal.
    pub executions: u64,
    /// Records of all journals.
    pub records: u64,
    /// Lines of all logs.
    pub log_lines: u64,
    /// Values of all tables.
    pub values: u64,
    /// Wake-ups.
    pub wakes: u64,
    /// Bytes of all keys and values, without what the database adds.
    pub bytes: u64,
    /// What does not fit, in the order of the walk; a sound store has none.
    pub findings: Vec<Finding>,
}

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub what: String,
    /// What is wrong with it.
    pub why: String,
}

/// Cells read while the layers are locked.
const CELLS_AT_ONCE: usize = 1024;

impl SledStore {
    /// Reads every cell, and compares checksums, numbers of records, rows and indexes. Changes nothing. Meant
    /// for a store that nobody writes to meanwhile: what changes during the check may be found as a finding.
    ///
    /// Blocks for as long as it takes to read all of the store.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] or [`Error::Backend`] when the database itself cannot be read on; what it
    /// reads, however damaged, is a [`Finding`].
    pub fn check(&self) -> Result<Report> {
        let mut check = Check {
            store: self,
            report: Report::default(),
            journal: None,
        };
        let mut range = prefixed(Vec::new());
        loop {
            let cells = self.core().layers().cells(&range, false, CELLS_AT_ONCE)?;
            let Some((last, _)) = cells.last() else { break };
            range.0 = std::ops::Bound::Excluded(last.to_vec());
            for (key, cell) in &cells {
                check.report.bytes += (key.len() + cell.len()) as u64;
                check.cell(key, cell)?;
            }
        }
        check.end_journal()?;
        Ok(check.report)
    }
}

struct Check<'a> {
    store: &'a SledStore,
    report: Report,
    journal: Option<Journal>,
}

impl Check<'_> {
    fn cell(&mut self, key: &IVec, cell: &IVec) -> Result<()> {
        match key[0] {
            keys::PARTS => self.part(key),
            keys::ENTRIES => self.entry(key, cell),
            keys::LOGS => self.log(key, cell),
            keys::LOG_LENGTHS => self.log_length(key, cell),
            keys::VALUES => self.value(key, cell),
            keys::WAKES => self.wake(key),
            keys::STATUSES => self.status(key),
            keys::FACTS => self.fact(key, cell),
            // Only what an interrupted removal left, which the next opening ends.
            keys::REMOVALS => Ok(()),
            kind => {
                self.find(
                    format!("key `{}`", key.escape_ascii()),
                    format!("no kind of key begins with byte {kind}"),
                );
                Ok(())
            }
        }
    }

    fn part(&mut self, key: &IVec) -> Result<()> {
        let what = || format!("part `{}`", key.escape_ascii());
        match keys::parse_part(key) {
            None => self.find(what(), "its key cannot be read".to_owned()),
            Some((whole, number)) => {
                let owner = self.layers().get(whole)?;
                if owner.is_none_or(|cell| super::draft::part_count(&cell) <= number) {
                    self.find(what(), "no value has this part".to_owned());
                }
            }
        }
        Ok(())
    }

    fn entry(&mut self, key: &IVec, cell: &IVec) -> Result<()> {
        let Some((execution, number)) = self.parsed(keys::parse_numbered(key), key) else {
            return Ok(());
        };
        if self
            .journal
            .as_ref()
            .is_none_or(|journal| journal.execution != execution)
        {
            self.end_journal()?;
            self.report.executions += 1;
            self.journal = Some(Journal {
                execution: execution.clone(),
                next: Some(0),
                wake: None,
                status: None,
            });
        }
        let what = || format!("entry {number} of the journal of execution {execution}");
        let found = self.decoded(key, cell, &what, |joined| {
            let entry = Entry::new(number, joined);
            Ok((entry.head(&execution)?, entry.records(&execution, number)?.len() as u64))
        })?;
        let next = self.journal.as_ref().and_then(|journal| journal.next);
        if let Some(missing) = next.filter(|next| *next != number) {
            let why = format!("records {missing} to {} are missing", number.saturating_sub(1));
            self.find(journal_words(&execution), why);
        }
        // After a damaged entry nobody knows which number comes next.
        self.report.records += found.as_ref().map_or(0, |(_, records)| *records);
        let head = found.map(|(head, _)| head);
        self.journal = Some(Journal {
            execution,
            next: head.as_ref().map(|head| head.length),
            wake: head.as_ref().and_then(|head| head.wake),
            status: head.map(|head| head.summary.status),
        });
        Ok(())
    }

    /// Compares the journal just walked with the indexes.
    fn end_journal(&mut self) -> Result<()> {
        let Some(Journal {
            execution,
            wake,
            status,
            ..
        }) = self.journal.take()
        else {
            return Ok(());
        };
        if let Some(status) = status
            && !self.layers().is_removing(&execution)
            && self.layers().get(&keys::status(status, &execution))?.is_none()
        {
            let why = format!("it stands at {status}, and the index of statuses does not know it");
            self.find(journal_words(&execution), why);
        }
        if let Some(wake) = wake
            && self.layers().get(&keys::wake(wake, &execution))?.is_none()
        {
            let why = format!("it wants to be woken at {wake}, and the wake-up index does not know it");
            self.find(journal_words(&execution), why);
        }
        Ok(())
    }

    fn log(&mut self, key: &IVec, cell: &IVec) -> Result<()> {
        let Some((execution, first)) = self.parsed(keys::parse_numbered(key), key) else {
            return Ok(());
        };
        let what = || format!("lines {first} and later of the log of execution {execution}");
        let lines: Option<Vec<LogLine>> = self.decoded(key, cell, &what, |frame| codec::decode(&frame, &what))?;
        self.report.log_lines += lines.map_or(0, |lines| lines.len() as u64);
        Ok(())
    }

    fn log_length(&mut self, key: &IVec, cell: &IVec) -> Result<()> {
        let Some(execution) = self.parsed(keys::parse_execution(key), key) else {
            return Ok(());
        };
        let what = || format!("the length of the log of execution {execution}");
        self.decoded::<u64>(key, cell, &what, |frame| codec::decode(&frame, &what))
            .map(|_length| ())
    }

    fn value(&mut self, key: &IVec, cell: &IVec) -> Result<()> {
        self.report.values += 1;
        let what = || format!("the value at `{}`", key.escape_ascii());
        self.decoded(key, cell, &what, |frame| codec::unframe(&frame, &what).map(|_value| ()))
            .map(|_value| ())
    }

    fn wake(&mut self, key: &IVec) -> Result<()> {
        self.report.wakes += 1;
        let Some((at, execution)) = self.parsed(keys::parse_wake(key), key) else {
            return Ok(());
        };
        if self
            .last_head(&execution)?
            .is_some_and(|head| head.and_then(|head| head.wake) != Some(at))
        {
            let why = "the last entry of its journal does not ask for it".to_owned();
            self.find(format!("the wake-up of execution {execution} at {at}"), why);
        }
        Ok(())
    }

    fn status(&mut self, key: &IVec) -> Result<()> {
        let Some((status, execution)) = self.parsed(keys::parse_status(key), key) else {
            return Ok(());
        };
        if self
            .last_head(&execution)?
            .is_some_and(|head| head.map(|head| head.summary.status) != Some(status))
        {
            let why = "the last entry of its journal does not say so".to_owned();
            self.find(
                format!("the index of statuses, where execution {execution} stands at {status}"),
                why,
            );
        }
        Ok(())
    }

    /// The row of a journal, if there is a journal; `None` when it cannot be read, which has its own finding.
    fn last_head(&self, execution: &ExecutionId) -> Result<Option<Option<Head>>> {
        let last = entries::last(&self.layers(), execution);
        match last.and_then(|entry| entry.map(|entry| entry.head(execution)).transpose()) {
            Ok(head) => Ok(Some(head)),
            Err(Error::Damaged { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn fact(&mut self, key: &IVec, cell: &IVec) -> Result<()> {
        let what = || format!("the fact `{}`", key.escape_ascii());
        self.decoded(key, cell, &what, |frame| codec::unframe(&frame, &what).map(|_fact| ()))
            .map(|_fact| ())
    }

    /// What a cell holds; damage becomes a finding.
    fn decoded<T>(
        &mut self,
        key: &IVec,
        cell: &IVec,
        what: &dyn Fn() -> String,
        decode: impl Fn(IVec) -> Result<T>,
    ) -> Result<Option<T>> {
        let frame = super::draft::load(cell, key, &|part| self.layers().get(part), what);
        match frame.and_then(decode) {
            Ok(value) => Ok(Some(value)),
            Err(Error::Damaged { what, why }) => {
                self.find(what, why);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn parsed<T>(&mut self, parsed: Option<T>, key: &IVec) -> Option<T> {
        if parsed.is_none() {
            self.find(format!("key `{}`", key.escape_ascii()), "it cannot be read".to_owned());
        }
        parsed
    }

    fn layers(&self) -> std::sync::RwLockReadGuard<'_, Layers> {
        self.store.core().layers()
    }

    fn find(&mut self, what: String, why: String) {
        self.report.findings.push(Finding { what, why });
    }
}

/// The journal that is being walked.
struct Journal {
    execution: ExecutionId,
    /// The number of its next record, when the entry before could be read.
    next: Option<u64>,
    /// The wake-up of its last entry.
    wake: Option<Timestamp>,
    /// The status of its last entry.
    status: Option<Status>,
}

/// How findings name the journal of an execution.
fn journal_words(execution: &ExecutionId) -> String {
    format!("the journal of execution {execution}")
}
