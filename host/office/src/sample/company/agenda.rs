//! Calendars with what happens in them, and documents that follow from the rest.

use std::fmt::Write as _;

use bursar_domain::calendar::{EntryContent, EntryKind, OverrideText, PeriodText};
use jiff::{
    ToSpan,
    civil::{Date, Weekday, date},
};

use super::{
    ZONE, broken,
    data::{Data, Employee},
    days::{Days, after, holidays},
    dice::{Dice, hundredths},
};
use crate::{
    error::Error,
    sample::{SampleCalendar, SampleDocument},
};

/// Employees on each shift.
const SHIFT_PEOPLE: usize = 6;
/// Leaves of the weeks around today.
const LEAVES: usize = 9;

pub(super) fn calendars(data: &Data, days: &Days) -> Result<Vec<SampleCalendar>, Error> {
    let calendar = |key: &str, name: &str, department: &str, entries| SampleCalendar {
        key: key.to_owned(),
        name: name.to_owned(),
        department: department.to_owned(),
        zone: ZONE.to_owned(),
        entries,
    };
    Ok(vec![
        calendar("works", "The works", "operations", works(data, days)),
        calendar("people", "People", "hr", people(data, days)?),
        calendar("books", "The books", "finance", books(days)),
    ])
}

/// An entry that happens once, for nobody in particular.
fn entry(kind: EntryKind, uid: &str, title: &str, start: String, length: &str) -> EntryContent {
    EntryContent {
        uid: format!("{uid}@laerchwerk.example"),
        kind,
        title: title.to_owned(),
        notes: String::new(),
        attendees: Vec::new(),
        is_opaque: None,
        start,
        length: length.to_owned(),
        rules: Vec::new(),
        added: Vec::new(),
        excluded: Vec::new(),
        overrides: Vec::new(),
    }
}

fn ruled(entry: EntryContent, rule: &str) -> EntryContent {
    EntryContent {
        rules: vec![rule.to_owned()],
        ..entry
    }
}

/// A wall time of a day.
fn at(day: Date, time: &str) -> String {
    format!("{day}T{time}:00[{ZONE}]")
}

/// The first such weekday from a day on.
fn next(weekday: Weekday, from: Date) -> Date {
    let ahead = i64::from(from.weekday().until(weekday));
    after(from, ahead)
}

/// Shifts, and what the works do together. No stand-up on next Monday; the one of the Wednesday after is later.
fn works(data: &Data, days: &Days) -> Vec<EntryContent> {
    let monday = next(Weekday::Monday, days.start);
    let stand_up = entry(
        EntryKind::Event,
        "stand-up",
        "Stand-up at the planning board",
        at(monday, "08:45"),
        "PT15M",
    );
    let skipped = next(Weekday::Monday, after(days.today, 1));
    let moved = after(skipped, 2);
    let stand_up = EntryContent {
        excluded: vec![at(skipped, "08:45")],
        overrides: vec![OverrideText {
            original: at(moved, "08:45"),
            moved: Some(PeriodText {
                start: at(moved, "10:00"),
                length: "PT30M".to_owned(),
            }),
        }],
        ..ruled(stand_up, "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR")
    };
    let joiners = data
        .employees
        .iter()
        .filter(|it| it.manager.as_deref() == Some("E013"));
    let joiners: Vec<String> = joiners.map(|it| it.name.clone()).collect();
    let shift = |uid, title, time, people: &[String]| EntryContent {
        attendees: people.to_vec(),
        ..ruled(
            entry(EntryKind::Shift, uid, title, at(monday, time), "PT8H"),
            "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
        )
    };
    let (early, late) = joiners.split_at(SHIFT_PEOPLE.min(joiners.len()));
    let counting = first_ruled(
        days,
        entry(
            EntryKind::Event,
            "stock-count",
            "Stock count: no deliveries",
            String::new(),
            "PT6H",
        ),
        |year| at(last_weekday(date(year, 12, 1), Weekday::Friday), "12:00"),
        "FREQ=YEARLY;BYMONTH=12;BYDAY=-1FR",
    );
    vec![
        stand_up,
        shift("early-shift", "Early shift", "06:00", early),
        shift("late-shift", "Late shift", "14:00", late),
        counting,
        ruled(
            entry(
                EntryKind::Task,
                "extraction",
                "Check the dust extraction",
                at(monday, "06:30"),
                "PT30M",
            ),
            "FREQ=WEEKLY;INTERVAL=2",
        ),
    ]
}

