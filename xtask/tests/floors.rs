//! Which crate may stand on which.
//!
//! Job: holds the floors of the architecture over `cargo metadata`, so that an arrow upwards fails a test instead of
//! being found in a review. It looks at what each manifest asks for itself; what an outside crate brings along is its
//! own matter. A crate that is not in the table has no floor, and that is a failure too.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// A crate, or a folder with a slash at its end for all crates in it; and the crates of ours that it may use.
const FLOORS: &[(&str, &[&str])] = &[
    ("bursar-domain", &[]),
    ("bursar-db", &["bursar-domain"]),
    ("bursar-office", &["bursar-db", "bursar-domain"]),
    (
        "bursar-runtime",
        &["bursar-office", "bursar-db", "bursar-domain"],
    ),
    (
        "bursar-worker",
        &[
            "bursar-runtime",
            "bursar-office",
            "bursar-db",
            "bursar-domain",
        ],
    ),
    (
        "bursar-api",
        &[
            "bursar-worker",
            "bursar-runtime",
            "bursar-office",
            "bursar-db",
            "bursar-domain",
        ],
    ),
    ("bursar", HOST),
    ("bursar-bench", BENCH),
    ("bursar-sdk", &[]),
    ("sdk/conformance/guests/", &["bursar-sdk"]),
    ("sdk/conformance/", CASES),
    ("xtask", &["bursar-packed"]),
    ("plugins/", &["bursar-sdk", "foreign-xml"]),
    ("tests/packed/", &[]),
    ("tests/artifacts/", &["bursar-packed", "bursar-runtime"]),
    ("tests/cases/", CASES),
    ("tests/e2e/", HOST),
    ("tests/guests/", &["bursar-sdk"]),
];

const HOST: &[&str] = &[
    "bursar-api",
    "bursar-worker",
    "bursar-runtime",
    "bursar-office",
    "bursar-db",
    "bursar-domain",
];

/// Cases run on the host's parts in process; those of the plugins and those of the SDKs share their stage.
const CASES: &[&str] = &[
    "bursar-artifacts",
    "bursar-cases",
    "bursar-worker",
    "bursar-runtime",
    "bursar-office",
    "bursar-db",
    "bursar-domain",
];

/// The bench is a program, so what it uses are ordinary dependencies: the host's parts, each measured alone as well as
/// together, and the packager of its guest.
const BENCH: &[&str] = &[
    "bursar-artifacts",
    "bursar-api",
    "bursar-worker",
    "bursar-runtime",
    "bursar-office",
    "bursar-db",
    "bursar-domain",
];

/// The one place whose development dependencies are free: it tests everything together.
const TESTED_TOGETHER: &str = "tests/e2e/";

/// A crate that only tests may use, and whose tests: it packages plugins with what the runtime already knows, so it
/// stands above the runtime, and even the runtime's own tests may reach up to it.
const TEST_TOOL: &str = "bursar-artifacts";
const TEST_TOOL_USERS: &[&str] = &["bursar-runtime", "bursar-worker", "bursar-api", "bursar"];

/// Outside crates with one home. A name stands for its family: `sqlx` also for `sqlx-core`.
const HOMES: &[(&str, &str)] = &[
    ("sqlx", "bursar-db"),
    ("wasmtime", "bursar-runtime"),
    ("axum", "bursar-api"),
];

/// Who may use an outside crate away from its home. The bench writes plain rows through the same driver as the host, as the
/// baseline that the log is held against, and reads from the log's file how commits were grouped; what the API is held
/// against is a server of the same axum that does nothing but read.
const GUESTS: &[(&str, &str)] = &[("bursar-bench", "sqlx"), ("bursar-bench", "axum")];

/// What the pure rules must do without: IO, concurrency, randomness.
const IMPURE: &[&str] = &["tokio", "sqlx", "wasmtime", "getrandom", "rand"];
const PURE: &str = "bursar-domain";

/// What one manifest says.
#[derive(Debug, Clone)]
struct Crate {
    name: String,
    /// Relative to the workspace's root, with a slash at its end.
    folder: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Clone)]
