//! A look at untrusted bytes that runs nothing: what is it, what does it ask for, what can it reach.
//!
//! Knows the binary format and the contract's names, not wasmtime. A component's reach is the set of functions that it
//! imports at its top level: whatever is nested inside gets at the host through those alone.

use std::collections::BTreeSet;

use bursar_domain::{
    log,
    manifest::{
        CalendarOperation, InvoiceOperation, Manifest, Reach, RecordOperation, SECTION, reach_of,
    },
};
use wasmparser::{
    Encoding, Parser, Payload, ValidPayload, Validator, WasmFeatures,
    component_types::ComponentEntityType,
    types::{Types, TypesRef},
};

use crate::{
    extent::Extent,
    refusal::{COMPONENT_BYTES_MAX, Excess, Refusal},
};

/// The version of the contract in `wit/`.
pub const CONTRACT_VERSION: &str = "0.1.0";
const CONTRACT: &str = "bursar:office/";
const HANDLER: &str = "handler";
/// Packages of WASI 0.2 that a run gets an empty version of.
const WASI_PACKAGES: &[&str] = &[
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:io/",
    "wasi:random/",
    "wasi:sockets/",
];

/// What there is to know about a plugin without running it.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// SHA-256 of the component, as lower-case hex.
    pub digest: String,
    /// Size of the component.
    pub bytes: u64,
    /// What it asks for.
    pub manifest: Manifest,
    /// Functions of the contract that it imports, as "interface.function", sorted.
    pub imports: Vec<String>,
    /// Interfaces of WASI that it imports, sorted. The sandbox answers them with nothing behind it.
    pub wasi: Vec<String>,
}

/// Looks at a component and its manifest, and refuses what cannot or must not be installed.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, Refusal> {
    let outline = outline(bytes)?;
    let manifest = match outline.manifests.as_slice() {
        [one] => one,
        [] => return Err(Refusal::NoManifest),
        several => return Err(Refusal::SeveralManifests(several.len())),
    };
    let manifest =
        std::str::from_utf8(manifest).map_err(|error| Refusal::Malformed(error.to_string()))?;
    let manifest = Manifest::parse(manifest).map_err(Refusal::ManifestInvalid)?;
    let reach = Imports::of(&outline)?;
    find_handler(&outline)?;
    let excesses: Vec<Excess> = reach
        .contract
        .iter()
        .filter_map(|import| excess(import, &manifest))
        .collect();
    if !excesses.is_empty() {
        return Err(Refusal::ExceedsManifest(excesses));
    }
    let mut imports: Vec<String> = reach
        .contract
        .iter()
        .map(|(interface, function)| format!("{interface}.{function}"))
        .collect();
    imports.sort();
    Ok(Inspection {
        digest: log::sha256_hex(bytes),
        bytes: bytes.len().try_into().unwrap_or(u64::MAX),
        manifest,
        imports,
        wasi: reach.wasi.into_iter().collect(),
    })
}

/// The component's top level.
struct Outline<'a> {
    manifests: Vec<&'a [u8]>,
    imports: Vec<&'a str>,
    exports: Vec<&'a str>,
    types: Types,
}

fn outline(bytes: &[u8]) -> Result<Outline<'_>, Refusal> {
    if bytes.len() > COMPONENT_BYTES_MAX {
        return Err(Refusal::TooLarge { bytes: bytes.len() });
    }
    if !bytes.starts_with(b"\0asm") {
        return Err(Refusal::NotWasm);
    }
    if Parser::is_core_wasm(bytes) {
        return Err(Refusal::NotComponent);
    }
    walk(bytes)?.ok_or_else(|| Refusal::Malformed("it has no end".to_owned()))
}

fn walk(bytes: &[u8]) -> Result<Option<Outline<'_>>, Refusal> {
    let mut validator = Validator::new_with_features(WasmFeatures::default());
    let (mut manifests, mut imports, mut exports) = (Vec::new(), Vec::new(), Vec::new());
    let mut depth = 0_usize;
    let mut types = None;
    let mut extent = Extent::default();
    let mut allocations = wasmparser::FuncValidatorAllocations::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        extent.read(&payload)?;
        match validator.payload(&payload)? {
            ValidPayload::Func(function, body) => {
                let mut function = function.into_validator(allocations);
                function.validate(&body)?;
                allocations = function.into_allocations();
            }
            ValidPayload::End(known) => types = Some(known),
            ValidPayload::Ok | ValidPayload::Parser(_) => {}
        }
        match payload {
            Payload::Version {
                encoding: Encoding::Module | Encoding::Component,
                ..
            } => depth = depth.saturating_add(1),
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if depth == 1 && section.name() == SECTION => {
                manifests.push(section.data());
            }
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    imports.push(import?.name.name);
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    exports.push(export?.name.name);
                }
            }
            _ => {}
        }
    }
    Ok(types.map(|types| Outline {
        manifests,
        imports,
        exports,
        types,
    }))
}

