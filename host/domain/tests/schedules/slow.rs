//! RFC 5545 §3.3.10 word for word: looks at every day, and decides each part by counting days one by one.

use std::collections::BTreeMap;

use bursar_domain::recurrence::{Frequency, Part, Rule};
use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime, Weekday};

/// What a rule of DAILY to YEARLY produces within two moments, both included.
pub fn instances(rule: &Rule, start: DateTime, last: DateTime) -> Vec<DateTime> {
    let mut periods: BTreeMap<i64, Vec<DateTime>> = BTreeMap::new();
    let anchor = period_of(rule, start.date());
    let mut day = start.date().checked_sub(400.days()).expect("in range");
    let end = last.date().checked_add(400.days()).expect("in range");
    while day < end {
        let period = period_of(rule, day);
        let is_due = period >= anchor && (period - anchor) % i64::from(rule.interval()) == 0;
        if is_due && takes(rule, start, day) {
            periods
                .entry(period)
                .or_default()
                .extend(times(rule, start, day));
        }
        day = day.tomorrow().expect("in range");
    }
    let picked = periods
        .into_values()
        .flat_map(|candidates| pick(rule, &candidates));
    picked
        .filter(|wall| (start..=last).contains(wall))
        .collect()
}

fn pick(rule: &Rule, candidates: &[DateTime]) -> Vec<DateTime> {
    let positions = rule.numbers(Part::SetPosition);
    let is_picked = |index: usize| {
        let from_start = i16::try_from(index).map_or(i16::MAX, |index| index + 1);
        let from_end = i16::try_from(candidates.len() - index).map_or(i16::MIN, |left| -left);
        positions.is_empty() || positions.contains(&from_start) || positions.contains(&from_end)
    };
    let picked = candidates
        .iter()
        .enumerate()
        .filter(|(index, _)| is_picked(*index));
    picked.map(|(_, wall)| *wall).collect()
}

fn period_of(rule: &Rule, day: Date) -> i64 {
    let days = |from: Date| i64::from(from.until(day).expect("in range").get_days());
    match rule.frequency() {
        Frequency::Yearly if rule.numbers(Part::WeekNumber).is_empty() => day.year().into(),
        Frequency::Yearly => week(rule, day).0.into(),
        Frequency::Monthly => i64::from(day.year()) * 12 + i64::from(day.month()),
        Frequency::Weekly => days(week_begin(rule, jiff::civil::date(2000, 1, 1))).div_euclid(7),
        _ => days(jiff::civil::date(2000, 1, 1)),
    }
}

fn week_begin(rule: &Rule, mut day: Date) -> Date {
    while day.weekday() != rule.week_start() {
        day = day.yesterday().expect("in range");
    }
    day
}

/// The year that a week belongs to, its number from the start, and from the end of that year.
fn week(rule: &Rule, day: Date) -> (i16, i16, i16) {
    let begin = week_begin(rule, day);
    let days: Vec<Date> = begin.series(1.day()).take(7).collect();
    let year = days
        .iter()
        .map(|day| day.year())
        .max_by_key(|year| days.iter().filter(|day| day.year() == *year).count());
    let year = year.expect("a week has days");
    let in_year = |begin: &Date| {
        begin
            .series(1.day())
            .take(7)
            .filter(|day| day.year() == year)
            .count()
            >= 4
    };
    let begins = |step: i64| {
        let mut begins = 0;
        let mut other = begin;
        while in_year(&other) {
            begins += 1;
            other = other.checked_add((7 * step).days()).expect("in range");
        }
        begins
    };
    (year, begins(-1), -begins(1))
}

fn takes(rule: &Rule, start: DateTime, day: Date) -> bool {
    let has = |part| !rule.numbers(part).is_empty();
    let names_days = has(Part::MonthDay) || has(Part::YearDay) || !rule.days().is_empty();
    let fits = |part, from_start: i16, from_end: i16| {
        let numbers = rule.numbers(part);
        numbers.is_empty() || numbers.contains(&from_start) || numbers.contains(&from_end)
    };
    let month_day = i16::from(day.day());
    let by_default = match rule.frequency() {
        _ if names_days => true,
        Frequency::Yearly if has(Part::WeekNumber) => day.weekday() == start.weekday(),
        Frequency::Yearly => {
            day.day() == start.day() && (has(Part::Month) || day.month() == start.month())
        }
        Frequency::Monthly => day.day() == start.day(),
        Frequency::Weekly => day.weekday() == start.weekday(),
        _ => true,
    };
    by_default
        && fits(Part::Month, day.month().into(), 0)
        && (!has(Part::WeekNumber) || takes_week(rule, day))
        && fits(
            Part::YearDay,
            day.day_of_year(),
            day.day_of_year() - day.days_in_year() - 1,
        )
        && fits(
            Part::MonthDay,
            month_day,
            month_day - i16::from(day.days_in_month()) - 1,
        )
        && takes_weekday(rule, day)
}

fn takes_week(rule: &Rule, day: Date) -> bool {
    let (_, from_start, from_end) = week(rule, day);
    let numbers = rule.numbers(Part::WeekNumber);
    numbers.contains(&from_start) || numbers.contains(&from_end)
}

fn takes_weekday(rule: &Rule, day: Date) -> bool {
    let is_within_year =
        rule.frequency() == Frequency::Yearly && rule.numbers(Part::Month).is_empty();
    let (first, last) = if is_within_year {
        (day.first_of_year(), day.last_of_year())
    } else {
        (day.first_of_month(), day.last_of_month())
    };
    let same = |from: Date, to: Date, weekday: Weekday| {
        let days = from.series(1.day()).take_while(|day| *day <= to);
        i8::try_from(days.filter(|day| day.weekday() == weekday).count()).expect("at most 53")
    };
    let days = rule.days();
    days.is_empty()
        || days
            .iter()
            .filter(|by| by.weekday == day.weekday())
            .any(|by| match by.ordinal {
                0 => true,
                n if n > 0 => same(first, day, by.weekday) == n,
                n => same(day, last, by.weekday) == -n,
            })
}

fn times(rule: &Rule, start: DateTime, day: Date) -> Vec<DateTime> {
    let or = |part, of_start: i8| match rule.numbers(part) {
        [] => vec![of_start],
        numbers => numbers
            .iter()
            .map(|n| i8::try_from(*n).expect("small"))
            .collect(),
    };
    let (hours, minutes) = (
        or(Part::Hour, start.hour()),
        or(Part::Minute, start.minute()),
    );
    let all = hours
        .iter()
        .flat_map(|hour| minutes.iter().map(move |minute| (*hour, *minute)));
    all.map(|(hour, minute)| day.at(hour, minute, start.second(), 0))
        .collect()
}
