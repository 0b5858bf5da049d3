//! How much work a component is before it runs, counted while it is read.
//!
//! Compiling takes time and memory by what is counted here, so what is too much never gets to the compiler. Knows the
//! binary format alone. A nested component costs each time that it is instantiated, and so does what it instantiates:
//! twice at every one of thirty levels is a billion times. Counts of what is not validated yet are only counts.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, Encoding, Instance, Payload,
};

use crate::{
    engine::{CORE_INSTANCES_MAX, MEMORIES_MAX, TABLE_ELEMENTS_MAX, TABLES_MAX},
    refusal::Refusal,
};

/// Most functions of all modules; interpreters bring some thirty thousand.
pub const FUNCTIONS_MAX: u64 = 200_000;
/// Largest function, in bytes: the time to compile one grows faster than its size.
pub const FUNCTION_BYTES_MAX: u64 = 1 << 20;
/// Code of all modules, in bytes.
pub const CODE_BYTES_MAX: u64 = 32 << 20;
/// Most types of all modules and components.
pub const TYPES_MAX: u64 = 100_000;
/// How deep modules and components lie within each other.
pub const NESTING_MAX: u64 = 16;
/// Most definitions of all component instances, which is what linking them goes through.
pub const DEFINITIONS_MAX: u64 = 100_000;

/// What has been read of a component so far.
#[derive(Default)]
pub struct Extent {
    functions: u64,
    code_bytes: u64,
    types: u64,
    /// Of all modules: what nobody instantiates is compiled all the same.
    memories: u64,
    tables: u64,
    /// What is being read, from the outside in.
    open: Vec<Frame>,
}

/// A module or component that is being read.
struct Frame {
    encoding: Encoding,
    made: Made,
    /// By their index.
    modules: Vec<Made>,
    components: Vec<Made>,
}

/// What one instance makes, with all that it instantiates.
#[derive(Clone, Copy, Default)]
struct Made {
    core_instances: u64,
    memories: u64,
    tables: u64,
    definitions: u64,
    /// What the definition takes along from further out, with what that takes along: it is copied wherever this is defined.
    captured: u64,
}

impl Made {
    fn add(&mut self, more: Self) {
        self.core_instances = self.core_instances.saturating_add(more.core_instances);
        self.memories = self.memories.saturating_add(more.memories);
        self.tables = self.tables.saturating_add(more.tables);
        self.definitions = self.definitions.saturating_add(more.definitions);
    }

    fn check(&self) -> Result<(), Refusal> {
        check(
            "core_instances_max",
            CORE_INSTANCES_MAX.into(),
            self.core_instances,
        )?;
        check("memories_max", MEMORIES_MAX.into(), self.memories)?;
        check("tables_max", TABLES_MAX.into(), self.tables)?;
        check("definitions_max", DEFINITIONS_MAX, self.definitions)
    }
}

fn check(limit: &'static str, allowed: u64, used: u64) -> Result<(), Refusal> {
    if used > allowed {
        return Err(Refusal::OverLimit {
            limit,
            allowed,
            used,
        });
    }
    Ok(())
}

/// Adds a count and checks the sum.
fn count(sum: &mut u64, more: u64, limit: &'static str, allowed: u64) -> Result<(), Refusal> {
    *sum = sum.saturating_add(more);
    check(limit, allowed, *sum)
}

