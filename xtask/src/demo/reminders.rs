//! The demo's second plugin: reminders of what customers still owe after the reconciliation.
//!
//! It is written in TypeScript and comes as the committed component, so that nobody needs npm for the demo. What was sent is
//! counted where it arrives: in the folder that mail is delivered to.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Demo;
use crate::cargo;

const AUTOMATION: &str = "overdue-reminders";
const COMPONENT: &str = "plugins/overdue-reminders/component";
/// Its calendar is open every day: the demo shows the same on Sundays.
const CONFIG: &str = "reminders.json";
/// Lines of what was sent that are shown.
const SHOWN_MAX: usize = 5;

/// Installs and enables the plugin, and starts it twice: the second run has nobody left to remind.
pub fn show(demo: &mut Demo) -> Result<()> {
    install(demo)?;
    demo.enable_automation(AUTOMATION, CONFIG)?;
    demo.facts.reminders_sent = run(demo)?;
    demo.facts.reminders_sent_again = run(demo)?;
    eprintln!("The same again: {} mails.", demo.facts.reminders_sent_again);
    Ok(())
}

fn install(demo: &Demo) -> Result<()> {
    let component = bursar_packed::unpack(&cargo::root().join(COMPONENT))?;
    let file = demo.work.join("overdue-reminders.wasm");
    std::fs::write(&file, component).with_context(|| format!("cannot write {}", file.display()))?;
    demo.bursar
        .call(&["plugin", "install", &file.display().to_string()])?;
    Ok(())
}

/// Starts the automation and gives how many mails it delivered.
fn run(demo: &Demo) -> Result<usize> {
    let before = mails(demo)?;
    let run = demo.bursar.call(&["automation", "run", AUTOMATION])?;
    eprintln!("{}", run["report"]["summary"].as_str().unwrap_or_default());
    let id = run["id"].as_str().context("a run has an id")?;
    let sent = mails(demo)?.saturating_sub(before);
    let drafted = subjects(&demo.bursar.call(&["run", "show", id])?);
    if sent != drafted.len() {
        bail!("{} mails were drafted, {sent} arrived", drafted.len());
    }
    for line in drafted.iter().take(SHOWN_MAX) {
        eprintln!("  {line}");
    }
    if let Some(more) = drafted
        .len()
        .checked_sub(SHOWN_MAX)
        .filter(|more| *more > 0)
    {
        eprintln!("  and {more} more");
    }
    Ok(sent)
}

/// Messages in the folder that mail is delivered to, which is made with the first one.
fn mails(demo: &Demo) -> Result<usize> {
    let folder = demo.bursar.folder.join("mail");
    if !folder.is_dir() {
        return Ok(0);
    }
    let mut count = 0;
    for entry in std::fs::read_dir(&folder)? {
        count += usize::from(
            entry?
                .path()
                .extension()
                .is_some_and(|ending| ending == "eml"),
        );
    }
    Ok(count)
}

/// Recipient and subject of every mail of a run, as `bursar run show` titles them.
fn subjects(shown: &Value) -> Vec<String> {
    let changes = shown["changes"].as_array().into_iter().flatten();
    changes
        .filter(|change| {
            change["key"]
                .as_str()
                .is_some_and(|key| key.starts_with("message/"))
        })
        .filter_map(|change| change["title"].as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn mails_are_told_apart_from_other_rows() {
        let shown = json!({"changes": [
            {"key": "invoice/1", "title": "invoice INV-1"},
            {"key": "message/2", "title": "mail to a@b.example: \"Reminder\""},
            {"key": "state/overdue-reminders/message", "title": "state"},
        ]});
        assert_eq!(subjects(&shown), ["mail to a@b.example: \"Reminder\""]);
        assert!(subjects(&json!({})).is_empty());
    }
}
