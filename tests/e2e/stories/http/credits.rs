//! An accountant's week: items from before, an invoice that was too high, and a supplier's bill.

use serde_json::{Value, json};

use super::World;
use crate::place::Place;

fn invoice(party: &str, flow: &str, price: &str) -> Value {
    json!({
        "flow": flow, "kind": "invoice", "legal_entity": "main", "party": party, "currency": "EUR",
        "due_date": "2026-12-31",
        "lines": [{
            "description": "Work", "quantity": "10", "unit": "HUR", "unit_price": price,
            "tax": {"category": "S", "rate": "20"},
        }],
    })
}

fn state_of(reply: &Value) -> (&str, &str) {
    let state = reply["body"]["state"].as_str();
    let outstanding = reply["body"]["outstanding"]["amount"].as_str();
    (state.unwrap_or_default(), outstanding.unwrap_or_default())
}

/// Where an invoice is found, or something of it.
fn at(row: &Value, rest: &str) -> String {
    format!("/v1/invoices/{}{rest}", row["id"].as_str().unwrap_or("?"))
}

#[test]
fn an_accountant_takes_over_what_is_open_and_credits_what_was_too_high() {
    let world = World::on(Place::sqlite());
    let party = world
        .place
        .office(async |office| office.put_books().await.party);

    let item = json!({
        "content": invoice(&party, "receivable", "20"), "number": "R-118", "issue_date": "2026-01-15",
        "outstanding": {"amount": "40.00", "currency": "EUR"},
    });
    let old = world.post("/v1/open-items", &item).expect(201).json();
    assert_eq!(state_of(&old), ("issued", "40.00"));
    assert_eq!(old["body"]["number"], "R-118");
    world
        .post("/v1/open-items", &item)
        .refused(409, "not-unique");

    let draft = world
        .post("/v1/invoices", &invoice(&party, "receivable", "1"))
        .expect(201)
        .json();
    let dearer = invoice(&party, "receivable", "10");
    let draft = world.put(&at(&draft, ""), &dearer).expect(200).json();
    assert_eq!(draft["body"]["totals"]["gross"]["amount"], "120.00");
    let issued = world.post(&at(&draft, "/issue"), &json!({})).expect(200);
    let issued = issued.json();
    world
        .put(&at(&draft, ""), &dearer)
        .refused(409, "wrong-state");

    let wrong = json!({"lines": [{"line": 2, "quantity": "1"}]});
    let notes = at(&issued, "/credit-notes");
    world.post(&notes, &wrong).refused(422, "unknown");
    let all = world.post(&notes, &json!({})).expect(201).json();
    let discarded = json!({"state": "discarded"});
    let discarded = world.post(&at(&all, "/steps"), &discarded).expect(200);
    assert_eq!(state_of(&discarded.json()), ("discarded", "0.00"));
    let written_off =
        json!({"amount": {"amount": "100.00", "currency": "EUR"}, "reason": "bad-debt"});
    let written_off = world.post(&at(&issued, "/write-offs"), &written_off);
    assert_eq!(
        state_of(&written_off.expect(200).json()),
        ("issued", "20.00")
    );
    let some = json!({"lines": [{"line": 1, "quantity": "4"}]});
    let note = world.post(&notes, &some).expect(201).json();
    let note = world.post(&at(&note, "/issue"), &json!({})).expect(200);
    let note = note.json();
    assert_eq!(
        state_of(&note),
        ("issued", "28.00"),
        "20 of 48 settle their invoice"
    );
    let corrected = world.get(&at(&issued, "")).expect(200).json();
    assert_eq!(state_of(&corrected), ("issued", "0.00"));

    let part = |row: &Value, amount: &str| json!({"allocations": [{"invoice": row["id"], "amount": {"amount": amount, "currency": "EUR"}}]});
    let allocations = at(&note, "/allocations");
    world
        .post(&allocations, &part(&old, "28.01"))
        .refused(422, "over-allocated");
    let rest = world.post(&allocations, &part(&old, "28.00")).expect(200);
    assert_eq!(state_of(&rest.json()), ("issued", "0.00"));
    let payments = format!(
        "/v1/payments/{}/allocations",
        note["id"].as_str().unwrap_or("?")
    );
    world
        .post(&payments, &part(&old, "1.00"))
        .refused(404, "not-found");
    let old = world.get(&at(&old, "")).expect(200).json();
    assert_eq!(state_of(&old), ("issued", "12.00"));

    world.stop().0.assert_clean();
}

#[test]
fn a_suppliers_bill_is_approved_step_by_step() {
    let world = World::on(Place::sqlite());
    let party = world
        .place
        .office(async |office| office.put_books().await.party);
    let bill = world
        .post("/v1/invoices", &invoice(&party, "payable", "10"))
        .expect(201)
        .json();
    let step = |state: &str| world.post(&at(&bill, "/steps"), &json!({"state": state}));
    step("approved").refused(409, "wrong-state");
    for state in ["matched", "approved", "scheduled"] {
        assert_eq!(state_of(&step(state).expect(200).json()), (state, "120.00"));
    }
    world.stop().0.assert_clean();
}
