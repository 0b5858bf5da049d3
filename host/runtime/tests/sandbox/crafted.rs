//! Hostile components that no toolchain makes: a well-behaved guest with something more inside.

use wasm_encoder::{
    Alias, CodeSection, Component, ComponentAliasSection, ComponentInstanceSection,
    ComponentOuterAliasKind, ComponentSection, ComponentSectionId, EntityType, Function,
    FunctionSection, HeapType, InstanceSection, MemorySection, MemoryType, Module, ModuleArg,
    ModuleSection, NestedComponentSection, RawSection, RefType, StartSection, TableSection,
    TableType, TypeSection,
};
use wasmparser::{Encoding, Parser, Payload};

/// The guest that everything is put into; it takes `{"calls": 1}`.
pub const HOST_GUEST: &str = "caller";

/// The well-behaved guest, with one instance of a component inside.
pub fn around(nested: &Component) -> Vec<u8> {
    let mut bytes = bursar_artifacts::guest(HOST_GUEST);
    let place = nested_components(&bytes);
    append(&mut bytes, &NestedComponentSection(nested));
    let mut instances = ComponentInstanceSection::new();
    instances.instantiate(place, NONE);
    append(&mut bytes, &instances);
    bytes
}

/// No arguments of an instance.
const NONE: [(&str, wasm_encoder::ComponentExportKind, u32); 0] = [];

fn append(component: &mut Vec<u8>, section: &impl ComponentSection) {
    component.push(section.id());
    section.encode(component);
}

fn nested_components(component: &[u8]) -> u32 {
    let (mut depth, mut found) = (0, 0);
    for payload in Parser::new(0).parse_all(component) {
        match payload.expect("a guest is well formed") {
            Payload::Version { encoding, .. } => {
                found += u32::from(depth == 1 && encoding == Encoding::Component);
                depth += 1;
            }
            Payload::End(_) => depth -= 1,
            _ => {}
        }
    }
    found
}

/// So many instances of a module.
pub fn instances_of(module: &Module, count: u64) -> Component {
    let mut component = Component::new();
    component.section(&ModuleSection(module));
    let mut instances = InstanceSection::new();
    let none: [(&str, ModuleArg); 0] = [];
    for _ in 0..count {
        instances.instantiate(0, none);
    }
    component.section(&instances);
    component
}

/// A module that has these bodies, and no more than they need.
pub fn functions(bodies: impl IntoIterator<Item = Function>) -> Module {
    module_of(&[], bodies, None)
}

/// A module that does something when it is instantiated, with a table to work on.
pub fn starting(start: Function) -> Module {
    module_of(&[0], [start], Some(0))
}

/// A module with tables of so many elements.
pub fn tables(elements: &[u64]) -> Module {
    module_of(elements, [], None)
}

fn module_of(
    elements: &[u64],
    bodies: impl IntoIterator<Item = Function>,
    start: Option<u32>,
) -> Module {
    let mut module = Module::new();
    let mut types = TypeSection::new();
    types.ty().function([], []);
    module.section(&types);
    let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
    for body in bodies {
        functions.function(0);
        code.function(&body);
    }
    module.section(&functions);
    let mut tables = TableSection::new();
    for minimum in elements {
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: *minimum,
            maximum: None,
            shared: false,
        });
    }
    module.section(&tables);
    if let Some(function_index) = start {
        module.section(&StartSection { function_index });
    }
    module.section(&code);
    module
}

/// A module with so many memories of no bytes.
pub fn memories(count: u64) -> Module {
    let mut module = Module::new();
    let mut memories = MemorySection::new();
    for _ in 0..count {
        memories.memory(MemoryType {
            minimum: 0,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
    }
    module.section(&memories);
    module
}

/// A module with so many types.
pub fn types(count: u64) -> Module {
    let mut module = Module::new();
    let mut types = TypeSection::new();
    for _ in 0..count {
        types.ty().function([], []);
    }
    module.section(&types);
    module
}

/// The body that does nothing, in at least two bytes.
pub fn idle(bytes: u64) -> Function {
    let mut body = Function::new([]);
    // No locals and the end take one byte each.
    for _ in 2..bytes {
        body.instructions().nop();
    }
    body.instructions().end();
    body
}

/// The body that never ends.
pub fn endless() -> Function {
    let mut body = Function::new([]);
    let block = wasm_encoder::BlockType::Empty;
    body.instructions().loop_(block).br(0).end().end();
    body
}

/// The body that calls itself.
pub fn recursive() -> Function {
    let mut body = Function::new([]);
    body.instructions().call(0).end();
    body
}

/// The body that makes the table larger, and does not look whether it worked.
pub fn growing(elements: i32) -> Function {
    let mut body = Function::new([]);
    let mut code = body.instructions();
    code.ref_null(HeapType::FUNC).i32_const(elements);
    code.table_grow(0).drop().end();
    body
}

/// A component within a component, so many times.
pub fn nested(levels: u64) -> Component {
    let mut component = Component::new();
    for _ in 1..levels {
        let mut outer = Component::new();
        outer.section(&NestedComponentSection(&component));
        component = outer;
    }
    component
}

/// Components of which each makes two instances of the one before: small, and 2^levels of them.
pub fn doubling(levels: u32) -> Component {
    let mut all = levels_of(levels, 1, 2);
    let mut instances = ComponentInstanceSection::new();
    instances.instantiate(levels, NONE);
    all.section(&instances);
    all
}

/// Components of which each takes along the one before twice, with all that it takes along; none is instantiated.
pub fn capturing(levels: u32) -> Component {
    levels_of(levels, 2, 0)
}

/// Components of which each names the one before so many times, and instantiates it so many times.
fn levels_of(levels: u32, names: u32, made: u32) -> Component {
    let mut all = Component::new();
    all.section(&NestedComponentSection(&Component::new()));
    for before in 0..levels {
        let mut component = Component::new();
        let mut aliases = ComponentAliasSection::new();
        for _ in 0..names {
            aliases.alias(Alias::Outer {
                kind: ComponentOuterAliasKind::Component,
                count: 1,
                index: before,
            });
        }
        component.section(&aliases);
        let mut instances = ComponentInstanceSection::new();
        for _ in 0..made {
            instances.instantiate(0, NONE);
        }
        component.section(&instances);
        all.section(&NestedComponentSection(&component));
    }
    all
}

/// A component that is given a module and instantiates what it is given.
pub fn given_a_module() -> Component {
    let mut component = Component::new();
    let mut types = wasm_encoder::CoreTypeSection::new();
    types.ty().module(&wasm_encoder::ModuleType::new());
    component.section(&types);
    let mut imports = wasm_encoder::ComponentImportSection::new();
    imports.import("given", wasm_encoder::ComponentTypeRef::Module(0));
    component.section(&imports);
    component
}

/// A component whose own start section names a function.
pub fn started() -> Component {
    let mut component = Component::new();
    component.section(&RawSection {
        id: ComponentSectionId::Start.into(),
        // The function 0, without arguments, without results.
        data: &[0, 0, 0],
    });
    component
}

/// A module that imports a function.
pub fn importing(from: &str, name: &str) -> Module {
    let mut module = Module::new();
    let mut types = TypeSection::new();
    types.ty().function([], []);
    module.section(&types);
    let mut imports = wasm_encoder::ImportSection::new();
    imports.import(from, name, EntityType::Function(0));
    module.section(&imports);
    module
}
