//! Cases of `parse` and `print`.

use super::RuleFault::{
    Doubled, NoFrequency, NotAPart, NotAWeekday, NotAnOrdinal, NotUntil, NotWithFrequency,
    NothingToPick, NumberedWeekday, OutOfRange, TooLong, UnknownFrequency, UnknownPart,
    UntilAndCount,
};
use super::*;
use crate::recurrence::TooFrequent;

fn check(text: &str, at: usize, fault: RuleFault) {
    assert_eq!(Rule::parse(text), Err(RuleError { at, fault }), "{text}");
}

const fn numbers(part: Part) -> Name {
    Name::Numbers(part)
}

fn range(name: Name, min: u32, max: u32) -> RuleFault {
    OutOfRange { name, min, max }
}

fn ordinal(part: Part, max: u32) -> RuleFault {
    NotAnOrdinal {
        name: numbers(part),
        max,
    }
}

#[test]
fn what_is_no_rule_is_refused_with_its_place() {
    check("", 0, NotAPart);
    check("FREQ=DAILY;", 11, NotAPart);
    check("FREQ=DAILY;;COUNT=1", 11, NotAPart);
    check("RRULE:FREQ=DAILY", 0, UnknownPart);
    check("FREQ=DAILY; COUNT=1", 11, UnknownPart);
    check("FREQ=YEARLY;BYEASTER=1", 12, UnknownPart);
    check("COUNT=3", 0, NoFrequency);
    check("FREQ=FORTNIGHTLY", 5, UnknownFrequency);
    check("FREQ=DAILY;freq=DAILY", 11, Doubled(Name::Frequency));
    check(
        "FREQ=DAILY;BYHOUR=1;BYHOUR=1",
        20,
        Doubled(numbers(Part::Hour)),
    );
    check("FREQ=DAILY;UNTIL=20260101;COUNT=3", 32, UntilAndCount);
    check("FREQ=DAILY;UNTIL=2026-01-01", 17, NotUntil);
    check("FREQ=DAILY;UNTIL=20260230", 17, NotUntil);
    check("FREQ=DAILY;UNTIL=20260101T250000Z", 17, NotUntil);
    check("FREQ=DAILY;UNTIL=20260101T090000+01", 17, NotUntil);
    check("FREQ=DAILY;BYSETPOS=1", 20, NothingToPick);
    check(
        "FREQ=WEEKLY;BYMONTHDAY=1",
        23,
        NotWithFrequency(numbers(Part::MonthDay)),
    );
    check(
        "FREQ=MONTHLY;BYYEARDAY=1",
        23,
        NotWithFrequency(numbers(Part::YearDay)),
    );
    check(
        "FREQ=MONTHLY;BYWEEKNO=1",
        22,
        NotWithFrequency(numbers(Part::WeekNumber)),
    );
    check(&"X".repeat(RULE_BYTES_MAX + 1), 0, TooLong);
}

#[test]
fn numbers_out_of_range_are_refused_with_their_place() {
    check("FREQ=DAILY;COUNT=-1", 17, range(Name::Count, 0, u32::MAX));
    check(
        "FREQ=DAILY;COUNT=99999999999999999999",
        17,
        range(Name::Count, 0, u32::MAX),
    );
    check(
        "FREQ=DAILY;INTERVAL=0",
        20,
        range(Name::Interval, 1, u32::MAX),
    );
    check(
        "FREQ=DAILY;INTERVAL=",
        20,
        range(Name::Interval, 1, u32::MAX),
    );
    check(
        "FREQ=DAILY;INTERVAL=1.5",
        20,
        range(Name::Interval, 1, u32::MAX),
    );
    check(
        "FREQ=DAILY;BYSECOND=61",
        20,
        range(numbers(Part::Second), 0, 60),
    );
    check(
        "FREQ=DAILY;BYMINUTE=5,60",
        22,
        range(numbers(Part::Minute), 0, 59),
    );
    check(
        "FREQ=DAILY;BYHOUR=24",
        18,
        range(numbers(Part::Hour), 0, 23),
    );
    check(
        "FREQ=DAILY;BYHOUR=+1",
        18,
        range(numbers(Part::Hour), 0, 23),
    );
    check(
        "FREQ=DAILY;BYMONTH=1,,2",
        21,
        range(numbers(Part::Month), 1, 12),
    );
    check(
        "FREQ=DAILY;BYMONTH=13",
        19,
        range(numbers(Part::Month), 1, 12),
    );
    let error = Rule::parse("FREQ=DAILY;BYHOUR=24").expect_err("refused");
    assert_eq!(
        error.to_string(),
        "BYHOUR takes whole numbers of 0 to 23 at byte 18"
    );
}

