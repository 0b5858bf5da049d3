//! Tasks and mail: what reaches people.

use bursar_domain::{manifest::Permission, office::Choice};
use bursar_office::{Error, Session, messages::NewMail, tasks::NewTask};
use serde_json::json;

use crate::organisation::{Organisation, code, faults, grant};

fn question() -> NewTask {
    let choice = |value: &str, needs_note| Choice {
        value: value.to_owned(),
        label: value.to_uppercase(),
        needs_note,
    };
    NewTask {
        assignee: "role:accounting".to_owned(),
        title: "Which invoice?".to_owned(),
        text: "Two fit.".to_owned(),
        choices: vec![choice("one", false), choice("none", true)],
        due_us: None,
        subjects: vec!["invoice/1".to_owned()],
        memo: json!({"entry": 1}),
    }
}

fn may_ask() -> [Permission; 1] {
    [grant(json!({"kind": "tasks", "role": "accounting"}))]
}

#[tokio::test]
async fn a_task_is_asked_answered_and_read_by_its_automation() {
    let mut office = Organisation::open().await;
    let mut session = office.automation(&may_ask());
    let id = session.create_task("k", &question()).await.expect("asked");
    assert_eq!(
        session
            .create_task("k", &question())
            .await
            .expect("the same"),
        id
    );
    assert_eq!(session.usage().tasks, 1);
    office.commit(session).await;
    let mut person = office.person();
    assert_eq!(code(person.answer_task(&id, "two", "").await), "unknown");
    assert_eq!(code(person.answer_task(&id, "none", " ").await), "empty");
    person
        .answer_task(&id, "none", "paid twice")
        .await
        .expect("answered");
    assert_eq!(
        code(person.answer_task(&id, "one", "").await),
        "task-closed"
    );
    office.commit(person).await;
    let mut session = office.automation(&may_ask());
    let task = session.task(&id).await.expect("its own");
    let answer = task.body.answer.expect("answered");
    assert_eq!(
        (
            answer.choice.as_str(),
            answer.by.id.as_str(),
            task.body.memo
        ),
        ("none", "ada", json!({"entry": 1}))
    );
    assert_eq!(
        code(session.withdraw_task(&id, "late").await),
        "task-closed"
    );
    assert_eq!(
        code(session.answer_task(&id, "one", "").await),
        "administrator-only"
    );
}

#[tokio::test]
async fn tasks_of_others_and_roles_without_grant_are_out_of_reach() {
    let mut office = Organisation::open().await;
    let mut person = office.person();
    let id = person.create_task("k", &question()).await.expect("asked");
    office.commit(person).await;
    let mut session = office.automation(&may_ask());
    assert_eq!(code(session.task(&id).await), "not-found");
    assert_eq!(code(session.withdraw_task(&id, "").await), "not-found");
    for assignee in ["role:board", "person:ada"] {
        let task = NewTask {
            assignee: assignee.to_owned(),
            ..question()
        };
        assert_eq!(code(session.create_task("k", &task).await), "not-granted");
    }
    let mut person = office.person();
    person
        .withdraw_task(&id, "no longer")
        .await
        .expect("withdrawn");
    let task = person.task(&id).await.expect("there");
    assert!(task.body.is_closed && task.body.answer.is_none());
}

#[tokio::test]
async fn every_fault_of_a_task_is_told() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let twice = question().choices[0].clone();
    let bad = NewTask {
        assignee: "accounting".to_owned(),
        title: "two\nlines".to_owned(),
        text: "x".repeat((16 << 10) + 1),
        choices: vec![twice.clone(), twice],
        due_us: None,
        subjects: vec!["invoice".to_owned()],
        memo: json!("x".repeat(64 << 10)),
    };
    let pointers: Vec<String> = faults(session.create_task("k", &bad).await)
        .into_iter()
        .map(|(pointer, _)| pointer)
        .collect();
    assert_eq!(
        pointers,
        [
            "/assignee",
            "/title",
            "/text",
            "/choices/1/value",
            "/subjects/0",
            "/memo"
        ]
    );
    let none = NewTask {
        choices: Vec::new(),
        ..question()
    };
    assert_eq!(code(session.create_task("k", &none).await), "wrong-count");
    let late = NewTask {
        due_us: Some(i64::MAX),
        ..question()
    };
    assert_eq!(code(session.create_task("k", &late).await), "out-of-range");
    assert!(session.draft().is_empty());
}

