//! Cases of `recurrence`: what RFC 5545 leaves to be worked out.

mod examples;

use super::*;

/// A wall time as RFC 5545 writes it; without a time of day, 9 o'clock.
fn wall(text: &str) -> DateTime {
    let text = if text.len() == 8 {
        format!("{text}T090000")
    } else {
        text.to_owned()
    };
    compact_time(&text).expect("a wall time")
}

/// The first instances of a rule. An expectation that ends with "…" goes on, any other is complete.
#[track_caller]
fn check(rule: &str, start: &str, expected: &str) {
    check_rule(&Rule::parse(rule).expect("valid"), start, expected);
}

#[track_caller]
fn check_rule(rule: &Rule, start: &str, expected: &str) {
    let (expected, goes_on) = match expected.strip_suffix('…') {
        Some(prefix) => (prefix, true),
        None => (expected, false),
    };
    let expected: Vec<DateTime> = expected.split_whitespace().map(wall).collect();
    let beyond = usize::from(!goes_on);
    let instances: Vec<DateTime> = rule
        .instances(wall(start))
        .take(expected.len().saturating_add(beyond))
        .collect();
    assert_eq!(instances, expected, "{rule} from {start}");
}

#[test]
fn weeks_belong_to_the_year_that_has_most_of_their_days() {
    // Week 1 of 1998 begins on 1997-12-29; 2004, 2009, 2015 and 2020 have 53 weeks.
    let first = "19971229 19971230 19971231 19980101 19980102 19980103 19980104 19990104 …";
    check(
        "FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO,TU,WE,TH,FR,SA,SU",
        "19970901",
        first,
    );
    check(
        "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO",
        "20000101",
        "20041227 20091228 20151228 20201228 …",
    );
    check(
        "FREQ=YEARLY;BYWEEKNO=53;BYDAY=FR",
        "20160101",
        "20160101 20210101 …",
    );
    check(
        "FREQ=YEARLY;BYWEEKNO=-1;BYDAY=SU",
        "20030101",
        "20031228 20050102 20060101 20061231 …",
    );
    check(
        "FREQ=YEARLY;BYWEEKNO=-53;BYDAY=MO",
        "20000101",
        "20031229 20081229 20141229 20191230 …",
    );
    check(
        "FREQ=YEARLY;BYWEEKNO=1,-1;BYDAY=MO",
        "20040101",
        "20041227 20050103 20051226 20060102 …",
    );
    // With weeks from Sunday, week 1 of 2004 begins on the fourth of January, and 2003 has 53 weeks.
    check(
        "FREQ=YEARLY;BYWEEKNO=1;BYDAY=SU;WKST=SU",
        "20030101",
        "20040104 20050102 20060101 20061231 …",
    );
    check(
        "FREQ=YEARLY;BYWEEKNO=53;BYDAY=WE;WKST=SU",
        "20030101",
        "20031231 20081231 20141231 …",
    );
    check(
        "FREQ=YEARLY;BYWEEKNO=20",
        "19970902",
        "19980512 19990518 20000516 …",
    );
    check(
        "FREQ=YEARLY;BYMONTH=1;BYWEEKNO=1,2;BYDAY=MO",
        "19970101",
        "19970106 19980105 19990104 19990111 …",
    );
    let of_both_years = "19981231 20001231 …";
    check(
        "FREQ=YEARLY;BYWEEKNO=52,53;BYMONTHDAY=31;INTERVAL=2",
        "19980601",
        of_both_years,
    );
    check(
        "FREQ=YEARLY;INTERVAL=2;BYWEEKNO=1;BYDAY=TU",
        "19971230",
        "19971230 20000104 20020101 …",
    );
    check(
        "FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO,SU;BYSETPOS=-1",
        "19970901",
        "19980104 19990110 …",
    );
}

#[test]
fn numbered_weekdays_count_in_the_month_or_in_the_year() {
    check(
        "FREQ=YEARLY;BYDAY=1TU,-1TH",
        "19970902",
        "19971225 19980106 19981231 19990105 …",
    );
    check(
        "FREQ=YEARLY;BYDAY=53TH",
        "19970902",
        "19981231 20041230 20091231 …",
    );
    check("FREQ=YEARLY;BYDAY=-53FR", "19970902", "19990101 20040102 …");
    check(
        "FREQ=YEARLY;BYMONTH=1,3;BYDAY=1TU,-1TH",
        "19970902",
        "19980106 19980129 19980303 19980326 …",
    );
    check("FREQ=YEARLY;BYMONTH=1;BYDAY=6MO", "19970902", "");
    check(
        "FREQ=MONTHLY;BYDAY=5SA,-5SA",
        "20150204",
        "20150502 20150530 20150801 20150829 …",
    );
    check(
        "FREQ=MONTHLY;BYDAY=3MO,WE",
        "20150102",
        "20150107 20150114 20150119 20150121 20150128 …",
    );
    check(
        "FREQ=YEARLY;BYDAY=1MO;BYMONTHDAY=7",
        "20150101",
        "20190107 …",
    );
}

