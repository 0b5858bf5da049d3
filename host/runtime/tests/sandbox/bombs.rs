//! Components that are too much before they run, or as soon as they are instantiated.

use bursar_domain::{
    manifest::Limits,
    run::{Outcome, RunReport},
};
use bursar_runtime::{Error, Refusal, inspect};
use serde_json::{Value, json};
use wasm_encoder::Component;

use crate::{
    crafted,
    limits::{reached, succeeded},
    office::{Office, runtime},
};

/// A component that has too much of one thing if it is asked for too much.
struct Bomb {
    limit: &'static str,
    allowed: u64,
    with: fn(u64) -> Component,
}

const BOMBS: [Bomb; 7] = [
    Bomb {
        limit: "core_instances_max",
        allowed: 64,
        with: |count| crafted::instances_of(&crafted::memories(0), count),
    },
    Bomb {
        limit: "memories_max",
        allowed: 4,
        with: |count| crafted::instances_of(&crafted::memories(count), 1),
    },
    Bomb {
        limit: "tables_max",
        allowed: 64,
        with: |count| {
            let elements = vec![0; usize::try_from(count).expect("few")];
            crafted::instances_of(&crafted::tables(&elements), 1)
        },
    },
    Bomb {
        limit: "functions_max",
        allowed: 200_000,
        with: |count| {
            crafted::instances_of(&crafted::functions((0..count).map(|_| crafted::idle(2))), 0)
        },
    },
    Bomb {
        limit: "function_bytes_max",
        allowed: 1 << 20,
        with: |bytes| crafted::instances_of(&crafted::functions([crafted::idle(bytes)]), 0),
    },
    Bomb {
        limit: "types_max",
        allowed: 100_000,
        with: |count| crafted::instances_of(&crafted::types(count), 0),
    },
    Bomb {
        limit: "table_elements_max",
        allowed: 100_000,
        with: |elements| crafted::instances_of(&crafted::tables(&[elements]), 0),
    },
];

impl Bomb {
    /// How much the guest around it has already, where that counts.
    fn around(&self) -> u64 {
        match inspect(&crafted::around(&(self.with)(self.allowed))) {
            Ok(_) => 0,
            Err(Refusal::OverLimit { used, .. }) => used - self.allowed,
            Err(other) => panic!("{}: {other}", self.limit),
        }
    }
}

fn over(limit: &'static str, allowed: u64, used: u64) -> Refusal {
    Refusal::OverLimit {
        limit,
        allowed,
        used,
    }
}

fn refused(nested: &Component) -> Refusal {
    inspect(&crafted::around(nested)).expect_err("this is not to be installed")
}

#[test]
fn what_is_too_much_to_compile_is_refused_by_its_limit() {
    for bomb in BOMBS {
        let most = bomb.allowed - bomb.around();
        let within = inspect(&crafted::around(&(bomb.with)(most)));
        assert!(within.is_ok(), "{}: {within:?}", bomb.limit);
        assert_eq!(
            refused(&(bomb.with)(most + 1)),
            over(bomb.limit, bomb.allowed, bomb.allowed + 1)
        );
    }
}

#[test]
fn code_of_all_modules_together_has_a_limit() {
    let allowed: u64 = 32 << 20;
    // Each function is far below the limit of its own.
    let code = |count: u64| {
        let bodies = (0..count).map(|_| crafted::idle(1_000_000));
        crafted::instances_of(&crafted::functions(bodies), 0)
    };
    inspect(&crafted::around(&code(33))).expect("within the limit");
    let Refusal::OverLimit { limit, used, .. } = refused(&code(34)) else {
        panic!("it is too much")
    };
    assert_eq!(limit, "code_bytes_max");
    assert!((allowed..allowed + 2_000_000).contains(&used), "{used}");
}