struct Dependency {
    name: String,
    kind: DependencyKind,
}

#[test]
fn every_crate_keeps_to_its_floor() {
    let faults = faults(&workspace());
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_workspace_that_is_checked_is_the_real_one() {
    let crates = workspace();
    let edges: usize = crates.iter().map(|member| member.dependencies.len()).sum();
    assert!(
        crates
            .iter()
            .any(|member| member.name == "bursar" && member.folder == "host/cli/"),
        "{crates:#?}"
    );
    assert!(
        edges > crates.len(),
        "no dependencies were read: {crates:#?}"
    );
}

#[test]
fn an_arrow_upwards_is_a_fault() {
    check(
        &[("bursar-db", "bursar-office")],
        &["bursar-db may not use bursar-office"],
    );
    check(
        &[("bursar-domain", "bursar-sdk")],
        &["bursar-domain may not use bursar-sdk"],
    );
    check(
        &[("bursar-sdk", "bursar-domain")],
        &["bursar-sdk may not use bursar-domain"],
    );
    check(&[("xtask", "bursar-db")], &["xtask may not use bursar-db"]);
    check(
        &[("bank-reconciliation", "bursar-office")],
        &["bank-reconciliation may not use bursar-office"],
    );
}

#[test]
fn an_outside_crate_away_from_its_home_is_a_fault() {
    check(
        &[("bursar-worker", "sqlx-core")],
        &["bursar-worker may not use sqlx-core, whose home is bursar-db"],
    );
    check(
        &[("bursar", "wasmtime-wasi")],
        &["bursar may not use wasmtime-wasi, whose home is bursar-runtime"],
    );
    check(
        &[("bursar-bench", "wasmtime")],
        &["bursar-bench may not use wasmtime, whose home is bursar-runtime"],
    );
    check(
        &[("bursar-worker", "axum")],
        &["bursar-worker may not use axum, whose home is bursar-api"],
    );
}

#[test]
fn impure_crates_stay_out_of_the_pure_rules() {
    check(
        &[("bursar-domain", "tokio")],
        &["bursar-domain is pure and may not use tokio"],
    );
    check(
        &[("bursar-domain", "rand_chacha")],
        &["bursar-domain is pure and may not use rand_chacha"],
    );
}

#[test]
fn arrows_downwards_and_crates_of_no_family_are_no_faults() {
    check(
        &[
            ("bursar-office", "bursar-domain"),
            ("bursar-db", "sqlx"),
            ("bursar-domain", "random-looking"),
        ],
        &[],
    );
}

#[test]
fn a_crate_without_a_floor_is_a_fault() {
    check_with(&["attic has no floor"], |crates| {
        crates.push(member("attic", "attic/", &[]));
    });
}

#[test]
fn development_dependencies_count_like_any_other() {
    check_with(&["bursar-office may not use bursar-worker"], |crates| {
        find(crates, "bursar-office")
            .dependencies
            .push(development("bursar-worker"));
    });
}

#[test]
fn development_dependencies_are_free_where_everything_is_tested_together() {
    check_with(&[], |crates| {
        crates.retain(|member| member.folder != TESTED_TOGETHER);
        crates.push(member(
            "bursar-e2e",
            TESTED_TOGETHER,
            &[development("xtask"), development("sqlx")],
        ));
    });
}

#[test]
fn the_test_tool_is_for_the_tests_of_those_who_run_plugins() {
    check_with(&["bursar-office may not use bursar-artifacts"], |crates| {
        crates.retain(|member| member.name != TEST_TOOL);
        crates.push(member(TEST_TOOL, "tests/artifacts/", &[]));
        find(crates, "bursar-worker")
            .dependencies
            .push(development(TEST_TOOL));
        find(crates, "bursar-office")
            .dependencies
            .push(development(TEST_TOOL));
    });
    check(
        &[("bursar-worker", TEST_TOOL)],
        &["bursar-worker may not use bursar-artifacts"],
    );
}

/// Adds forged edges to the real workspace and compares what is wrong then and was not before.
fn check(forged: &[(&str, &str)], expected: &[&str]) {
    check_with(expected, |crates| {
        for (from, to) in forged {
            let edge = Dependency {
                name: (*to).to_owned(),
                kind: DependencyKind::Normal,
            };
            find(crates, from).dependencies.push(edge);
        }
    });
}

fn check_with(expected: &[&str], forge: impl FnOnce(&mut Vec<Crate>)) {
    let mut crates = workspace();
    let before = faults(&crates);
    forge(&mut crates);
    let mut found = faults(&crates);
    found.retain(|fault| !before.contains(fault));
    assert_eq!(found, expected);
}

fn development(name: &str) -> Dependency {
    Dependency {
        name: name.to_owned(),
        kind: DependencyKind::Development,
    }
}

fn member(name: &str, folder: &str, dependencies: &[Dependency]) -> Crate {
    Crate {
        name: name.to_owned(),
        folder: folder.to_owned(),
        dependencies: dependencies.to_vec(),
    }
}

fn find<'a>(crates: &'a mut [Crate], name: &str) -> &'a mut Crate {
    crates
        .iter_mut()
        .find(|member| member.name == name)
        .expect("the workspace has this crate")
}