#[test]
fn days_that_do_not_exist_are_left_out_and_not_counted() {
    check(
        "FREQ=YEARLY;COUNT=3",
        "20240229",
        "20240229 20280229 20320229",
    );
    check(
        "FREQ=YEARLY;INTERVAL=100",
        "20000229",
        "20000229 24000229 28000229 …",
    );
    check(
        "FREQ=MONTHLY;COUNT=4",
        "20260131",
        "20260131 20260331 20260531 20260731",
    );
    check(
        "FREQ=MONTHLY;BYMONTHDAY=-31",
        "20260101",
        "20260101 20260301 20260501 …",
    );
    check(
        "FREQ=YEARLY;BYYEARDAY=366,-366",
        "20250101",
        "20280101 20281231 20320101 …",
    );
    check(
        "FREQ=YEARLY;BYYEARDAY=60,-306;BYMONTH=2",
        "20230101",
        "20240229 20280229 …",
    );
    check("FREQ=MONTHLY;BYMONTHDAY=30;BYMONTH=2", "20230101", "");
}

#[test]
fn a_yearly_day_of_the_month_is_that_day_of_every_month() {
    check(
        "FREQ=YEARLY;BYMONTHDAY=-1",
        "20240131",
        "20240131 20240229 20240331 …",
    );
    check(
        "FREQ=YEARLY;BYMONTHDAY=1,3;BYDAY=TU,TH",
        "19970902",
        "19980101 19980203 19980303 19980901 19980903 …",
    );
    check(
        "FREQ=YEARLY;BYYEARDAY=1,100;BYMONTHDAY=1",
        "19970902",
        "19980101 19990101 …",
    );
}

#[test]
fn set_positions_pick_from_all_candidates_of_a_period() {
    // Candidates before the start are counted when positions are, and are no instances.
    let last_of_all = "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=1,-1";
    check(last_of_all, "20160102", "20160131 20160201 20160229 …");
    check("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=99", "20160102", "");
    check(
        "FREQ=YEARLY;BYMONTH=3;BYDAY=SU;BYSETPOS=-1",
        "20160101",
        "20160327 20170326 …",
    );
    check(
        "FREQ=YEARLY;BYMONTHDAY=15;BYHOUR=6,18;BYSETPOS=3,-3",
        "19971116T090000",
        "19980215T060000 19981115T180000 …",
    );
    let weekly = "FREQ=WEEKLY;BYDAY=TU,TH;BYHOUR=6,18;BYSETPOS=1,-2";
    check(
        weekly,
        "19970902",
        "19970904T060000 19970909T060000 19970911T060000 …",
    );
    let daily = "FREQ=DAILY;BYHOUR=6,18;BYMINUTE=15,45;BYSETPOS=3,-3";
    check(
        daily,
        "19970902",
        "19970902T181500 19970903T064500 19970903T181500 …",
    );
    let hourly = "FREQ=HOURLY;BYMINUTE=15,45;BYSECOND=15,45;BYSETPOS=3,-3";
    check(
        hourly,
        "19970902",
        "19970902T091545 19970902T094515 19970902T101545 …",
    );
    let minutely = "FREQ=MINUTELY;BYSECOND=15,30,45;BYSETPOS=3,-3";
    check(
        minutely,
        "19970902",
        "19970902T090015 19970902T090045 19970902T090115 …",
    );
    let secondly = "FREQ=SECONDLY;BYMINUTE=5;BYSETPOS=1,-1";
    check(secondly, "19970902", "19970902T090500 19970902T090501 …");
}

