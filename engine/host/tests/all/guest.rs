//! Guests written by hand, instruction by instruction: what no compiler would make.
//!
//! A [`Guest`] is a core module for the world of `wit/`, and behaves unless a test says otherwise: it describes
//! itself, allocates, and its `run` returns `{}`. A test replaces a part. Places in its memory:
//!
//! | address | what |
//! | --- | --- |
//! | [`RETURNED`] | room for what an import returns |
//! | [`OK`] | the result of a `run` that returns `{}` |
//! | [`MANIFEST`] | what `describe` returns |
//! | [`TEXT`] | the text that [`Guest::text`] puts there |
//! | 65536 | where allocations begin |

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

/// Room for what an import returns: 448 bytes.
pub(crate) const RETURNED: u32 = 64;
/// The result of a `run` that returns `{}`.
pub(crate) const OK: u32 = 512;
/// What `describe` returns.
pub(crate) const MANIFEST: u32 = 1024;
/// Where the manifest's texts begin.
const MANIFEST_TEXTS: u32 = 2048;
/// A text of the test's, up to where allocations begin.
pub(crate) const TEXT: u32 = 32768;

/// WASI, as far as the guests need it.
const WASI: [&str; 4] = [
    "package wasi:io@0.2.0;
     interface poll { resource pollable { ready: func() -> bool; block: func(); } }
     interface error { resource error; }
     interface streams {
         use error.{error};
         variant stream-error { last-operation-failed(error), closed }
         resource output-stream { check-write: func() -> result<u64, stream-error>; }
     }",
    "package wasi:cli@0.2.0;
     interface stdout { use wasi:io/streams@0.2.0.{output-stream}; get-stdout: func() -> output-stream; }",
    "package wasi:random@0.2.0;
     interface random { get-random-bytes: func(len: u64) -> list<u8>; get-random-u64: func() -> u64; }",
    "package wasi:clocks@0.2.0;
     interface monotonic-clock {
         use wasi:io/poll@0.2.0.{pollable};
         now: func() -> u64; resolution: func() -> u64; subscribe-duration: func(when: u64) -> pollable;
     }",
];

/// The plugin's world with WASI beside it.
const WORLD: &str = "package test:guest;
    world guest {
        include runwright:plugin/plugin@0.1.0;
        import wasi:io/streams@0.2.0;
        import wasi:io/poll@0.2.0;
        import wasi:cli/stdout@0.2.0;
        import wasi:random/random@0.2.0;
        import wasi:clocks/monotonic-clock@0.2.0;
    }";

/// The parameters of `run` as the canonical ABI flattens them: a context and the inputs.
const RUN_PARAMETERS: &str = "i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32 i32 i32 i32 i32";

/// What a manifest says.
pub(crate) struct Says {
    pub(crate) action: Vec<u8>,
    pub(crate) description: Vec<u8>,
    pub(crate) inputs: Vec<u8>,
    pub(crate) outputs: Vec<u8>,
}

impl Default for Says {
    fn default() -> Self {
        Self {
            action: b"test:hostile".to_vec(),
            description: b"Is hostile.".to_vec(),
            inputs: br#"{"type": "object"}"#.to_vec(),
            outputs: br#"{"type": "object"}"#.to_vec(),
        }
    }
}

/// A core module that becomes a component.
pub(crate) struct Guest {
    imports: String,
    items: String,
    memory: String,
    realloc: String,
    describe: String,
    run: String,
    post: String,
    data: String,
}

impl Guest {
    pub(crate) fn new() -> Self {
        Self {
            imports: String::new(),
            items: String::new(),
            memory: "4".into(),
            realloc: BUMP.into(),
            describe: format!("(i32.const {MANIFEST})"),
            run: format!("(i32.const {OK})"),
            post: String::new(),
            data: data(OK, &words(&[0, OK + 12, 2])) + &data(OK + 12, b"{}"),
        }
        .says(&Says::default())
    }

    /// Imports a function of an interface, as `$name`: `("runwright:plugin/log@0.1.0", "write", "(param i32)")`.
    pub(crate) fn import(mut self, interface: &str, function: &str, name: &str, signature: &str) -> Self {
        self.imports += &format!("(import \"{interface}\" \"{function}\" (func ${name} {signature}))\n");
        self
    }

    /// Imports `log.write`, as `$log`.
    pub(crate) fn logs(self) -> Self {
        self.import("runwright:plugin/log@0.1.0", "write", "log", "(param i32 i32 i32)")
    }

    /// Anything at the top of the module: globals, tables, functions, `(start …)`.
    pub(crate) fn items(mut self, items: &str) -> Self {
        self.items += items;
        self
    }

    /// The limits of its memory, in pages.
    pub(crate) fn memory(mut self, limits: &str) -> Self {
        self.memory = limits.into();
        self
    }