fn workspace() -> Vec<Crate> {
    let here = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where the tested crate lies");
    let metadata = MetadataCommand::new()
        .manifest_path(format!("{here}/../Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo reads the workspace");
    let read = |package: &Package| Crate {
        name: package.name.to_string(),
        folder: package
            .manifest_path
            .strip_prefix(&metadata.workspace_root)
            .expect("members lie within the workspace")
            .as_str()
            .trim_end_matches("Cargo.toml")
            .to_owned(),
        dependencies: package
            .dependencies
            .iter()
            .map(|dependency| Dependency {
                name: dependency.name.clone(),
                kind: dependency.kind,
            })
            .collect(),
    };
    metadata
        .workspace_packages()
        .into_iter()
        .map(read)
        .collect()
}

/// Everything that breaks a rule, sorted, each said once.
fn faults(crates: &[Crate]) -> Vec<String> {
    let ours: BTreeSet<&str> = crates
        .iter()
        .map(|member| member.name.as_str())
        .chain(HOST.iter().copied())
        .collect();
    let homes: BTreeMap<&str, &str> = HOMES.iter().copied().collect();
    let mut faults = BTreeSet::new();
    for member in crates {
        let name = member.name.as_str();
        let Some(allowed) = floor_of(member) else {
            faults.insert(format!("{name} has no floor"));
            continue;
        };
        for used in uses(member) {
            if ours.contains(used) && !allowed.contains(&used) {
                faults.insert(format!("{name} may not use {used}"));
            }
            if let Some((_, home)) = homes
                .iter()
                .find(|(family, home)| belongs(used, family) && **home != name)
                .filter(|(family, _)| !GUESTS.contains(&(name, family)))
            {
                faults.insert(format!("{name} may not use {used}, whose home is {home}"));
            }
            if name == PURE && IMPURE.iter().any(|family| belongs(used, family)) {
                faults.insert(format!("{name} is pure and may not use {used}"));
            }
        }
    }
    faults.into_iter().collect()
}

fn floor_of(member: &Crate) -> Option<&'static [&'static str]> {
    FLOORS
        .iter()
        .find(|(place, _)| {
            *place == member.name || (place.ends_with('/') && member.folder.starts_with(place))
        })
        .map(|(_, allowed)| *allowed)
}

/// The names of the crates that a crate's floor speaks about.
fn uses(member: &Crate) -> impl Iterator<Item = &str> {
    member
        .dependencies
        .iter()
        .filter(|dependency| {
            !(dependency.kind == DependencyKind::Development
                && is_free_in_tests(member, dependency))
        })
        .map(|dependency| dependency.name.as_str())
}

fn is_free_in_tests(member: &Crate, dependency: &Dependency) -> bool {
    member.folder == TESTED_TOGETHER
        || (dependency.name == TEST_TOOL && TEST_TOOL_USERS.contains(&member.name.as_str()))
}

fn belongs(name: &str, family: &str) -> bool {
    name.strip_prefix(family)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}
