//! The same operations on SQLite and PostgreSQL: the same answers, errors, order and state.

use std::collections::BTreeMap;
use std::fmt::Debug;

use bursar_db::Verdict;
use bursar_domain::{
    draft::Direction,
    index::Comparison,
    invoice::{Flow, InvoiceContent, InvoiceState},
    manifest::Permission,
    office::{Choice, Department},
    row::Kind,
};
use bursar_office::{
    Error, Listed, Order, Paging, Session, Test, View, allocations::Part, messages::NewMail,
    openings::OpenItem, tasks::NewTask,
};
use jiff::civil::date;
use serde_json::{Value, json};

use crate::organisation::{ENTITY, Organisation, content, eur, grant, notes, payment};

/// Operations on both engines.
const OPERATIONS: u64 = 10_000;
/// Texts whose order and equality depend on who compares: only their bytes count.
const TEXTS: [&str; 20] = [
    "",
    "a",
    "A",
    "b",
    "B",
    "aa",
    "a b",
    "a-b",
    "a_b",
    "ab",
    "ä",
    "a\u{308}",
    "z",
    "Z",
    "ß",
    "ss",
    "é",
    "e\u{301}",
    "😀",
    "\u{10ffff}",
];
/// Slugs that collations order otherwise than their bytes.
const SLUGS: [&str; 8] = ["a-b", "a_b", "ab", "a1", "a", "b-a", "ba", "b_"];

/// A source of numbers: the same ones again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let high = usize::try_from(self.0 >> 33).expect("31 bits");
        high % sides
    }

    fn text(&mut self) -> &'static str {
        TEXTS[self.roll(TEXTS.len())]
    }

    fn minor(&mut self) -> i64 {
        [0, 1, 50, 4_999, 10_000, 10_001][self.roll(6)]
    }
}

