//! Mail by templates, with attachments, in threads.

use bursar_db::Verdict;
use bursar_domain::{
    manifest::Permission,
    office::{Message, Template, TemplateText},
    row::{Kind, RowKey},
};
use bursar_office::{
    Session,
    messages::{Content, NewLetter},
    templates::Rendering,
};
use serde_json::{Value, json};

use crate::organisation::{Organisation, code, faults, grant};

fn may_send() -> [Permission; 2] {
    [
        grant(json!({"kind": "messages", "recipients": ["*.example"]})),
        grant(json!({"kind": "documents", "folder": "papers", "operations": ["read"]})),
    ]
}

fn letter(content: Content) -> NewLetter {
    NewLetter {
        to: vec!["a@b.example".to_owned()],
        cc: Vec::new(),
        reply_to: None,
        content,
        attachments: Vec::new(),
        follows: None,
    }
}

fn plain() -> Content {
    Content::Plain {
        subject: "Hello".to_owned(),
        text: "Good morning".to_owned(),
    }
}

fn by_template(data: Value) -> Content {
    Content::Template(Rendering {
        template: "dues".to_owned(),
        locale: Some("de-AT".to_owned()),
        data,
    })
}

fn dues(subject: &str, text: &str) -> Template {
    let words = TemplateText {
        subject: subject.to_owned(),
        text: text.to_owned(),
    };
    Template {
        description: "What is due".to_owned(),
        fallback: "de".to_owned(),
        texts: [("de".to_owned(), words)].into(),
    }
}

fn drafted(session: &Session, id: &str) -> Message {
    let key = RowKey::of(Kind::Message, id);
    let change = session.draft().change(&key).expect("a message");
    let body = change.body.as_deref().expect("a body").clone();
    serde_json::from_value(body).expect("a message")
}

async fn put(office: &mut Organisation, template: &Template) {
    let mut person = office.person();
    let put = person.put_template("dues", template).await;
    put.expect("a good template");
    office.commit(person).await;
}

#[tokio::test]
async fn a_letter_says_what_its_template_said_when_it_was_written() {
    let mut office = Organisation::open().await;
    let words = dues("{{ n }} offen", "Bis {{ due | date }}: {{ sum | money }}");
    put(&mut office, &words).await;
    let data = json!({"n": 2, "due": "2026-11-30", "sum": {"minor": 123_450, "currency": "EUR"}});
    let wanted = letter(by_template(data));
    let mut session = office.automation(&may_send());
    let id = session.send("k", &wanted).await.expect("written");
    let message = drafted(&session, &id);
    assert_eq!(message.subject, "2 offen");
    assert_eq!(message.text, "Bis 30.11.2026: 1.234,50 EUR");
    let used = message.template.expect("by a template");
    assert_eq!((used.name.as_str(), used.language.as_str()), ("dues", "de"));
    office.commit(session).await;

    // What the template says now, or that it is gone, does not matter to a key that was used.
    put(&mut office, &dues("neu", "neu")).await;
    let mut session = office.automation(&may_send());
    assert_eq!(session.send("k", &wanted).await.expect("the same"), id);
    assert!(session.draft().is_empty());
    let mut person = office.person();
    person.remove_template("dues").await.expect("removed");
    office.commit(person).await;
    let mut session = office.automation(&may_send());
    assert_eq!(session.send("k", &wanted).await.expect("the same"), id);
    assert_eq!(code(session.send("l", &wanted).await), "not-found");
    let other = letter(plain());
    assert_eq!(code(session.send("k", &other).await), "key-reused");
}

#[tokio::test]
async fn a_template_that_changes_meanwhile_makes_the_draft_stale() {
    let mut office = Organisation::open().await;
    put(&mut office, &dues("old", "old")).await;
    let mut session = office.automation(&may_send());
    let wanted = letter(by_template(json!({})));
    session.send("k", &wanted).await.expect("written");
    put(&mut office, &dues("new", "new")).await;
    let verdict = office.propose(session).await;
    assert!(matches!(verdict, Verdict::Stale(_)), "{verdict:?}");
}

#[tokio::test]
async fn what_a_template_makes_is_a_mail_or_nothing() {
    let mut office = Organisation::open().await;
    put(&mut office, &dues("{{ subject }}", "{{ text }}")).await;
    let mut session = office.automation(&may_send());
    for (data, expected) in [
        (json!({"subject": "two\nlines", "text": ""}), "not-one-line"),
        (json!({"subject": "", "text": ""}), "empty"),
        (json!({"subject": "s"}), "undefined"),
        (json!(["no object"]), "not-an-object"),
        (
            json!({"subject": "s", "text": "x".repeat(300 << 10)}),
            "too-large",
        ),
    ] {
        let wanted = letter(by_template(data));
        assert_eq!(code(session.send("k", &wanted).await), expected);
    }
    assert!(session.draft().is_empty(), "nothing of it is kept");
}

