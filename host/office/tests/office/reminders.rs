//! What becomes of tasks by themselves.

use bursar_db::Verdict;
use bursar_domain::{
    office::{Choice, Department, Message, Task},
    row::{Kind, RowKey},
};
use bursar_office::{
    Context, Session, Tended,
    tasks::{NewTask, Terms},
};
use serde_json::json;

use crate::{
    admin::with_automation,
    organisation::{Organisation, code, grant},
};

const HOUR_US: i64 = 3_600_000_000;

/// A question of the automation "helper", which works for finance.
async fn ask(office: &mut Organisation, terms: &Terms) -> String {
    let task = NewTask {
        assignee: "role:accounting".to_owned(),
        title: "Which invoice?".to_owned(),
        text: "Two fit.".to_owned(),
        choices: vec![Choice {
            value: "one".to_owned(),
            label: "The first".to_owned(),
            needs_note: false,
        }],
        due_us: None,
        subjects: Vec::new(),
        memo: json!(null),
    };
    let mut session = office.automation(&[grant(json!({"kind": "tasks", "role": "accounting"}))]);
    let asked = session.create_task_with("k", &task, terms).await;
    let id = asked.expect("asked");
    office.commit(session).await;
    id
}

/// Tells finance where mail to its accounting goes.
async fn put_address(person: &mut Session) {
    let address = ("role:accounting", "books@acme.example");
    let department = Department {
        name: "Finance".to_owned(),
        addresses: [(address.0.to_owned(), address.1.to_owned())].into(),
        ceiling: None,
    };
    let put = person.put_department("finance", &department).await;
    put.expect("the department is good");
}

impl Organisation {
    fn host_at(&self, now_us: i64) -> Session {
        let actor = bursar_domain::office::Actor::new("system", "tasks");
        let mut seed = [7; 32];
        seed[..8].copy_from_slice(&now_us.to_le_bytes());
        let context = Context::of_host(actor, "system:tasks", now_us, seed);
        Session::new(&self.database, context)
    }

    async fn tend(&mut self, id: &str, now_us: i64) -> (Tended, Vec<Message>) {
        let mut session = self.host_at(now_us);
        let tended = session.tend_task(id).await.expect("tended");
        let changes = session.draft().changes().iter();
        let mails = changes.filter(|change| change.key.kind == Kind::Message);
        let mails = mails.map(|change| change.body.as_deref().expect("a body").clone());
        let mails = mails.map(|body| serde_json::from_value(body).expect("a message"));
        let mails = mails.collect();
        if tended != Tended::Nothing {
            self.commit(session).await;
        }
        (tended, mails)
    }

    async fn stored(&self, id: &str) -> Task {
        let key = RowKey::of(Kind::Task, id);
        let row = self.database.snapshot().get(&key).await.expect("a read");
        row.expect("the task").decode().expect("a task")
    }
}

