//! Rules, schedules, windows and texts as they may come.

use bursar_domain::recurrence::{End, Rule};
use bursar_domain::schedule::{Length, Moment, Period, Recurrence, Schedule, Window};
use bursar_domain::time;
use jiff::ToSpan as _;
use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::sample::select;

/// A part with a list of its numbers, or nothing.
fn part(name: &'static str, numbers: impl Strategy<Value = i32>) -> impl Strategy<Value = String> {
    let list = prop::collection::vec(numbers, 1..4).prop_map(move |numbers| {
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        format!(";{name}={}", numbers.join(","))
    });
    prop_oneof![2 => Just(String::new()), 1 => list]
}

fn either_way(max: i32) -> impl Strategy<Value = i32> {
    prop_oneof![1..=max, -max..=-1]
}

fn by_day() -> impl Strategy<Value = String> {
    let weekday = || select(vec!["MO", "TU", "WE", "TH", "FR", "SA", "SU"]);
    let numbered = (
        prop_oneof![4 => either_way(5), 1 => either_way(53)],
        weekday(),
    )
        .prop_map(|(number, weekday)| format!("{number}{weekday}"));
    let day = prop_oneof![2 => weekday().prop_map(str::to_owned), 1 => numbered];
    let list =
        prop::collection::vec(day, 1..4).prop_map(|days| format!(";BYDAY={}", days.join(",")));
    prop_oneof![1 => Just(String::new()), 1 => list]
}

/// Rules of some frequencies that RFC 5545 allows, mostly with few parts.
pub fn rule_of(frequencies: &'static [&'static str]) -> impl Strategy<Value = Rule> {
    let frequency = select(frequencies.to_vec());
    let interval = prop_oneof![3 => Just(1), 2 => 2..5_u32, 1 => 5..60_u32];
    let of_year = (
        part("BYMONTH", 1..=12),
        part(
            "BYWEEKNO",
            prop_oneof![either_way(53), select(vec![1, 52, 53, -1, -53])],
        ),
        part(
            "BYYEARDAY",
            prop_oneof![either_way(366), select(vec![1, 59, 60, 365, 366, -1, -366])],
        ),
        part(
            "BYMONTHDAY",
            prop_oneof![either_way(31), select(vec![1, 29, 30, 31, -1, -31])],
        ),
        by_day(),
    );
    let of_day = (part("BYHOUR", 0..24), part("BYMINUTE", 0..60));
    let position = part("BYSETPOS", either_way(4));
    let week_start = prop_oneof![3 => Just(""), 1 => Just(";WKST=SU"), 1 => Just(";WKST=WE")];
    (frequency, interval, of_year, of_day, position, week_start)
        .prop_map(|(frequency, interval, of_year, of_day, position, week_start)| {
            let (months, weeks, year_days, month_days, days) = of_year;
            let (hours, minutes) = of_day;
            format!(
                "FREQ={frequency};INTERVAL={interval}{months}{weeks}{year_days}{month_days}{days}{hours}{minutes}{position}{week_start}"
            )
        })
        .prop_filter_map("RFC 5545 forbids it", |text| Rule::parse(&text).ok())
}

pub const CALENDAR: &[&str] = &["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"];

fn any_end() -> impl Strategy<Value = Option<u32>> {
    prop_oneof![Just(None), (0..40_u32).prop_map(Some)]
}

pub fn any_start() -> impl Strategy<Value = DateTime> {
    (0..3000_i64, 0..24_i8, 0..60_i8).prop_map(|(days, hour, minute)| {
        let day = date(2019, 6, 1).checked_add(days.days()).expect("in range");
        day.at(hour, minute, 0, 0)
    })
}

pub fn any_zone() -> impl Strategy<Value = TimeZone> {
    let names = vec![
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "America/Sao_Paulo",
        "UTC",
    ];
    select(names).prop_map(|name| time::zone(name).expect("known"))
}

pub fn any_schedule() -> impl Strategy<Value = Schedule> {
    let excluded = prop::collection::vec(0..40_usize, 0..4);
    (
        rule_of(CALENDAR),
        any_start(),
        any_zone(),
        any_end(),
        excluded,
    )
        .prop_map(|(rule, wall, zone, end, excluded)| {
            let rule = rule.ending(end.map_or(End::Never, End::Count));
            let walls: Vec<DateTime> = rule.instances(wall).take(40).collect();
            let at = |wall: DateTime| Moment::Local {
                wall,
                zone: zone.clone(),
            };
            let excluded = excluded
                .iter()
                .filter_map(|index| walls.get(*index))
                .map(|wall| at(*wall))
                .collect();
            let period = Period {
                start: at(wall),
                length: Length::parse("PT1H").expect("a length"),
            };
            let recurrence = Recurrence {
                rules: vec![rule],
                excluded,
                ..Recurrence::default()
            };
            Schedule::new(period, recurrence).expect("fits together")
        })
}

pub fn instant_us(wall: DateTime) -> i64 {
    time::wall_to_instant(wall, &TimeZone::UTC).expect("in range")
}

/// Two windows side by side, begun anywhere from 2019 to 2029.
pub fn windows() -> impl Strategy<Value = [Window; 2]> {
    (any_start(), 0..400_i64, 0..400_i64).prop_map(|(start, first, second)| {
        let after = |days: i64| instant_us(start.checked_add(days.days()).expect("in range"));
        let [a, b, c] = [after(0), after(first), after(first + second)];
        [
            Window {
                start_us: a,
                end_us: b,
            },
            Window {
                start_us: b,
                end_us: c,
            },
        ]
    })
}

/// Pieces of calendars, so that hostile texts get past the first look.
pub fn any_text() -> impl Strategy<Value = String> {
    let pieces = vec![
        "BEGIN:VCALENDAR\n",
        "END:VCALENDAR\n",
        "BEGIN:VEVENT\n",
        "END:VEVENT\n",
        "UID:1\n",
        "DTSTART:20260101T000000Z\n",
        "DTSTART;VALUE=DATE:00000101\n",
        "RRULE:FREQ=HOURLY\n",
        "FREQ=YEARLY",
        ";BYDAY=",
        "-53MO",
        ",",
        ";",
        ":",
        "=",
        "\"",
        " ",
        "\n ",
        "DURATION:P3660D\n",
        "RDATE:",
        "99991231T235960",
        "Z",
        "/",
        "EXDATE:",
        "BYSETPOS=-366",
        "TZID",
        "\u{e9}",
        "\\",
    ];
    let piece = prop_oneof![9 => select(pieces).prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}
