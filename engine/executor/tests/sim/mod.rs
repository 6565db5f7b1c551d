//! A simulation of engines, their disk, their world, their clock and their people, all from one seed.
//!
//! One thread, virtual time, and no chance but the seed's: the same seed gives the same trace. [`drive`] makes
//! things happen, [`check`] folds what reaches the disk on its own and holds it against [`rules`].

pub(crate) mod check;
pub(crate) mod disk;
pub(crate) mod drive;
pub(crate) mod life;
pub(crate) mod rules;
pub(crate) mod scenario;
pub(crate) mod trace;
pub(crate) mod world;

use runwright_model::time::Timestamp;

/// When the simulated clocks begin.
pub(crate) const BEGIN: Timestamp = Timestamp::from_millis(1_763_750_000_000);
