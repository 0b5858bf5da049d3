//! The examples of RFC 5545 §3.8.5.3.

use super::{check, wall};

/// Every day of a range, both ends included.
fn each_day(first: &str, last: &str) -> String {
    let last = wall(last).date();
    let days = wall(first).date().series(jiff::Span::new().days(1));
    let days = days.take_while(|day| *day <= last);
    days.map(|day| day.strftime("%Y%m%d ").to_string())
        .collect()
}

#[test]
fn days_and_weeks_recur_as_in_the_examples_of_rfc_5545() {
    check(
        "FREQ=DAILY;COUNT=10",
        "19970902",
        &each_day("19970902", "19970911"),
    );
    let until = "FREQ=DAILY;UNTIL=19971224T000000Z";
    check(until, "19970902", &each_day("19970902", "19971223"));
    let every_other = "FREQ=DAILY;INTERVAL=2";
    check(
        every_other,
        "19970902",
        "19970902 19970904 19970906 19970908 …",
    );
    let five = "19970902 19970912 19970922 19971002 19971012";
    check("FREQ=DAILY;INTERVAL=10;COUNT=5", "19970902", five);

    let januaries = ["1998", "1999", "2000"]
        .map(|year| each_day(&format!("{year}0101"), &format!("{year}0131")))
        .concat();
    let yearly = "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA";
    check(yearly, "19980101", &januaries);
    check(
        "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1",
        "19980101",
        &januaries,
    );

    let weeks =
        "19970902 19970909 19970916 19970923 19970930 19971007 19971014 19971021 19971028 19971104";
    check("FREQ=WEEKLY;COUNT=10", "19970902", weeks);
    let to_december =
        format!("{weeks} 19971111 19971118 19971125 19971202 19971209 19971216 19971223");
    check(
        "FREQ=WEEKLY;UNTIL=19971224T000000Z",
        "19970902",
        &to_december,
    );
    let every_other = "19970902 19970916 19970930 19971014 19971028 19971111 …";
    check("FREQ=WEEKLY;INTERVAL=2;WKST=SU", "19970902", every_other);
    let two_days =
        "19970902 19970904 19970909 19970911 19970916 19970918 19970923 19970925 19970930 19971002";
    check(
        "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
        "19970902",
        two_days,
    );
    check(
        "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH",
        "19970902",
        two_days,
    );
    let three_days = "19970901 19970903 19970905 19970915 19970917 19970919 19970929 19971001 19971003 19971013 19971015 \
        19971017 19971027 19971029 19971031 19971110 19971112 19971114 19971124 19971126 19971128 19971208 19971210 \
        19971212 19971222";
    let rule = "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR";
    check(rule, "19970901", three_days);
    let rule = "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH";
    let eight = "19970902 19970904 19970916 19970918 19970930 19971002 19971014 19971016";
    check(rule, "19970902", eight);
    let monday = "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO";
    check(monday, "19970805", "19970805 19970810 19970819 19970824");
    let sunday = "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU";
    check(sunday, "19970805", "19970805 19970817 19970819 19970831");
}

