//! What runs are asked to do, drawn at random.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::office::Books;

/// What one run is asked to do.
#[derive(Clone, Debug)]
pub enum Ask {
    Count {
        counter: usize,
        invoice: bool,
        mail: bool,
    },
    Errand(Vec<Errand>),
    Dice {
        rolls: u32,
    },
    Halfway {
        steps: usize,
        end: &'static str,
    },
}

#[derive(Clone, Debug)]
pub enum Errand {
    Create(u8),
    Patch(usize, u8),
    Remove(usize),
    Mail(u8),
    Task(u8),
    PutState(u8),
    Search,
    SearchBy(u8),
}

fn errand() -> impl Strategy<Value = Errand> {
    prop_oneof![
        (0..6_u8).prop_map(Errand::Create),
        (0..10_usize, any::<u8>()).prop_map(|(counter, value)| Errand::Patch(counter, value)),
        (0..10_usize).prop_map(Errand::Remove),
        (0..6_u8).prop_map(Errand::Mail),
        (0..6_u8).prop_map(Errand::Task),
        any::<u8>().prop_map(Errand::PutState),
        Just(Errand::Search),
        any::<u8>().prop_map(Errand::SearchBy),
    ]
}

pub fn halfway() -> impl Strategy<Value = Ask> {
    let ends = [
        "success",
        "permanent",
        "trap",
        "memory",
        "calls",
        "messages",
    ];
    (0..8_usize, proptest::sample::select(ends.to_vec()))
        .prop_map(|(steps, end)| Ask::Halfway { steps, end })
}

pub fn ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        2 => (0..10_usize, any::<bool>(), any::<bool>()).prop_map(|(counter, invoice, mail)| Ask::Count { counter, invoice, mail }),
        2 => proptest::collection::vec(errand(), 0..6).prop_map(Ask::Errand),
        2 => (0..5_u32).prop_map(|rolls| Ask::Dice { rolls }),
        1 => halfway(),
    ]
}

impl Errand {
    fn step(&self, books: &Books) -> Value {
        let counter = |place: &usize| books.counters.get(*place).cloned().unwrap_or_default();
        match self {
            Errand::Create(key) => {
                json!({"do": "create", "key": format!("key-{key}"), "body": r#"{"value":1}"#})
            }
            Errand::Patch(place, value) => {
                json!({"do": "patch", "id": counter(place), "expected": null, "merge": format!(r#"{{"value":{value}}}"#)})
            }
            Errand::Remove(place) => json!({"do": "remove", "id": counter(place)}),
            Errand::Mail(key) => {
                json!({"do": "mail", "key": format!("key-{key}"), "to": "someone@example.com"})
            }
            Errand::Task(key) => {
                json!({"do": "task", "key": format!("key-{key}"), "assignee": "role:clerk"})
            }
            Errand::PutState(value) => {
                json!({"do": "put-state", "name": "n", "value": value.to_string()})
            }
            Errand::Search => json!({"do": "search", "limit": 5, "after": null}),
            Errand::SearchBy(value) => {
                json!({"do": "search-by", "field": "value", "value": value.to_string()})
            }
        }
    }
}

impl Ask {
    pub fn guest(&self) -> &'static str {
        match self {
            Ask::Count { .. } => "counter",
            Ask::Errand(_) => "errand",
            Ask::Dice { .. } => "dice",
            Ask::Halfway { .. } => "halfway",
        }
    }

    pub fn input(&self, books: &Books) -> Value {
        let counter = |place: &usize| books.counters.get(*place);
        match self {
            Ask::Count {
                counter: place,
                invoice,
                mail,
            } => {
                let address = mail.then_some("someone@example.com");
                json!({"counter": counter(place), "invoice": invoice, "party": books.party, "mail": address})
            }
            Ask::Errand(errands) => errands.iter().map(|errand| errand.step(books)).collect(),
            Ask::Dice { rolls } => json!({"rolls": rolls}),
            Ask::Halfway { steps, end } => {
                json!({"steps": steps, "end": end, "counter": counter(&0), "party": books.party})
            }
        }
    }
}