#[test]
fn components_lie_within_each_other_only_so_deep() {
    inspect(&crafted::around(&crafted::nested(15))).expect("within the limit");
    assert_eq!(refused(&crafted::nested(16)), over("nesting_max", 16, 17));
    assert_eq!(refused(&crafted::nested(1000)), over("nesting_max", 16, 17));
}

#[tokio::test]
async fn a_small_file_of_very_many_instances_is_refused() {
    let within = crafted::around(&crafted::doubling(8));
    assert!(succeeded(&run(&within, Limits::default()).await));
    let bomb = crafted::doubling(40);
    assert!(crafted::around(&bomb).len() < 100_000);
    let Refusal::OverLimit { limit, used, .. } = refused(&bomb) else {
        panic!("it is too much")
    };
    assert_eq!(limit, "definitions_max");
    assert!(used > 1 << 40, "{used}");
}

#[test]
fn what_takes_along_what_takes_along_is_refused_while_it_is_read() {
    inspect(&crafted::around(&crafted::capturing(8))).expect("within the limit");
    let Refusal::OverLimit { limit, used, .. } = refused(&crafted::capturing(40)) else {
        panic!("it is too much")
    };
    assert_eq!(limit, "definitions_max");
    assert!(used < 1 << 18, "it was read to its end: {used}");
}

#[test]
fn what_nobody_instantiates_counts_as_well() {
    let tables = crafted::tables(&[0; 65]);
    for (limit, module) in [
        ("memories_max", crafted::memories(5)),
        ("tables_max", tables),
    ] {
        let Refusal::OverLimit { limit: found, .. } = refused(&crafted::instances_of(&module, 0))
        else {
            panic!("{limit}: it is too much")
        };
        assert_eq!(found, limit);
    }
}

#[test]
fn what_cannot_be_counted_before_it_is_linked_is_refused() {
    assert_eq!(refused(&crafted::given_a_module()).code(), "does-not-fit");
}

/// Loads a crafted component and runs it; the host has no trouble.
async fn run(component: &[u8], limits: Limits) -> RunReport {
    let plugin = runtime().load(component).expect("a plugin");
    let office = Office::open().await;
    let report = office.execute_in(runtime(), &plugin, input(), limits).await;
    report.expect("a limit is no trouble of the host")
}

fn input() -> Value {
    json!({"calls": 1})
}

#[tokio::test]
async fn floods_just_below_their_limits_run() {
    for bomb in BOMBS.iter().take(3) {
        let most = bomb.allowed - bomb.around();
        let report = run(&crafted::around(&(bomb.with)(most)), Limits::default()).await;
        assert!(succeeded(&report), "{}: {:?}", bomb.limit, report.outcome);
    }
}

#[tokio::test]
async fn a_start_function_runs_within_the_limits() {
    let starting = |start| crafted::around(&crafted::instances_of(&crafted::starting(start), 1));
    let report = run(&starting(crafted::idle(2)), Limits::default()).await;
    assert!(succeeded(&report), "{:?}", report.outcome);
    let limits = Limits {
        wall_ms_max: 60,
        ..Limits::default()
    };
    let report = run(&starting(crafted::endless()), limits).await;
    assert_eq!(reached(&report).0, "wall_ms_max");
    assert_eq!(report.usage.host_calls, 0);
    let report = run(&starting(crafted::recursive()), Limits::default()).await;
    let (limit, allowed, used) = reached(&report);
    assert_eq!((limit, allowed), ("stack_bytes_max", 512 << 10));
    assert!(used > allowed, "{used}");
}

