//! Imports that end early, and two at once.

use std::{
    io::{Cursor, Read, Seek, SeekFrom},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bursar_domain::{
    manifest::Authority,
    row::{Kind, RowKey},
};
use bursar_office::{
    Session,
    import::{End, Import, Mode, Progress, Stage, commit},
};
use serde_json::{Value, json};

use crate::{
    imports::{
        by, counts, done, everything, file, import, many, opened, opened_on_both, stored, told,
    },
    organisation::{Organisation, context},
};

#[tokio::test]
async fn rec_6_an_interrupted_import_is_continued_and_each_row_is_there_once() {
    for import in [
        import(&json!({"chunk_rows": 7})),
        Import {
            chunk_rows: 7,
            ..by(&["code"])
        },
    ] {
        for office in opened_on_both().await {
            interrupted(office, &import).await;
        }
    }
}

async fn interrupted(mut office: Organisation, import: &Import) {
    let text = many(50);
    let (tell, told) = tokio::sync::oneshot::channel();
    let mut tell = Some(tell);
    let mut progress = |progress: Progress| {
        let is_enough = progress.stage == Stage::Committing && progress.rows_done >= 21;
        if let Some(tell) = tell.take_if(|_| is_enough) {
            tell.send(()).expect("somebody waits");
        }
    };
    let (author, mut source) = (everything(), file(&text));
    tokio::select! {
        biased;
        told = told => told.expect("three chunks are committed"),
        _ = commit(&office.database, &author, import, &mut source, &mut progress) => panic!("not interrupted"),
    }
    let there = stored(&mut office).await.len();
    assert!((21..50).contains(&there), "{there} rows");
    let rest = done(&office, import, file(&text)).await;
    let there = there as u64;
    // A chunk that was on its way when the import was dropped may have arrived.
    assert!(rest.report.counts.same >= there);
    assert_eq!(rest.report.counts.new + rest.report.counts.same, 50);
    let all = stored(&mut office).await;
    assert_eq!(all.len(), 50);
    for (place, (id, body)) in all.iter().enumerate() {
        assert_eq!(
            *body,
            json!({"code": format!("c{place:03}"), "name": format!("n{place}")})
        );
        let key = RowKey::within(Kind::Record, "items", id);
        let history = office
            .database
            .row_history(&key, None, 10)
            .await
            .expect("a history");
        assert_eq!(history.len(), 1, "{history:?}");
    }
    let again = done(&office, import, file(&text)).await;
    assert_eq!(
        (again.commits, again.report.counts),
        (0, counts(0, 0, 50, 0))
    );
}

#[tokio::test]
async fn progress_is_told_for_each_chunk_of_both_stages() {
    let office = opened().await;
    let import = Import {
        chunk_rows: 20,
        ..by(&["code"])
    };
    let mut told = Vec::new();
    let mut progress =
        |progress: Progress| told.push((progress.stage, progress.rows_done, progress.rows_total));
    let mut source = file(&many(50));
    let imported = commit(
        &office.database,
        &everything(),
        &import,
        &mut source,
        &mut progress,
    )
    .await;
    assert_eq!(imported.expect("an import").commits, 3);
    let checking = [20, 40, 50].map(|rows| (Stage::Checking, rows, None));
    let committing = [20, 40, 50].map(|rows| (Stage::Committing, rows, Some(50)));
    assert_eq!(told, [checking, committing].concat());
}

/// A file whose disk fails once somebody says so.
struct Failing {
    file: Cursor<Vec<u8>>,
    fails: Arc<AtomicBool>,
}

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(std::io::Error::other("the disk failed"));
        }
        self.file.read(buffer)
    }
}

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}

#[tokio::test]
async fn what_is_committed_is_told_although_the_file_cannot_be_read_on() {
    for mode in [Mode::AllOrNothing, Mode::SkipBadRows] {
        let mut office = opened().await;
        let import = Import {
            chunk_rows: 10,
            mode,
            ..by(&["code"])
        };
        // Longer than what is read at a time.
        let name = "n".repeat(3_000);
        let rows = (0..50).map(|place| format!("c{place},{name}"));
        let rows = rows.collect::<Vec<_>>().join("\n");
        let text = format!("code,name\n{rows}\n");
        let fails = Arc::new(AtomicBool::new(false));
        let mut source = Failing {
            file: Cursor::new(text.into_bytes()),
            fails: fails.clone(),
        };
        let mut told = 0;
        let mut progress = |progress: Progress| {
            if progress.stage == Stage::Committing {
                told = progress.rows_done;
                fails.store(true, Ordering::Relaxed);
            }
        };
        let author = everything();
        let imported = commit(
            &office.database,
            &author,
            &import,
            &mut source,
            &mut progress,
        );
        let error = imported.await.expect_err("the disk failed");
        assert!(error.to_string().contains("the disk failed"), "{error}");
        let there = stored(&mut office).await.len() as u64;
        assert!((10..50).contains(&there), "{there} rows");
        assert_eq!(told, there, "{mode:?}");
    }
}

/// Where two imports meet, one finds the other's rows.
#[tokio::test]
async fn two_imports_of_one_file_at_once_make_each_record_once() {
    for office in opened_on_both().await {
        Box::pin(two_at_once(office)).await;
    }
}

async fn two_at_once(mut office: Organisation) {
    let import = Arc::new(Import {
        chunk_rows: 3,
        ..by(&["code"])
    });
    let text = many(40);
    let (left, right) = tokio::join!(
        done(&office, &import, file(&text)),
        done(&office, &import, file(&text)),
    );
    assert_eq!((left.end, right.end), (End::Complete, End::Complete));
    assert_eq!(left.report.counts.new + right.report.counts.new, 40);
    assert_eq!(stored(&mut office).await.len(), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_become_bad_after_the_check_stop_the_import() {
    let mut office = opened().await;
    let import = Import {
        chunk_rows: 1,
        ..by(&["code"])
    };
    let others = || async {
        let mut session = Session::new(
            &office.database,
            context(None, Authority::Everything, [5; 32]),
        );
        let body = json!({"code": "z", "mail": "b@example.com"});
        session
            .create_record("items", "z", &body)
            .await
            .expect("a record");
        office.commit(session).await;
    };
    let mut progress = |progress: Progress| {
        if progress.stage == Stage::Checking && progress.rows_done == 2 {
            let runtime = tokio::runtime::Handle::current();
            tokio::task::block_in_place(|| runtime.block_on(others()));
        }
    };
    let mut source = file("code,mail\na,a@example.com\nb,b@example.com\n");
    let author = everything();
    let imported = commit(
        &office.database,
        &author,
        &import,
        &mut source,
        &mut progress,
    );
    let imported = imported.await.expect("an import");
    assert_eq!((imported.end, imported.commits), (End::Stopped, 1));
    assert_eq!(told(&imported.report.problems), ["3: not-unique at mail"]);
    let there = stored(&mut office).await;
    let codes: Vec<&Value> = there.iter().map(|(_, body)| &body["code"]).collect();
    assert_eq!(codes, [&json!("a"), &json!("z")]);
}
