//! The one function that configures the Wasm runtime.
//!
//! Compiled components on disk belong to this configuration: a second one anywhere else would refuse them.

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails,
    component::Component,
};

use crate::{Error, Limits};

/// Memories a component may have when all slots are in use. One that has more takes the place of several calls.
const MEMORIES_PER_CALL: u32 = 2;
/// The same for tables.
const TABLES_PER_CALL: u32 = 4;
/// The most memories a component may have.
const MEMORIES_MAX: u32 = 4;
/// The most tables a component may have.
const TABLES_MAX: u32 = 32;
/// Native stack that host functions get below a guest at the end of its own.
const HOST_STACK_BYTES: usize = 1024 * 1024;
/// Bytes of each memory that stay resident between calls, so that small guests fault no pages in.
const KEEP_RESIDENT_BYTES: usize = 128 * 1024;
/// Calls shown of a trap. A panic of Rust fills the first dozen with its own.
const BACKTRACE_FRAMES: usize = 32;

/// The engine for at most so many calls at once.
pub(crate) fn engine(limits: &Limits, calls: u32) -> Result<Engine, Error> {
    let mut config = configured(limits);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits, calls)));
    started(&config)
}

/// The engine of a process that only compiles: for the same configuration, and without room for instances. How instances
/// are allocated is no part of what compiled code depends on; a test holds the runtime to that.
pub(crate) fn compiling_engine(limits: &Limits) -> Result<Engine, Error> {
    started(&configured(limits))
}

fn started(config: &Config) -> Result<Engine, Error> {
    Engine::new(config).map_err(|source| Error::Engine {
        reason: format!("{source:#}"),
    })
}

fn configured(limits: &Limits) -> Config {
    let mut config = Config::new();
    let stack = usize::try_from(limits.stack_bytes).unwrap_or(usize::MAX / 2);
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        .consume_fuel(false)
        .max_wasm_stack(stack)
        .async_stack_size(stack.saturating_add(HOST_STACK_BYTES))
        .memory_init_cow(true)
        // The same inputs must give the same bits on every machine.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        // Threads are not even compiled in: nothing but answers of the host may decide the order of things.
        .wasm_memory64(false)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(BACKTRACE_FRAMES));
    config
}

fn pool(limits: &Limits, calls: u32) -> PoolingAllocationConfig {
    let modules = u32::try_from(limits.modules).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        // Only a count: their room is allocated when they are made.
        .total_core_instances(calls.saturating_mul(modules))
        .total_memories(calls.saturating_mul(MEMORIES_PER_CALL).max(MEMORIES_MAX))
        .total_tables(calls.saturating_mul(TABLES_PER_CALL).max(TABLES_MAX))
        .total_stacks(calls)
        .max_core_instances_per_component(modules)
        .max_memories_per_component(MEMORIES_MAX)
        .max_tables_per_component(TABLES_MAX)
        .max_memory_size(usize::try_from(limits.memory_bytes).unwrap_or(usize::MAX).min(1 << 32))
        .table_elements(usize::try_from(limits.table_elements).unwrap_or(usize::MAX))
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(KEEP_RESIDENT_BYTES)
        .async_stack_keep_resident(KEEP_RESIDENT_BYTES)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// The number of calls whose place in the pools an instance of this component takes, so that a component of many
/// memories keeps nobody else from getting theirs.
pub(crate) fn places(component: &Component) -> u32 {
    component.resources_required().map_or(1, |needs| {
        let memories = needs.num_memories.div_ceil(MEMORIES_PER_CALL);
        let tables = needs.num_tables.div_ceil(TABLES_PER_CALL);
        memories.max(tables).max(1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_engines_have_one_configuration() {
        let limits = Limits::default();
        let runs = crate::loader::configuration(&engine(&limits, 10).unwrap());
        assert_eq!(runs, crate::loader::configuration(&compiling_engine(&limits).unwrap()));
    }
}
