//! Cases of `availability`.

use super::*;
use crate::recurrence::Rule;
use crate::schedule::{Length, Moment, Period, Recurrence};
use jiff::civil::date;

fn at_us(text: &str) -> i64 {
    time::from_rfc3339(text).expect("an instant")
}

/// `09:00/10:30`, on the first of June 2026, a Monday, in UTC.
fn window(text: &str) -> Window {
    let (start, end) = text.split_once('/').expect("two times");
    let [start_us, end_us] = [start, end].map(|clock| at_us(&format!("2026-06-01T{clock}:00Z")));
    Window { start_us, end_us }
}

fn windows(text: &str) -> Vec<Window> {
    text.split_whitespace().map(window).collect()
}

const MINUTE_US: i64 = 60_000_000;

fn office(zone: &str) -> WorkingHours {
    let shift = |weekday| Shift {
        weekday,
        from: Time::constant(9, 0, 0, 0),
        to: Time::constant(17, 0, 0, 0),
    };
    let week = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
    ];
    WorkingHours {
        zone: time::zone(zone).expect("known"),
        shifts: week.map(shift).to_vec(),
        calendar: None,
    }
}

fn search(within: &str, minutes: i64) -> Search {
    Search {
        window: window(within),
        length_us: minutes.saturating_mul(MINUTE_US),
        buffer_us: 0,
        at_most: 100,
    }
}

#[test]
fn busy_and_free_are_merged_and_partition_the_window() {
    let check = |busy: &str, expected_busy: &str, expected_free: &str| {
        let within = window("08:00/18:00");
        assert_eq!(merged(windows(busy), within), windows(expected_busy));
        assert_eq!(free(&windows(busy), within), windows(expected_free));
    };
    check("", "", "08:00/18:00");
    check(
        "12:00/13:00 09:00/10:00",
        "09:00/10:00 12:00/13:00",
        "08:00/09:00 10:00/12:00 13:00/18:00",
    );
    check(
        "09:00/11:00 10:00/10:30 11:00/12:00",
        "09:00/12:00",
        "08:00/09:00 12:00/18:00",
    );
    check(
        "06:00/09:00 17:00/20:00",
        "08:00/09:00 17:00/18:00",
        "09:00/17:00",
    );
    check("06:00/20:00", "08:00/18:00", "");
    check("09:00/09:00 20:00/21:00", "", "08:00/18:00");
}

#[test]
fn schedules_are_busy_while_they_last() {
    let start = Moment::Utc(date(2026, 5, 1).at(22, 0, 0, 0));
    let period = Period {
        start,
        length: Length::parse("PT11H").expect("a length"),
    };
    let rules = vec![Rule::parse("FREQ=DAILY").expect("a rule")];
    let nights = Schedule::new(
        period,
        Recurrence {
            rules,
            ..Recurrence::default()
        },
    )
    .expect("valid");
    let found = busy(
        [&nights, &nights],
        window("00:00/23:00"),
        &TimeZone::UTC,
        &mut Budget::default(),
    );
    assert_eq!(found, Ok(windows("00:00/09:00 22:00/23:00")));
}

#[test]
fn slots_lie_in_the_working_hours_of_everybody() {
    let attendee = |zone: &str, busy: &str| Attendee {
        busy: windows(busy),
        hours: Some(office(zone)),
    };
    let attendees = [
        attendee("Europe/Berlin", "13:00/13:30"),
        attendee("America/New_York", ""),
    ];
    // Berlin works from 7 to 15 o'clock of UTC, New York from 13 to 21.
    let day = search("00:00/23:00", 30);
    let expected = windows("13:30/14:00 14:00/14:30 14:30/15:00");
    assert_eq!(find_slots(&attendees, day), Ok(expected.clone()));
    assert_eq!(
        find_slots(&attendees, Search { at_most: 1, ..day }),
        Ok(expected[..1].to_vec())
    );
    let buffered = Search {
        buffer_us: 15 * MINUTE_US,
        ..day
    };
    assert_eq!(
        find_slots(&attendees, buffered),
        Ok(windows("13:45/14:15 14:15/14:45"))
    );
    assert_eq!(
        find_slots(&attendees, search("00:00/23:00", 91)),
        Ok(vec![])
    );
    let anybody = [Attendee {
        busy: windows("09:00/10:00"),
        hours: None,
    }];
    assert_eq!(
        find_slots(&anybody, search("08:00/11:30", 60)),
        Ok(windows("08:00/09:00 10:00/11:00"))
    );
}

#[test]
fn nobody_works_on_holidays_and_nights_reach_into_the_next_day() {
    let within = window("00:00/23:00");
    let closed = BusinessCalendar::new([], [date(2026, 6, 1)], 1).expect("valid");
    let hours = WorkingHours {
        calendar: Some(closed),
        ..office("UTC")
    };
    assert_eq!(hours.within(within), Ok(vec![]));
    let night = |weekday| Shift {
        weekday,
        from: Time::constant(22, 0, 0, 0),
        to: Time::constant(6, 0, 0, 0),
    };
    let shifts = vec![night(Weekday::Sunday), night(Weekday::Monday)];
    let hours = WorkingHours {
        shifts,
        ..office("UTC")
    };
    assert_eq!(hours.within(within), Ok(windows("00:00/06:00 22:00/23:00")));
}

#[test]
fn a_search_has_its_limits() {
    let day = search("00:00/23:00", 30);
    let nobody = Attendee {
        busy: vec![],
        hours: None,
    };
    let crowd = vec![nobody; ATTENDEES_MAX.saturating_add(1)];
    assert_eq!(find_slots(&crowd, day), Err(AvailabilityError::TooMany));
    assert_eq!(
        find_slots(
            &[],
            Search {
                at_most: 101,
                ..day
            }
        ),
        Err(AvailabilityError::TooMany)
    );
    assert_eq!(
        find_slots(
            &[],
            Search {
                length_us: 0,
                ..day
            }
        ),
        Err(AvailabilityError::Length)
    );
    assert_eq!(
        find_slots(
            &[],
            Search {
                buffer_us: -1,
                ..day
            }
        ),
        Err(AvailabilityError::Length)
    );
    let for_ever = Window {
        start_us: i64::MIN,
        end_us: i64::MAX,
    };
    assert_eq!(
        busy([], for_ever, &TimeZone::UTC, &mut Budget::default()),
        Err(AvailabilityError::Window)
    );
    let huge = Search {
        length_us: i64::MAX,
        buffer_us: i64::MAX,
        ..day
    };
    assert_eq!(find_slots(&[], huge), Ok(vec![]));
}
