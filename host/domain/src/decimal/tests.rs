//! Cases of `decimal`.

use super::*;

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).expect("the test writes plain decimals")
}

#[test]
fn plain_text_is_kept_digit_by_digit() {
    for text in [
        "0",
        "-1",
        "1.10",
        "-1.10",
        "0.0000000001",
        "123456789012345678",
        "-12345678.1234567890",
    ] {
        assert_eq!(decimal(text).to_string(), text);
    }
}

#[test]
fn text_that_is_not_plain_is_refused() {
    for text in [
        "",
        "-",
        ".",
        "+1",
        "1.",
        ".5",
        "-.5",
        "1e3",
        "1E3",
        " 1",
        "1 ",
        "1,5",
        "1_000",
        "--1",
        "1.-5",
        "1.2.3",
        "007",
        "-00",
        "0x1",
        "NaN",
        "\u{0661}",
        "\u{2212}1",
    ] {
        assert_eq!(
            Decimal::parse(text),
            Err(DecimalError::NotPlain),
            "{text:?}"
        );
    }
}

#[test]
fn text_over_the_limits_is_refused() {
    for text in [
        "1234567890123456789",
        "0.12345678901",
        "123456789.1234567890",
        &"9".repeat(10_000),
    ] {
        assert_eq!(
            Decimal::parse(text),
            Err(DecimalError::TooLong { digits_max: 18 }),
            "{text:?}"
        );
    }
}

#[test]
fn zero_has_no_sign() {
    for zero in ["-0", "-0.00", "0"] {
        assert!(!decimal(zero).is_negative());
        assert_eq!(decimal(zero), Decimal::ZERO);
        assert_eq!(decimal(zero).negated(), Decimal::ZERO);
    }
    assert_eq!(decimal("-0.00").to_string(), "0.00");
    assert_eq!(decimal("-0.00").negated().to_string(), "0.00");
    let rounded = decimal("-0.004")
        .round(2, Rounding::HalfAwayFromZero)
        .expect("fits");
    assert_eq!(rounded.to_string(), "0.00");
    let sum = decimal("-1.5").checked_add(decimal("1.50")).expect("fits");
    assert_eq!(sum.to_string(), "0.00");
}

#[test]
fn equality_and_order_go_by_value() {
    use std::collections::HashSet;
    assert_eq!(decimal("1.1"), decimal("1.10"));
    assert_eq!(
        HashSet::from([decimal("1.1"), decimal("1.10"), decimal("-1.1")]).len(),
        2
    );
    assert!(decimal("-2") < decimal("-1.99"));
    assert!(decimal("9.9") < decimal("10"));
    assert_eq!(decimal("20.50").normalized().to_string(), "20.5");
}

#[test]
fn a_result_that_would_lose_digits_is_an_error() {
    let long = decimal("123456789012345678");
    assert_eq!(long.checked_mul(long), Err(DecimalError::Overflow));
    let fine = decimal("0.0000000001");
    let finer = fine
        .checked_mul(fine)
        .expect("20 digits after the point fit");
    assert_eq!(finer.to_string(), "0.00000000000000000001");
    assert_eq!(finer.checked_mul(fine), Err(DecimalError::Overflow));
    assert_eq!(finer.checked_add(long), Err(DecimalError::Overflow));
    assert_eq!(
        long.round(28, Rounding::HalfEven),
        Err(DecimalError::Overflow)
    );
}

#[test]
fn a_half_goes_where_the_rule_says() {
    let check = |text: &str, expected: [&str; 3]| {
        let rules = [
            Rounding::HalfAwayFromZero,
            Rounding::HalfEven,
            Rounding::HalfPlusInfinity,
        ];
        let rounded = rules.map(|rule| decimal(text).round(1, rule).expect("fits").to_string());
        assert_eq!(rounded, expected, "{text}");
    };
    check("0.25", ["0.3", "0.2", "0.3"]);
    check("0.35", ["0.4", "0.4", "0.4"]);
    check("-0.25", ["-0.3", "-0.2", "-0.2"]);
    check("-0.35", ["-0.4", "-0.4", "-0.3"]);
    check("-0.05", ["-0.1", "0.0", "0.0"]);
    check("0.2500000001", ["0.3", "0.3", "0.3"]);
    check("-0.2499999999", ["-0.2", "-0.2", "-0.2"]);
    check("7", ["7.0", "7.0", "7.0"]);
}

#[test]
fn json_is_a_string_and_never_a_number() {
    let text = serde_json::to_string(&decimal("1.10")).expect("serializes");
    assert_eq!(text, "\"1.10\"");
    assert_eq!(
        serde_json::from_str::<Decimal>(&text)
            .expect("reads back")
            .to_string(),
        "1.10"
    );
    for refused in ["1.10", "1", "null", "\"1e1\"", "\"1234567890123456789\""] {
        assert!(
            serde_json::from_str::<Decimal>(refused).is_err(),
            "{refused}"
        );
    }
}

#[test]
fn json_refuses_what_it_could_not_read_back() {
    let product = decimal("0.0000000001")
        .checked_mul(decimal("0.1"))
        .expect("fits");
    assert!(serde_json::to_string(&product).is_err());
}
