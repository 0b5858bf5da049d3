//! Pages and UBL texts of invoices: what they say, in which language, and what is missing.

use bursar_domain::{
    decimal::Decimal,
    invoice::{Adjustment, Flow, InvoiceContent},
    office::{Address, LegalEntity, PARTIES},
    totals::Tax,
};
use bursar_office::{Session, allocations::Part};
use jiff::civil::date;
use serde_json::{Value, json};

use crate::organisation::{ENTITY, Organisation, code, content, entity, eur, payment};

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).expect("a decimal")
}

fn seller() -> LegalEntity {
    LegalEntity {
        vat_id: Some("ATU12345678".to_owned()),
        company_id: Some("FN 123456 a".to_owned()),
        address: Some(Address {
            street: Some("Am Markt 1".to_owned()),
            postcode: Some("1010".to_owned()),
            city: Some("Wien".to_owned()),
            country: "AT".to_owned(),
        }),
        ..entity()
    }
}

/// A customer with such facts.
async fn customer(session: &mut Session, name: &str, language: &str) -> String {
    let body = json!({
        "name": name, "kind": "customer", "language": language, "tax_id": "DE123456789",
        "address": {"street": "Hafenweg 7", "postcode": "20457", "city": "Hamburg", "country": "DE"},
    });
    let made = session.create_record(PARTIES, name, &body).await;
    made.expect("a party").id.to_string()
}

/// Two rates, an allowance, something paid in advance, and words that would be markup.
fn work(party: &str) -> InvoiceContent {
    let standard = Tax {
        category: "S".to_owned(),
        rate: decimal("20"),
    };
    let plain = content(Flow::Receivable, party, "1234.5");
    let mut lines = vec![plain.lines[0].clone(), plain.lines[0].clone()];
    lines[0].tax = standard.clone();
    lines[0].quantity = decimal("12.5");
    "Screws & <b>bolts</b> \"M6\"".clone_into(&mut lines[1].description);
    "C62".clone_into(&mut lines[1].unit);
    lines[1].unit_price = decimal("0.2345");
    lines[1].quantity = decimal("1000");
    lines[1].tax = Tax {
        category: "S".to_owned(),
        rate: decimal("10"),
    };
    InvoiceContent {
        lines,
        adjustments: vec![Adjustment {
            is_charge: false,
            amount: decimal("100"),
            reason: "Loyal <customer>".to_owned(),
            tax: standard,
        }],
        supply_date: Some(date(2026, 2, 27)),
        prepaid: Some(decimal("5000")),
        extra: json!({"payment_terms": "30 days net", "ours": 1}),
        ..plain
    }
}

async fn issued(session: &mut Session, key: &str, content: &InvoiceContent) -> String {
    let draft = session.draft_invoice(key, content).await.expect("a draft");
    let day = Some(date(2026, 3, 2));
    let issued = session.issue_invoice(&draft.id, None, None, day).await;
    issued.expect("issued").id.to_string()
}

/// An invoice of a customer who reads a language, committed.
async fn invoice(office: &mut Organisation, language: &str) -> String {
    let mut session = office.person();
    session.put_entity(ENTITY, &seller()).await.expect("put");
    let party = customer(&mut session, "Kaufhaus <Nord> GmbH", language).await;
    let id = issued(&mut session, "1", &work(&party)).await;
    office.commit(session).await;
    id
}

#[tokio::test]
async fn a_page_is_in_its_readers_language_and_escapes_what_others_wrote() {
    for language in ["en", "de"] {
        let mut office = Organisation::open().await;
        let id = invoice(&mut office, language).await;
        let page = office.person().invoice_page(&id).await.expect("a page");
        assert!(!page.contains("<b>") && !page.contains("<Nord>") && !page.contains("<customer>"));
        insta::assert_snapshot!(format!("page_{language}"), page);
    }
}

#[tokio::test]
async fn an_issued_invoice_is_written_as_ubl() {
    let mut office = Organisation::open().await;
    let id = invoice(&mut office, "de").await;
    let text = office.person().invoice_ubl(&id).await.expect("a text");
    insta::assert_snapshot!("ubl", text);
}

#[tokio::test]
async fn what_ubl_needs_and_is_missing_is_named() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let bare = LegalEntity {
        address: None,
        ..seller()
    };
    session.put_entity(ENTITY, &bare).await.expect("put");
    let party = customer(&mut session, "Kaufhaus Nord GmbH", "de").await;
    let id = issued(&mut session, "1", &work(&party)).await;
    office.commit(session).await;
    let mut session = office.person();
    let refused = session.invoice_ubl(&id).await.expect_err("no country");
    assert!(refused.to_string().contains("BT-40"), "{refused}");
    assert_eq!(code(Err::<(), _>(refused)), "term-missing");

    let party = office.customer.clone();
    let mut session = office.person();
    let draft = session.draft_invoice("d", &work(&party)).await;
    let draft = draft.expect("a draft").id;
    assert_eq!(code(session.invoice_ubl(&draft).await), "not-issued");
    let page = session.invoice_page(&draft).await.expect("a page");
    assert!(page.contains("<title>Rechnung (Entwurf)</title>"), "{page}");
    let supplier = office.supplier.clone();
    let bill = content(Flow::Payable, &supplier, "10");
    let bill = session
        .draft_invoice("b", &bill)
        .await
        .expect("taken in")
        .id;
    assert_eq!(code(session.invoice_ubl(&bill).await), "not-issued");
    let page = session.invoice_page(&bill).await.expect("a page");
    let (from, to) = (page.find("Paper Mill KG"), page.find("Acme GmbH"));
    assert!(from < to, "the supplier is the seller: {page}");
    assert_eq!(code(session.invoice_page("absent").await), "not-found");
}

