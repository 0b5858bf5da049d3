//! Export of a collection's records as a table or as JSON Lines, chunk by chunk on one snapshot.
//!
//! What is exported can be imported again, by id or by a unique property, and says nothing new. JSON Lines hold whole
//! records. A table has a column for the id and for each property of the schema, the required ones first, in the order
//! in which the schema requires them, then the others by name; texts are themselves, null and absent values are empty,
//! and everything else is JSON.

use std::{fmt::Write as _, sync::Arc};

use bursar_domain::{canonical, manifest::RecordOperation, office::Collection};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    error::Error,
    import::{Delimiter, Formulas, ID_COLUMN, guarded, text_of},
    listing::{Order, Paging, Test},
    session::{Session, View},
    write::problem_of,
};

/// Records of one chunk: each may be large.
const CHUNK_ROWS: u32 = 100;

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ExportFormat {
    /// A table by RFC 4180 with a header row, in UTF-8.
    Csv {
        /// What separates the cells.
        #[serde(default = "comma")]
        delimiter: Delimiter,
        /// How texts are written that a spreadsheet takes for formulas.
        #[serde(default)]
        formulas: Formulas,
    },
    /// One JSON object a line, in UTF-8.
    JsonLines,
}

const fn comma() -> Delimiter {
    Delimiter::Comma
}

/// An export on its way. Needs `records: read`.
pub struct Export {
    session: Session,
    collection: String,
    conditions: Vec<Test>,
    order: Vec<Order>,
    format: ExportFormat,
    /// Properties with a column of their own.
    columns: Vec<String>,
    has_id_column: bool,
    next: Next,
}

/// Where an export stands.
enum Next {
    Header,
    Page(Option<String>),
    End,
}

impl Export {
    /// An export of the records that pass all conditions, in the order of [`Session::search_records`]. All of it is read
    /// from the session's snapshot, which is kept open until then.
    pub async fn new(
        mut session: Session,
        collection: &str,
        conditions: &[Test],
        order: &[Order],
        format: ExportFormat,
    ) -> Result<Self, Error> {
        session.require_records(collection, RecordOperation::Read)?;
        let definition = session.definition(collection).await?;
        let columns = columns_of(&definition.collection);
        Ok(Self {
            session,
            collection: collection.to_owned(),
            conditions: conditions.to_vec(),
            order: order.to_vec(),
            format,
            has_id_column: !columns.iter().any(|column| column == ID_COLUMN),
            columns,
            next: Next::Header,
        })
    }

    /// The next bytes of the file; none at its end.
    pub async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let after = match std::mem::replace(&mut self.next, Next::End) {
            Next::End => return Ok(None),
            Next::Header => {
                self.next = Next::Page(None);
                let header = self.header();
                if !header.is_empty() {
                    return Ok(Some(header.into_bytes()));
                }
                None
            }
            Next::Page(after) => after,
        };
        let paging = Paging {
            after,
            limit: CHUNK_ROWS,
        };
        let page = self
            .session
            .search_records(&self.collection, &self.conditions, &self.order, &paging)
            .await?;
        self.next = page.next.map_or(Next::End, |after| Next::Page(Some(after)));
        let mut text = String::new();
        for record in &page.items {
            self.write(record, &mut text)?;
        }
        Ok(Some(text.into_bytes()))
    }

    fn header(&self) -> String {
        let ExportFormat::Csv { delimiter, .. } = self.format else {
            return String::new();
        };
        let id = self.has_id_column.then_some(ID_COLUMN);
        let names = id
            .into_iter()
            .chain(self.columns.iter().map(String::as_str));
        let mut text = String::new();
        write_row(names, delimiter, Formulas::Raw, &mut text);
        text
    }

    fn write(&self, record: &View<Arc<Value>>, text: &mut String) -> Result<(), Error> {
        match self.format {
            ExportFormat::Csv {
                delimiter,
                formulas,
            } => {
                let id = self.has_id_column.then_some(&*record.id);
                let value = |name: &String| record.body.get(name).unwrap_or(&Value::Null);
                let cells: Vec<_> = self
                    .columns
                    .iter()
                    .map(|name| text_of(value(name)))
                    .collect();
                let cells = id.into_iter().chain(cells.iter().map(|cell| &**cell));
                write_row(cells, delimiter, formulas, text);
            }
            ExportFormat::JsonLines => {
                let mut line = record.body.as_ref().clone();
                if let Some(members) = line.as_object_mut().filter(|_| self.has_id_column) {
                    members.insert(ID_COLUMN.to_owned(), Value::from(&*record.id));
                }
                let line = canonical::to_text(&line).map_err(|error| problem_of(&error))?;
                let _ = writeln!(text, "{line}");
            }
        }
        Ok(())
    }
}