#[tokio::test]
async fn a_task_reminds_once_for_each_time_and_then_ends() {
    for mut office in Organisation::open_on_both().await {
        with_automation(&mut office).await;
        let now_us = office.person().context().now_us;
        let terms = Terms {
            reminders_us: [1, 2, 3].map(|hours| now_us + hours * HOUR_US).to_vec(),
            expires_us: Some(now_us + 5 * HOUR_US),
        };
        let id = ask(&mut office, &terms).await;
        assert_eq!(office.tend(&id, now_us).await.0, Tended::Nothing);
        // Nobody has an address yet: the reminder is noted all the same.
        let (tended, mails) = office.tend(&id, now_us + HOUR_US).await;
        assert_eq!((tended, mails.len()), (Tended::Reminded, 0));
        let mut person = office.person();
        put_address(&mut person).await;
        office.commit(person).await;
        // Two are past: one mail.
        let (tended, mails) = office.tend(&id, now_us + 4 * HOUR_US).await;
        let [mail] = &mails[..] else {
            panic!("one mail: {mails:?}");
        };
        assert_eq!(
            (tended, mail.to.join(",").as_str()),
            (Tended::Reminded, "books@acme.example")
        );
        assert_eq!(
            mail.subject, "Erinnerung: Which invoice?",
            "in the entity's language"
        );
        assert!(
            mail.text.contains("The first") && mail.text.contains("Ohne Antwort endet sie"),
            "{}",
            mail.text
        );
        assert_eq!(
            office.tend(&id, now_us + 4 * HOUR_US).await.0,
            Tended::Nothing
        );
        let over_us = now_us + 5 * HOUR_US;
        let mut late = office.host_at(over_us);
        assert_eq!(code(late.answer_task(&id, "one", "").await), "task-closed");
        assert_eq!(office.tend(&id, over_us).await.0, Tended::Expired);
        let task = office.stored(&id).await;
        assert!(
            task.is_closed && task.answer.is_none() && task.next_us.is_none(),
            "{task:?}"
        );
        assert_eq!(office.tend(&id, over_us + HOUR_US).await.0, Tended::Nothing);
        assert_eq!(office.tend("nothing", over_us).await.0, Tended::Nothing);
    }
}

#[tokio::test]
async fn two_workers_give_one_reminder() {
    for mut office in Organisation::open_on_both().await {
        with_automation(&mut office).await;
        let now_us = office.person().context().now_us;
        let terms = Terms {
            reminders_us: vec![now_us],
            expires_us: None,
        };
        let id = ask(&mut office, &terms).await;
        let (mut one, mut other) = (office.host_at(now_us), office.host_at(now_us));
        assert_eq!(one.tend_task(&id).await.expect("tended"), Tended::Reminded);
        assert_eq!(
            other.tend_task(&id).await.expect("tended"),
            Tended::Reminded
        );
        office.commit(one).await;
        let verdict = office.propose(other).await;
        assert!(matches!(verdict, Verdict::Stale(_)), "{verdict:?}");
    }
}

#[tokio::test]
async fn a_reminder_goes_out_whatever_its_template_makes_of_a_task() {
    let mut office = Organisation::open().await;
    with_automation(&mut office).await;
    let mut person = office.person();
    put_address(&mut person).await;
    let words = json!({"fallback": "en", "texts": {"en": {"subject": "{{ title }} {{ text }}",
        "text": "{% if text == \"Two fit.\" %}{{ nothing }}{% endif %}"}}});
    let template = serde_json::from_value(words).expect("a template");
    let put = person.put_template("task-reminder", &template).await;
    put.expect("an empty task fits");
    office.commit(person).await;
    let now_us = office.person().context().now_us;
    let terms = Terms {
        reminders_us: vec![now_us + 1],
        expires_us: None,
    };
    let id = ask(&mut office, &terms).await;
    let (_, mails) = office.tend(&id, now_us + 1).await;
    assert_eq!(
        mails[0].subject, "Erinnerung: Which invoice?",
        "the host's own words"
    );
}

#[tokio::test]
async fn a_task_that_is_handed_on_stays_its_authors() {
    let mut office = Organisation::open().await;
    let id = ask(&mut office, &Terms::default()).await;
    let mut person = office.person();
    assert_eq!(code(person.assign_task(&id, "ada").await), "wrong-type");
    person
        .assign_task(&id, "person:ada")
        .await
        .expect("handed on");
    office.commit(person).await;
    let mut session = office.automation(&[grant(json!({"kind": "tasks", "role": "accounting"}))]);
    let task = session.task(&id).await.expect("still its own").body;
    assert_eq!(
        (task.assignee.as_str(), task.asked_of.as_deref()),
        ("person:ada", Some("role:accounting"))
    );
    assert_eq!(
        code(session.assign_task(&id, "role:board").await),
        "administrator-only"
    );
    session
        .withdraw_task(&id, "no longer")
        .await
        .expect("withdrawn");
}
