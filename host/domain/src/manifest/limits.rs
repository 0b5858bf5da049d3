//! What one execution may use. Each limit has a name, a default and a cap on what a manifest may ask for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Problem;

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $default:expr, at most $cap:expr;)*) => {
        /// Limits of one run, each with its unit last in its name.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct Limits { $($(#[$doc])* pub $name: u64),* }

        impl Default for Limits {
            fn default() -> Self { Self { $($name: $default),* } }
        }

        impl Limits {
            /// What people work under: nothing is counted out.
            pub fn unlimited() -> Self { Self { $($name: u64::MAX),* } }

            pub(super) fn problems(&self) -> Vec<Problem> {
                let mut found = Vec::new();
                $(if self.$name > $cap || self.$name == 0 {
                    let message = format!("{} is 1 to {}", stringify!($name), $cap);
                    found.push(Problem::at("limit-out-of-range", concat!("/limits/", stringify!($name)), message));
                })*
                found
            }
        }
    };
}

limits! {
    /// Wall time of one execution, in milliseconds.
    wall_ms_max: 30_000, at most 600_000;
    /// Time on a processor, in milliseconds: what is spent waiting does not count.
    cpu_ms_max: 30_000, at most 600_000;
    /// Linear memory of all the component's instances together, in bytes.
    memory_bytes_max: 64 << 20, at most 256 << 20;
    /// Elements of all the component's tables together.
    table_elements_max: 100_000, at most 100_000;
    /// Calls of imported functions.
    host_calls_max: 100_000, at most 1_000_000;
    /// Rows handed to the guest.
    rows_returned_max: 100_000, at most 1_000_000;
    /// Rows that the run depends on: those read, absent ones among them.
    rows_read_max: 100_000, at most 1_000_000;
    /// Different listings that the run depends on.
    listings_max: 10_000, at most 100_000;
    /// Rows changed.
    rows_changed_max: 10_000, at most 100_000;
    /// Bytes of all row images written, replaced ones among them.
    bytes_changed_max: 16 << 20, at most 256 << 20;
    /// Bytes handed to the guest.
    bytes_in_max: 64 << 20, at most 1 << 30;
    /// Bytes handed to the host.
    bytes_out_max: 64 << 20, at most 1 << 30;
    /// Messages drafted.
    messages_max: 1_000, at most 10_000;
    /// Tasks made.
    tasks_max: 1_000, at most 10_000;
    /// Bytes of log lines kept.
    log_bytes_max: 64 << 10, at most 1 << 20;
}
