//! Files that are no plugins, and what the program says to each.

use bursar_runtime::COMPONENT_BYTES_MAX;

use crate::place::Place;

#[test]
fn a_file_that_is_no_plugin_is_refused_and_changes_nothing() {
    let place = Place::sqlite().founded();
    let module = bursar_artifacts::module("counter");
    let component = bursar_artifacts::guest("counter");
    let files: [(&str, &[u8], &str); 5] = [
        ("text.wasm", b"I am no plugin.\n", "(not-wasm)"),
        ("module.wasm", &module, "(not-component)"),
        (
            "no-manifest.wasm",
            &without_manifest("counter"),
            "(no-manifest)",
        ),
        ("cut.wasm", cut(&component), "(malformed)"),
        (
            "greedy.wasm",
            &bursar_artifacts::guest("greedy"),
            "(exceeds-manifest)",
        ),
    ];
    for (name, content, code) in files {
        let file = place.file(name, content);
        place.refuse_without_trace(&["plugin", "inspect", &file], code);
        place.refuse_without_trace(&["plugin", "install", &file], code);
    }
    assert!(place.rows("plugin", "").is_empty());
    assert_eq!(blobs(&place), 0, "a refused file was kept");
}

#[test]
fn what_a_plugin_asks_too_much_is_named_with_the_permission_that_is_missing() {
    let place = Place::sqlite().founded();
    let file = place.file("greedy.wasm", &bursar_artifacts::guest("greedy"));
    let said = place.refuse(&["plugin", "install", &file]);
    for part in ["records.get", "messages.mail", "plugin.toml"] {
        assert!(said.contains(part), "{part:?}: {said}");
    }
}

#[test]
fn a_plugin_whose_timer_can_never_fire_is_refused() {
    let place = Place::sqlite().founded();
    let manifest = bursar_artifacts::manifest("counter");
    let timer = "[[triggers]]\nkind = \"timer\"\nname = \"daily\"\ncron = \"61 9 * * *\"\n";
    let module = bursar_artifacts::module("counter");
    let built = bursar_runtime::package::assemble(&module, &format!("{manifest}\n{timer}"));
    let file = place.file("timer.wasm", &built.expect("a component"));
    let said = place.refuse(&["plugin", "install", &file]);
    for part in ["daily", "minute", "five fields"] {
        assert!(said.to_lowercase().contains(part), "{part:?}: {said}");
    }
    assert_eq!(blobs(&place), 0, "a refused file was kept");
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let place = Place::sqlite().founded();
    let path = place.file("large.wasm", b"");
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .expect("the file is there");
    let bytes = u64::try_from(COMPONENT_BYTES_MAX).expect("a size") + 1;
    file.set_len(bytes).expect("the file grows");
    place.refuse_without_trace(&["plugin", "install", &path], "(too-large)");
}

#[test]
fn a_file_that_is_not_there_is_refused() {
    let place = Place::sqlite().founded();
    place.refuse_without_trace(&["plugin", "install", "nowhere.wasm"], "nowhere.wasm");
}

/// A guest's component with everything but its manifest, which is the last section.
fn without_manifest(guest: &str) -> Vec<u8> {
    let name = b"bursar:manifest";
    let mut component = bursar_runtime::package::assemble(&bursar_artifacts::module(guest), "")
        .expect("a component");
    let start = component
        .windows(name.len())
        .rposition(|part| part == name)
        .expect("the section's name");
    // Before the name: the section's id, its size and the name's length, a byte each.
    component.truncate(start - 3);
    component
}

/// All but the end.
fn cut(component: &[u8]) -> &[u8] {
    component.get(..component.len() / 2).expect("half of it")
}

fn blobs(place: &Place) -> usize {
    let mut folders = vec![place.folder().join("blobs")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files += 1;
            }
        }
    }
    files
}