#[derive(Default)]
struct Imports {
    /// (interface, function)
    contract: BTreeSet<(String, String)>,
    wasi: BTreeSet<String>,
}

impl Imports {
    fn of(outline: &Outline<'_>) -> Result<Self, Refusal> {
        let mut found = Self::default();
        for name in &outline.imports {
            if WASI_PACKAGES
                .iter()
                .any(|package| name.starts_with(package))
                && name.contains("@0.2.")
            {
                found.wasi.insert((*name).to_owned());
                continue;
            }
            let interface = contract_interface(name)?
                .ok_or_else(|| Refusal::UnknownImport((*name).to_owned()))?;
            let item = outline
                .types
                .component_item_for_import(name)
                .map(|item| item.ty);
            let functions = functions_of(item, outline.types.as_ref());
            for function in functions.ok_or_else(|| Refusal::UnknownImport((*name).to_owned()))? {
                if reach_of(interface, &function).is_none() {
                    return Err(Refusal::UnknownImport(format!("{name}.{function}")));
                }
                found.contract.insert((interface.to_owned(), function));
            }
        }
        Ok(found)
    }
}

/// The interface's bare name, if the contract's package holds it.
fn contract_interface(name: &str) -> Result<Option<&str>, Refusal> {
    let Some((interface, version)) = name
        .strip_prefix(CONTRACT)
        .and_then(|rest| rest.split_once('@'))
    else {
        return Ok(None);
    };
    if version != CONTRACT_VERSION {
        return Err(Refusal::OtherContract {
            found: name.to_owned(),
            expected: CONTRACT_VERSION,
        });
    }
    Ok(Some(interface))
}

/// Names of an interface's functions; none when it is no interface of functions and types.
fn functions_of(item: Option<ComponentEntityType>, types: TypesRef<'_>) -> Option<Vec<String>> {
    let ComponentEntityType::Instance(id) = item? else {
        return None;
    };
    let mut functions = Vec::new();
    for (name, export) in &types.get(id)?.exports {
        match export.ty {
            ComponentEntityType::Func(_) => functions.push(name.clone()),
            ComponentEntityType::Type { .. } => {}
            _ => return None,
        }
    }
    Some(functions)
}

fn find_handler(outline: &Outline<'_>) -> Result<(), Refusal> {
    for name in &outline.exports {
        if name
            .strip_prefix(CONTRACT)
            .and_then(|rest| rest.split('@').next())
            != Some(HANDLER)
        {
            continue;
        }
        contract_interface(name)?;
        let item = outline
            .types
            .component_item_for_export(name)
            .map(|item| item.ty);
        let functions = functions_of(item, outline.types.as_ref()).unwrap_or_default();
        if functions.iter().any(|function| function == "run") {
            return Ok(());
        }
    }
    Err(Refusal::NoHandler)
}

fn excess((interface, function): &(String, String), manifest: &Manifest) -> Option<Excess> {
    let reach = reach_of(interface, function)?;
    let missing = || Excess {
        function: format!("{interface}.{function}"),
        missing: in_words(reach).to_owned(),
    };
    (!manifest.asks(reach)).then(missing)
}

fn in_words(reach: Reach) -> &'static str {
    match reach {
        Reach::Free => "none",
        Reach::Records(RecordOperation::Read) => "records: read",
        Reach::Records(RecordOperation::Create) => "records: create",
        Reach::Records(RecordOperation::Update) => "records: update",
        Reach::Records(RecordOperation::Delete) => "records: delete",
        Reach::Invoices(InvoiceOperation::Read) => "invoices: read",
        Reach::Invoices(InvoiceOperation::Draft) => "invoices: draft",
        Reach::Invoices(InvoiceOperation::Issue) => "invoices: issue",
        Reach::Invoices(InvoiceOperation::Pay) => "invoices: pay",
        Reach::Invoices(InvoiceOperation::WriteOff) => "invoices: write-off",
        Reach::Invoices(InvoiceOperation::Dun) => "invoices: dun",
        Reach::Invoices(InvoiceOperation::Approve) => "invoices: approve",
        Reach::Calendars(CalendarOperation::Read) => "calendars: read",
        Reach::Calendars(CalendarOperation::Create) => "calendars: create",
        Reach::Calendars(CalendarOperation::Update) => "calendars: update",
        Reach::Calendars(CalendarOperation::Delete) => "calendars: delete",
        Reach::Documents => "documents: read",
        Reach::Messages => "messages",
        Reach::Tasks => "tasks",
    }
}