#[tokio::test]
async fn a_credit_note_names_the_invoice_that_it_corrects() {
    let mut office = Organisation::open().await;
    let id = invoice(&mut office, "en").await;
    let mut session = office.person();
    let note = session.draft_credit_note("n", &id, None).await;
    let note = note.expect("a note").id;
    let day = Some(date(2026, 3, 2));
    let issued = session.issue_invoice(&note, None, None, day).await;
    issued.expect("issued");
    office.commit(session).await;
    let mut session = office.person();
    let page = session.invoice_page(&note).await.expect("a page");
    assert!(
        page.contains("<title>Credit note CN-2026-000001</title>"),
        "{page}"
    );
    assert!(
        page.contains("<dt>Corrects</dt><dd>INV-2026-000001</dd>"),
        "{page}"
    );
    let text = session.invoice_ubl(&note).await.expect("a text");
    assert!(text.contains("INV-2026-000001"), "{text}");
}

#[tokio::test]
async fn a_legal_entitys_particulars_are_checked() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let check = async |session: &mut Session, change: Value| {
        let mut body = serde_json::to_value(seller()).expect("JSON");
        for (name, value) in change.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let wrong: LegalEntity = serde_json::from_value(body).expect("an entity");
        code(session.put_entity(ENTITY, &wrong).await)
    };
    for (change, expected) in [
        (json!({"address": {"country": "at"}}), "out-of-range"),
        (json!({"address": {"country": "AT", "city": ""}}), "empty"),
        (json!({"vat_id": "a\nb"}), "not-one-line"),
    ] {
        assert_eq!(
            check(&mut session, change.clone()).await,
            expected,
            "{change}"
        );
    }
}

#[tokio::test]
async fn what_a_customer_had_not_said_of_itself_may_be_said_later() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    session.put_entity(ENTITY, &seller()).await.expect("put");
    let party = office.customer.clone();
    let id = issued(&mut session, "1", &work(&party)).await;
    office.commit(session).await;
    let mut session = office.person();
    let refused = session.invoice_ubl(&id).await.expect_err("no country");
    assert!(refused.to_string().contains("BT-55"), "{refused}");
    let patch = json!({"address": {"street": "Hafenweg 7", "city": "Hamburg", "country": "DE"}});
    let patched = session.patch_record(PARTIES, &party, None, &patch).await;
    patched.expect("a record");
    office.commit(session).await;
    let text = office.person().invoice_ubl(&id).await.expect("a text");
    assert!(text.contains("Hafenweg 7"), "{text}");
}

#[tokio::test]
async fn inv_1_papers_say_what_was_so_when_the_invoice_was_issued() {
    for mut office in Organisation::open_on_both().await {
        let id = invoice(&mut office, "de").await;
        let mut session = office.person();
        let party = session.invoice(&id).await.expect("an invoice").body;
        let party = party.content.party;
        let page = session.invoice_page(&id).await.expect("a page");
        let text = session.invoice_ubl(&id).await.expect("a text");
        // Everybody moves, and something is paid.
        let moved = LegalEntity {
            name: "Acme Holding AG".to_owned(),
            address: None,
            bank_accounts: Vec::new(),
            ..seller()
        };
        session.put_entity(ENTITY, &moved).await.expect("put");
        let patch =
            json!({"language": null, "tax_id": "FR1", "address": {"street": "Elsewhere 1"}});
        let patched = session.patch_record(PARTIES, &party, None, &patch).await;
        patched.expect("a record");
        let paid = payment("R1", 100);
        let paid = session.record_payment("p", &paid).await.expect("paid").id;
        let part = Part {
            invoice: id.clone(),
            amount: eur(100),
        };
        session.allocate("a", &paid, &[part]).await.expect("set");
        office.commit(session).await;
        let mut session = office.person();
        assert_eq!(session.invoice_page(&id).await.expect("a page"), page);
        assert_eq!(session.invoice_ubl(&id).await.expect("a text"), text);
        // A new one says what is so now, of whoever has no language any more.
        let next = issued(&mut session, "2", &work(&party)).await;
        let page = session.invoice_page(&next).await.expect("a page");
        assert!(page.contains("Acme Holding AG") && page.contains("Elsewhere 1"));
    }
}

#[tokio::test]
async fn a_term_of_a_wrong_type_is_left_out_alone() {
    let mut office = Organisation::open().await;
    let party = office.customer.clone();
    let mut session = office.person();
    let terms =
        json!({"payment_terms": "30 days net", "exemption_reason": 7, "buyer_reference": ["x"]});
    let content = InvoiceContent {
        extra: terms,
        ..work(&party)
    };
    let id = issued(&mut session, "1", &content).await;
    let page = session.invoice_page(&id).await.expect("a page");
    assert!(page.contains("30 days net"), "{page}");
}