fn mail(to: &[&str]) -> NewMail {
    NewMail {
        to: to.iter().map(|it| (*it).to_owned()).collect(),
        subject: "Hello".to_owned(),
        ..NewMail::default()
    }
}

async fn refusal(session: &mut Session, mail: &NewMail) -> String {
    code(session.mail("k", mail).await)
}

#[tokio::test]
async fn mail_goes_to_granted_domains_only() {
    let mut office = Organisation::open().await;
    let grants = [grant(
        json!({"kind": "messages", "recipients": ["example.com", "*.example.org"]}),
    )];
    let mut session = office.automation(&grants);
    let id = session
        .mail("k", &mail(&["a@example.com", "b@x.example.org"]))
        .await
        .expect("granted");
    assert_eq!(
        session
            .mail("k", &mail(&["a@example.com", "b@x.example.org"]))
            .await
            .expect("the same"),
        id
    );
    assert_eq!(
        refusal(&mut session, &mail(&["a@example.com"])).await,
        "key-reused"
    );
    assert_eq!(
        refusal(&mut session, &mail(&["a@example.net"])).await,
        "not-granted"
    );
    let hidden = NewMail {
        cc: vec!["a@example.net".to_owned()],
        ..mail(&["a@example.com"])
    };
    assert_eq!(refusal(&mut session, &hidden).await, "not-granted");
    assert_eq!(session.usage().messages, 1);
    office.commit(session).await;
}

#[tokio::test]
async fn nothing_can_be_smuggled_into_a_header() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    assert_eq!(
        refusal(
            &mut session,
            &mail(&["a@example.com\r\nBcc: b@example.com"])
        )
        .await,
        "not-an-address"
    );
    assert_eq!(refusal(&mut session, &mail(&[])).await, "empty");
    assert_eq!(
        refusal(&mut session, &mail(&vec!["a@example.com"; 51])).await,
        "too-many"
    );
    let with = |subject: &str| NewMail {
        subject: subject.to_owned(),
        ..mail(&["a@example.com"])
    };
    for subject in ["a\r\nBcc: x@y.z", "a\u{2028}b", "tab\tbed", "\u{85}"] {
        assert_eq!(
            refusal(&mut session, &with(subject)).await,
            "not-one-line",
            "{subject:?}"
        );
    }
    assert_eq!(refusal(&mut session, &with("")).await, "empty");
    assert_eq!(
        refusal(&mut session, &with(&"x".repeat(501))).await,
        "too-long"
    );
    let reply = NewMail {
        reply_to: Some("nobody".to_owned()),
        ..mail(&["a@example.com"])
    };
    assert_eq!(refusal(&mut session, &reply).await, "not-an-address");
    let long = NewMail {
        text: "x".repeat((256 << 10) + 1),
        ..mail(&["a@example.com"])
    };
    assert_eq!(refusal(&mut session, &long).await, "too-long");
    assert!(session.draft().is_empty());
}

#[tokio::test]
async fn messages_and_tasks_have_limits_per_run() {
    let office = Organisation::open().await;
    let everything = bursar_domain::manifest::Authority::Everything;
    let limits = bursar_domain::manifest::Limits {
        messages_max: 1,
        tasks_max: 1,
        ..Default::default()
    };
    let context = bursar_office::Context {
        limits,
        ..crate::organisation::context(None, everything, [1; 32])
    };
    let mut session = Session::new(&office.database, context);
    session
        .mail("1", &mail(&["a@example.com"]))
        .await
        .expect("the first");
    let refused = session.mail("2", &mail(&["a@example.com"])).await;
    assert!(matches!(
        refused,
        Err(Error::Exhausted {
            limit: "messages_max",
            allowed: 1,
            used: 2
        })
    ));
    let task = session
        .create_task("1", &question())
        .await
        .expect("the first");
    session
        .withdraw_task(&task, "")
        .await
        .expect("no second task");
    assert!(matches!(
        session.create_task("2", &question()).await,
        Err(Error::Exhausted {
            limit: "tasks_max",
            ..
        })
    ));
}
