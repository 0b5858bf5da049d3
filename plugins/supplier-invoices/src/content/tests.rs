use super::*;
use crate::einvoice::{Figure, Tax, Totals};

fn figure(text: &str) -> Figure {
    Figure {
        text: text.to_owned(),
        value: Exact::parse(text).unwrap_or_else(|| panic!("{text} is a number")),
    }
}

fn invoice(lines: Vec<Line>, gross: &str) -> Invoice {
    Invoice {
        number: "1".to_owned(),
        currency: "EUR".to_owned(),
        type_code: "380".to_owned(),
        lines,
        totals: Totals {
            gross: figure(gross),
            ..Totals::default()
        },
        ..Invoice::default()
    }
}

fn line(quantity: &str, price: &str, base: &str, net: &str) -> Line {
    Line {
        quantity: figure(quantity),
        price: figure(price),
        base_quantity: Some(figure(base)),
        net: figure(net),
        tax: Some(Tax {
            category: "S".to_owned(),
            rate: "20".to_owned(),
        }),
        ..Line::default()
    }
}

fn held(invoice: &Invoice) -> InvoiceContent {
    let frame = Frame {
        legal_entity: "e",
        party: "p",
        corrects: None,
        source: Source::default(),
    };
    content(invoice, &[], &frame).expect("the figures fit")
}

#[test]
fn the_net_of_a_line_is_the_senders() {
    let check = |line: Line, quantity: &str, price: &str, difference: Option<(bool, &str)>| {
        let net = Money::new(line.net.value.minor_units(2).expect("fits"), "EUR");
        let content = held(&invoice(vec![line], "1"));
        let only = &content.lines[0];
        assert_eq!(
            (only.quantity.as_str(), only.unit_price.as_str()),
            (quantity, price)
        );
        let found = only.adjustments.first();
        let found = found.map(|it| (it.is_charge, it.amount.as_str()));
        assert_eq!(found, difference);
        assert_eq!(host_totals(&content).expect("fits").line_nets, [net]);
    };
    check(line("2400", "6.95", "500", "33.36"), "2400", "0.0139", None);
    check(line("3", "10.00", "3", "10.00"), "3", "3.3333333333", None);
    check(
        line("3", "33.333", "1", "99.99"),
        "3",
        "33.333",
        Some((false, "0.01")),
    );
    check(
        line("1", "1.00", "1", "1.25"),
        "1",
        "1",
        Some((true, "0.25")),
    );
    check(line("6", "18.33", "1", "-109.98"), "-6", "18.33", None);
}

#[test]
fn a_total_below_zero_turns_the_signs() {
    let check = |type_code: &str, gross: &str, kind: InvoiceKind, quantity: &str| {
        let mut invoice = invoice(vec![line("-2", "5.00", "1", "-10.00")], gross);
        invoice.type_code = type_code.to_owned();
        let content = held(&invoice);
        assert_eq!(
            (content.kind, content.lines[0].quantity.as_str()),
            (kind, quantity)
        );
    };
    check("380", "-12.00", InvoiceKind::CreditNote, "2");
    check("384", "-12.00", InvoiceKind::CreditNote, "2");
    check("381", "-12.00", InvoiceKind::Invoice, "2");
    check("380", "12.00", InvoiceKind::Invoice, "-2");
    check("381", "12.00", InvoiceKind::CreditNote, "-2");
    check("384", "12.00", InvoiceKind::Corrective, "-2");
    check("386", "12.00", InvoiceKind::Prepayment, "-2");
    check("389", "12.00", InvoiceKind::Invoice, "-2");
}

#[test]
fn a_negative_allowance_is_a_charge() {
    let check = |is_charge, amount: &str, signs, expected| {
        let of = Adjustment {
            is_charge,
            amount: figure(amount),
            ..Adjustment::default()
        };
        let tax = tax(None);
        let found = adjustment(&of, &tax, signs).expect("fits");
        assert_eq!((found.is_charge, found.amount.as_str()), expected);
    };
    check(false, "1.50", Signs::Kept, (false, "1.5"));
    check(false, "-1.50", Signs::Kept, (true, "1.5"));
    check(true, "1.50", Signs::Turned, (false, "1.5"));
    check(false, "-1.50", Signs::Turned, (false, "1.5"));
}

#[test]
fn what_the_books_cannot_hold_is_a_fault() {
    let mut unnamed = invoice(vec![line("1", "1", "1", "1")], "1");
    unnamed.number = "---".to_owned();
    let frame = Frame {
        legal_entity: "e",
        party: "p",
        corrects: None,
        source: Source::default(),
    };
    let fault = content(&unnamed, &[], &frame).expect_err("a number has letters or digits");
    assert_eq!(fault.term, "BT-1");
    let large = line("999999999999999999", "999999999999999999", "1", "1");
    let fault = content(&invoice(vec![large], "1"), &[], &frame).expect_err("too many digits");
    assert_eq!((fault.term, fault.place.as_str()), ("BT-131", "line "));
}
