//! Files that are plugins, and files that are not.

use bursar_runtime::{COMPONENT_BYTES_MAX, Refusal, inspect, package};
use wasm_encoder::{Component, NestedComponentSection, RawSection};

/// A component without a manifest.
fn bare(guest: &str) -> Vec<u8> {
    let mut component =
        package::assemble(&bursar_artifacts::module(guest), "").expect("a component");
    // The empty manifest's section: its id, its size, the name's length, the name.
    let section_bytes = 3 + bursar_domain::manifest::SECTION.len();
    component.truncate(component.len() - section_bytes);
    component
}

/// Replaces a text by another one of the same length, everywhere.
fn renamed(mut component: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = component
        .windows(from.len())
        .enumerate()
        .filter(|(_, window)| *window == from.as_bytes())
        .map(|(place, _)| place)
        .collect();
    assert!(!places.is_empty(), "{from:?} is not in the component");
    for place in places {
        component[place..place + to.len()].copy_from_slice(to.as_bytes());
    }
    component
}

fn refused(component: &[u8]) -> Refusal {
    inspect(component).expect_err("this is not to be installed")
}

#[test]
fn a_plugin_shows_what_it_asks_for_and_reaches() {
    let component = bursar_artifacts::guest("counter");
    let inspection = inspect(&component).expect("a plugin");
    assert_eq!(inspection.manifest.name, "counter");
    assert_eq!(inspection.bytes, component.len() as u64);
    assert_eq!(
        inspection.digest,
        bursar_domain::log::sha256_hex(&component)
    );
    let reach = [
        "invoices-write.draft",
        "invoices-write.issue",
        "log.write",
        "messages.mail",
        "records-write.patch",
        "records.get",
    ];
    assert_eq!(inspection.imports, reach);
    assert!(inspection.wasi.is_empty(), "{:?}", inspection.wasi);
}

#[test]
fn wasi_is_named_apart_from_the_contract() {
    let inspection = inspect(&bursar_artifacts::guest("wasi")).expect("a plugin");
    assert_eq!(inspection.imports, ["log.write"]);
    assert!(
        inspection
            .wasi
            .contains(&"wasi:random/random@0.2.3".to_owned()),
        "{:?}",
        inspection.wasi
    );
}

#[test]
fn a_file_that_is_no_component_is_refused_by_kind() {
    let component = bursar_artifacts::guest("caller");
    let codes = [
        refused(b"").code(),
        refused(b"PK\x03\x04 not this one").code(),
        refused(&bursar_artifacts::module("caller")).code(),
        refused(&component[..component.len() / 2]).code(),
        refused(&vec![0; COMPONENT_BYTES_MAX + 1]).code(),
    ];
    assert_eq!(
        codes,
        [
            "not-wasm",
            "not-wasm",
            "not-component",
            "malformed",
            "too-large"
        ]
    );
}

#[test]
fn broken_bytes_are_refused_whatever_they_are() {
    let component = bursar_artifacts::guest("caller");
    for cut in (0..component.len()).step_by(997) {
        inspect(&component[..cut]).expect_err("a part is not the whole");
    }
    for place in (8..component.len()).step_by(331) {
        let mut broken = component.clone();
        broken[place] ^= 0x55;
        // Some bytes do not matter; none may bring the host down.
        drop(inspect(&broken));
    }
}

#[test]
fn a_plugin_has_one_manifest_at_its_top_level() {
    let component = bursar_artifacts::guest("caller");
    assert_eq!(refused(&bare("caller")), Refusal::NoManifest);
    let twice = package::assemble(&component, &bursar_artifacts::manifest("caller"))
        .expect("one more section");
    assert_eq!(refused(&twice), Refusal::SeveralManifests(2));
    let mut outer = Component::new();
    outer.section(&RawSection {
        id: wasm_encoder::ComponentSectionId::Component.into(),
        data: &component,
    });
    assert_eq!(refused(&outer.finish()), Refusal::NoManifest);
}

