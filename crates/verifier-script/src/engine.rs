//! The language: what a script may say, how much it may do, and one run of it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use authcore::verifier::VerifyError;
use authcore_verifiers::ConfigError;
use rhai::{AST, CallFnOptions, Dynamic, Engine, FnAccess, Map, Scope, Shared};

use crate::fault::{self, TooManyOperations};
use crate::functions::Library;
use crate::outside::Asks;

/// The function that is called.
const ENTRY: &str = "verify";
/// How many steps a run may take, those of its loops and calls included.
const OPERATIONS: u64 = 250_000;
const CALL_LEVELS: usize = 16;
/// How deep expressions and blocks may be nested.
const NESTING: usize = 32;
const FUNCTIONS: usize = 100;
/// In each function.
const VARIABLES: usize = 64;
/// Of all texts of a value together, in bytes.
pub(crate) const TEXT: usize = 64 * 1024;
/// Of all lists of a value together, and of all maps. A value is nested no deeper, so these bound the stack as well.
const ITEMS: usize = 1000;
/// How often a run looks whether it is still wanted, in operations.
const LOOKS: u64 = 16;

/// What a run needs of the stack, in bytes: its calls, or a value that is nested as deep as it may be. The tests of this
/// crate come near it, in builds that are not optimized.
pub(crate) const STACK: usize = 16 * 1024 * 1024;

/// Words that the language has and a script may not use: there are no other scripts to load, nothing is made of text, and
/// nothing is printed. Pointers to functions hold values that no limit counts, and `this` is a variable that none sees.
const DISABLED: [&str; 10] =
    ["import", "export", "eval", "print", "debug", "Fn", "call", "curry", "this", "is_shared"];

/// A script that was compiled.
pub(crate) struct Program {
    script: AST,
    library: Library,
}

impl Program {
    /// Compiles it.
    pub(crate) fn compile(text: &str, library: Library) -> Result<Self, ConfigError> {
        let wrong = |problem: &dyn fmt::Display| ConfigError::new("script", problem);
        let mut engine = engine(&library);
        let script = engine.compile(text).map_err(|error| wrong(&error))?;
        let mut entries = script.iter_functions().filter(|function| function.name == ENTRY);
        let (entry, another) = (entries.next(), entries.next());
        let entry = entry.ok_or_else(|| wrong(&"it has no function verify(data)"))?;
        if another.is_some() || entry.params.len() != 1 || entry.access != FnAccess::Public {
            return Err(wrong(&"verify is to be one function of one parameter, and not private"));
        }
        // They would not be run, so the first step tells that there are some.
        engine.on_progress(|_| Some(Dynamic::UNIT));
        if engine.run_ast(&script.clone_statements_only()).is_err() {
            return Err(wrong(&"it has statements beside its functions"));
        }
        drop(entries);
        Ok(Self { script, library })
    }

    /// Runs it once, with nothing of the runs before. It ends soon after nobody waits for what it asks.
    pub(crate) fn run(&self, data: Map, asks: Asks) -> Result<Dynamic, VerifyError> {
        let mut engine = engine(&self.library);
        engine
            .set_max_call_levels(CALL_LEVELS)
            .set_max_variables(VARIABLES)
            .set_max_string_size(TEXT)
            .set_max_array_size(ITEMS)
            .set_max_map_size(ITEMS);
        // The library's own count starts anew in each call that a function of its own makes.
        let (operations, watched) = (AtomicU64::new(0), asks.clone());
        engine.on_progress(move |_| {
            let done = operations.fetch_add(1, Ordering::Relaxed);
            if done >= OPERATIONS {
                return Some(Dynamic::from(TooManyOperations));
            }
            (done % LOOKS == 0 && watched.is_over()).then_some(Dynamic::UNIT)
        });
        measure_variables(&mut engine);
        let options = CallFnOptions::new().eval_ast(false).with_tag(asks);
        engine
            .call_fn_with_options(options, &mut Scope::new(), &self.script, ENTRY, (data,))
            .map_err(|error| fault::error(&error))
    }
}

/// Looks at the size of a variable each time it is used: the language measures a part that is assigned, and not what it
/// becomes a part of.
#[expect(deprecated, reason = "it is not; so the library marks what may change in a minor version")]
fn measure_variables(engine: &mut Engine) {
    engine.on_var(|name, _, context| {
        if let Some(value) = context.scope().get(name) {
            context.engine().ensure_data_size_within_limits(value)?;
        }
        Ok(None)
    });
}

fn engine(library: &Library) -> Engine {
    let mut engine = Engine::new_raw();
    for module in library.modules() {
        engine.register_global_module(Shared::clone(module));
    }
    for word in DISABLED {
        engine.disable_symbol(word);
    }
    engine
        .set_allow_anonymous_fn(false)
        .set_strict_variables(true)
        .set_max_modules(0)
        .set_max_functions(FUNCTIONS)
        .set_max_expr_depths(NESTING, NESTING);
    engine
}
