//! A store as one stream of bytes: to keep it elsewhere, to move it, to change the backend.
//!
//! ```text
//! item      4 bytes length (little-endian), then a frame (`codec`): version, CRC-32, MessagePack with names
//! stream    Header, Value…, (Execution, Log…)…, End
//! End       counts the items before it and holds the SHA-256 of all bytes before it
//! ```
//!
//! The order is that of tables and keys, then of executions, newest id first: two stores with the same contents
//! give the same bytes, whatever their backends. What lies encrypted in the store is copied as it lies. The
//! store's key is not in the stream: keep it apart, and put it into the new state directory first.
//!
//! An import merges: what is there already must be the same, and what is not there is added, each execution
//! whole or not at all. So an import that was interrupted is simply begun again.

use std::io::{Read, Write};

use runwright_model::{bytes::Bytes, event::Record, id::ExecutionId, log::LogLine, summary::Summary, time::Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Append, Durability, Error, Expect, Page, Result, Store, Table, codec};

/// The version of streams that this program writes, and the latest that it reads.
pub const VERSION: u32 = 1;

/// Log lines in one item.
const LINES_AT_ONCE: usize = 1_000;
/// Executions, or values, that are listed at once.
const LISTED_AT_ONCE: usize = 256;

/// What a stream holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// The name of the key that values are encrypted under, as the exporter gave it.
    pub key: Option<String>,
    /// Values of tables.
    pub values: u64,
    /// Executions.
    pub executions: u64,
    /// Records of their journals.
    pub records: u64,
    /// Lines of their logs.
    pub log_lines: u64,
    /// Of values and executions, how many an import found there already.
    pub there: u64,
    /// Bytes of the stream.
    pub bytes: u64,
}

/// One item of a stream. Part of the format: fields may be added, never changed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Item {
    Header {
        version: u32,
        key: Option<String>,
    },
    Value {
        table: String,
        key: Bytes,
        value: Bytes,
    },
    Execution {
        id: ExecutionId,
        summary: Summary,
        wake: Option<Timestamp>,
        records: Vec<Record>,
    },
    Log {
        id: ExecutionId,
        first: u64,
        lines: Vec<LogLine>,
    },
    End {
        items: u64,
        sha256: Bytes,
    },
}

/// Writes everything in a store. Nothing may write to the store meanwhile. `key` names the key that values are
/// encrypted under, for whoever imports them.
///
/// # Errors
///
/// Those of the store; [`Error::Stream`] when the bytes cannot be written.
pub async fn export(store: &dyn Store, key: Option<String>, out: &mut (dyn Write + Send)) -> Result<Contents> {
    let mut out = Writer {
        out,
        items: 0,
        digest: Sha256::new(),
        contents: Contents {
            key: key.clone(),
            ..Contents::default()
        },
    };
    out.item(&Item::Header { version: VERSION, key })?;
    for table in Table::ALL {
        export_table(store, table, &mut out).await?;
    }
    let mut before = None;
    loop {
        let page = Page {
            before,
            most: LISTED_AT_ONCE,
            ..Page::default()
        };
        let rows = store.list(page).await?;
        let Some((last, _)) = rows.last() else { break };
        before = Some(last.clone());
        for (id, head) in rows {
            let records = store.read(&id, 0).await?;
            out.contents.executions += 1;
            out.contents.records += records.len() as u64;
            out.item(&Item::Execution {
                id: id.clone(),
                summary: head.summary,
                wake: head.wake,
                records,
            })?;
            export_log(store, &id, &mut out).await?;
        }
    }
    out.end()
}

async fn export_table(store: &dyn Store, table: Table, out: &mut Writer<'_>) -> Result<()> {
    let mut after: Option<Vec<u8>> = None;
    loop {
        let keys = store.sizes(table, after.as_deref(), LISTED_AT_ONCE).await?;
        let Some((last, _)) = keys.last() else { return Ok(()) };
        after = Some(last.clone());
        for (key, _) in keys {
            if let Some(value) = store.get(table, &key).await? {
                out.contents.values += 1;
                out.item(&Item::Value {
                    table: table.as_str().to_owned(),
                    key: key.into(),
                    value: value.into(),
                })?;
            }
        }
    }
}

