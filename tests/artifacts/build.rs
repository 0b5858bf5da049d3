//! Makes an enum of the guests in `tests/guests`: whoever matches on it leaves none out.

use std::{fmt::Write, path::Path};

/// From this crate's folder.
const GUESTS: &str = "../guests/examples";

fn main() {
    println!("cargo::rerun-if-changed={GUESTS}");
    let entries = std::fs::read_dir(GUESTS).expect("the guests are there");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .filter_map(|path| path.file_stem()?.to_str().map(str::to_owned))
        .collect();
    names.sort();
    let folder = std::env::var_os("OUT_DIR").expect("cargo says where to");
    std::fs::write(Path::new(&folder).join("guests.rs"), source(&names)).expect("a file");
}

fn source(names: &[String]) -> String {
    let mut variants = String::new();
    for name in names {
        let variant = variant(name);
        write!(variants, "{variant} => {name:?}, ").expect("texts take everything");
    }
    format!("guests! {{ {variants} }}")
}

/// `two-words` is `TwoWords`.
fn variant(name: &str) -> String {
    name.split(['-', '_'])
        .map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + rest
        })
        .collect()
}
