//! The executor's limits. Each is checked before the append.

/// How often one step may be visited.
pub const VISITS_MAX: u32 = 1_000;
/// How many Command documents deep one may run others (the node agent's limit).
pub const DOCUMENTS_MAX: u32 = 3;
/// How many capability calls one attempt may make.
pub const CALLS_MAX: u32 = 10_000;
/// Bytes of one capability call, and of its answer, as JSON: a record of the journal holds them.
pub const CALL_BYTES_MAX: u64 = 12 * 1024 * 1024;
/// Blobs up to so many bytes are journalled with the call that keeps them, larger ones by their name.
pub const BLOB_JOURNALLED_BYTES_MAX: usize = 1024 * 1024;
/// How much of a request a failure shows, in bytes.
pub const SHOWN_BYTES_MAX: usize = 2 * 1024;
/// How long the flow after a cancel may take, in milliseconds (SSM Automation: two minutes).
pub const ON_CANCEL_MS_MAX: u64 = 120_000;
/// How long a cancelled step waits for the effect it has begun to end, in milliseconds. Backends ask, and end it
/// themselves after a grace time that is shorter.
pub const CANCEL_GRACE_MS_MAX: u64 = 30_000;
/// How long a closing engine waits for effects that cannot be found again, in milliseconds.
pub const DRAIN_MS_MAX: u64 = 3_000;
/// How often a child that is held with its parent looks whether that is still so, in milliseconds.
pub const HELD_LOOK_MS: u64 = 600_000;
/// How often an append is tried again while the disk is full, in milliseconds.
pub const FULL_RETRY_MS: u64 = 1_000;
/// How many attempts a rollback has when the step does not say.
pub const ROLLBACK_ATTEMPTS: u32 = 3;
/// The pause before a rollback's second attempt when the step does not say, in milliseconds.
pub const ROLLBACK_BACKOFF_MS: u64 = 500;
/// Waits shorter than this keep the execution in memory, in milliseconds.
pub const RESIDENT_WAIT_MS_MAX: u64 = 1_000;
/// How long one probe may take, in milliseconds.
pub const PROBE_MS_MAX: u64 = 10_000;
/// How long records that need not be durable yet wait in memory for others, so that they go to the store together, in
/// milliseconds.
pub const LINGER_MS: u64 = 5;
/// How many of them wait at most.
pub const PENDING_RECORDS_MAX: usize = 32;