#[test]
fn ordinals_and_weekdays_that_mean_nothing_are_refused_with_their_place() {
    check("FREQ=DAILY;BYMONTHDAY=0", 22, ordinal(Part::MonthDay, 31));
    check("FREQ=DAILY;BYMONTHDAY=-32", 22, ordinal(Part::MonthDay, 31));
    check("FREQ=YEARLY;BYYEARDAY=367", 22, ordinal(Part::YearDay, 366));
    check("FREQ=YEARLY;BYWEEKNO=54", 21, ordinal(Part::WeekNumber, 53));
    check(
        "FREQ=YEARLY;BYMONTH=1;BYSETPOS=--1",
        31,
        ordinal(Part::SetPosition, 366),
    );
    check("FREQ=DAILY;BYDAY=M", 17, NotAWeekday);
    check("FREQ=DAILY;BYDAY=MO,XX", 20, NotAWeekday);
    check("FREQ=DAILY;BYDAY=MÖ", 18, NotAWeekday);
    check("FREQ=MONTHLY;BYDAY=0MO", 19, NotAWeekday);
    check("FREQ=MONTHLY;BYDAY=54MO", 19, NotAWeekday);
    check("FREQ=DAILY;WKST=1MO", 16, NotAWeekday);
    check("FREQ=WEEKLY;BYDAY=1MO", 18, NumberedWeekday);
    check("FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO", 29, NumberedWeekday);
}

#[test]
fn a_rule_is_printed_in_one_way() {
    let check = |text: &str, expected: &str| {
        let rule = Rule::parse(text).expect("valid");
        assert_eq!(rule.to_string(), expected);
        assert_eq!(Rule::parse(expected), Ok(rule));
    };
    check("freq=daily", "FREQ=DAILY");
    check("INTERVAL=1;WKST=MO;FREQ=WEEKLY", "FREQ=WEEKLY");
    check(
        "WKST=SU;BYSETPOS=-1,+1;BYMONTH=12,1;BYDAY=-1FR,we,+2MO,MO,MO;BYHOUR=09,8;INTERVAL=02;COUNT=3;FREQ=MONTHLY",
        "FREQ=MONTHLY;COUNT=3;INTERVAL=2;BYHOUR=8,9;BYDAY=-1FR,MO,WE,2MO;BYMONTH=1,12;BYSETPOS=-1,1;WKST=SU",
    );
    check("FREQ=YEARLY;UNTIL=20261231", "FREQ=YEARLY;UNTIL=20261231");
    check(
        "FREQ=YEARLY;UNTIL=20261231T235960",
        "FREQ=YEARLY;UNTIL=20261231T235959",
    );
    check(
        "FREQ=YEARLY;UNTIL=00010101T000000Z",
        "FREQ=YEARLY;UNTIL=00010101T000000Z",
    );
    check(
        "FREQ=YEARLY;BYWEEKNO=-53,53;BYYEARDAY=366,-366;BYMONTHDAY=31;BYSECOND=60;BYMINUTE=0",
        "FREQ=YEARLY;BYSECOND=60;BYMINUTE=0;BYMONTHDAY=31;BYYEARDAY=-366,366;BYWEEKNO=-53,53",
    );
}

#[test]
fn calendars_take_no_rule_below_an_hour_and_dates_none_below_a_day() {
    let rule = |text| Rule::parse(text).expect("valid");
    assert_eq!(rule("FREQ=MINUTELY").for_calendar(), Err(TooFrequent));
    assert_eq!(rule("FREQ=HOURLY").for_calendar(), Ok(rule("FREQ=HOURLY")));
    assert_eq!(rule("FREQ=HOURLY").for_dates(), Err(TooFrequent));
    let ignored = rule("FREQ=DAILY;BYHOUR=9,10;BYMINUTE=5;BYSECOND=6;BYMONTH=1").for_dates();
    assert_eq!(ignored, Ok(rule("FREQ=DAILY;BYMONTH=1")));
}