async fn export_log(store: &dyn Store, id: &ExecutionId, out: &mut Writer<'_>) -> Result<()> {
    let mut from = 0;
    loop {
        let lines = store.read_log(id, from, LINES_AT_ONCE).await?;
        let Some((last, _)) = lines.last() else { return Ok(()) };
        let (first, next) = (lines[0].0, last + 1);
        out.contents.log_lines += lines.len() as u64;
        out.item(&Item::Log {
            id: id.clone(),
            first,
            lines: lines.into_iter().map(|(_, line)| line).collect(),
        })?;
        from = next;
    }
}

/// Reads a stream to its end and answers what it holds, without a store.
///
/// # Errors
///
/// [`Error::Stream`] where it is damaged, torn, or of a later version.
pub fn verify(input: &mut dyn Read) -> Result<Contents> {
    let mut input = Reader::begin(input)?;
    while input.next()?.is_some() {}
    Ok(input.contents)
}

/// Adds what a stream holds to a store, and claims the store for it. What was read before an error stays, whole;
/// the same import can be begun again.
///
/// # Errors
///
/// As [`verify`]; [`Error::Differs`] when the store has something else at the same place, which stays as it is;
/// those of the store.
pub async fn import(store: &dyn Store, input: &mut (dyn Read + Send)) -> Result<Contents> {
    let epoch = store.claim().await?;
    let mut input = Reader::begin(input)?;
    while let Some(item) = input.next()? {
        let was_there = match item {
            Item::Value { table, key, value } => import_value(store, &table, key, value).await?,
            Item::Execution {
                id,
                summary,
                wake,
                records,
            } => {
                let append = Append {
                    execution: id,
                    expected: 0,
                    epoch,
                    records: records.into(),
                    summary,
                    wake,
                    durability: Durability::Buffered,
                };
                import_execution(store, append).await?
            }
            Item::Log { id, first, lines } => {
                import_log(store, &id, first, lines).await?;
                false
            }
            Item::Header { .. } | Item::End { .. } => false,
        };
        input.contents.there += u64::from(was_there);
    }
    store.sync().await?;
    Ok(input.contents)
}

async fn import_value(store: &dyn Store, table: &str, key: Bytes, value: Bytes) -> Result<bool> {
    let known = Table::ALL.into_iter().find(|known| known.as_str() == table);
    let known = known.ok_or_else(|| Error::Stream {
        byte: 0,
        why: format!("it holds a table `{table}`, which this version of runwright does not know"),
    })?;
    let is_same = store.get(known, &key.0).await?.map(|there| there == value.0);
    match is_same {
        Some(true) => Ok(true),
        Some(false) => Err(Error::Differs {
            what: format!("the value `{}` in table {table}", key.0.escape_ascii()),
        }),
        None => store
            .put(known, &key.0, value.0, Expect::Absent)
            .await
            .map(|_put| false),
    }
}

async fn import_execution(store: &dyn Store, append: Append) -> Result<bool> {
    let Some(head) = store.head(&append.execution).await? else {
        store.append(append).await?;
        return Ok(false);
    };
    let is_same = head.summary == append.summary
        && head.wake == append.wake
        && store.read(&append.execution, 0).await? == *append.records;
    if is_same {
        Ok(true)
    } else {
        Err(Error::Differs {
            what: format!("execution {}", append.execution),
        })
    }
}

/// Adds the lines that are not there yet; those that are must be the same, and no line may be missing before them.
async fn import_log(store: &dyn Store, id: &ExecutionId, first: u64, lines: Vec<LogLine>) -> Result<()> {
    let is_behind_a_gap = match first.checked_sub(1) {
        Some(before) => store.read_log(id, before, 1).await?.is_empty(),
        None => false,
    };
    if is_behind_a_gap || store.head(id).await?.is_none() {
        let why = format!("the log of execution {id} from line {first} stands without what comes before it");
        return Err(stream(0, why));
    }
    let there = store.read_log(id, first, lines.len()).await?;
    let is_same = (first..)
        .zip(&lines)
        .zip(&there)
        .all(|((number, line), (number_there, line_there))| number == *number_there && line == line_there);
    if !is_same {
        return Err(Error::Differs {
            what: format!("the log of execution {id}"),
        });
    }
    store
        .append_log(id, lines.into_iter().skip(there.len()).collect())
        .await
}

struct Writer<'a> {
    out: &'a mut (dyn Write + Send),
    items: u64,
    digest: Sha256,
    contents: Contents,
}

