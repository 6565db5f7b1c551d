//! Reads everything, and says what does not fit.

use ::sled::IVec;
use runwright_model::{id::ExecutionId, log::LogLine, time::Timestamp};

use super::{SledStore, head_words, journal_words, keys, layers::Layers, prefixed};
use crate::{Error, Head, Result, codec};

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Executions that have a row.
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
    /// The journal that is being walked: its execution, and the number that comes next.
    journal: Option<(ExecutionId, u64)>,
}

impl Check<'_> {
    fn cell(&mut self, key: &IVec, cell: &IVec) -> Result<()> {
        match key[0] {
            keys::PARTS => self.part(key),
            keys::HEADS => self.head(key, cell),
            keys::RECORDS => self.record(key, cell),
            keys::LOGS => self.log(key, cell),
            keys::LOG_LENGTHS => self.log_length(key, cell),
            keys::VALUES => self.value(key, cell),
            keys::WAKES => self.wake(key),
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

    fn head(&mut self, key: &IVec, cell: &IVec) -> Result<()> {
        self.report.executions += 1;
        let Some(execution) = self.execution(keys::parse_execution(key), key) else {
            return Ok(());
        };
        let what = || head_words(&execution);
        let Some(head) = self.decoded(key, cell, &what, |frame| codec::decode_head(frame, &what))? else {
            return Ok(());
        };
        if let Some(last) = head.length.checked_sub(1)
            && self
                .layers()
                .get(&keys::numbered(keys::RECORDS, &execution, last))?
                .is_none()
        {
            self.find(
                journal_words(&execution),
                format!("its row counts {} records, and record {last} is missing", head.length),
            );
        }
        if let Some(wake) = head.wake
            && self.layers().get(&keys::wake(wake, &execution))?.is_none()
        {
            self.find(
                what(),
                format!("it wants to be woken at {wake}, and the wake-up index does not know it"),
            );
        }
        Ok(())
    }

    fn record(&mut self, key: &IVec, cell: &IVec) -> Result<()> {
        self.report.records += 1;
        let Some((execution, number)) = self.execution(keys::parse_numbered(key), key) else {
            return Ok(());
        };
        if self.journal.as_ref().is_none_or(|(current, _)| *current != execution) {
            self.end_journal()?;
            self.journal = Some((execution.clone(), 0));
        }
        let next = self
            .journal
            .as_mut()
            .map_or(0, |(_, next)| std::mem::replace(next, number.saturating_add(1)));
        if number != next {
            self.find(
                journal_words(&execution),
                format!("records {next} to {} are missing", number.saturating_sub(1)),
            );
        }
        let what = || format!("record {number} of execution {execution}");
        let record = self.decoded(key, cell, &what, |frame| codec::decode_record(frame, &what))?;
        if let Some(record) = record
            && record.sequence != number
        {
            self.find(what(), format!("it says that it is record {}", record.sequence));
        }
        Ok(())
    }

    /// Compares the journal just walked with its row.
    fn end_journal(&mut self) -> Result<()> {
        let Some((execution, length)) = self.journal.take() else {
            return Ok(());
        };
        let head_key = keys::of_execution(keys::HEADS, &execution);
        let removed = self
            .layers()
            .get(&keys::of_execution(keys::REMOVALS, &execution))?
            .is_some();
        match self.row(&head_key, &execution)? {
            Row::Missing if !removed => {
                self.find(journal_words(&execution), format!("it has {length} records and no row"));
            }
            Row::Sound(head) if head.length != length => {
                self.find(
                    journal_words(&execution),
                    format!("it has {length} records, and its row counts {}", head.length),
                );
            }
            Row::Missing | Row::Sound(_) | Row::Damaged => {}
        }
        Ok(())
    }

    fn log(&mut self, key: &IVec, cell: &IVec) -> Result<()> {
        let Some((execution, first)) = self.execution(keys::parse_numbered(key), key) else {
            return Ok(());
        };
        let what = || format!("lines {first} and later of the log of execution {execution}");
        let lines: Option<Vec<LogLine>> = self.decoded(key, cell, &what, |frame| codec::decode(frame, &what))?;
        self.report.log_lines += lines.map_or(0, |lines| lines.len() as u64);
        Ok(())
    }

    fn log_length(&mut self, key: &IVec, cell: &IVec) -> Result<()> {
        let Some(execution) = self.execution(keys::parse_execution(key), key) else {
            return Ok(());
        };
        let what = || format!("the length of the log of execution {execution}");
        self.decoded::<u64>(key, cell, &what, |frame| codec::decode(frame, &what))
            .map(|_length| ())
    }

    fn value(&mut self, key: &IVec, cell: &IVec) -> Result<()> {
        self.report.values += 1;
        let what = || format!("the value at `{}`", key.escape_ascii());
        self.decoded(key, cell, &what, |frame| codec::unframe(frame, &what).map(|_value| ()))
            .map(|_value| ())
    }

    fn wake(&mut self, key: &IVec) -> Result<()> {
        self.report.wakes += 1;
        let Some((at, execution)) = self.execution(keys::parse_wake(key), key) else {
            return Ok(());
        };
        let head_key = keys::of_execution(keys::HEADS, &execution);
        let wanted: Option<Timestamp> = match self.row(&head_key, &execution)? {
            Row::Sound(head) => head.wake,
            Row::Missing => None,
            Row::Damaged => return Ok(()),
        };
        if wanted != Some(at) {
            self.find(
                format!("the wake-up of execution {execution} at {at}"),
                "its row does not ask for it".to_owned(),
            );
        }
        Ok(())
    }

    fn fact(&mut self, key: &IVec, cell: &IVec) -> Result<()> {
        let what = || format!("the fact `{}`", key.escape_ascii());
        self.decoded(key, cell, &what, |frame| codec::unframe(frame, &what).map(|_fact| ()))
            .map(|_fact| ())
    }

    fn row(&self, head_key: &[u8], execution: &ExecutionId) -> Result<Row> {
        let what = || head_words(execution);
        let frame = match self.store.load(head_key, &what) {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ok(Row::Missing),
            Err(Error::Damaged { .. }) => return Ok(Row::Damaged),
            Err(error) => return Err(error),
        };
        Ok(codec::decode_head(&frame, &what).map_or(Row::Damaged, Row::Sound))
    }

    /// What a cell holds; damage becomes a finding.
    fn decoded<T>(
        &mut self,
        key: &IVec,
        cell: &IVec,
        what: &dyn Fn() -> String,
        decode: impl Fn(&[u8]) -> Result<T>,
    ) -> Result<Option<T>> {
        let frame = super::draft::load(cell, key, &|part| self.layers().get(part), what);
        match frame.and_then(|frame| decode(&frame)) {
            Ok(value) => Ok(Some(value)),
            Err(Error::Damaged { what, why }) => {
                self.find(what, why);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn execution<T>(&mut self, parsed: Option<T>, key: &IVec) -> Option<T> {
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

/// What a row is like; a damaged one has its own finding.
enum Row {
    Missing,
    Damaged,
    Sound(Head),
}
