//! What the columns of one file mean in its collection.

use std::{collections::HashMap, sync::Arc};

use bursar_domain::{
    derive::{record_space, unique_text},
    draft::UniqueKey,
    pointer,
    problem::Problem,
};
use serde_json::{Map, Value};

use super::{
    Format, Formulas, ID_COLUMN, Import, Key, Mapping, Others, RowProblem, Target,
    cell::{Misread, Property, unguarded, with_point},
    problem::{RowProblems, cut},
    source::{COLUMNS_MAX, Fields, SourceRow},
};
use crate::{error::Error, schema::Definition};

/// Most properties that are keys.
const KEYS_MAX: usize = 10;
/// Longest name that a message repeats, in characters.
const NAME_CHARS_MAX: usize = 64;

/// What a cell says before its property's type is asked.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Text(String),
    Json(Value),
}

impl Cell {
    fn is_empty(&self) -> bool {
        match self {
            Cell::Text(text) => text.is_empty(),
            Cell::Json(value) => value.is_null(),
        }
    }
}

/// What a row says of a record.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub line: u64,
    /// The record's id, if the row names it.
    pub id: Option<String>,
    /// Properties by their place in the plan, each once, with the column's name.
    pub cells: Vec<(usize, Arc<str>, Cell)>,
}

/// What becomes of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Property(usize),
    Id,
    Nothing,
}

/// A column of the file.
#[derive(Clone, Debug)]
struct Column {
    name: Arc<str>,
    becomes: Use,
    has_decimal_comma: bool,
}

/// What the columns of one file mean.
pub(crate) struct Plan {
    pub definition: Arc<Definition>,
    pub collection: String,
    pub properties: Vec<Property>,
    pub mapping: Mapping,
    /// Key properties with their spaces of unique values; none if the key is another.
    keys: Vec<(usize, String)>,
    is_by_id: bool,
    formulas: Formulas,
    /// Columns of a table, in order.
    header: Option<Vec<Column>>,
    /// Columns that were met, by name.
    known: HashMap<String, Column>,
    constants: Vec<(usize, Arc<str>, Cell)>,
}

impl Plan {
    pub(crate) fn new(
        import: &Import,
        definition: Arc<Definition>,
        header: Option<&[String]>,
    ) -> Result<Self, Error> {
        let formulas = match import.format {
            Format::Csv { formulas, .. } => formulas,
            _ => Formulas::Raw,
        };
        let mut plan = Self {
            definition,
            collection: import.collection.clone(),
            properties: Vec::new(),
            mapping: import.mapping.clone(),
            keys: Vec::new(),
            is_by_id: import.key == Key::Id,
            formulas,
            header: None,
            known: HashMap::new(),
            constants: Vec::new(),
        };
        for (name, value) in &import.mapping.constants {
            let place = plan.property(name);
            let column = Arc::from(name.as_str());
            plan.constants
                .push((place, column, Cell::Json(value.clone())));
        }
        let problems = header.map_or_else(Vec::new, |names| plan.read_header(names));
        if let Key::Properties(names) = &import.key {
            plan.read_keys(names)?;
        }
        if problems.is_empty() {
            Ok(plan)
        } else {
            Err(Error::Invalid(problems))
        }
    }

    /// The keys that a row says, or why it has none.
    pub(crate) fn keys_of(&self, row: &Candidate) -> Result<Vec<UniqueKey>, RowProblem> {
        let mut found = Vec::new();
        for (place, space) in &self.keys {
            let cell = row.cells.iter().find(|(property, ..)| property == place);
            let Some((_, column, cell)) = cell.filter(|(.., cell)| !cell.is_empty()) else {
                continue;
            };
            let value = self.value(*place, cell).map_err(|(code, message)| {
                RowProblem::new(row.line, Some(column), code, &message)
            })?;
            if let Some(value) = value.as_ref().and_then(unique_text) {
                found.push(UniqueKey {
                    space: space.clone(),
                    value,
                });
            }
        }
        if found.is_empty() {
            let message = "the row has no value in any column of its key";
            return Err(RowProblem::new(row.line, None, "key-missing", message));
        }
        Ok(found)
    }

    pub(crate) fn has_key_properties(&self) -> bool {
        !self.keys.is_empty()
    }

