//! Cases of `business`.

use super::*;
use jiff::civil::date;

/// New Year 2026 is a Thursday; the last day of January 2026 a Saturday.
fn calendar() -> BusinessCalendar {
    let weekend = [Weekday::Saturday, Weekday::Sunday];
    BusinessCalendar::new(weekend, [date(2026, 1, 1)], 1).expect("is open on Monday")
}

#[test]
fn an_office_is_closed_on_weekends_and_holidays() {
    let open: Vec<bool> = (1..=7)
        .map(|day| calendar().is_open(date(2026, 1, day)))
        .collect();
    assert_eq!(open, [false, true, false, false, true, true, true]);
}

#[test]
fn a_weekend_may_be_friday_and_saturday_or_none() {
    let gulf = BusinessCalendar::new([Weekday::Friday, Weekday::Saturday], [], 1).expect("valid");
    assert_eq!(gulf.add(date(2026, 1, 1), 1), Ok(date(2026, 1, 4)));
    let always = BusinessCalendar::new([], [], 1).expect("valid");
    assert_eq!(always.between(date(2026, 1, 1), date(2027, 1, 1)), Ok(365));
}

#[test]
fn adding_counts_open_days_only() {
    let check = |start: Date, days: i32, expected: Date| {
        assert_eq!(calendar().add(start, days), Ok(expected));
    };
    check(date(2025, 12, 31), 1, date(2026, 1, 2));
    check(date(2026, 1, 2), 1, date(2026, 1, 5));
    check(date(2026, 1, 5), -1, date(2026, 1, 2));
    check(date(2026, 1, 2), -1, date(2025, 12, 31));
    check(date(2026, 1, 3), 1, date(2026, 1, 5));
    check(date(2026, 1, 3), -1, date(2026, 1, 2));
    check(date(2026, 1, 3), 0, date(2026, 1, 5));
    check(date(2026, 1, 5), 0, date(2026, 1, 5));
    check(date(2026, 1, 5), 4000, date(2041, 5, 6));
}

#[test]
fn a_closed_day_rolls_where_the_rule_says() {
    let check = |start: Date, expected: [Date; 3]| {
        let rules = [Roll::Following, Roll::Preceding, Roll::ModifiedFollowing];
        assert_eq!(
            rules.map(|rule| calendar().roll(start, rule)),
            expected.map(Ok),
            "{start}"
        );
    };
    check(
        date(2026, 1, 3),
        [date(2026, 1, 5), date(2026, 1, 2), date(2026, 1, 5)],
    );
    check(
        date(2026, 1, 31),
        [date(2026, 2, 2), date(2026, 1, 30), date(2026, 1, 30)],
    );
    check(
        date(2026, 1, 1),
        [date(2026, 1, 2), date(2025, 12, 31), date(2026, 1, 2)],
    );
    check(date(2026, 1, 2), [date(2026, 1, 2); 3]);
}

#[test]
fn a_window_includes_its_start_and_excludes_its_end() {
    let check =
        |start: Date, end: Date, expected| assert_eq!(calendar().between(start, end), expected);
    check(date(2026, 1, 2), date(2026, 1, 5), Ok(1));
    check(date(2026, 1, 3), date(2026, 1, 6), Ok(1));
    check(date(2026, 1, 5), date(2026, 1, 5), Ok(0));
    check(
        date(2026, 1, 6),
        date(2026, 1, 5),
        Err(BusinessError::Window),
    );
    let start = date(2026, 1, 1);
    let end = start
        .checked_add(jiff::Span::new().days(WINDOW_DAYS_MAX))
        .expect("in range");
    check(start, end, Ok(2856));
    check(
        start,
        end.tomorrow().expect("in range"),
        Err(BusinessError::Window),
    );
    check(Date::MIN, Date::MAX, Err(BusinessError::Window));
}

#[test]
fn a_calendar_that_is_never_open_is_refused() {
    let week = WEEK.map(|(weekday, _)| weekday);
    assert_eq!(
        BusinessCalendar::new(week, [], 1),
        Err(BusinessError::NeverOpen)
    );
    let text = r#"{"weekend":["monday","tuesday","wednesday","thursday","friday","saturday","sunday"],"holidays":[],"version":1}"#;
    assert!(serde_json::from_str::<BusinessCalendar>(text).is_err());
}

#[test]
fn a_search_without_end_is_an_error() {
    let every_monday = date(2026, 1, 5).series(jiff::Span::new().days(7)).take(600);
    let weekend = WEEK
        .map(|(weekday, _)| weekday)
        .into_iter()
        .filter(|day| *day != Weekday::Monday);
    let closed = BusinessCalendar::new(weekend, every_monday, 1).expect("open in other years");
    let from = date(2026, 1, 5);
    assert_eq!(
        closed.roll(from, Roll::Following),
        Err(BusinessError::NothingOpen { from })
    );
    assert_eq!(
        closed.add(from, 0),
        Err(BusinessError::NothingOpen { from })
    );
    let before = date(2025, 12, 29);
    assert_eq!(closed.roll(from, Roll::Preceding), Ok(before));
    assert_eq!(closed.roll(from, Roll::ModifiedFollowing), Ok(before));
}

#[test]
fn requests_out_of_range_are_errors() {
    let start = date(2026, 1, 5);
    for days in [4001, -4001, i32::MAX, i32::MIN] {
        assert_eq!(calendar().add(start, days), Err(BusinessError::TooFar));
    }
    assert_eq!(
        calendar().add(Date::MAX, 1),
        Err(BusinessError::OutOfRange { from: Date::MAX })
    );
    assert_eq!(
        calendar().add(Date::MIN, -1),
        Err(BusinessError::OutOfRange { from: Date::MIN })
    );
    let holidays = start
        .series(jiff::Span::new().days(1))
        .take(HOLIDAYS_MAX + 1);
    assert_eq!(
        BusinessCalendar::new([], holidays, 1),
        Err(BusinessError::TooManyHolidays)
    );
}

#[test]
fn json_keeps_the_calendar() {
    let text = r#"{"weekend":["saturday","sunday"],"holidays":["2026-01-01"],"version":1}"#;
    let read: BusinessCalendar = serde_json::from_str(text).expect("reads");
    assert_eq!(read, calendar());
    assert_eq!(serde_json::to_string(&read).expect("writes"), text);
    let refused = r#"{"weekend":["Sat"],"holidays":[],"version":1}"#;
    assert!(serde_json::from_str::<BusinessCalendar>(refused).is_err());
}
