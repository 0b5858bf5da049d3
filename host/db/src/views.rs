//! Views for people: rows as plain columns, for reports and spreadsheets that speak SQL.
//!
//! A view shows public and internal members only. The one of a collection follows its definition in the commit that writes
//! it, so that a member that becomes confidential is gone from it at once. On PostgreSQL views lie in a schema of their own,
//! which a reader's role can be granted without any of the tables; on SQLite, whose file is readable as a whole or not at
//! all, they have a prefix.

mod own;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use bursar_domain::{
    confidentiality::{Class, is_hidden},
    index::FieldType,
    log::sha256_hex,
    office::Collection,
    row::{Kind, RowKey},
};
use own::OWN;
use serde_json::Value;

use crate::{
    adapter::{Engine, Tx},
    apply::Before,
    decide::WorkingSet,
    error::Error,
    images::next_page,
    snapshot::parse,
};

/// Where views lie on PostgreSQL; on SQLite their names begin with it.
const SCHEMA: &str = "office";
/// Longest name on PostgreSQL, in bytes.
const NAME_BYTES_MAX: usize = 63;
/// Most columns of a view: far below what either engine takes.
const COLUMNS_MAX: usize = 300;
/// How long a commit waits for readers of a view that it makes anew, on PostgreSQL.
const LOCK_WAIT: &str = "2s";
/// Columns that every view has.
const COMMON: [&str; 4] = ["id", "revision", "created_at", "updated_at"];

/// How a value is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Text,
    Integer,
    Boolean,
    /// Exact: `numeric` on PostgreSQL, its text on SQLite, which has no exact fractions.
    Decimal,
    /// Lists, objects and what may be of several types, as JSON text.
    Json,
}

/// A column: its name, the members that lead to its value, and how that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    name: String,
    path: Vec<String>,
    shown: Shown,
}

/// A view of the rows of a kind, or of the items of a list in each of them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct View {
    name: String,
    kind: Kind,
    collection: String,
    /// The member whose items are shown, one a row.
    items: Option<&'static str>,
    columns: Vec<Column>,
}

/// Makes every view anew: those of the host's own rows, and one for each collection.
pub(crate) async fn fill(tx: &mut Tx) -> Result<(), Error> {
    let engine = tx.engine();
    if engine == Engine::Postgres {
        // Asked first: who may not make a schema can have it made.
        let make = format!(
            "do $$ begin if to_regnamespace('{SCHEMA}') is null then create schema {SCHEMA}; end if; end $$"
        );
        tx.script_text(make).await?;
    }
    let mut script = String::new();
    for view in own_views() {
        view.write(engine, &mut script);
    }
    let mut after = String::new();
    loop {
        let page = next_page(tx, Kind::Collection, "", &mut after).await?;
        if page.is_empty() {
            break;
        }
        for (id, body) in &page {
            if let Some(definition) = defined(parse(body)?.as_ref()) {
                of_collection(id, &definition).write(engine, &mut script);
            }
        }
    }
    tx.script_text(script).await
}

/// Brings the views of the collections up to date whose definitions a group of commits has changed.
pub(crate) async fn follow(tx: &mut Tx, set: &WorkingSet, before: &Before) -> Result<(), Error> {
    let engine = tx.engine();
    let mut script = String::new();
    let after = set.bodies.iter();
    for (key, body) in after.filter(|(key, _)| key.kind == Kind::Collection) {
        let view = |body: &Value| defined(body).map(|it| of_collection(&key.id, &it));
        let was = before.definitions.get(key).and_then(|body| view(body));
        if let Some(view) = view(body).filter(|view| was.as_ref() != Some(view)) {
            view.write(engine, &mut script);
        }
    }
    let gone = before.definitions.keys();
    for key in gone.filter(|key: &&RowKey| !set.bodies.contains_key(*key)) {
        drop_view(engine, &name_of(&key.id), &mut script);
    }
    if script.is_empty() {
        return Ok(());
    }
    if engine == Engine::Postgres {
        // Whoever reads a view keeps it as it is, and must not keep everybody else waiting.
        script =
            format!("set local lock_timeout = '{LOCK_WAIT}';\n{script}set local lock_timeout = 0;");
    }
    tx.script_text(script).await
}

fn defined(body: &Value) -> Option<Collection> {
    serde_json::from_value(body.clone()).ok()
}

/// The view of a collection: the members that its schema names, unless they are above internal.
fn of_collection(id: &str, definition: &Collection) -> View {
    let mut columns = Vec::new();
    let mut taken: BTreeSet<String> = COMMON.map(str::to_owned).into();
    let members = definition
        .schema
        .get("properties")
        .and_then(Value::as_object);
    let indexed: BTreeMap<String, FieldType> = definition
        .indexed
        .iter()
        .filter(|field| field.pointer.matches('/').count() <= 1)
        .map(|field| (field.member(), field.field_type))
        .collect();
    for (name, schema) in members.into_iter().flatten() {
        if is_hidden(&definition.fields, Class::Internal, name) || !can_be_column(name) {
            continue;
        }
        // Engines differ in whether names that differ in case are one.
        let mut column = name.clone();
        while !taken.insert(column.to_lowercase()) {
            column.push('_');
        }
        if column.len() > NAME_BYTES_MAX || columns.len() >= COLUMNS_MAX {
            continue;
        }
        let shown = match indexed.get(name) {
            Some(FieldType::Decimal) => Shown::Decimal,
            _ => shown_by(schema),
        };
        columns.push(Column {
            name: column,
            path: vec![name.clone()],
            shown,
        });
    }
    View {
        name: name_of(id),
        kind: Kind::Record,
        collection: id.to_owned(),
        items: None,
        columns,
    }
}