impl Writer<'_> {
    fn item(&mut self, item: &Item) -> Result<()> {
        let frame = codec::encode(item)?;
        let length = u32::try_from(frame.len()).map_err(|_| Error::TooLarge {
            what: "an item of an export".to_owned(),
            which: "ITEM_BYTES_MAX",
            limit: u32::MAX as usize,
            used: frame.len(),
        })?;
        self.write(&length.to_le_bytes())?;
        self.write(&frame)?;
        self.items += 1;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.digest.update(bytes);
        let written = self.out.write_all(bytes);
        written.map_err(|error| stream(self.contents.bytes, format!("it cannot be written: {error}")))?;
        self.contents.bytes += bytes.len() as u64;
        Ok(())
    }

    fn end(mut self) -> Result<Contents> {
        let end = Item::End {
            items: self.items,
            sha256: self.digest.clone().finalize().to_vec().into(),
        };
        self.item(&end)?;
        let flushed = self.out.flush();
        flushed.map_err(|error| stream(self.contents.bytes, format!("it cannot be written: {error}")))?;
        Ok(self.contents)
    }
}

struct Reader<'a> {
    input: &'a mut dyn Read,
    items: u64,
    digest: Sha256,
    contents: Contents,
}

impl<'a> Reader<'a> {
    /// Reads the header.
    fn begin(input: &'a mut dyn Read) -> Result<Self> {
        let mut reader = Self {
            input,
            items: 0,
            digest: Sha256::new(),
            contents: Contents::default(),
        };
        let (item, _) = reader.read()?;
        match item {
            Item::Header { version, key } if version <= VERSION => {
                reader.contents.key = key;
                Ok(reader)
            }
            Item::Header { version, .. } => Err(stream(
                0,
                format!("it has format {version}, and this version of runwright knows formats up to {VERSION}"),
            )),
            Item::Value { .. } | Item::Execution { .. } | Item::Log { .. } | Item::End { .. } => {
                Err(stream(0, "it does not begin with a header".to_owned()))
            }
        }
    }

    /// The next item; `None` at the end, which was compared with what was read.
    fn next(&mut self) -> Result<Option<Item>> {
        let at = self.contents.bytes;
        let items = self.items;
        let (item, before) = self.read()?;
        match &item {
            Item::Header { .. } => return Err(stream(at, "a second header is in it".to_owned())),
            Item::Value { .. } => self.contents.values += 1,
            Item::Execution { records, .. } => {
                self.contents.executions += 1;
                self.contents.records += records.len() as u64;
            }
            Item::Log { lines, .. } => self.contents.log_lines += lines.len() as u64,
            Item::End { items: told, sha256 } => {
                if *told != items || sha256.0 != before.finalize().as_slice() {
                    return Err(stream(
                        at,
                        "its end counts other items than there were, or its checksum does not fit".to_owned(),
                    ));
                }
                if self.input.read(&mut [0]).map_err(|error| unreadable(at, &error))? != 0 {
                    return Err(stream(self.contents.bytes, "something follows its end".to_owned()));
                }
                return Ok(None);
            }
        }
        Ok(Some(item))
    }

    /// An item, with the digest of all bytes before it.
    fn read(&mut self) -> Result<(Item, Sha256)> {
        let at = self.contents.bytes;
        let mut length = Vec::new();
        self.fill(4, &mut length)?;
        let length = u32::from_le_bytes(length.as_slice().try_into().expect("four bytes were read"));
        let mut frame = Vec::new();
        self.fill(u64::from(length), &mut frame)?;
        let item = codec::decode(&frame, &|| "an item".to_owned()).map_err(|error| match error {
            Error::Damaged { why, .. } => stream(at, why),
            other => other,
        })?;
        let before = self.digest.clone();
        self.digest.update(length.to_le_bytes());
        self.digest.update(&frame);
        self.contents.bytes += 4 + u64::from(length);
        self.items += 1;
        Ok((item, before))
    }

    /// Reads so many bytes. What a damaged length asks for is not allocated before it is there.
    fn fill(&mut self, bytes: u64, into: &mut Vec<u8>) -> Result<()> {
        let at = self.contents.bytes;
        let read = self.input.take(bytes).read_to_end(into);
        let read = read.map_err(|error| unreadable(at, &error))?;
        if read as u64 == bytes {
            Ok(())
        } else {
            Err(stream(
                at,
                "it is torn: the item that begins here does not end".to_owned(),
            ))
        }
    }
}

fn stream(byte: u64, why: String) -> Error {
    Error::Stream { byte, why }
}

fn unreadable(at: u64, error: &std::io::Error) -> Error {
    stream(at, format!("it cannot be read: {error}"))
}
