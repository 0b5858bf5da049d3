//! What can be said of rows, of collections, and of files of records.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum Row {
    /// Rows of one kind
    List {
        /// record, invoice, payment, allocation, task, document, automation, plugin, …
        kind: String,
        /// The collection, for kinds that have them
        #[arg(long, default_value = "")]
        collection: String,
        /// As they were after this commit
        #[arg(long)]
        as_of: Option<i64>,
        /// Most rows to list
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// One row
    Show {
        /// record, invoice, payment, allocation, task, document, automation, plugin, …
        kind: String,
        /// Its id
        id: String,
        /// The collection, for kinds that have them
        #[arg(long, default_value = "")]
        collection: String,
        /// As it was after this commit
        #[arg(long)]
        as_of: Option<i64>,
    },
    /// What a row was, newest first: each image, and who wrote it
    History {
        /// record, invoice, payment, allocation, task, document, automation, plugin, …
        kind: String,
        /// Its id
        id: String,
        /// The collection, for kinds that have them
        #[arg(long, default_value = "")]
        collection: String,
        /// Most images to list
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
}

#[derive(Debug, Subcommand)]
pub enum Collection {
    /// Define a collection, or change its definition if every record there is valid under the new one
    Define {
        /// Its slug: lower-case letters, digits, hyphens
        slug: String,
        /// The definition, a JSON file: schema, indexed, unique, references, fields
        file: PathBuf,
        /// Change nothing: count the records that would break it, and show the first of them
        #[arg(long)]
        check: bool,
    },
    /// One collection's definition
    Show {
        /// Its slug
        slug: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// A table in text
    Csv,
    /// One JSON object a line
    Jsonl,
    /// A workbook of Excel 2007 or later
    Xlsx,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Delimiter {
    /// ,
    Comma,
    /// ;
    Semicolon,
    /// U+0009
    Tab,
}

#[derive(Debug, Args)]
pub struct Import {
    /// The collection
    pub collection: String,
    /// The file
    pub file: PathBuf,
    /// Show what the file would do, and change nothing
    #[arg(long)]
    pub preview: bool,
    /// Property that is unique and names the record, or _id; may be given again [default: each line is a new record, once]
    #[arg(long, value_name = "PROPERTY")]
    pub key: Vec<String>,
    /// Leave bad rows out, and import the others
    #[arg(long)]
    pub skip_bad: bool,
    /// How the file is written [default: by its ending]
    #[arg(long, value_enum)]
    pub format: Option<FileFormat>,
    /// What separates the cells of a CSV file [default: what its header has most of]
    #[arg(long, value_enum)]
    pub delimiter: Option<Delimiter>,
    /// Sheet of a workbook [default: the first]
    #[arg(long)]
    pub sheet: Option<String>,
    /// Property of a column that is named otherwise; may be given again
    #[arg(long, value_name = "COLUMN=PROPERTY")]
    pub column: Vec<String>,
    /// Column that is passed over; may be given again
    #[arg(long, value_name = "COLUMN")]
    pub ignore: Vec<String>,
    /// Pass over all columns that are no property
    #[arg(long)]
    pub ignore_others: bool,
    /// What the columns mean, as the API takes it: JSON, or @FILE
    #[arg(long, default_value = "{}")]
    pub mapping: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ExportFormat {
    /// A table in text
    Csv,
    /// One JSON object a line
    Jsonl,
}

#[derive(Debug, Args)]
pub struct Export {
    /// The collection
    pub collection: String,
    /// How to write it
    #[arg(long, value_enum, default_value = "csv")]
    pub format: ExportFormat,
    /// What separates the cells of a CSV file [default: comma]
    #[arg(long, value_enum)]
    pub delimiter: Option<Delimiter>,
    /// Where to write it [default: stdout]
    #[arg(long)]
    pub output: Option<PathBuf>,
}