    /// The value that a cell gives its property; none if there is none.
    pub(crate) fn value(&self, property: usize, cell: &Cell) -> Result<Option<Value>, Misread> {
        let property = &self.properties[property];
        match cell {
            Cell::Json(value) => Ok(property.of_json(value)),
            Cell::Text(text) if text.is_empty() => Ok(property.nothing()),
            Cell::Text(text) => property.read(text).map(Some),
        }
    }

    /// What a row says, if its columns can be understood.
    pub(crate) fn candidate(&mut self, row: &SourceRow) -> Result<Candidate, RowProblems> {
        let mut found = Candidate {
            line: row.line,
            id: None,
            cells: self.constants.clone(),
        };
        match row.content.as_ref().map_err(Clone::clone)? {
            Fields::Cells(cells) => {
                for (column, text) in self.header.iter().flatten().zip(cells) {
                    let text = unguarded(text, self.formulas);
                    match column.becomes {
                        Use::Nothing => {}
                        Use::Id => found.id = Some(text.to_owned()).filter(|id| !id.is_empty()),
                        Use::Property(place) => {
                            let text = if column.has_decimal_comma {
                                with_point(text).into_owned()
                            } else {
                                text.to_owned()
                            };
                            found
                                .cells
                                .push((place, column.name.clone(), Cell::Text(text)));
                        }
                    }
                }
            }
            Fields::Object(members) => self.read_object(members, &mut found)?,
        }
        Ok(found)
    }

    fn read_object(
        &mut self,
        members: &Map<String, Value>,
        found: &mut Candidate,
    ) -> Result<(), RowProblems> {
        let mut problems = RowProblems::default();
        let line = found.line;
        for (name, value) in members {
            let column = match self.column(name) {
                Ok(column) => column,
                Err(problem) => {
                    let short = shorten(name);
                    problems.push(RowProblem::new(
                        line,
                        Some(&short),
                        &problem.code,
                        &problem.message,
                    ));
                    continue;
                }
            };
            match (column.becomes, value) {
                (Use::Nothing, _) | (Use::Id, Value::Null) => {}
                (Use::Id, Value::String(id)) => found.id = Some(id.clone()),
                (Use::Id, _) => {
                    let message = "a record's id is a text";
                    problems.push(RowProblem::new(line, Some(name), "wrong-type", message));
                }
                (Use::Property(place), value) => {
                    if found.cells.iter().any(|(there, ..)| *there == place) {
                        let message = "the row gives this property twice";
                        problems.push(RowProblem::new(line, Some(name), "duplicate", message));
                    }
                    let cell = match value {
                        Value::String(text) if column.has_decimal_comma => {
                            Cell::Json(Value::from(&*with_point(text)))
                        }
                        value => Cell::Json(value.clone()),
                    };
                    found.cells.push((place, column.name, cell));
                }
            }
        }
        problems.none_or(())
    }

