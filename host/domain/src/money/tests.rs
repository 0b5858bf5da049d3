//! Cases of `money`.

use super::*;

fn money(text: &str) -> Money {
    Money::parse(text).expect("the test writes valid amounts")
}

fn formats(amounts: &[Money]) -> Vec<String> {
    amounts.iter().map(Money::format).collect()
}

#[test]
fn well_known_currencies_have_the_exponents_of_iso_4217() {
    let table: [(u32, &str); 4] = [
        (
            0,
            "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
        ),
        (
            2,
            "AUD BGN BRL CAD CHF CNY CZK DKK EUR GBP HKD HRK HUF IDR ILS INR MGA MRU MXN NOK NZD PLN RON SEK SGD TRY USD ZAR",
        ),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
    ];
    for (exponent, codes) in table {
        for code in codes.split(' ') {
            let currency = Currency::parse(code).expect(code);
            assert_eq!((currency.code(), currency.exponent()), (code, exponent));
        }
    }
}

#[test]
fn codes_without_a_minor_unit_are_refused() {
    for code in [
        "", "eur", "EURO", "EU", " EUR", "AAA", "XXX", "XTS", "XAU", "XDR", "\u{20ac}",
    ] {
        assert_eq!(
            Currency::parse(code),
            Err(MoneyError::UnknownCurrency),
            "{code:?}"
        );
    }
}

#[test]
fn an_amount_is_read_exactly_or_refused() {
    let eur = Currency::parse("EUR").expect("known");
    let check = |text: &str, expected: Result<i64, MoneyError>| {
        assert_eq!(
            Money::parse(text).map(|money| money.minor),
            expected,
            "{text:?}"
        );
    };
    check("1.10 EUR", Ok(110));
    check("1.1 EUR", Ok(110));
    check("1.1000 EUR", Ok(110));
    check("-0.00 EUR", Ok(0));
    check("110 JPY", Ok(110));
    check("1.100 BHD", Ok(1100));
    check("92233720368547758.07 EUR", Ok(i64::MAX));
    check("-92233720368547758.08 EUR", Ok(i64::MIN));
    check("92233720368547758.08 EUR", Err(MoneyError::Overflow));
    check("1.101 EUR", Err(MoneyError::TooFine { currency: eur }));
    check("1.10", Err(MoneyError::NotAnAmount));
    check("1.10EUR", Err(MoneyError::NotAnAmount));
    check("1.10  EUR", Err(MoneyError::UnknownCurrency));
    check("1.10 eur", Err(MoneyError::UnknownCurrency));
    check("1,10 EUR", Err(MoneyError::Decimal(DecimalError::NotPlain)));
}

#[test]
fn rounding_to_the_minor_unit_is_half_away_from_zero() {
    let check = |number: &str, code: &str, expected: &str| {
        let number = Decimal::parse(number).expect("a decimal");
        let currency = Currency::parse(code).expect("known");
        assert_eq!(
            Money::round_from(number, currency).expect("fits").format(),
            expected
        );
    };
    check("1.005", "EUR", "1.01 EUR");
    check("-1.005", "EUR", "-1.01 EUR");
    check("1.5", "JPY", "2 JPY");
    check("-0.0005", "BHD", "-0.001 BHD");
    check("7", "CLF", "7.0000 CLF");
}

#[test]
fn results_out_of_range_are_errors() {
    let eur = Currency::parse("EUR").expect("known");
    let (least, most, cent) = (
        Money::new(i64::MIN, eur),
        Money::new(i64::MAX, eur),
        Money::new(1, eur),
    );
    assert_eq!(most.checked_add(cent), Err(MoneyError::Overflow));
    assert_eq!(least.checked_sub(cent), Err(MoneyError::Overflow));
    assert_eq!(least.checked_neg(), Err(MoneyError::Overflow));
    assert_eq!(most.cash_rounded(1000), Err(MoneyError::Overflow));
    assert_eq!(least.split(&[1]), Ok(vec![least]));
    let heaviest = least.split(&[u64::MAX, u64::MAX]).expect("fits");
    assert_eq!(Money::checked_sum(heaviest, eur), Ok(least));
}

#[test]
fn cash_is_rounded_to_the_nearest_step() {
    let check = |text: &str, step_minor: i64, expected: &str| {
        assert_eq!(
            money(text).cash_rounded(step_minor).expect("fits").format(),
            expected,
            "{text}"
        );
    };
    check("1.02 CHF", 5, "1.00 CHF");
    check("1.03 CHF", 5, "1.05 CHF");
    check("-1.03 CHF", 5, "-1.05 CHF");
    check("1.05 CHF", 5, "1.05 CHF");
    check("0.05 SEK", 10, "0.10 SEK");
    check("-0.05 SEK", 10, "-0.10 SEK");
    check("0.49 SEK", 100, "0.00 SEK");
    check("1.02 CHF", 1, "1.02 CHF");
    assert_eq!(money("1.02 CHF").cash_rounded(0), Err(MoneyError::Step));
    assert_eq!(money("1.02 CHF").cash_rounded(-5), Err(MoneyError::Step));
}

#[test]
fn a_split_gives_the_rest_to_the_largest_remainders_then_to_the_first() {
    let check = |text: &str, weights: &[u64], expected: &[&str]| {
        assert_eq!(
            formats(&money(text).split(weights).expect("splits")),
            expected,
            "{text}"
        );
    };
    check(
        "1.00 EUR",
        &[1, 1, 1],
        &["0.34 EUR", "0.33 EUR", "0.33 EUR"],
    );
    check(
        "-1.00 EUR",
        &[1, 1, 1],
        &["-0.34 EUR", "-0.33 EUR", "-0.33 EUR"],
    );
    check(
        "0.02 EUR",
        &[1, 1, 1],
        &["0.01 EUR", "0.01 EUR", "0.00 EUR"],
    );
    check("1.00 EUR", &[1, 6], &["0.14 EUR", "0.86 EUR"]);
    check(
        "1.00 EUR",
        &[0, 7, 0],
        &["0.00 EUR", "1.00 EUR", "0.00 EUR"],
    );
    for weights in [vec![], vec![0, 0], vec![1; PARTS_MAX + 1]] {
        assert_eq!(money("1.00 EUR").split(&weights), Err(MoneyError::Weights));
    }
}

#[test]
fn json_holds_the_amount_as_a_string() {
    let text = r#"{"amount":"1.10","currency":"EUR"}"#;
    let read: Money = serde_json::from_str(text).expect("reads");
    assert_eq!(serde_json::to_string(&read).expect("writes"), text);
    for refused in [
        r#"{"amount":1.10,"currency":"EUR"}"#,
        r#"{"amount":110,"currency":"EUR"}"#,
        r#"{"amount":"1.105","currency":"EUR"}"#,
        r#"{"amount":"1.10","currency":"XXX"}"#,
        r#"{"amount":"1.10","currency":"EUR","minor":"110"}"#,
        r#"{"amount":"1.10"}"#,
        r#""1.10 EUR""#,
    ] {
        assert!(serde_json::from_str::<Money>(refused).is_err(), "{refused}");
    }
}