/// A name that both engines take as it is, and that can stand in a path of SQLite.
fn can_be_column(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && !name
            .chars()
            .any(|c| c.is_control() || matches!(c, '"' | '\\'))
}

fn shown_by(schema: &Value) -> Shown {
    let named = match schema.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(some)) => some.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let mut types = named.into_iter().filter(|it| *it != "null");
    match (types.next(), types.next()) {
        (Some("string"), None) => Shown::Text,
        // Numbers of rows are integers: anything finer travels as text.
        (Some("integer" | "number"), None) => Shown::Integer,
        (Some("boolean"), None) => Shown::Boolean,
        _ => Shown::Json,
    }
}

fn name_of(collection: &str) -> String {
    let name = format!("records_{collection}");
    // A longer one gets a digest, also one that would fit: else it could be taken for another's shortened name.
    if name.len() <= 40 {
        return name;
    }
    let digest = sha256_hex(collection.as_bytes());
    let (short, digest) = (
        name.get(..40).unwrap_or(&name),
        digest.get(..8).unwrap_or_default(),
    );
    format!("{short}_{digest}")
}

/// Views of the host's own rows.
fn own_views() -> impl Iterator<Item = View> {
    OWN.iter().map(|(name, kind, items, columns)| View {
        name: (*name).to_owned(),
        kind: *kind,
        collection: String::new(),
        items: *items,
        columns: columns
            .iter()
            .map(|(name, path, shown)| Column {
                name: (*name).to_owned(),
                path: path.split('.').map(str::to_owned).collect(),
                shown: *shown,
            })
            .collect(),
    })
}

impl View {
    /// Appends the statements that make the view anew.
    fn write(&self, engine: Engine, script: &mut String) {
        drop_view(engine, &self.name, script);
        let instant = |column: &str| match engine {
            Engine::Sqlite => {
                format!("strftime('%Y-%m-%dT%H:%M:%fZ', {column} / 1000000.0, 'unixepoch')")
            }
            Engine::Postgres => format!("to_timestamp({column} / 1000000.0)"),
        };
        let mut columns = vec![
            "image.id".to_owned(),
            "image.revision".to_owned(),
            format!("{} as created_at", instant("image.created_us")),
            format!("{} as updated_at", instant("image.updated_us")),
        ];
        let (body, from) = match (self.items, engine) {
            (None, Engine::Sqlite) => ("image.body", String::new()),
            (None, Engine::Postgres) => ("image.body::jsonb", String::new()),
            (Some(items), Engine::Sqlite) => {
                columns.push("item.key + 1 as position".to_owned());
                let from = format!(
                    ", json_each(image.body, {}) as item",
                    path_text(&[items.to_owned()])
                );
                ("item.value", from)
            }
            (Some(items), Engine::Postgres) => {
                columns.push("item.position as position".to_owned());
                let from = format!(
                    ", jsonb_array_elements(image.body::jsonb -> {}) with ordinality as item(value, position)",
                    literal(items)
                );
                ("item.value", from)
            }
        };
        let shown = self.columns.iter();
        columns.extend(
            shown.map(|column| {
                format!("{} as {}", column.value(engine, body), quoted(&column.name))
            }),
        );
        // Writing to a text cannot fail.
        let _ = writeln!(
            script,
            "create view {}{} as select {} from image{from} where image.kind = {} and image.collection = {};",
            place(engine, &self.name),
            // Without it, a condition of the reader's own could be asked about rows of other views.
            if engine == Engine::Postgres {
                " with (security_barrier)"
            } else {
                ""
            },
            columns.join(", "),
            literal(self.kind.as_str()),
            literal(&self.collection),
        );
    }
}

impl Column {
    fn value(&self, engine: Engine, body: &str) -> String {
        let steps: Vec<String> = self.path.iter().map(|step| literal(step)).collect();
        let steps = format!("array[{}]", steps.join(", "));
        match (engine, self.shown) {
            (Engine::Sqlite, Shown::Json) => format!("{body} -> {}", path_text(&self.path)),
            (Engine::Sqlite, _) => format!("json_extract({body}, {})", path_text(&self.path)),
            (Engine::Postgres, Shown::Text) => format!("({body} #>> {steps})"),
            (Engine::Postgres, Shown::Integer) => format!("({body} #>> {steps})::bigint"),
            (Engine::Postgres, Shown::Boolean) => format!("({body} #>> {steps})::boolean"),
            (Engine::Postgres, Shown::Decimal) => format!("({body} #>> {steps})::numeric"),
            (Engine::Postgres, Shown::Json) => format!("({body} #> {steps})::text"),
        }
    }
}

/// What people have built upon a view of PostgreSQL goes with it: what is confidential now must not live on in it.
fn drop_view(engine: Engine, name: &str, script: &mut String) {
    let rest = match engine {
        Engine::Sqlite => "",
        Engine::Postgres => " cascade",
    };
    let _ = writeln!(script, "drop view if exists {}{rest};", place(engine, name));
}

fn place(engine: Engine, name: &str) -> String {
    match engine {
        Engine::Sqlite => quoted(&format!("{SCHEMA}_{name}")),
        Engine::Postgres => format!("{SCHEMA}.{}", quoted(name)),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A path of SQLite's JSON functions; its members have neither quotes nor backslashes.
fn path_text(path: &[String]) -> String {
    let steps: Vec<String> = path.iter().map(|step| format!("\"{step}\"")).collect();
    literal(&format!("$.{}", steps.join(".")))
}
