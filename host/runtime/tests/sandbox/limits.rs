//! Each limit of a run ends it under its own name, and lets pass what is just within.

use bursar_domain::{
    manifest::Limits,
    run::{Outcome, RunReport},
};
use serde_json::{Value, json};

use crate::office::Office;

async fn run(guest: &str, input: Value, limits: Limits) -> RunReport {
    Office::open()
        .await
        .execute(guest, input, limits)
        .await
        .expect("a limit is no trouble of the host")
}

pub fn reached(report: &RunReport) -> (&str, u64, u64) {
    match &report.outcome {
        Outcome::LimitReached {
            limit,
            allowed,
            used,
        } => (limit, *allowed, *used),
        other => panic!("no limit was reached: {other:?}"),
    }
}

pub fn succeeded(report: &RunReport) -> bool {
    matches!(report.outcome, Outcome::Succeeded(_))
}

#[tokio::test]
pub async fn a_loop_ends_at_wall_ms_max() {
    let report = run(
        "spin",
        json!({}),
        Limits {
            wall_ms_max: 60,
            ..Limits::default()
        },
    )
    .await;
    let (limit, allowed, used) = reached(&report);
    assert_eq!((limit, allowed), ("wall_ms_max", 60));
    assert!((60..2000).contains(&used), "{used} ms");
}

#[tokio::test]
pub async fn memory_ends_at_memory_bytes_max() {
    let input = json!({"bytes": 8 << 20});
    let report = run(
        "hungry",
        input.clone(),
        Limits {
            memory_bytes_max: 8 << 20,
            ..Limits::default()
        },
    )
    .await;
    let (limit, allowed, used) = reached(&report);
    assert_eq!((limit, allowed), ("memory_bytes_max", 8 << 20));
    assert!(
        used > 8 << 20 && report.usage.memory_bytes <= 8 << 20,
        "{used}"
    );
    let report = run(
        "hungry",
        input,
        Limits {
            memory_bytes_max: 12 << 20,
            ..Limits::default()
        },
    )
    .await;
    assert!(succeeded(&report), "{:?}", report.outcome);
    assert!(
        (8 << 20..=12 << 20).contains(&report.usage.memory_bytes),
        "{}",
        report.usage.memory_bytes
    );
}

#[tokio::test]
async fn memory_that_a_plugin_starts_with_counts() {
    let report = run(
        "hungry",
        json!({"bytes": 0}),
        Limits {
            memory_bytes_max: 64 << 10,
            ..Limits::default()
        },
    )
    .await;
    assert_eq!(reached(&report).0, "memory_bytes_max");
    assert_eq!(report.usage.host_calls, 0);
}

#[tokio::test]
pub async fn calls_end_at_host_calls_max() {
    let limits = Limits {
        host_calls_max: 100,
        ..Limits::default()
    };
    let report = run("caller", json!({"calls": 100}), limits.clone()).await;
    assert!(succeeded(&report), "{:?}", report.outcome);
    assert_eq!(report.usage.host_calls, 100);
    let report = run("caller", json!({"calls": 101}), limits).await;
    assert_eq!(reached(&report), ("host_calls_max", 100, 101));
}

#[tokio::test]
pub async fn rows_end_at_rows_returned_max() {
    let page = json!({"do": "search", "limit": 3});
    let limits = |rows_returned_max| Limits {
        rows_returned_max,
        ..Limits::default()
    };
    let report = run("errand", json!([page]), limits(3)).await;
    assert!(succeeded(&report), "{:?}", report.outcome);
    assert_eq!(report.usage.rows_returned, 3);
    assert_eq!(
        reached(&run("errand", json!([page]), limits(2)).await),
        ("rows_returned_max", 2, 3)
    );
}

#[tokio::test]
pub async fn bytes_end_at_bytes_in_max() {
    let random = json!([{"do": "random", "length": 4096}]);
    let limits = |bytes_in_max| Limits {
        bytes_in_max,
        ..Limits::default()
    };
    let report = run("errand", random.clone(), limits(4200)).await;
    assert!(succeeded(&report), "{:?}", report.outcome);
    let report = run("errand", random, limits(4000)).await;
    let (limit, allowed, used) = reached(&report);
    assert_eq!((limit, allowed), ("bytes_in_max", 4000));
    assert!(used > 4096, "{used}");
}