/// Ids that came of earlier operations.
#[derive(Default)]
struct Known(BTreeMap<&'static str, Vec<String>>);

impl Known {
    fn some(&self, noun: &str, dice: &mut Dice) -> String {
        let ids = self.0.get(noun).map_or(&[][..], Vec::as_slice);
        // Now and then one that is not there, or of something else.
        match dice.roll(12) {
            0 => "nobody".to_owned(),
            1 => dice.text().to_owned(),
            _ if ids.is_empty() => "none".to_owned(),
            _ => ids[ids.len() - 1 - dice.roll(ids.len().min(40))].clone(),
        }
    }
}

/// One operation, chosen and filled: the same on either engine.
struct Step {
    kind: usize,
    ids: [String; 2],
    texts: [&'static str; 2],
    slug: &'static str,
    minor: i64,
    pick: usize,
}

/// What came of it: what is told, and an id to go on with.
type Told = (String, Option<(&'static str, String)>);

const KINDS: [&str; 34] = [
    "create-record",
    "patch-record",
    "remove-record",
    "get-record",
    "get-records",
    "search-records",
    "sort-records",
    "count-records",
    "hold-record",
    "release-record",
    "draft-invoice",
    "update-invoice",
    "discard-invoice",
    "issue-invoice",
    "draft-credit-note",
    "step-invoice",
    "dun-invoice",
    "open-item",
    "record-payment",
    "reverse-payment",
    "allocate",
    "write-off",
    "search-invoices",
    "search-payments",
    "define-collection",
    "put-department",
    "list-departments",
    "put-state",
    "list-states",
    "send-mail",
    "create-task",
    "withdraw-task",
    "add-document",
    "search-documents",
];
fn step(known: &Known, dice: &mut Dice) -> Step {
    let kind = dice.roll(KINDS.len());
    let nouns = match KINDS[kind] {
        "update-invoice" | "discard-invoice" | "issue-invoice" => ["draft", "draft"],
        "reverse-payment" => ["payment", "payment"],
        "allocate" => ["payment", "invoice"],
        "step-invoice" => ["payable", "payable"],
        "draft-credit-note" | "write-off" | "dun-invoice" => ["invoice", "invoice"],
        "withdraw-task" => ["task", "task"],
        _ => ["record", "record"],
    };
    Step {
        kind,
        ids: nouns.map(|noun| known.some(noun, dice)),
        texts: [dice.text(), dice.text()],
        slug: SLUGS[dice.roll(SLUGS.len())],
        minor: dice.minor(),
        pick: dice.roll(1 << 20),
    }
}

/// Everything but instants: those are each engine's own.
fn seen<T: Debug>(view: &View<T>) -> String {
    format!(
        "{} {} {:?} {:?}",
        view.id, view.revision, view.body, view.redacted
    )
}

fn page<T: Debug>(listed: &Listed<T>) -> String {
    let rows: Vec<String> = listed.items.iter().map(seen).collect();
    format!("{rows:?} {:?}", listed.next)
}

fn made<T: Debug>(noun: &'static str, view: &View<T>) -> Told {
    (seen(view), Some((noun, view.id.to_string())))
}

fn told(text: String) -> Told {
    (text, None)
}

fn all<T: Debug>(views: &[View<T>]) -> Told {
    told(format!("{:?}", views.iter().map(seen).collect::<Vec<_>>()))
}

fn done((): ()) -> Told {
    told("done".to_owned())
}

impl Step {
    fn body(&self) -> Value {
        match self.pick % 6 {
            0 => json!({"title": self.texts[0]}),
            1 => json!({"title": self.texts[0], "rank": null}),
            2 => json!({"title": self.texts[0], "rank": self.minor, "mail": null}),
            3 => json!({"title": self.texts[0], "mail": format!("{}@example.com", self.slug)}),
            4 => json!({"title": self.texts[0], "rank": self.texts[1]}),
            _ => json!({"title": self.texts[0], "more": {"ä": [self.texts[1], 1, null]}}),
        }
    }

    fn paging(&self) -> Paging {
        Paging {
            limit: u32::try_from(1 + self.pick % 30).expect("small"),
            after: None,
        }
    }

    fn tests(&self) -> Vec<Test> {
        let comparison = [
            Comparison::Equal,
            Comparison::NotEqual,
            Comparison::Less,
            Comparison::GreaterOrEqual,
            Comparison::StartsWith,
            Comparison::Missing,
            Comparison::Present,
        ][self.pick / 8 % 7];
        let (field, value) = match self.pick % 4 {
            0 => ("rank", json!(self.minor)),
            1 => ("unknown", json!(1)),
            _ => ("title", json!(self.texts[1])),
        };
        let is_without = matches!(comparison, Comparison::Missing | Comparison::Present);
        vec![Test {
            field: field.to_owned(),
            comparison,
            values: if is_without { Vec::new() } else { vec![value] },
        }]
    }

    fn order(&self) -> [Order; 1] {
        [Order {
            field: ["title", "rank", "mail", "none"][self.pick / 4 % 4].to_owned(),
            direction: [Direction::Ascending, Direction::Descending][self.pick % 2],
        }]
    }

    async fn records(&self, session: &mut Session) -> Result<Told, Error> {
        let (id, text) = (&self.ids[0], self.texts[0]);
        let (tests, order, paging) = (self.tests(), self.order(), self.paging());
        Ok(match KINDS[self.kind] {
            "create-record" => {
                let key = format!("{}{}", self.texts[1], self.pick % 300);
                made(
                    "record",
                    &session.create_record("notes", &key, &self.body()).await?,
                )
            }
            "patch-record" => told(seen(
                &session
                    .patch_record("notes", id, None, &self.body())
                    .await?,
            )),
            "remove-record" => done(session.remove_record("notes", id, None).await?),
            "get-record" => told(seen(&session.record("notes", id).await?)),
            "get-records" => all(&session.records("notes", &self.ids).await?),
            "search-records" => told(page(
                &session
                    .search_records("notes", &tests, &[], &paging)
                    .await?,
            )),
            "sort-records" => told(page(
                &session
                    .search_records("notes", &[], &order, &paging)
                    .await?,
            )),
            "count-records" => told(
                session
                    .count_records("notes", &tests, 500)
                    .await?
                    .to_string(),
            ),
            "hold-record" => told(seen(
                &session.hold_record("notes", id, self.slug, text).await?,
            )),
            _ => done(session.release_record("notes", id, self.slug).await?),
        })
    }

    /// What an author of invoices writes, and whether we owe it.
    fn content(&self, parties: &[String; 2]) -> (InvoiceContent, &'static str) {
        let price = ["0", "1", "49.99", "100", "100.01"][self.pick % 5];
        let is_payable = (self.pick / 8).is_multiple_of(3);
        let [customer, supplier] = parties;
        if !is_payable {
            return (content(Flow::Receivable, customer, price), "draft");
        }
        let mut content = content(Flow::Payable, supplier, price);
        content.supplier_number = Some(format!("{}{}", self.texts[0], self.pick % 50));
        (content, "payable")
    }

    async fn invoices(&self, session: &mut Session, parties: &[String; 2]) -> Result<Told, Error> {
        let id = &self.ids[0];
        let (content, noun) = self.content(parties);
        let key = format!("k{}", self.pick % 2_000);
        Ok(match KINDS[self.kind] {
            "draft-invoice" => made(noun, &session.draft_invoice(&key, &content).await?),
            "update-invoice" => told(seen(&session.update_invoice(id, None, &content).await?)),
            "discard-invoice" => told(seen(&session.discard_invoice(id, None).await?)),
            "issue-invoice" => {
                let days = [date(2026, 3, 1), date(2026, 3, 2), date(2025, 12, 31)];
                let (day, series) = (
                    days[self.pick % 3],
                    [None, Some("B"), Some("b")][self.pick / 3 % 3],
                );
                made(
                    "invoice",
                    &session.issue_invoice(id, None, series, Some(day)).await?,
                )
            }
            "draft-credit-note" => made("draft", &session.draft_credit_note(&key, id, None).await?),
            "step-invoice" => {
                let next = InvoiceState::ALL[self.pick % 9];
                told(seen(&session.step_invoice(id, None, next).await?))
            }
            "dun-invoice" => {
                let level = u32::try_from(self.pick % 11).expect("small");
                told(seen(&session.dun_invoice(id, level).await?))
            }
            _ => {
                let item = OpenItem {
                    content,
                    number: format!("{}{}", self.texts[0], self.pick % 100),
                    issue_date: date(2026, 1, 15),
                    outstanding: eur(self.minor),
                };
                made("invoice", &session.open_item(&key, &item).await?)
            }
        })
    }

    async fn settling(&self, session: &mut Session) -> Result<Told, Error> {
        let (id, text) = (&self.ids[0], self.texts[0]);
        let key = format!("k{}", self.pick % 2_000);
        Ok(match KINDS[self.kind] {
            "record-payment" => {
                let payment = payment(&format!("{text}{}", self.pick % 200), self.minor);
                made("payment", &session.record_payment(&key, &payment).await?)
            }
            "reverse-payment" => {
                let day = date(2026, 3, 2);
                made(
                    "payment",
                    &session.reverse_payment(&key, id, day, text).await?,
                )
            }
            "allocate" => {
                let part = Part {
                    invoice: self.ids[1].clone(),
                    amount: eur(self.minor),
                };
                all(&session.allocate(&key, id, &[part]).await?)
            }
            "write-off" => told(seen(
                &session.write_off(&key, id, eur(self.minor), text).await?,
            )),
            "search-invoices" => {
                let fields = ["outstanding", "number", "supplier-number", "due-date"];
                let order = [Order {
                    field: fields[self.pick % 4].to_owned(),
                    direction: [Direction::Ascending, Direction::Descending][self.pick / 4 % 2],
                }];
                told(page(
                    &session.search_invoices(&[], &order, &self.paging()).await?,
                ))
            }
            _ => told(page(
                &session.search_payments(&[], &[], &self.paging()).await?,
            )),
        })
    }

    async fn others(&self, session: &mut Session) -> Result<Told, Error> {
        let (text, paging) = (self.texts[0], self.paging());
        let both = self.texts.concat();
        Ok(match KINDS[self.kind] {
            "define-collection" => {
                let mut definition = notes();
                if self.pick.is_multiple_of(2) {
                    definition.unique =
                        vec![["mail", "title", "none"][self.pick / 2 % 3].to_owned()];
                }
                done(session.define_collection("notes", &definition).await?)
            }
            "put-department" => {
                let name = text.to_owned();
                done(
                    session
                        .put_department(
                            self.slug,
                            &Department {
                                name,
                                ..Department::default()
                            },
                        )
                        .await?,
                )
            }
            "list-departments" => told(page(
                &session
                    .rows::<Department>(Kind::Department, &[], &paging)
                    .await?,
            )),
            "put-state" => done(session.put_state(&both, &json!(self.minor)).await?),
            "list-states" => told(format!("{:?}", session.state_names(text).await?)),
            "send-mail" => told(
                session
                    .mail(&format!("m{}", self.pick % 500), &self.mail())
                    .await?,
            ),
            "create-task" => {
                let id = session
                    .create_task(&format!("t{}", self.pick % 500), &self.task())
                    .await?;
                (id.clone(), Some(("task", id)))
            }
            "withdraw-task" => done(session.withdraw_task(&self.ids[0], text).await?),
            "add-document" => {
                let folder = ["inbox", "in", "IN"][self.pick % 3];
                let content = self.minor.to_string();
                let added = session.add_document(folder, &both, "text/plain", content.as_bytes());
                told(seen(&added.await?))
            }
            _ => told(page(
                &session.search_documents("inbox", text, &paging).await?,
            )),
        })
    }

    fn mail(&self) -> NewMail {
        let to = ["a@example.com", "b@example.org", "nobody"][self.pick % 3];
        NewMail {
            to: vec![to.to_owned()],
            cc: Vec::new(),
            reply_to: None,
            subject: self.texts[0].to_owned(),
            text: self.texts[1].to_owned(),
        }
    }

    fn task(&self) -> NewTask {
        let choice = |value: &str| Choice {
            value: value.to_owned(),
            label: "Yes".to_owned(),
            needs_note: false,
        };
        NewTask {
            assignee: ["role:clerk", "role:boss"][self.pick % 2].to_owned(),
            title: self.texts[0].to_owned(),
            text: self.texts[1].to_owned(),
            choices: vec![choice("yes"), choice(["no", "yes"][self.pick / 2 % 2])],
            due_us: None,
            subjects: Vec::new(),
            memo: json!({"of": self.texts[1]}),
        }
    }
}

/// Does a step on one engine; gives all that anybody learns of it.
async fn perform(
    office: &mut Organisation,
    step: &Step,
) -> (String, Option<(&'static str, String)>) {
    let parties = [office.customer.clone(), office.supplier.clone()];
    let is_automations = matches!(
        KINDS[step.kind],
        "put-state" | "list-states" | "send-mail" | "create-task" | "withdraw-task"
    );
    let mut session = if is_automations {
        office.automation(&clerk())
    } else {
        office.person()
    };
    let answer = match step.kind {
        0..=9 => step.records(&mut session).await,
        10..=17 => step.invoices(&mut session, &parties).await,
        18..=23 => step.settling(&mut session).await,
        _ => step.others(&mut session).await,
    };
    let (text, made) = match answer {
        Ok(told) => told,
        Err(error) if error.is_host() => panic!("{}: {error:?}", KINDS[step.kind]),
        Err(error) => return (format!("refused {:?}", error.problems()), None),
    };
    if session.draft().is_empty() {
        return (text, None);
    }
    match office.propose(session).await {
        Verdict::Committed { seq, numbers } => (format!("{text} {seq} {numbers:?}"), made),
        Verdict::Refused(problem) => (format!("refused {problem:?}"), None),
        other => (format!("{other:?}"), None),
    }
}

fn clerk() -> [Permission; 2] {
    [
        grant(json!({"kind": "messages", "recipients": ["example.com"]})),
        grant(json!({"kind": "tasks", "role": "clerk"})),
    ]
}

/// Every row that a listing can show, without its instants.
async fn state(office: &Organisation) -> Vec<String> {
    let mut rows = Vec::new();
    for kind in Kind::ALL.iter().filter(|kind| !kind.is_queued()) {
        for collection in ["", "notes", "parties", ENTITY, "helper"] {
            let query = bursar_db::Query {
                kind: *kind,
                collection: collection.into(),
                conditions: Vec::new(),
                order: None,
                direction: Direction::Ascending,
                after: None,
                limit: usize::MAX >> 1,
            };
            let page = office.database.snapshot().list(&query).await.expect("rows");
            rows.extend(
                page.rows
                    .into_iter()
                    .map(|(_, row)| format!("{} {} {}", row.key, row.revision, row.body)),
            );
        }
    }
    rows
}

#[tokio::test]
async fn mon_6_both_engines_answer_alike() {
    let mut offices = Organisation::open_on_both().await;
    let (mut known, mut dice) = (Known::default(), Dice(20_261_122));
    let (mut counts, mut refused) = ([0_u64; KINDS.len()], 0_u64);
    for number in 0..OPERATIONS {
        let step = step(&known, &mut dice);
        let mut answers = Vec::new();
        for office in &mut offices {
            answers.push(perform(office, &step).await);
        }
        let (text, made) = answers.remove(0);
        for (other, _) in answers {
            assert_eq!(text, other, "{} ({number})", KINDS[step.kind]);
        }
        counts[step.kind] += 1;
        refused += u64::from(text.starts_with("refused"));
        if let Some((noun, id)) = made {
            known.0.entry(noun).or_default().push(id);
        }
    }
    eprintln!(
        "MON-6: {OPERATIONS} operations of {} kinds, {refused} refused",
        KINDS.len()
    );
    for (kind, count) in KINDS.iter().zip(counts) {
        assert!(count * 100 >= OPERATIONS, "{kind}: {count}");
    }
    assert!(refused * 4 >= OPERATIONS, "{refused} refused");
    let mut states = Vec::new();
    for office in &offices {
        let found = office.database.verify(None).await.expect("a verification");
        assert!(found.is_clean(), "{:#?}", found.findings);
        states.push(state(office).await);
    }
    let first = states.remove(0);
    assert!(first.len() > 1000, "{} rows", first.len());
    for other in states {
        assert_eq!(first, other);
    }
}