    fn read_header(&mut self, names: &[String]) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut columns = Vec::with_capacity(names.len());
        let mut given: Vec<usize> = self.constants.iter().map(|(place, ..)| *place).collect();
        for name in names {
            match self.column(name) {
                Ok(column) => {
                    if let Use::Property(place) = column.becomes {
                        if given.contains(&place) {
                            let property = &self.properties[place].name;
                            let message = format!("{property:?} is given twice, here by {name:?}");
                            problems.push(Problem::at("duplicate", at_column(name), message));
                        }
                        given.push(place);
                    }
                    columns.push(column);
                }
                Err(problem) => problems.push(problem),
            }
        }
        for name in self
            .mapping
            .columns
            .keys()
            .chain(&self.mapping.decimal_comma)
        {
            if !names.contains(name) {
                let message = format!("the file has no column {:?}", shorten(name));
                problems.push(Problem::at("unknown", at_column(name), message));
            }
        }
        self.header = Some(columns);
        problems
    }

    /// A column by its name.
    fn column(&mut self, name: &str) -> Result<Column, Problem> {
        if let Some(column) = self.known.get(name) {
            return Ok(column.clone());
        }
        if self.known.len() >= COLUMNS_MAX {
            let message = format!("a file has at most {COLUMNS_MAX} columns");
            return Err(Problem::at("too-many", at_column(name), message));
        }
        let column = Column {
            name: Arc::from(name),
            becomes: self.becomes(name)?,
            has_decimal_comma: self.mapping.decimal_comma.contains(name),
        };
        self.known.insert(name.to_owned(), column.clone());
        Ok(column)
    }

    fn becomes(&mut self, name: &str) -> Result<Use, Problem> {
        let refuse = |message: String| Err(Problem::at("unknown", at_column(name), message));
        let target = self.mapping.columns.get(name).cloned();
        let is_property = || {
            let schema = &self.definition.collection.schema;
            schema
                .get("properties")
                .is_some_and(|all| all.get(name).is_some())
        };
        match target {
            Some(Target::Property(property)) => Ok(Use::Property(self.property(&property))),
            Some(Target::Ignore) => Ok(Use::Nothing),
            Some(Target::Id) if self.is_by_id => Ok(Use::Id),
            None if is_property() => Ok(Use::Property(self.property(name))),
            None if name == ID_COLUMN && self.is_by_id => Ok(Use::Id),
            Some(Target::Id) => refuse(format!(
                "{:?} is the id, but the key is another",
                shorten(name)
            )),
            None if name == ID_COLUMN => refuse(format!(
                "{ID_COLUMN} holds records' ids: make the id the key, or ignore the column"
            )),
            None => match self.mapping.others {
                Others::Take => Ok(Use::Property(self.property(name))),
                Others::Ignore => Ok(Use::Nothing),
                Others::Refuse => refuse(format!(
                    "{:?} is no property of the collection: map the column, or ignore it",
                    shorten(name)
                )),
            },
        }
    }

    /// A property's place.
    fn property(&mut self, name: &str) -> usize {
        let place = self.properties.iter().position(|known| known.name == name);
        place.unwrap_or_else(|| {
            let property = Property::of(&self.definition.collection, name);
            self.properties.push(property);
            self.properties.len() - 1
        })
    }

    fn read_keys(&mut self, names: &[String]) -> Result<(), Error> {
        if !(1..=KEYS_MAX).contains(&names.len()) {
            let message = format!("a key has 1 to {KEYS_MAX} properties");
            return Err(Error::invalid("wrong-count", "/key", message));
        }
        for name in names {
            let pointer = format!("/{name}");
            let definition = self.definition.clone();
            let field = definition.collection.indexed.iter().find(|field| {
                (field.pointer.is_empty() && field.name == *name) || field.pointer == pointer
            });
            let unique = &definition.collection.unique;
            let Some(field) = field.filter(|field| unique.contains(&field.name)) else {
                let message = format!("{:?} is not unique in the collection", shorten(name));
                return Err(Error::invalid("key-not-unique", "/key", message));
            };
            let place = self.property(name);
            let columns = self.header.as_ref();
            let is_given = columns.is_none_or(|columns| {
                columns
                    .iter()
                    .any(|column| column.becomes == Use::Property(place))
            });
            if !is_given {
                let message = format!("no column of the file is {:?}", shorten(name));
                return Err(Error::invalid("key-missing", "/key", message));
            }
            let space = record_space(&self.collection, &field.name);
            self.keys.push((place, space));
        }
        Ok(())
    }

    /// The column that gives a property; the property's own name if none does.
    pub(crate) fn column_of<'a>(&'a self, property: &'a str) -> &'a str {
        let is_it = |column: &&Column| match column.becomes {
            Use::Property(place) => self.properties[place].name == property,
            _ => false,
        };
        let column = self.known.values().find(is_it);
        column.map_or(property, |column| &column.name)
    }

    /// The column that a problem of a record's value is about, by the value's pointer.
    pub(crate) fn column_at<'r>(&self, row: &'r Candidate, pointer: &str) -> Option<&'r str> {
        let name = pointer::member(pointer)?;
        let is_it = |place: &usize| self.properties[*place].name == name;
        let cell = row.cells.iter().find(|(place, ..)| is_it(place));
        cell.map(|(_, column, _)| &**column)
    }
}

fn at_column(name: &str) -> String {
    let step = pointer::escape(&shorten(name));
    format!("/mapping/columns/{step}")
}

/// A name from outside, cut for a message.
fn shorten(name: &str) -> String {
    cut(name, NAME_CHARS_MAX)
}