    /// The body of its allocator: old address, old size, alignment, new size.
    pub(crate) fn realloc(mut self, body: &str) -> Self {
        self.realloc = body.into();
        self
    }

    pub(crate) fn describe(mut self, body: &str) -> Self {
        self.describe = body.into();
        self
    }

    /// The body of `run`, which leaves the address of its result.
    pub(crate) fn run(mut self, body: &str) -> Self {
        self.run = body.into();
        self
    }

    /// The body of what is called after `run`, with the address of its result.
    pub(crate) fn post(mut self, body: &str) -> Self {
        self.post = format!("(func (export \"cabi_post_runwright:plugin/action@0.1.0#run\") (param i32) {body})");
        self
    }

    /// Puts bytes at an address.
    pub(crate) fn at(mut self, address: u32, bytes: &[u8]) -> Self {
        self.data += &data(address, bytes);
        self
    }

    /// Puts a text at [`TEXT`].
    pub(crate) fn text(self, bytes: &[u8]) -> Self {
        assert!(TEXT as usize + bytes.len() <= 65536, "allocations begin there");
        self.at(TEXT, bytes)
    }

    /// Has `run` return these words as its result: see `wit/action.wit` for what they mean.
    pub(crate) fn returns(self, result: &[u32]) -> Self {
        self.at(OK, &words(result))
    }

    pub(crate) fn says(self, says: &Says) -> Self {
        let texts = [
            &says.action,
            &b"1.0.0".to_vec(),
            &says.description,
            &says.inputs,
            &says.outputs,
        ];
        let (mut guest, mut at, mut record) = (self, MANIFEST_TEXTS, Vec::new());
        for text in texts {
            record.extend([at, u32::try_from(text.len()).unwrap()]);
            guest = guest.at(at, text);
            at += u32::try_from(text.len()).unwrap();
        }
        record.extend([0, 0, 0]);
        guest.at(MANIFEST, &words(&record))
    }

    /// The component.
    pub(crate) fn component(&self) -> Vec<u8> {
        component(&wat::parse_str(self.module()).unwrap())
    }

    fn module(&self) -> String {
        let Self {
            imports,
            items,
            memory,
            realloc,
            describe,
            run,
            post,
            data,
        } = self;
        format!(
            "(module
            {imports}
            (memory (export \"memory\") {memory})
            (global $heap (mut i32) (i32.const 65536))
            {items}
            (func $realloc (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) {realloc})
            (func $describe (export \"runwright:plugin/action@0.1.0#describe\") (result i32) {describe})
            (func $run (export \"runwright:plugin/action@0.1.0#run\") (param {RUN_PARAMETERS}) (result i32) {run})
            (func $rollback (export \"runwright:plugin/action@0.1.0#rollback\") (param i32) (result i32)
                (i32.const {OK}))
            {post}
            {data})"
        )
    }
}

/// Allocates upwards and never frees.
const BUMP: &str = "
    (local $at i32)
    (global.set $heap (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
    (local.set $at (global.get $heap))
    (global.set $heap (i32.add (global.get $heap) (local.get 3)))
    (block $fits
        (br_if $fits (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
        (drop (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get 3) (i32.const 16))))))
    (local.get $at)";

fn data(address: u32, bytes: &[u8]) -> String {
    let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!("(data (i32.const {address}) \"{escaped}\")\n")
}

/// Words as they stand in memory.
pub(crate) fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A core module for the world, as a component.
pub(crate) fn component(module: &[u8]) -> Vec<u8> {
    let (resolve, world) = world();
    let mut module = module.to_vec();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    // What is wrong with the module itself the host has to find.
    let mut encoder = ComponentEncoder::default();
    encoder.validate(false).module(&module).unwrap().encode().unwrap()
}

/// The plugin's world with WASI beside it.
pub(crate) fn world() -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    resolve
        .push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit"))
        .unwrap();
    for package in WASI {
        resolve.push_str("wasi.wit", package).unwrap();
    }
    let package = resolve.push_str("guest.wit", WORLD).unwrap();
    let world = resolve.select_world(&[package], Some("guest")).unwrap();
    (resolve, world)
}

/// The component with so many more core modules of one memory each, and an instance of each.
pub(crate) fn with_memories(component: &[u8], more: u8) -> Vec<u8> {
    let module = wat::parse_str("(module (memory 1))").unwrap();
    let mut bytes = component.to_vec();
    bytes.extend([1, u8::try_from(module.len()).unwrap()]);
    bytes.extend(&module);
    // The guest's own module is the first; each instance is of the second, and is given nothing.
    bytes.extend([2, 1 + 3 * more, more]);
    (0..more).for_each(|_| bytes.extend([0, 1, 0]));
    bytes
}
