//! Every guest and every limit has a test: what is left out here does not compile.

use bursar_artifacts::Guest;
use bursar_domain::manifest::Limits;

use crate::{bombs, ending, hostile, inspecting, limits, loading, repeating, wasi};

macro_rules! guests {
    ($($guest:ident: $module:ident::$test:ident,)*) => {
        /// The test of a guest, and the module that it is in.
        const fn of_guest(guest: Guest) -> (&'static str, fn()) {
            match guest {
                $(Guest::$guest => (stringify!($module), $module::$test),)*
            }
        }
    };
}

macro_rules! limits {
    ($($limit:ident: $module:ident::$test:ident,)*) => {
        const _: fn(Limits) = |Limits { $($limit: _),* }| {};
        /// The test of each limit, and the module that it is in.
        const OF_LIMITS: &[(&str, &str, fn())] =
            &[$((stringify!($limit), stringify!($module), $module::$test)),*];
    };
}

guests! {
    Bulky: hostile::one_call_ends_at_call_bytes_max,
    Caller: limits::calls_end_at_host_calls_max,
    Chatty: limits::log_lines_beyond_log_bytes_max_are_counted_and_dropped,
    Counter: ending::a_plugin_that_succeeds_leaves_its_changes_in_the_draft,
    Deep: hostile::the_stack_ends_at_stack_bytes_max,
    Dice: ending::dice_fall_alike_for_the_same_claim,
    Errand: limits::rows_end_at_rows_returned_max,
    Forger: hostile::what_is_no_text_and_what_is_not_there_are_traps,
    Greedy: inspecting::imports_beyond_the_manifest_are_refused_by_name,
    Halfway: ending::whatever_the_end_a_plugin_has_done_what_it_did,
    Hungry: limits::memory_ends_at_memory_bytes_max,
    Misfit: loading::a_component_of_other_types_does_not_fit,
    Nondeterminist: repeating::what_differs_elsewhere_is_the_same_in_every_run,
    Refuser: ending::a_failure_is_the_plugins_own_words,
    Spin: limits::a_loop_ends_at_wall_ms_max,
    Ticker: ending::a_collection_that_is_not_there_is_not_found,
    Touch: ending::a_plugin_with_nothing_to_do_changes_nothing,
    Trap: ending::a_trap_is_the_guests_and_tells_why,
    Wasi: wasi::a_wasi_has_nothing_behind_it,
}

limits! {
    wall_ms_max: limits::a_loop_ends_at_wall_ms_max,
    cpu_ms_max: limits::a_loop_ends_at_cpu_ms_max,
    memory_bytes_max: limits::memory_ends_at_memory_bytes_max,
    table_elements_max: bombs::tables_end_at_table_elements_max,
    host_calls_max: limits::calls_end_at_host_calls_max,
    rows_returned_max: limits::rows_end_at_rows_returned_max,
    rows_read_max: limits::what_a_run_depends_on_ends_at_rows_read_max_and_listings_max,
    listings_max: limits::what_a_run_depends_on_ends_at_rows_read_max_and_listings_max,
    rows_changed_max: limits::changes_end_at_rows_changed_max,
    bytes_changed_max: limits::images_end_at_bytes_changed_max,
    bytes_in_max: limits::bytes_end_at_bytes_in_max,
    bytes_out_max: hostile::all_calls_together_end_at_bytes_out_max,
    messages_max: limits::mail_ends_at_messages_max,
    tasks_max: limits::tasks_end_at_tasks_max,
    log_bytes_max: limits::log_lines_beyond_log_bytes_max_are_counted_and_dropped,
}

fn source(module: &str) -> String {
    let folder = bursar_artifacts::workspace().join("host/runtime/tests/sandbox");
    std::fs::read_to_string(folder.join(module).with_extension("rs")).expect("a module's source")
}

#[test]
fn a_proof_speaks_of_what_it_proves() {
    for guest in Guest::ALL {
        let (module, _) = of_guest(*guest);
        let name = format!("{:?}", guest.name());
        assert!(source(module).contains(&name), "{name} is not in {module}");
    }
    for (limit, module, _) in OF_LIMITS {
        assert!(source(module).contains(limit), "{limit} is not in {module}");
    }
}