/// An entry of each year, from the first year of the books on.
fn first_ruled(
    days: &Days,
    entry: EntryContent,
    start: impl Fn(i16) -> String,
    rule: &str,
) -> EntryContent {
    EntryContent {
        start: start(days.start.year()),
        ..ruled(entry, rule)
    }
}

/// The last such weekday of a day's month.
fn last_weekday(day: Date, weekday: Weekday) -> Date {
    let last = day.last_of_month();
    after(last, -i64::from(weekday.until(last.weekday())))
}

/// Holidays, leave, interviews, and the talks of each year.
fn people(data: &Data, days: &Days) -> Result<Vec<EntryContent>, Error> {
    let mut entries = Vec::new();
    let this_year = days.today.year();
    for (day, name) in (this_year..=this_year + 1).flat_map(holidays) {
        let uid = format!("holiday-{day}");
        entries.push(EntryContent {
            is_opaque: Some(true),
            ..entry(EntryKind::Event, &uid, name, day.to_string(), "P1D")
        });
    }
    let mut dice = Dice::of("leave");
    for number in 1..=LEAVES {
        let employee = dice.pick(&data.employees)?;
        let monday = next(Weekday::Monday, after(days.today, dice.within(-21..=70)));
        let (uid, title) = (
            format!("leave-{number}"),
            format!("Leave: {}", employee.name),
        );
        let leave = entry(EntryKind::Event, &uid, &title, monday.to_string(), "P5D");
        entries.push(attended(leave, employee));
    }
    let waiting = data.candidates.iter().filter(|it| it.stage == "interview");
    for (number, candidate) in (1_i64..).zip(waiting) {
        let (uid, title) = (
            format!("interview-{number}"),
            format!("Interview: {}, {}", candidate.name, candidate.role),
        );
        let day = days.open_from(after(days.today, number))?;
        let time = ["09:00", "10:30", "14:00"][usize::try_from(number % 3).unwrap_or(0)];
        entries.push(entry(EntryKind::Event, &uid, &title, at(day, time), "PT1H"));
    }
    entries.push(first_ruled(
        days,
        entry(
            EntryKind::Task,
            "yearly-review",
            "Begin the talks of the year",
            String::new(),
            "P1D",
        ),
        |year| date(year, 10, 1).to_string(),
        "FREQ=YEARLY",
    ));
    Ok(entries)
}

fn attended(entry: EntryContent, employee: &Employee) -> EntryContent {
    EntryContent {
        attendees: vec![employee.name.clone()],
        ..entry
    }
}

/// What bookkeeping does each week and month.
fn books(days: &Days) -> Vec<EntryContent> {
    let thursday = next(Weekday::Thursday, days.start);
    let filed_on = date(days.start.year(), days.start.month(), 15);
    let closed_on = last_open_day(days.start);
    vec![
        ruled(
            entry(
                EntryKind::Task,
                "payment-run",
                "Payment run",
                at(thursday, "10:00"),
                "PT1H",
            ),
            "FREQ=WEEKLY;BYDAY=TH",
        ),
        ruled(
            entry(
                EntryKind::Reminder,
                "vat-return",
                "File the VAT return of the month before last",
                filed_on.to_string(),
                "P1D",
            ),
            "FREQ=MONTHLY;BYMONTHDAY=15",
        ),
        ruled(
            entry(
                EntryKind::Task,
                "closing",
                "Close the month",
                closed_on.to_string(),
                "P1D",
            ),
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        ),
    ]
}

/// The last day of a month from Monday to Friday.
fn last_open_day(day: Date) -> Date {
    let last = day.last_of_month();
    match last.weekday() {
        Weekday::Saturday => last.saturating_sub(1.day()),
        Weekday::Sunday => last.saturating_sub(2.days()),
        _ => last,
    }
}

/// The price list, as a table.
pub(super) fn papers(data: &Data, days: &Days) -> Result<Vec<SampleDocument>, Error> {
    let mut text = "sku,name,price_eur\n".to_owned();
    for article in &data.stock {
        if let Some(price) = article.price_cents {
            let (sku, name, price) = (&article.sku, &article.name, hundredths(price)?);
            writeln!(text, "{sku},\"{name}\",{price}").map_err(broken)?;
        }
    }
    Ok(vec![SampleDocument {
        folder: "sales".to_owned(),
        name: format!("price-list-{}.csv", days.today.year()),
        media_type: "text/csv".to_owned(),
        text,
    }])
}
