//! `bursar import`.

use std::{fmt::Write as _, path::Path};

use bursar_api::{IMPORT_BYTES_MAX, Job, JobResult};
use bursar_office::import::{Counts, End, Imported, Mapping, Report, RowDiff, Target};
use clap::ValueEnum;
use http::Method;
use serde_json::Value;

use crate::{
    arguments::{FileFormat, Import},
    client::{Client, part, query},
    failure::Failure,
    output::{Style, json_argument, print, say, table},
};

/// Most changes that are shown to people; `--json` has more.
const DIFFS_SHOWN_MAX: usize = 20;
/// Longest value of a change, in characters.
const VALUE_CHARS_MAX: usize = 40;

pub async fn import(client: &Client, style: Style, command: Import) -> Result<(), Failure> {
    let content = read(&command.file)?;
    let (path, media_type) = request(&command)?;
    let job: Job = client
        .upload(Method::POST, &path, media_type, content)
        .await
        .map_err(|failure| failure.because(command.file.display()))?
        .value;
    match client.finish(job).await? {
        JobResult::ImportPreviewed(report) => {
            print(style, &report, |report| {
                format!("{}{}", changes(report), told(report))
            })?;
            judge(&report.counts, command.skip_bad)
        }
        JobResult::Imported(imported) => {
            print(style, &imported, described)?;
            conclude(&imported)
        }
        other => Err(Failure::host(
            "the job did something else",
            format!("{other:?}"),
        )),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| {
        Failure::user(format!("cannot read {}", file.display()))
            .because(error)
            .hint("check the file's name")
    };
    let bytes = std::fs::metadata(file).map_err(failed)?.len();
    if bytes > IMPORT_BYTES_MAX as u64 {
        let message = format!("{} has more than {IMPORT_BYTES_MAX} bytes", file.display());
        return Err(Failure::user(message).hint("split the file"));
    }
    std::fs::read(file).map_err(failed)
}

/// What to ask, and the file's media type.
fn request(command: &Import) -> Result<(String, &'static str), Failure> {
    let format = match command.format {
        Some(format) => format,
        None => by_ending(&command.file)?,
    };
    let media_type = match format {
        FileFormat::Csv => "text/csv",
        FileFormat::Jsonl => "application/x-ndjson",
        FileFormat::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    };
    let delimiter = command.delimiter.and_then(|it| it.to_possible_value());
    let key = Some(command.key.join(",")).filter(|key| !key.is_empty());
    let given = |is_given: bool, value: &str| is_given.then(|| value.to_owned());
    let parameters = [
        ("preview", given(command.preview, "true")),
        ("key", key),
        ("mode", given(command.skip_bad, "skip-bad-rows")),
        ("delimiter", delimiter.map(|it| it.get_name().to_owned())),
        ("sheet", command.sheet.clone()),
        (
            "mapping",
            mapping(command)?.map(|mapping| mapping.to_string()),
        ),
    ];
    let path = format!("/v1/collections/{}/imports", part(&command.collection));
    Ok((query(&path, &parameters), media_type))
}

fn by_ending(file: &Path) -> Result<FileFormat, Failure> {
    let ending = file.extension().unwrap_or_default().to_ascii_lowercase();
    match ending.to_str() {
        Some("csv" | "tsv" | "txt") => Ok(FileFormat::Csv),
        Some("jsonl" | "ndjson") => Ok(FileFormat::Jsonl),
        Some("xlsx" | "xlsm") => Ok(FileFormat::Xlsx),
        _ => Err(
            Failure::user(format!("{} does not say how it is written", file.display()))
                .hint("add --format csv, jsonl or xlsx"),
        ),
    }
}

/// What the columns mean; none if they mean what they are named.
fn mapping(command: &Import) -> Result<Option<Value>, Failure> {
    let whole = json_argument("--mapping", &command.mapping)?;
    let mut mapping: Mapping = serde_json::from_value(whole).map_err(|error| {
        Failure::user("--mapping is not what the API takes")
            .because(error)
            .hint("such as --mapping '{\"columns\": {\"No.\": {\"property\": \"code\"}}}'")
    })?;
    for given in &command.column {
        let (column, property) = given.rsplit_once('=').ok_or_else(|| {
            Failure::user(format!("--column {given} names no property"))
                .hint("--column COLUMN=PROPERTY")
        })?;
        let target = match property {
            "_id" => Target::Id,
            property => Target::Property(property.to_owned()),
        };
        mapping.columns.insert(column.to_owned(), target);
    }
    for column in &command.ignore {
        mapping.columns.insert(column.clone(), Target::Ignore);
    }
    if command.ignore_others {
        mapping.others = bursar_office::import::Others::Ignore;
    }
    if mapping == Mapping::default() {
        return Ok(None);
    }
    serde_json::to_value(&mapping)
        .map(Some)
        .map_err(|error| Failure::host("cannot write JSON", error))
}

fn described(imported: &Imported) -> String {
    let mut text = told(&imported.report);
    if let (Some(seq), 1..) = (imported.last_seq, imported.commits) {
        let _ = writeln!(
            text,
            "{} commits were made, the last is {seq}.",
            imported.commits
        );
    }
    text
}

/// The first changes of a preview.
fn changes(report: &Report) -> String {
    if report.diffs.is_empty() {
        return String::new();
    }
    let row = |diff: &RowDiff| {
        let fields: Vec<String> = diff
            .fields
            .iter()
            .map(|field| match (&field.before, &field.after) {
                (None, Some(after)) => format!("{}: {}", field.property, short(after)),
                (before, after) => {
                    let [before, after] =
                        [before, after].map(|it| it.as_ref().map_or("nothing".to_owned(), short));
                    format!("{}: {before} → {after}", field.property)
                }
            })
            .collect();
        let record = diff.id.clone().unwrap_or_else(|| "new".to_owned());
        vec![diff.line.to_string(), record, fields.join(", ")]
    };
    let shown: Vec<_> = report.diffs.iter().take(DIFFS_SHOWN_MAX).map(row).collect();
    let mut text = table(&["line", "record", "values"], &shown);
    let all = report.counts.new + report.counts.changed;
    let more = all.saturating_sub(shown.len() as u64);
    if more > 0 {
        let _ = writeln!(text, "… and {more} more");
    }
    text.push('\n');
    text
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// How many rows come to what, and what is wrong with the bad ones.
fn told(report: &Report) -> String {
    let mut text = String::new();
    if !report.problems.is_empty() {
        let row = |problem: &bursar_office::import::RowProblem| {
            vec![
                problem.line.to_string(),
                problem.column.clone().unwrap_or_else(|| "-".to_owned()),
                format!("{} ({})", one_line(&problem.message), problem.code),
            ]
        };
        let rows: Vec<_> = report.problems.iter().map(row).collect();
        text.push_str(&table(&["line", "column", "reason"], &rows));
        if report.problems_left_out > 0 {
            let _ = writeln!(text, "… and {} more", report.problems_left_out);
        }
        text.push('\n');
    }
    let Counts {
        rows,
        new,
        changed,
        same,
        bad,
    } = report.counts;
    let _ = writeln!(
        text,
        "{rows} rows: {new} new, {changed} changed, {same} the same, {bad} bad."
    );
    text
}

/// A file's words do not get lines of their own.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r', '\t'], " ")
}

/// A preview of what would be refused says so by its end, too.
fn judge(counts: &Counts, skips_bad: bool) -> Result<(), Failure> {
    match counts.bad {
        0 => Ok(()),
        bad if skips_bad => {
            say(&format!("{bad} bad rows would be left out."));
            Ok(())
        }
        bad => Err(
            Failure::user(format!("{bad} rows are bad: nothing would be imported"))
                .hint("mend the rows, or leave them out with --skip-bad"),
        ),
    }
}

fn conclude(imported: &Imported) -> Result<(), Failure> {
    let bad = imported.report.counts.bad;
    match imported.end {
        End::Complete if bad > 0 => {
            say(&format!("{bad} bad rows were left out."));
            Ok(())
        }
        End::Complete => Ok(()),
        End::Refused => Err(
            Failure::user(format!("{bad} rows are bad: nothing was imported"))
                .hint("mend the rows, or leave them out with --skip-bad"),
        ),
        End::Stopped => Err(Failure::user(
            "others changed the records meanwhile, and rows became bad: what stands before them is imported",
        )
        .hint("look at the rows, and run the import again: it goes on from there")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_as_its_ending_says() {
        let check = |name: &str, expected: Option<FileFormat>| {
            assert_eq!(by_ending(Path::new(name)).ok(), expected, "{name}");
        };
        check("a.csv", Some(FileFormat::Csv));
        check("folder.xlsx/A.CSV", Some(FileFormat::Csv));
        check("a.b.jsonl", Some(FileFormat::Jsonl));
        check("a.xlsx", Some(FileFormat::Xlsx));
        check("a.xls", None);
        check("csv", None);
    }

    #[test]
    fn long_values_and_lines_of_a_file_stay_on_one_line() {
        assert_eq!(one_line("a\r\nb"), "a  b");
        let long = Value::from("ü".repeat(100));
        assert_eq!(short(&long).chars().count(), VALUE_CHARS_MAX + 1);
        assert_eq!(short(&Value::from("x")), "\"x\"");
    }
}
