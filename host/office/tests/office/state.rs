//! State, business days, time and randomness.

use bursar_domain::manifest::Authority;
use bursar_office::{Error, Session};
use jiff::civil::date;
use serde_json::json;

use crate::organisation::{NOW_US, Organisation, code, context};

#[tokio::test]
async fn state_belongs_to_one_automation() {
    let mut office = Organisation::open().await;
    let mut session = office.automation(&[]);
    assert_eq!(session.state("done/1").await.expect("read"), None);
    session
        .put_state("done/1", &json!(null))
        .await
        .expect("kept");
    session
        .put_state("done/2", &json!([1, "two"]))
        .await
        .expect("kept");
    session.put_state("other", &json!(1)).await.expect("kept");
    session.remove_state("other").await.expect("gone");
    session.remove_state("other").await.expect("gone already");
    office.commit(session).await;
    let mut session = office.automation(&[]);
    assert_eq!(
        session.state("done/1").await.expect("read"),
        Some(json!(null))
    );
    assert_eq!(
        session.state_names("done/").await.expect("names"),
        ["done/1", "done/2"]
    );
    session.put_state("done/3", &json!(3)).await.expect("kept");
    session.remove_state("done/1").await.expect("gone");
    assert_eq!(
        session.state_names("").await.expect("names"),
        ["done/2", "done/3"]
    );
    session
        .put_state("done/1", &json!("back"))
        .await
        .expect("kept again");
    office.commit(session).await;
    let mut session = office.automation(&[]);
    assert_eq!(
        session.state("done/1").await.expect("read"),
        Some(json!("back"))
    );
    let mut other = Session::new(
        &office.database,
        context(Some("another"), Authority::Granted(Vec::new()), [1; 32]),
    );
    assert_eq!(other.state("done/1").await.expect("read"), None);
    assert!(other.state_names("").await.expect("names").is_empty());
    assert_eq!(
        code(office.person().state("done/1").await),
        "automation-only"
    );
}

#[tokio::test]
async fn state_has_limits() {
    let mut office = Organisation::open().await;
    let mut session = office.automation(&[]);
    assert_eq!(code(session.put_state("", &json!(1)).await), "empty");
    assert_eq!(
        code(session.put_state(&"n".repeat(201), &json!(1)).await),
        "too-long"
    );
    assert_eq!(
        code(session.put_state("a\0", &json!(1)).await),
        "control-character"
    );
    assert_eq!(
        code(session.put_state("n", &json!("x".repeat(64 << 10))).await),
        "too-large"
    );
    assert_eq!(
        code(session.put_state("n", &json!(1.5)).await),
        "out-of-range"
    );
    for name in 0..1000 {
        session
            .put_state(&format!("{name}"), &json!(name))
            .await
            .expect("room");
    }
    let refused = session.put_state("one more", &json!(1)).await;
    assert!(
        matches!(&refused, Err(Error::Limit(problem)) if problem.code == "state-names"),
        "{refused:?}"
    );
    session
        .put_state("7", &json!("again"))
        .await
        .expect("a known name needs no room");
    session.remove_state("8").await.expect("gone");
    session
        .put_state("one more", &json!(1))
        .await
        .expect("room again");
}

#[tokio::test]
async fn business_days_come_from_the_organisations_calendars() {
    let mut office = Organisation::open().await;
    let mut session = office.automation(&[]);
    let easter = date(2026, 4, 3);
    assert_eq!(
        session
            .add_business_days("vienna", easter, 1)
            .await
            .expect("a day"),
        date(2026, 4, 7)
    );
    assert_eq!(
        session
            .add_business_days("vienna", easter, -1)
            .await
            .expect("a day"),
        date(2026, 4, 2)
    );
    assert_eq!(
        session
            .business_days("vienna", easter, date(2026, 4, 8))
            .await
            .expect("days"),
        2
    );
    assert_eq!(
        code(session.add_business_days("vienna", easter, i32::MIN).await),
        "out-of-range"
    );
    assert_eq!(
        code(
            session
                .business_days("vienna", easter, date(2026, 4, 1))
                .await
        ),
        "out-of-range"
    );
    assert_eq!(
        code(session.add_business_days("paris", easter, 1).await),
        "calendar-unknown"
    );
    assert_eq!(
        code(session.add_business_days("\0", easter, 1).await),
        "calendar-unknown"
    );
    assert!(
        session
            .draft()
            .rows_read()
            .any(|(key, _)| &*key.id == "vienna")
    );
}

#[tokio::test]
async fn time_and_randomness_come_from_the_context() {
    let office = Organisation::open().await;
    let open = || {
        Session::new(
            &office.database,
            context(None, Authority::Everything, [5; 32]),
        )
    };
    let (mut one, mut two) = (open(), open());
    assert_eq!(one.random_number(), two.random_number());
    assert_eq!(one.random_bytes(10), two.random_bytes(10));
    assert_eq!(one.random_bytes(u32::MAX).len(), 4096);
    assert_eq!(
        (one.now_us(), one.today().expect("a date")),
        (NOW_US, date(2026, 3, 2))
    );
    assert_eq!(
        one.to_local(NOW_US, "Europe/Vienna").expect("wall time"),
        "2026-03-02T10:00:00"
    );
    assert_eq!(
        one.to_instant("2026-03-02T10:00:00", "Europe/Vienna")
            .expect("an instant"),
        NOW_US
    );
    assert_eq!(code(one.to_local(i64::MIN, "UTC")), "out-of-range");
    assert_eq!(code(one.to_local(0, "Mars/Olympus")), "unknown-zone");
    assert_eq!(
        code(one.to_instant("2026-02-30T10:00:00", "UTC")),
        "not-local-time"
    );
}
