//! The contract in `wit/` as Rust, and how a host function ends other than well.

use crate::ending::Fault;

wasmtime::component::bindgen!({
    world: "automation",
    path: "../../wit",
    imports: { default: async | trappable },
    exports: { default: async },
    trappable_error_type: { "bursar:office/types.error" => Fault },
});