/// The properties of a collection's schema in the order of their columns.
fn columns_of(collection: &Collection) -> Vec<String> {
    let properties = collection
        .schema
        .get("properties")
        .and_then(Value::as_object);
    let Some(properties) = properties else {
        return Vec::new();
    };
    let required = collection.schema.get("required").and_then(Value::as_array);
    let required = required.into_iter().flatten().filter_map(Value::as_str);
    let mut columns: Vec<String> = Vec::with_capacity(properties.len());
    let mut others: Vec<&str> = properties.keys().map(String::as_str).collect();
    others.sort_unstable();
    for name in required.chain(others) {
        if properties.contains_key(name) && !columns.iter().any(|column| column == name) {
            columns.push(name.to_owned());
        }
    }
    columns
}

/// A small table as a file: RFC 4180, with a header row; texts that a spreadsheet takes for formulas are guarded.
pub fn csv_of(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = String::new();
    let mut write = |cells: &mut dyn Iterator<Item = &str>| {
        write_row(cells, Delimiter::Comma, Formulas::default(), &mut text);
    };
    write(&mut headings.iter().copied());
    for row in rows {
        write(&mut row.iter().map(String::as_str));
    }
    text
}

/// One row with its line end, CRLF as RFC 4180 has it.
fn write_row<'c>(
    cells: impl Iterator<Item = &'c str>,
    delimiter: Delimiter,
    formulas: Formulas,
    text: &mut String,
) {
    let separator = char::from(delimiter.byte());
    let begins = text.len();
    let mut count = 0_usize;
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            text.push(separator);
        }
        let cell = guarded(cell, formulas);
        let is_special = |c: char| c == separator || matches!(c, '"' | '\r' | '\n');
        if cell.contains(is_special) || cell.starts_with(' ') || cell.ends_with(' ') {
            let _ = write!(text, "\"{}\"", cell.replace('"', "\"\""));
        } else {
            text.push_str(&cell);
        }
        count += 1;
    }
    // A row of one empty cell would be an empty line, which is no row.
    if count == 1 && text.len() == begins {
        text.push_str("\"\"");
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_are_quoted_and_guarded_where_they_have_to_be() {
        let check = |cells: &[&str], formulas: Formulas, expected: &str| {
            let mut text = String::new();
            write_row(cells.iter().copied(), Delimiter::Comma, formulas, &mut text);
            assert_eq!(text, expected);
        };
        check(&["a", "", "b c"], Formulas::Guarded, "a,,b c\r\n");
        check(&[""], Formulas::Guarded, "\"\"\r\n");
        check(
            &["a,b", "say \"hi\"", "1\n2"],
            Formulas::Guarded,
            "\"a,b\",\"say \"\"hi\"\"\",\"1\n2\"\r\n",
        );
        check(
            &["=1+1", "-1.10", "+43 1", "@a", "\tb", "'=x"],
            Formulas::Guarded,
            "'=1+1,-1.10,'+43 1,'@a,'\tb,''=x\r\n",
        );
        check(&["=1+1", "+43 1"], Formulas::Raw, "=1+1,+43 1\r\n");
    }

    #[test]
    fn columns_are_the_required_properties_then_the_others_by_name() {
        let schema = json!({
            "required": ["name", "kind", "gone", "name"],
            "properties": {"b": {}, "a": {}, "kind": {}, "name": {}}
        });
        let collection = Collection {
            schema,
            ..Collection::default()
        };
        assert_eq!(columns_of(&collection), ["name", "kind", "a", "b"]);
    }
}