#[tokio::test]
pub async fn tables_end_at_table_elements_max() {
    let component = |elements: i32| {
        let module = crafted::starting(crafted::growing(elements));
        crafted::around(&crafted::instances_of(&module, 1))
    };
    let limits = Limits {
        table_elements_max: 5_000,
        ..Limits::default()
    };
    let report = run(&component(5_000), limits.clone()).await;
    let (limit, allowed, used) = reached(&report);
    assert_eq!((limit, allowed), ("table_elements_max", 5_000));
    // Tables of the guest around it count too.
    let most = 5_000 - i32::try_from(used - 5_000).expect("few");
    let report = run(&component(most), limits.clone()).await;
    assert!(succeeded(&report), "{:?}", report.outcome);
    let report = run(&component(most + 1), limits).await;
    assert_eq!(reached(&report), ("table_elements_max", 5_000, 5_001));
    let report = run(&component(i32::MAX), Limits::default()).await;
    assert_eq!(reached(&report).0, "table_elements_max");
}

#[test]
fn a_component_that_starts_by_itself_is_refused() {
    assert_eq!(refused(&crafted::started()).code(), "malformed");
}

#[test]
fn imports_of_what_is_nested_are_not_the_hosts() {
    let module = crafted::importing("bursar:office/clock@0.1.0", "now");
    assert_eq!(
        refused(&crafted::instances_of(&module, 1)).code(),
        "malformed"
    );
    // Nobody instantiates it, so nobody has to give it anything.
    inspect(&crafted::around(&crafted::instances_of(&module, 0))).expect("a plugin");
}

#[test]
fn native_code_is_no_plugin() {
    let component = bursar_artifacts::guest(crafted::HOST_GUEST);
    let compiled = wasmtime::Engine::default().precompile_component(&component);
    let compiled = compiled.expect("wasmtime compiles it");
    assert_eq!(inspect(&compiled), Err(Refusal::NotWasm));
    let loaded = runtime().load(&compiled).map(|_| ());
    assert!(
        matches!(loaded, Err(Error::Refused(Refusal::NotWasm))),
        "{loaded:?}"
    );
}

#[test]
fn a_manifest_asks_for_no_more_than_the_caps() {
    let names = serde_json::to_value(Limits::default()).expect("limits are JSON");
    let names = names.as_object().expect("an object of limits").keys();
    for (name, value) in names.flat_map(|name| [(name, 0), (name, 1_i64 << 40), (name, 1)]) {
        let manifest = bursar_artifacts::manifest(crafted::HOST_GUEST);
        let manifest = format!("{manifest}\n[limits]\n{name} = {value}\n");
        let module = bursar_artifacts::module(crafted::HOST_GUEST);
        let component = bursar_runtime::package::assemble(&module, &manifest);
        let inspected = inspect(&component.expect("a component"));
        let Err(Refusal::ManifestInvalid(problems)) = inspected else {
            assert_eq!((value, inspected.map(|_| ())), (1, Ok(())), "{name}");
            continue;
        };
        let found: Vec<(&str, &str)> = problems
            .iter()
            .map(|problem| (problem.code.as_str(), problem.pointer.as_str()))
            .collect();
        let pointer = format!("/limits/{name}");
        assert_eq!(found, [("limit-out-of-range", pointer.as_str())]);
    }
}

#[test]
fn a_manifest_under_a_similar_name_is_none() {
    let component = bursar_artifacts::guest(crafted::HOST_GUEST);
    let section = bursar_domain::manifest::SECTION;
    let place = component
        .windows(section.len())
        .rposition(|window| window == section.as_bytes())
        .expect("the manifest's section");
    let mut forged = component.clone();
    forged[place] = forged[place].to_ascii_uppercase();
    assert_ne!(forged, component);
    assert_eq!(inspect(&forged), Err(Refusal::NoManifest));
}

#[tokio::test]
async fn a_trap_of_a_start_function_is_a_trap() {
    let mut body = wasm_encoder::Function::new([]);
    body.instructions().unreachable().end();
    let component = crafted::around(&crafted::instances_of(&crafted::starting(body), 1));
    let report = run(&component, Limits::default()).await;
    assert!(
        matches!(&report.outcome, Outcome::Trapped { message } if message.contains("unreachable")),
        "{:?}",
        report.outcome
    );
}