#[tokio::test]
pub async fn changes_end_at_rows_changed_max() {
    let create = |key: &str| json!({"do": "create", "key": key, "body": r#"{"value":1}"#});
    let limits = Limits {
        rows_changed_max: 2,
        ..Limits::default()
    };
    let report = run("errand", json!([create("x"), create("y")]), limits.clone()).await;
    assert!(succeeded(&report), "{:?}", report.outcome);
    assert_eq!(report.usage.rows_changed, 2);
    let report = run(
        "errand",
        json!([create("x"), create("y"), create("z")]),
        limits,
    )
    .await;
    assert_eq!(reached(&report), ("rows_changed_max", 2, 3));
}

#[tokio::test]
pub async fn what_a_run_depends_on_ends_at_rows_read_max_and_listings_max() {
    let get = |id: &str| json!({"do": "get", "id": id});
    let limits = Limits {
        rows_read_max: 3,
        ..Limits::default()
    };
    let report = run("errand", json!([get("x"), get("y"), get("z")]), limits).await;
    // Rows that are not there count, and so does the collection's own row.
    assert_eq!(reached(&report), ("rows_read_max", 3, 4));
    let page = |limit: u32| json!({"do": "search", "limit": limit});
    let limits = Limits {
        listings_max: 1,
        ..Limits::default()
    };
    // However far it is read, and however often, a listing is one.
    let report = run("errand", json!([page(1), page(2), page(1)]), limits.clone()).await;
    assert!(succeeded(&report), "{:?}", report.outcome);
    assert_eq!(report.usage.listings, 1);
    let other = json!({"do": "search-by", "field": "value", "value": "1"});
    let report = run("errand", json!([page(1), other]), limits).await;
    assert_eq!(reached(&report), ("listings_max", 1, 2));
}

#[tokio::test]
pub async fn images_end_at_bytes_changed_max() {
    let create = |key: &str| {
        let body = json!({"value": 1, "note": "x".repeat(1000)}).to_string();
        json!({"do": "create", "key": key, "body": body})
    };
    let limits = Limits {
        bytes_changed_max: 2_000,
        ..Limits::default()
    };
    let report = run("errand", json!([create("x")]), limits.clone()).await;
    assert!(succeeded(&report), "{:?}", report.outcome);
    assert!(report.usage.bytes_changed > 1000, "{:?}", report.usage);
    let report = run("errand", json!([create("x"), create("y")]), limits).await;
    let (limit, allowed, used) = reached(&report);
    assert_eq!((limit, allowed), ("bytes_changed_max", 2_000));
    assert!(used > 2_000, "{used}");
}

#[tokio::test]
pub async fn mail_ends_at_messages_max() {
    let mail = |key: &str| json!({"do": "mail", "key": key, "to": "someone@example.com"});
    let limits = Limits {
        messages_max: 1,
        ..Limits::default()
    };
    let report = run("errand", json!([mail("x"), mail("x")]), limits.clone()).await;
    assert!(succeeded(&report), "{:?}", report.outcome);
    assert_eq!(
        reached(&run("errand", json!([mail("x"), mail("y")]), limits).await),
        ("messages_max", 1, 2)
    );
}

#[tokio::test]
pub async fn tasks_end_at_tasks_max() {
    let task = |key: &str| json!({"do": "task", "key": key, "assignee": "role:clerk"});
    let limits = Limits {
        tasks_max: 1,
        ..Limits::default()
    };
    let report = run("errand", json!([task("x")]), limits.clone()).await;
    assert!(succeeded(&report), "{:?}", report.outcome);
    assert_eq!(
        reached(&run("errand", json!([task("x"), task("y")]), limits).await),
        ("tasks_max", 1, 2)
    );
}

#[tokio::test]
pub async fn log_lines_beyond_log_bytes_max_are_counted_and_dropped() {
    let input = json!({"lines": 50_000, "message": "x".repeat(90)});
    let limits = Limits {
        log_bytes_max: 1000,
        ..Limits::default()
    };
    let report = run("chatty", input, limits).await;
    assert!(succeeded(&report), "{:?}", report.outcome);
    let kept = u64::try_from(report.logs.len()).expect("few");
    assert!((9..=10).contains(&kept), "{kept}");
    assert_eq!(report.usage.log_lines_dropped, 50_000 - kept);
    assert!(report.usage.log_bytes <= 1000, "{}", report.usage.log_bytes);
}

#[tokio::test]
async fn one_line_has_its_own_limit() {
    let input = json!({"lines": 1, "message": "x".repeat(20_000)});
    let report = run("chatty", input, Limits::default()).await;
    let sizes: Vec<usize> = report.logs.iter().map(|line| line.message.len()).collect();
    assert_eq!(sizes, [bursar_runtime::LINE_BYTES_MAX]);
}

#[tokio::test]
pub async fn a_loop_ends_at_cpu_ms_max() {
    let limits = Limits {
        cpu_ms_max: 60,
        ..Limits::default()
    };
    let report = run("caller", json!({"calls": 10}), limits.clone()).await;
    assert!(succeeded(&report), "{:?}", report.outcome);
    let report = run("spin", json!({}), limits).await;
    let (limit, allowed, used) = reached(&report);
    assert_eq!((limit, allowed), ("cpu_ms_max", 60));
    assert!((61..2000).contains(&used), "{used} ms");
}

#[tokio::test]
async fn what_a_run_waits_for_others_is_not_its_cpu_ms() {
    let office = Office::open().await;
    let limits = Limits {
        wall_ms_max: 400,
        cpu_ms_max: 300,
        ..Limits::default()
    };
    // Four on one thread: each has it for about a quarter of the time.
    let spin = || office.execute("spin", json!({}), limits.clone());
    let (one, two, three, four) = tokio::join!(spin(), spin(), spin(), spin());
    for report in [one, two, three, four] {
        let report = report.expect("a limit is no trouble");
        assert_eq!(reached(&report).0, "wall_ms_max");
    }
}