#[test]
fn parts_longer_than_the_period_limit_and_shorter_ones_expand() {
    check(
        "FREQ=DAILY;BYMONTHDAY=1,3;BYDAY=TU,TH",
        "19970902",
        "19980101 19980203 19980303 …",
    );
    check(
        "FREQ=WEEKLY;BYMONTH=1;BYDAY=TU,TH",
        "19970902",
        "19980101 19980106 …",
    );
    check("FREQ=WEEKLY;BYMONTH=1", "19970902", "19980106 19980113 …");
    check(
        "FREQ=WEEKLY;BYHOUR=6;BYMINUTE=0,30;BYSECOND=5",
        "19970902",
        "19970909T060005 19970909T063005 …",
    );
    check(
        "FREQ=HOURLY;BYDAY=WE;BYHOUR=22,3",
        "19970902",
        "19970903T030000 19970903T220000 19970910T030000 …",
    );
    check(
        "FREQ=HOURLY;BYMONTH=1;BYMINUTE=6",
        "19970902",
        "19980101T000600 19980101T010600 …",
    );
    check(
        "FREQ=HOURLY;BYYEARDAY=1,-1;INTERVAL=12",
        "19970902",
        "19971231T090000 19971231T210000 19980101T090000 …",
    );
    check(
        "FREQ=MINUTELY;BYHOUR=6;BYMINUTE=59",
        "19970902",
        "19970903T065900 19970904T065900 …",
    );
    check(
        "FREQ=MINUTELY;BYSECOND=0,30;COUNT=3",
        "19970902T090015",
        "19970902T090030 19970902T090100 19970902T090130",
    );
    check(
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=29;BYHOUR=23;BYMINUTE=59;BYSECOND=59,60",
        "19970902",
        "20000229T235959 20040229T235959 …",
    );
    check(
        "FREQ=SECONDLY;INTERVAL=7200;BYDAY=MO",
        "19970902",
        "19970908T010000 19970908T030000 …",
    );
    check(
        "FREQ=DAILY;INTERVAL=3;BYMONTH=12",
        "19971229",
        "19971229 19981203 19981206 …",
    );
}

#[test]
fn a_rule_ends_with_its_count_or_its_until_and_at_the_end_of_the_calendar() {
    check("FREQ=DAILY;COUNT=0", "19970902", "");
    // A date takes in all of its day, a time itself.
    check("FREQ=DAILY;UNTIL=19970903", "19970902", "19970902 19970903");
    check(
        "FREQ=DAILY;UNTIL=19970903T090000",
        "19970902",
        "19970902 19970903",
    );
    check("FREQ=DAILY;UNTIL=19970903T085959Z", "19970902", "19970902");
    check("FREQ=DAILY;UNTIL=19960101", "19970902", "");
    check("FREQ=YEARLY", "99970902", "99970902 99980902 99990902");
    check(
        "FREQ=SECONDLY",
        "99991231T235958",
        "99991231T235958 99991231T235959",
    );
    check(
        "FREQ=YEARLY;BYWEEKNO=52,53,1;BYDAY=SA,FR",
        "99991220",
        "99991231",
    );
    check("FREQ=MONTHLY;INTERVAL=4294967295", "19970902", "19970902");
    check(
        "FREQ=SECONDLY;INTERVAL=4294967295",
        "19970902",
        "19970902T090000 21331009T152815 …",
    );
}

#[test]
fn an_expansion_gives_up_where_nothing_can_match() {
    let check = |rule: &str, is_cut_short: bool| {
        let rule = Rule::parse(rule).expect("valid");
        let mut instances = rule.instances(wall("19970902"));
        assert_eq!(
            (instances.next(), instances.is_cut_short()),
            (None, is_cut_short),
            "{rule}"
        );
        assert_eq!(instances.next(), None, "{rule}");
    };
    check("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", false);
    check("FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31", false);
    check("FREQ=WEEKLY;BYMONTH=2;UNTIL=19980131", false);
    check("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31", false);
    check("FREQ=DAILY;INTERVAL=7;BYDAY=WE", false);
    check("FREQ=MINUTELY;INTERVAL=120;BYHOUR=10", true);
    check("FREQ=SECONDLY;INTERVAL=2;BYSECOND=1", true);
    check("FREQ=HOURLY;INTERVAL=2;BYHOUR=10", true);
}

#[test]
fn combinations_of_rfc_2445_limit() {
    let check = |text: &str, expected: &str| {
        assert!(Rule::parse(text).is_err(), "{text}");
        check_rule(
            &Rule::parse_rfc_2445(text).expect("valid"),
            "19970902",
            expected,
        );
    };
    check(
        "FREQ=DAILY;BYWEEKNO=20",
        "19980511 19980512 19980513 19980514 19980515 19980516 19980517 19990517 …",
    );
    check(
        "FREQ=MONTHLY;BYWEEKNO=1;BYDAY=MO",
        "19971229 19990104 20000103 …",
    );
    check(
        "FREQ=WEEKLY;BYMONTHDAY=1,3",
        "19970903 19971001 19971003 19971101 …",
    );
    check("FREQ=DAILY;BYYEARDAY=-1,1", "19971231 19980101 19981231 …");
    check("FREQ=WEEKLY;BYDAY=1TU,-1TH", "19970902 19970904 19970909 …");
}