impl Extent {
    /// Counts the next part, before anything else is done with it.
    pub fn read(&mut self, payload: &Payload<'_>) -> Result<(), Refusal> {
        match payload {
            Payload::Version { encoding, .. } => self.enter(*encoding),
            Payload::End(_) => self.leave(),
            Payload::FunctionSection(section) => count(
                &mut self.functions,
                section.count().into(),
                "functions_max",
                FUNCTIONS_MAX,
            ),
            Payload::CodeSectionStart { size, .. } => count(
                &mut self.code_bytes,
                (*size).into(),
                "code_bytes_max",
                CODE_BYTES_MAX,
            ),
            Payload::CodeSectionEntry(body) => {
                let range = body.range();
                let bytes = range.end.saturating_sub(range.start);
                check("function_bytes_max", FUNCTION_BYTES_MAX, bytes)
            }
            Payload::TypeSection(section) => {
                let mut types = 0_usize;
                for group in section.clone() {
                    types = types.saturating_add(group?.into_types().len());
                }
                self.count_types(u64::try_from(types).unwrap_or(u64::MAX))
            }
            Payload::CoreTypeSection(section) => self.count_types(section.count().into()),
            Payload::ComponentTypeSection(section) => self.count_types(section.count().into()),
            other => match self.open.last().map(|frame| frame.encoding) {
                Some(Encoding::Module) => self.read_module(other),
                Some(Encoding::Component) => self.read_component(other),
                None => Ok(()),
            },
        }
    }

    fn count_types(&mut self, more: u64) -> Result<(), Refusal> {
        count(&mut self.types, more, "types_max", TYPES_MAX)
    }

    fn enter(&mut self, encoding: Encoding) -> Result<(), Refusal> {
        let depth = u64::try_from(self.open.len()).unwrap_or(u64::MAX);
        check("nesting_max", NESTING_MAX, depth.saturating_add(1))?;
        let made = Made {
            core_instances: u64::from(encoding == Encoding::Module),
            ..Made::default()
        };
        self.open.push(Frame {
            encoding,
            made,
            modules: Vec::new(),
            components: Vec::new(),
        });
        Ok(())
    }

    /// What was nested gets the next index of its kind; what was not is what runs.
    fn leave(&mut self) -> Result<(), Refusal> {
        let Some(inner) = self.open.pop() else {
            return Ok(());
        };
        match (self.open.last_mut(), inner.encoding) {
            (Some(outer), Encoding::Module) => outer.modules.push(inner.made),
            (Some(outer), Encoding::Component) => outer.components.push(inner.made),
            (None, _) => inner.made.check()?,
        }
        Ok(())
    }

