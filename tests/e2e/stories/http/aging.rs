//! A clerk's month: who owes what, on which day, and the papers of an invoice.

use serde_json::{Value, json};

use super::World;
use crate::place::Place;

fn invoice(party: &str, due: &str) -> Value {
    json!({
        "flow": "receivable", "kind": "invoice", "legal_entity": "main", "party": party, "currency": "EUR",
        "due_date": due,
        "lines": [{
            "description": "Work <on site>", "quantity": "10", "unit": "HUR", "unit_price": "10",
            "tax": {"category": "S", "rate": "20"},
        }],
    })
}

fn euros(amount: &str) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

/// What is open by buckets, what is unapplied, and the balance.
fn aged(world: &World, query: &str) -> Value {
    let aging = world.get(&format!("/v1/aging?{query}")).expect(200).json();
    let Some(books) = aging["books"].get(0) else {
        return json!([]);
    };
    let buckets = books["buckets"].as_array().expect("buckets");
    let amounts: Vec<&Value> = buckets
        .iter()
        .map(|bucket| &bucket["amount"]["amount"])
        .collect();
    json!([
        amounts,
        books["unapplied"]["amount"],
        books["balance"]["amount"]
    ])
}

/// An invoice of 120 EUR that was issued on 5 January and is due on the 20th.
fn issued(world: &World, party: &str) -> Value {
    let draft = world
        .post("/v1/invoices", &invoice(party, "2026-01-20"))
        .expect(201)
        .json();
    let id = draft["id"].as_str().expect("an id");
    let issue = json!({"issue_date": "2026-01-05"});
    let issued = world.post(&format!("/v1/invoices/{id}/issue"), &issue);
    issued.expect(200).json()
}

fn paid(world: &World, invoice: &Value) {
    let payment = json!({
        "flow": "receivable", "legal_entity": "main", "amount": euros("150.00"), "value_date": "2026-02-10",
        "bank_reference": "R1", "bank_account": "AT611904300234573201",
    });
    let payment = world.post("/v1/payments", &payment).expect(201).json();
    let id = payment["id"].as_str().expect("an id");
    let parts = json!({"allocations": [{"invoice": invoice["id"], "amount": euros("100.00")}]});
    world
        .post(&format!("/v1/payments/{id}/allocations"), &parts)
        .expect(200);
}

/// What each party owes, and by days past due: the payment's party is nobody's, the invoice's has what is left.
fn check_accounts(world: &World, party: &str) {
    let balances = world.get("/v1/balances?limit=1").expect(200).json();
    let first = &balances["items"][0];
    assert_eq!(
        (&first["party"], &first["balance"]["amount"]),
        (&Value::Null, &json!("-50.00"))
    );
    let next = balances["next"]
        .as_str()
        .expect("a further page")
        .replace(' ', "%20");
    let balances = world
        .get(&format!("/v1/balances?after={next}"))
        .expect(200)
        .json();
    let second = &balances["items"][0];
    assert_eq!(
        (&second["party"], &second["balance"]["amount"]),
        (&json!(party), &json!("20.00"))
    );
    let aged = world.get("/v1/aging/accounts").expect(200).json();
    let balances = |at: usize| {
        (
            &aged["items"][at]["party"],
            &aged["items"][at]["balance"]["amount"],
        )
    };
    assert_eq!(balances(0), (&Value::Null, &json!("-50.00")));
    assert_eq!(balances(1), (&json!(party), &json!("20.00")));
    assert_eq!(
        (&aged["items"][2], &aged["next"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn a_clerk_looks_at_what_is_open_before_and_after_a_payment() {
    let world = World::on(Place::sqlite());
    let party = world
        .place
        .office(async |office| office.put_books().await.party);
    assert_eq!(aged(&world, "as_of=2026-03-01"), json!([]));
    let invoice = issued(&world, &party);
    let nothing_due = json!([["120.00", "0.00", "0.00", "0.00", "0.00"], "0.00", "120.00"]);
    let overdue = json!([["0.00", "0.00", "120.00", "0.00", "0.00"], "0.00", "120.00"]);
    assert_eq!(aged(&world, "as_of=2026-01-04"), json!([]));
    assert_eq!(aged(&world, "as_of=2026-01-20"), nothing_due);
    assert_eq!(aged(&world, "as_of=2026-03-01"), overdue);

    // The payment counts from its value date, what it settles from today: earlier days stay as they were, but for credit.
    paid(&world, &invoice);
    assert_eq!(aged(&world, "as_of=2026-01-20"), nothing_due);
    let unapplied = json!([
        ["0.00", "0.00", "120.00", "0.00", "0.00"],
        "150.00",
        "-30.00"
    ]);
    assert_eq!(aged(&world, "as_of=2026-03-01"), unapplied);
    let today = aged(
        &world,
        &format!("as_of=9999-01-01&buckets=7,14&party={party}"),
    );
    assert_eq!(
        today,
        json!([["0.00", "0.00", "0.00", "20.00"], "0.00", "20.00"])
    );

    check_accounts(&world, &party);
    for wrong in ["buckets=30,10", "buckets=x", "flow=both", "as_of=yesterday"] {
        world
            .get(&format!("/v1/aging?{wrong}"))
            .refused(400, "parameter-invalid");
    }
    world
        .get("/v1/aging?legal_entity=nobody")
        .refused(422, "unknown");

    let (place, _) = world.stop();
    let printed = place.call(&["aging", "--as-of", "2026-03-01"]);
    assert_eq!(printed["books"][0]["open"]["amount"], "120.00");
    let printed = place.call(&["balance", "--party", &party]);
    assert_eq!(printed[0]["carried"]["amount"], "-100.00");
    place.assert_clean();
}

#[test]
fn a_clerk_opens_the_papers_of_an_invoice() {
    let world = World::on(Place::sqlite());
    let party = world
        .place
        .office(async |office| office.put_books().await.party);
    // A party is on papers as it was then; what a legal entity did not say may follow.
    let address = json!({"address": {"city": "Berlin", "country": "DE"}});
    let record = format!("/v1/collections/parties/records/{party}");
    world
        .ask(&ureq::http::Method::PATCH, &record)
        .bytes(
            "application/merge-patch+json",
            address.to_string().as_bytes(),
        )
        .expect(200);
    let invoice = issued(&world, &party);
    let id = invoice["id"].as_str().expect("an id");
    let page = world
        .get(&format!("/v1/invoices/{id}/document.html"))
        .expect(200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let text = page.text();
    let number = invoice["body"]["number"].as_str().expect("a number");
    assert!(
        text.contains(number) && text.contains("120.00 EUR"),
        "{text}"
    );
    assert!(
        text.contains("Work &lt;on site&gt;") && !text.contains("<on site>"),
        "{text}"
    );

    let ubl = format!("/v1/invoices/{id}/ubl.xml");
    world.get(&ubl).refused(422, "term-missing");
    let mut entity = world.get("/v1/entities/main").expect(200).json()["body"].clone();
    entity["vat_id"] = json!("ATU12345678");
    entity["address"] =
        json!({"street": "Am Markt 1", "postcode": "1010", "city": "Wien", "country": "AT"});
    world.put("/v1/entities/main", &entity).expect(200);
    let text = world.get(&ubl).expect(200).text();
    assert!(
        text.contains(number) && text.contains("Work &lt;on site"),
        "{text}"
    );
    world
        .get("/v1/invoices/absent/ubl.xml")
        .refused(404, "not-found");
    world.stop().0.assert_clean();
}