#[test]
fn a_nested_component_is_not_what_is_inspected() {
    let mut outer = Component::new();
    outer.section(&NestedComponentSection(&Component::new()));
    let outer = package::assemble(&outer.finish(), &bursar_artifacts::manifest("caller"))
        .expect("a section");
    assert_eq!(refused(&outer), Refusal::NoHandler);
}

#[test]
fn every_problem_of_a_manifest_is_listed() {
    let manifest = bursar_artifacts::manifest("caller")
        .replace("\"caller\"", "\"Not A Name\"")
        .replace("1.0.0", "one");
    let component =
        package::assemble(&bursar_artifacts::module("caller"), &manifest).expect("a component");
    let Refusal::ManifestInvalid(problems) = refused(&component) else {
        panic!("the manifest is wrong")
    };
    let pointers: Vec<&str> = problems
        .iter()
        .map(|problem| problem.pointer.as_str())
        .collect();
    assert_eq!(pointers, ["/name", "/version"]);
    let component =
        package::assemble(&bursar_artifacts::module("caller"), "name = ").expect("a component");
    assert_eq!(refused(&component).code(), "manifest-invalid");
}

#[test]
pub fn imports_beyond_the_manifest_are_refused_by_name() {
    let Refusal::ExceedsManifest(excesses) = refused(&bursar_artifacts::guest("greedy")) else {
        panic!("it reaches too far")
    };
    let found: Vec<(&str, &str)> = excesses
        .iter()
        .map(|excess| (excess.function.as_str(), excess.missing.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("messages.mail", "messages"),
            ("records.get", "records: read")
        ]
    );
    let error = package::component(
        &bursar_artifacts::module("greedy"),
        &bursar_artifacts::manifest("greedy"),
    );
    assert!(matches!(
        error,
        Err(package::PackageError::Refused(Refusal::ExceedsManifest(_)))
    ));
}

#[test]
fn what_the_host_does_not_have_is_refused() {
    let check = |guest: &str, from: &str, to: &str, expected: &str| {
        let refusal = refused(&renamed(bursar_artifacts::guest(guest), from, to));
        assert_eq!(refusal.code(), expected, "{to}: {refusal}");
    };
    check(
        "caller",
        "bursar:office/clock@0.1.0",
        "bursar:office/clack@0.1.0",
        "unknown-import",
    );
    check(
        "caller",
        "bursar:office/clock@0.1.0",
        "bursar:office/clock@0.2.0",
        "other-contract",
    );
    check(
        "caller",
        "bursar:office/clock@0.1.0",
        "ursari:office/clock@0.1.0",
        "unknown-import",
    );
    check(
        "caller",
        "bursar:office/handler@0.1.0",
        "bursar:office/handler@0.3.0",
        "other-contract",
    );
    check(
        "caller",
        "bursar:office/handler@0.1.0",
        "bursar:office/hundler@0.1.0",
        "no-handler",
    );
    check("wasi", "wasi:clocks/", "wasi:sensor/", "unknown-import");
    check("wasi", "@0.2.3", "@0.3.0", "unknown-import");
}

#[test]
fn what_cannot_be_packaged_is_an_error_that_says_why() {
    let manifest = bursar_artifacts::manifest("caller");
    let empty = wasm_encoder::Module::new().finish();
    let refused = package::component(&empty, &manifest).map(|built| built.inspection);
    assert!(
        matches!(
            refused,
            Err(package::PackageError::Refused(Refusal::NoHandler))
        ),
        "{refused:?}"
    );
    let nonsense = package::assemble(b"\0asm\x01\0\0\0 and more", &manifest);
    assert!(
        matches!(nonsense, Err(package::PackageError::Encode(_))),
        "{nonsense:?}"
    );
    let folder = tempfile::tempdir().expect("a temporary folder");
    let built = package::build_crate(folder.path(), &folder.path().join("target"))
        .map(|built| built.inspection);
    let Err(package::PackageError::Build(said)) = built else {
        panic!("there is no crate: {built:?}")
    };
    assert!(said.contains("Cargo.toml"), "{said}");
}
