//! Invoices that others made, and those that our own host writes: every one must be read and recompute to its own totals.
//!
//! Those of others lie outside of the repository, in `shared/testdata` beside the project's folder or under `BURSAR_SHARED`; where
//! they are absent their test says so and passes.

use std::io::Write as _;
use std::path::PathBuf;

use bursar_sdk::{Money, exponent};

use crate::content::{self, Frame, Signs, Source};
use crate::einvoice::{self, Figure};
use crate::recompute::{self, Cause};

fn example_files() -> Vec<PathBuf> {
    let beside_the_project = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").into();
    let shared = std::env::var_os("BURSAR_SHARED").map_or_else(beside_the_project, PathBuf::from);
    let folder = shared.join("testdata/invoices");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        // Written past the test harness, which would keep the line to itself.
        let line = writeln!(std::io::stderr(), "skipped: {} absent", folder.display());
        line.expect("standard error is open");
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.expect("the folder can be listed").path());
    let mut files: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "xml"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} has no examples", folder.display());
    files
}

#[test]
fn every_example_recomputes_to_its_own_totals() {
    for file in example_files() {
        let bytes = std::fs::read(&file).expect("the example can be read");
        check(&file.display().to_string(), &bytes);
    }
}

#[test]
fn what_the_host_writes_is_read_without_a_deviation() {
    for (name, text) in [
        (
            "invoice",
            include_str!("../../../host/domain/tests/ubl/invoice.xml"),
        ),
        (
            "credit note",
            include_str!("../../../host/domain/tests/ubl/credit-note.xml"),
        ),
    ] {
        check(name, text.as_bytes());
        let parsed = einvoice::parse(text.as_bytes()).expect("it was read before");
        assert_eq!(recompute::check(&parsed.invoice).deviations, [], "{name}");
    }
}

fn check(name: &str, bytes: &[u8]) {
    let parsed = einvoice::parse(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(parsed.faults, [], "{name}");
    let invoice = &parsed.invoice;
    let findings = recompute::check(invoice);
    assert_eq!(findings.faults, [], "{name}");
    let unexplained = findings.deviations.iter();
    let unexplained: Vec<_> = unexplained
        .filter(|it| it.cause == Cause::Tolerated)
        .collect();
    assert!(unexplained.is_empty(), "{name}: {unexplained:#?}");

    let frame = Frame {
        legal_entity: "entity",
        party: "party",
        corrects: None,
        source: Source::default(),
    };
    let content = content::content(invoice, &findings.deviations, &frame)
        .unwrap_or_else(|fault| panic!("{name}: {fault:?}"));
    let host = content::host_totals(&content).expect("the figures fit");
    let digits = u32::from(exponent(&invoice.currency));
    let signs = Signs::of(invoice);
    let booked = |figure: &Figure| {
        let minor = signs.apply(figure.value).minor_units(digits);
        Money::new(minor.expect("the figure fits"), &invoice.currency)
    };
    let line_nets: Vec<Money> = invoice.lines.iter().map(|line| booked(&line.net)).collect();
    let totals = &invoice.totals;
    let no_tax = Figure::default();
    let tax = totals.tax.as_ref().unwrap_or(&no_tax);
    assert_eq!(host.line_nets, line_nets, "{name}: BT-131");
    assert_eq!(host.net, booked(&totals.net), "{name}: BT-109");
    assert_eq!(host.tax, booked(tax), "{name}: BT-110");
    assert_eq!(host.gross, booked(&totals.gross), "{name}: BT-112");
}