#[test]
fn months_recur_as_in_the_examples_of_rfc_5545() {
    let first_fridays =
        "19970905 19971003 19971107 19971205 19980102 19980206 19980306 19980403 19980501 19980605";
    check("FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "19970905", first_fridays);
    let rule = "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR";
    check(rule, "19970905", "19970905 19971003 19971107 19971205");
    let rule = "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU";
    let sundays =
        "19970907 19970928 19971102 19971130 19980104 19980125 19980301 19980329 19980503 19980531";
    check(rule, "19970907", sundays);
    let rule = "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO";
    check(
        rule,
        "19970922",
        "19970922 19971020 19971117 19971222 19980119 19980216",
    );
    let third_last = "19970928 19971029 19971128 19971229 19980129 19980226 …";
    check("FREQ=MONTHLY;BYMONTHDAY=-3", "19970928", third_last);
    let rule = "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15";
    let twice =
        "19970902 19970915 19971002 19971015 19971102 19971115 19971202 19971215 19980102 19980115";
    check(rule, "19970902", twice);
    let rule = "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1";
    let ends =
        "19970930 19971001 19971031 19971101 19971130 19971201 19971231 19980101 19980131 19980201";
    check(rule, "19970930", ends);
    let rule = "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15";
    let ten =
        "19970910 19970911 19970912 19970913 19970914 19970915 19990310 19990311 19990312 19990313";
    check(rule, "19970910", ten);
    let tuesdays = "19970902 19970909 19970916 19970923 19970930 19971104 19971111 19971118 19971125 19980106 …";
    check("FREQ=MONTHLY;INTERVAL=2;BYDAY=TU", "19970902", tuesdays);
    let thirteenths = "19980213 19980313 19981113 19990813 20001013 …";
    check(
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
        "19970902",
        thirteenths,
    );
    let rule = "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13";
    check(
        rule,
        "19970913",
        "19970913 19971011 19971108 19971213 19980110 19980207 19980307 …",
    );
    let rule = "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3";
    check(rule, "19970904", "19970904 19971007 19971106");
    let rule = "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2";
    check(
        rule,
        "19970929",
        "19970929 19971030 19971127 19971230 19980129 19980226 19980330 …",
    );
    let rule = "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5";
    check(
        rule,
        "20070115",
        "20070115 20070130 20070215 20070315 20070330",
    );
}

#[test]
fn years_recur_as_in_the_examples_of_rfc_5545() {
    let rule = "FREQ=YEARLY;COUNT=10;BYMONTH=6,7";
    let ten =
        "19970610 19970710 19980610 19980710 19990610 19990710 20000610 20000710 20010610 20010710";
    check(rule, "19970610", ten);
    let rule = "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3";
    let ten =
        "19970310 19990110 19990210 19990310 20010110 20010210 20010310 20030110 20030210 20030310";
    check(rule, "19970310", ten);
    let rule = "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200";
    let ten =
        "19970101 19970410 19970719 20000101 20000409 20000718 20030101 20030410 20030719 20060101";
    check(rule, "19970101", ten);
    check(
        "FREQ=YEARLY;BYDAY=20MO",
        "19970519",
        "19970519 19980518 19990517 …",
    );
    check(
        "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
        "19970512",
        "19970512 19980511 19990517 …",
    );
    let thursdays = "19970313 19970320 19970327 19980305 19980312 19980319 19980326 19990304 …";
    check("FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "19970313", thursdays);
    let summer = "19970605 19970612 19970619 19970626 19970703 19970710 19970717 19970724 19970731 19970807 19970814 \
        19970821 19970828 19980604 …";
    check("FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8", "19970605", summer);
    let rule = "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8";
    check(rule, "19961105", "19961105 20001107 20041102 …");
}

#[test]
fn times_of_day_recur_as_in_the_examples_of_rfc_5545() {
    let rule = "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000Z";
    check(
        rule,
        "19970902",
        "19970902T090000 19970902T120000 19970902T150000",
    );
    let rule = "FREQ=MINUTELY;INTERVAL=15;COUNT=6";
    let six = "19970902T090000 19970902T091500 19970902T093000 19970902T094500 19970902T100000 19970902T101500";
    check(rule, "19970902", six);
    let rule = "FREQ=MINUTELY;INTERVAL=90;COUNT=4";
    check(
        rule,
        "19970902",
        "19970902T090000 19970902T103000 19970902T120000 19970902T133000",
    );
    let twenty_minutes: String = ["19970902", "19970903"]
        .iter()
        .flat_map(|day| (9..=16).map(move |hour| (day, hour)))
        .flat_map(|(day, hour)| [0, 20, 40].map(|minute| format!("{day}T{hour:02}{minute:02}00 ")))
        .chain(["…".to_owned()])
        .collect();
    let daily = "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40";
    check(daily, "19970902", &twenty_minutes);
    let minutely = "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16";
    check(minutely, "19970902", &twenty_minutes);
}