#[tokio::test]
async fn templates_are_checked_before_they_are_kept() {
    let mut office = Organisation::open().await;
    let mut person = office.person();
    let bad = Template {
        description: String::new(),
        fallback: "fr".to_owned(),
        texts: [
            (
                "de".to_owned(),
                dues("{{ a", "{% set b = 1 %}").texts["de"].clone(),
            ),
            ("d/e".to_owned(), TemplateText::default()),
        ]
        .into(),
    };
    assert_eq!(
        faults(person.put_template("dues", &bad).await),
        [
            ("/fallback".to_owned(), "unknown".to_owned()),
            ("/texts/d~1e".to_owned(), "wrong-type".to_owned()),
            ("/texts/d~1e/subject".to_owned(), "empty".to_owned()),
            ("/texts/de/subject".to_owned(), "not-a-template".to_owned()),
            ("/texts/de/text".to_owned(), "not-a-template".to_owned()),
        ]
    );
    let mut reminder = dues("{{ title }}", "{{ due | moment }}");
    let refused = person.put_template("task-reminder", &reminder).await;
    assert_eq!(code(refused), "template-unusable", "not every task is due");
    reminder = dues(
        "{{ title }}",
        "{% if due is defined %}{{ due | moment }}{% endif %}",
    );
    let put = person.put_template("task-reminder", &reminder).await;
    put.expect("it fits every task");
    let mut session = office.automation(&may_send());
    let refused = session.put_template("dues", &reminder).await;
    assert_eq!(code(refused), "administrator-only");
}

#[tokio::test]
async fn documents_in_view_go_along_as_they_are() {
    let mut office = Organisation::open().await;
    let mut person = office.person();
    let mut ids = Vec::new();
    for (folder, name, bytes) in [
        ("papers", "a.pdf", 10),
        ("papers", "big", 15 << 20),
        ("secret", "s", 1),
    ] {
        let content = vec![b'x'; bytes];
        let added = person.add_document(folder, name, "application/pdf", &content);
        ids.push(added.await.expect("added").id.to_string());
    }
    office.commit(person).await;
    let with = |attachments: &[&String]| NewLetter {
        attachments: attachments.iter().map(|id| (*id).clone()).collect(),
        ..letter(plain())
    };
    let mut session = office.automation(&may_send());
    let id = session.send("k", &with(&[&ids[0]])).await.expect("written");
    let [attached] = &drafted(&session, &id).attachments[..] else {
        panic!("one attachment");
    };
    assert_eq!((attached.name.as_str(), attached.bytes), ("a.pdf", 10));
    assert_eq!(
        code(session.send("l", &with(&[&ids[0], &ids[0]])).await),
        "duplicate"
    );
    assert_eq!(
        code(session.send("l", &with(&[&ids[0], &ids[1]])).await),
        "too-large"
    );
    assert_eq!(
        code(session.send("l", &with(&[&ids[2]])).await),
        "not-found"
    );
    let many: Vec<&String> = std::iter::repeat_n(&ids[0], 21).collect();
    let told = faults(session.send("l", &with(&many)).await);
    assert!(
        told.contains(&("/attachments".to_owned(), "too-many".to_owned())),
        "{told:?}"
    );
    let mut session = office.automation(&may_send()[..1]);
    assert_eq!(
        code(session.send("l", &with(&[&ids[0]])).await),
        "not-granted"
    );
}

#[tokio::test]
async fn a_thread_is_continued_by_its_own_author_only() {
    for mut office in Organisation::open_on_both().await {
        let mut session = office.automation(&may_send());
        let first = session.send("1", &letter(plain())).await.expect("written");
        let following = |id: &str| NewLetter {
            follows: Some(id.to_owned()),
            ..letter(plain())
        };
        let second = session.send("2", &following(&first)).await;
        let second = second.expect("in the same draft");
        assert_eq!(
            drafted(&session, &second).references,
            [format!("{first}@acme.example")]
        );
        office.commit(session).await;
        let mut session = office.automation(&may_send());
        let third = session.send("3", &following(&second)).await;
        let third = third.expect("of an earlier commit");
        assert_eq!(
            drafted(&session, &third).references,
            [
                format!("{first}@acme.example"),
                format!("{second}@acme.example")
            ]
        );
        for absent in ["", "nothing", "\u{1f4a9}"] {
            let refused = session.send("4", &following(absent)).await;
            assert_eq!(code(refused), "not-found");
        }
        let mut context = session.context().clone();
        context.automation = Some("another".to_owned());
        let mut another = Session::new(&office.database, context);
        let refused = another.send("5", &following(&first)).await;
        assert_eq!(code(refused), "not-found");
    }
}