    fn read_module(&mut self, payload: &Payload<'_>) -> Result<(), Refusal> {
        let Some(frame) = self.open.last_mut() else {
            return Ok(());
        };
        match payload {
            Payload::MemorySection(section) => {
                let more = section.count().into();
                count(
                    &mut self.memories,
                    more,
                    "memories_max",
                    MEMORIES_MAX.into(),
                )?;
                frame.made.memories = frame.made.memories.saturating_add(section.count().into());
            }
            Payload::TableSection(section) => {
                let more = section.count().into();
                count(&mut self.tables, more, "tables_max", TABLES_MAX.into())?;
                frame.made.tables = frame.made.tables.saturating_add(section.count().into());
                let allowed = u64::try_from(TABLE_ELEMENTS_MAX).unwrap_or(u64::MAX);
                for table in section.clone() {
                    check("table_elements_max", allowed, table?.ty.initial)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn read_component(&mut self, payload: &Payload<'_>) -> Result<(), Refusal> {
        let definitions = match payload {
            Payload::InstanceSection(section) => section.count(),
            Payload::ComponentInstanceSection(section) => section.count(),
            Payload::ComponentAliasSection(section) => section.count(),
            Payload::ComponentCanonicalSection(section) => section.count(),
            Payload::ComponentImportSection(section) => section.count(),
            Payload::ComponentExportSection(section) => section.count(),
            _ => return Ok(()),
        };
        if let Some(frame) = self.open.last_mut() {
            frame.made.definitions = frame.made.definitions.saturating_add(definitions.into());
        }
        match payload {
            Payload::InstanceSection(section) => {
                for instance in section.clone() {
                    match instance? {
                        Instance::Instantiate { module_index, args } => {
                            let made = self.module(0, module_index);
                            self.instantiate(made, args.len());
                        }
                        Instance::FromExports(exports) => self.define(exports.len()),
                    }
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section.clone() {
                    match instance? {
                        ComponentInstance::Instantiate {
                            component_index,
                            args,
                        } => {
                            let made = self.component(0, component_index);
                            self.instantiate(made, args.len());
                        }
                        ComponentInstance::FromExports(exports) => self.define(exports.len()),
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.clone() {
                    self.alias(&alias?)?;
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    self.import(import?.ty)?;
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    let export = export?;
                    self.name_again(export.kind, export.index);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What is instantiated is made again, with what it took along and what it is given.
    fn instantiate(&mut self, made: Made, given: usize) {
        if let Some(frame) = self.open.last_mut() {
            frame.made.add(made);
            let definitions = frame.made.definitions.saturating_add(made.captured);
            frame.made.definitions = definitions;
        }
        self.define(given);
    }

    /// Names that an instance is made of.
    fn define(&mut self, names: usize) {
        if let Some(frame) = self.open.last_mut() {
            let names = u64::try_from(names).unwrap_or(u64::MAX);
            frame.made.definitions = frame.made.definitions.saturating_add(names);
        }
    }

    /// What is named from further out is taken along by everything in between.
    fn capture(&mut self, outer: u32, made: Made) -> Result<(), Refusal> {
        let crossed = usize::try_from(outer).unwrap_or(usize::MAX);
        for frame in self.open.iter_mut().rev().take(crossed) {
            let more = made.captured.saturating_add(1);
            let captured = &mut frame.made.captured;
            count(captured, more, "definitions_max", DEFINITIONS_MAX)?;
        }
        Ok(())
    }

    /// So many components further out; nothing where the validator will find nothing.
    fn outer(&self, count: u32) -> Option<&Frame> {
        self.open.iter().rev().nth(usize::try_from(count).ok()?)
    }

    fn module(&self, outer: u32, index: u32) -> Made {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let found = self
            .outer(outer)
            .and_then(|frame| frame.modules.get(index).copied());
        found.unwrap_or_default()
    }

    fn component(&self, outer: u32, index: u32) -> Made {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let found = self
            .outer(outer)
            .and_then(|frame| frame.components.get(index).copied());
        found.unwrap_or_default()
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) -> Result<(), Refusal> {
        match *alias {
            ComponentAlias::Outer {
                kind: ComponentOuterAliasKind::CoreModule,
                count,
                index,
            } => {
                let made = self.module(count, index);
                self.capture(count, made)?;
                self.add_module(made);
            }
            ComponentAlias::Outer {
                kind: ComponentOuterAliasKind::Component,
                count,
                index,
            } => {
                let made = self.component(count, index);
                self.capture(count, made)?;
                self.add_component(made);
            }
            ComponentAlias::InstanceExport {
                kind: ComponentExternalKind::Module | ComponentExternalKind::Component,
                ..
            } => return Err(handed_around()),
            _ => {}
        }
        Ok(())
    }

    /// The top level's imports are looked at by name.
    fn import(&mut self, kind: ComponentTypeRef) -> Result<(), Refusal> {
        match kind {
            ComponentTypeRef::Module(_) | ComponentTypeRef::Component(_) if self.open.len() > 1 => {
                Err(handed_around())
            }
            _ => Ok(()),
        }
    }

    /// An export is a new name of what it exports, with an index of its own.
    fn name_again(&mut self, kind: ComponentExternalKind, index: u32) {
        match kind {
            ComponentExternalKind::Module => self.add_module(self.module(0, index)),
            ComponentExternalKind::Component => self.add_component(self.component(0, index)),
            _ => {}
        }
    }

    fn add_module(&mut self, made: Made) {
        if let Some(frame) = self.open.last_mut() {
            frame.modules.push(made);
        }
    }

    fn add_component(&mut self, made: Made) {
        if let Some(frame) = self.open.last_mut() {
            frame.components.push(made);
        }
    }
}

/// What instantiates a module or component that it is only given cannot be counted before it is.
fn handed_around() -> Refusal {
    Refusal::DoesNotFit(
        "it hands modules or components from one of its components to another".into(),
    )
}
