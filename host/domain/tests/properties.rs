//! The numbered invariants of pure rules, for values that nobody chose.

use std::cmp::Ordering;

use bursar_domain::business::{BusinessCalendar, Roll};
use bursar_domain::canonical::{self, INTEGER_MAX};
use bursar_domain::decimal::{Decimal, Rounding};
use bursar_domain::money::{Currency, Money, MoneyError};
use bursar_domain::totals::{self, AdjustmentInput, LineInput, Tax, Totals};
use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value};

/// Every currency there is, found by trying every code.
fn currencies() -> Vec<Currency> {
    let letters = || 'A'..='Z';
    let codes = letters().flat_map(|first| {
        letters()
            .flat_map(move |second| letters().map(move |third| format!("{first}{second}{third}")))
    });
    codes
        .filter_map(|code| Currency::parse(&code).ok())
        .collect()
}

fn any_currency() -> impl Strategy<Value = Currency> {
    select(currencies())
}

fn any_money() -> impl Strategy<Value = Money> {
    (any::<i64>(), any_currency()).prop_map(|(minor, currency)| Money::new(minor, currency))
}

/// Decimals as they come from outside.
fn any_decimal() -> impl Strategy<Value = Decimal> {
    (
        -999_999_999_999_999_999..=999_999_999_999_999_999_i64,
        0..=10_u32,
    )
        .prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale).expect("18 digits fit"))
}

fn any_rounding() -> impl Strategy<Value = Rounding> {
    select(vec![
        Rounding::HalfAwayFromZero,
        Rounding::HalfEven,
        Rounding::HalfPlusInfinity,
    ])
}

#[test]
fn mon_1_every_currency_reads_back_the_amounts_that_it_writes() {
    let currencies = currencies();
    assert!(currencies.len() > 150, "found {}", currencies.len());
    for currency in currencies {
        for minor in [0, 1, -1, 9, 10, -99, 100, 1234, -99_999, i64::MAX, i64::MIN] {
            let money = Money::new(minor, currency);
            assert_eq!(Money::parse(&money.format()), Ok(money));
        }
    }
}

proptest! {
    #[test]
    fn mon_1_amounts_read_back_as_written(money in any_money()) {
        prop_assert_eq!(Money::parse(&money.format()), Ok(money));
    }

    #[test]
    fn mon_2_sums_are_exact_or_refused(left in any::<i64>(), right in any::<i64>(), currency in any_currency()) {
        let exact = i128::from(left) + i128::from(right);
        let expected = i64::try_from(exact).map(|minor| Money::new(minor, currency)).map_err(|_| MoneyError::Overflow);
        let (left, right) = (Money::new(left, currency), Money::new(right, currency));
        prop_assert_eq!(left.checked_add(right), expected);
        if let Ok(sum) = expected {
            prop_assert_eq!(sum.checked_sub(right), Ok(left));
        }
    }

    #[test]
    fn mon_2_currencies_never_mix(left in any_money(), right in any_money()) {
        prop_assume!(left.currency != right.currency);
        let mixed = MoneyError::MixedCurrencies { left: left.currency, right: right.currency };
        prop_assert_eq!(left.checked_add(right), Err(mixed));
        prop_assert_eq!(left.checked_sub(right), Err(mixed));
        prop_assert_eq!(left.checked_cmp(right), Err(mixed));
    }

    #[test]
    fn mon_3_the_parts_of_a_split_add_up(money in any_money(), weights in weights()) {
        let parts = money.split(&weights).expect("not all weights are zero");
        prop_assert_eq!(parts.len(), weights.len());
        let sum: i128 = parts.iter().map(|part| i128::from(part.minor)).sum();
        prop_assert_eq!(sum, i128::from(money.minor));
        prop_assert!(parts.iter().all(|part| part.currency == money.currency));
    }

    #[test]
    fn mon_3_no_part_of_a_split_is_a_minor_unit_off(minor in -10_000_000..10_000_000_i64, weights in weights()) {
        let money = Money::new(minor, Currency::parse("EUR").expect("known"));
        let total: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
        for (part, weight) in money.split(&weights).expect("not all weights are zero").iter().zip(&weights) {
            let off = i128::from(part.minor) * total - i128::from(minor) * i128::from(*weight);
            prop_assert!(off.abs() < total, "{} for {} of {}", part, weight, total);
        }
    }

    #[test]
    fn mon_4_rounding_twice_is_rounding_once(number in any_decimal(), digits in 0..=10_u32, rounding in any_rounding()) {
        let once = number.round(digits, rounding).expect("fits");
        prop_assert_eq!(once.scale(), digits);
        let twice = once.round(digits, rounding).expect("fits");
        prop_assert_eq!(twice.to_string(), once.to_string());
    }

    #[test]
    fn mon_4_rounding_goes_to_a_nearest_number(number in any_decimal(), digits in 0..=10_u32, rounding in any_rounding()) {
        let rounded = number.round(digits, rounding).expect("fits");
        let distance = number.checked_sub(rounded).expect("fits");
        let half = Decimal::new(5, digits + 1).expect("fits");
        prop_assert!(distance <= half && distance >= half.negated(), "{} became {}", number, rounded);
    }

    #[test]
    fn mon_4_cash_rounding_twice_is_rounding_once(minor in -1_000_000..1_000_000_i64, step in 1..1000_i64) {
        let once = Money::new(minor, Currency::parse("CHF").expect("known")).cash_rounded(step).expect("fits");
        prop_assert_eq!(once.minor % step, 0);
        prop_assert!((once.minor - minor).abs() * 2 <= step);
        prop_assert_eq!(once.cash_rounded(step), Ok(once));
    }

    #[test]
    fn mon_5_json_keeps_every_digit(money in any_money(), number in any_decimal()) {
        let text = serde_json::to_string(&money).expect("serializes");
        prop_assert_eq!(serde_json::from_str::<Money>(&text).expect("reads"), money);
        let amount = format!("\"{}\"", money.amount_text());
        prop_assert!(text.contains(&amount));
        let text = serde_json::to_string(&number).expect("serializes");
        prop_assert_eq!(&text, &format!("\"{number}\""));
        prop_assert_eq!(serde_json::from_str::<Decimal>(&text).expect("reads").to_string(), number.to_string());
    }

    #[test]
    fn decimal_arithmetic_is_exact(left in any_decimal(), right in any_decimal()) {
        let scale = left.scale().max(right.scale());
        let at_scale = |number: Decimal| number.mantissa() * 10_i128.pow(scale - number.scale());
        let sum = left.checked_add(right).expect("fits");
        prop_assert_eq!((sum.mantissa(), sum.scale()), (at_scale(left) + at_scale(right), scale));
        prop_assert_eq!(sum.checked_sub(right), Ok(left));
        prop_assert_eq!(left.cmp(&right), at_scale(left).cmp(&at_scale(right)));
        let product = left.mantissa() * right.mantissa();
        match left.checked_mul(right) {
            Ok(exact) => prop_assert_eq!((exact.mantissa(), exact.scale()), (product, left.scale() + right.scale())),
            Err(_) => prop_assert!(product.unsigned_abs() >= 1 << 96),
        }
    }
}

fn weights() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(prop_oneof![Just(0), 1..100_u64, any::<u64>()], 1..20)
        .prop_filter("a split needs a weight", |weights| {
            weights.iter().any(|weight| *weight > 0)
        })
}

fn any_tax() -> impl Strategy<Value = Tax> {
    let rates = vec!["0", "5", "5.0", "9.5", "20", "25.5"];
    (select(vec!["S", "Z", "AE"]), select(rates)).prop_map(|(category, rate)| Tax {
        category: category.to_owned(),
        rate: Decimal::parse(rate).expect("a rate"),
    })
}

fn any_adjustments(tax: impl Strategy<Value = Tax>) -> impl Strategy<Value = Vec<AdjustmentInput>> {
    let adjustment =
        (any::<bool>(), -1_000_000..1_000_000_i64, tax).prop_map(|(is_charge, amount, tax)| {
            AdjustmentInput {
                is_charge,
                amount: Decimal::new(amount, 4).expect("fits"),
                tax,
            }
        });
    prop::collection::vec(adjustment, 0..3)
}

fn any_line() -> impl Strategy<Value = LineInput> {
    (-1_000_000..1_000_000_i64, 0..10_000_000_i64, any_tax())
        .prop_flat_map(|(quantity, price, tax)| {
            (
                Just(quantity),
                Just(price),
                any_adjustments(Just(tax.clone())),
                Just(tax),
            )
        })
        .prop_map(|(quantity, price, adjustments, tax)| LineInput {
            quantity: Decimal::new(quantity, 3).expect("fits"),
            unit_price: Decimal::new(price, 4).expect("fits"),
            adjustments,
            tax,
        })
}

fn any_lines() -> impl Strategy<Value = Vec<LineInput>> {
    prop::collection::vec(any_line(), 0..12)
}

fn compute(lines: &[LineInput], adjustments: &[AdjustmentInput], currency: Currency) -> Totals {
    totals::compute(lines, adjustments, currency).expect("figures of this size fit")
}

fn negated(adjustments: &[AdjustmentInput]) -> Vec<AdjustmentInput> {
    let negate = |one: &AdjustmentInput| AdjustmentInput {
        amount: one.amount.negated(),
        ..one.clone()
    };
    adjustments.iter().map(negate).collect()
}

proptest! {
    #[test]
    fn inv_6_line_order_changes_nothing(
        (lines, shuffled) in any_lines().prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle())),
        adjustments in any_adjustments(any_tax()),
        currency in any_currency(),
    ) {
        let mut totals = compute(&lines, &adjustments, currency);
        let mut other = compute(&shuffled, &adjustments, currency);
        totals.line_nets.sort_by_key(|net| net.minor);
        other.line_nets.sort_by_key(|net| net.minor);
        prop_assert_eq!(&totals, &other);
        let texts = [&totals, &other].map(|totals| serde_json::to_string(totals).expect("serializes"));
        prop_assert_eq!(&texts[0], &texts[1]);
    }

    #[test]
    fn inv_7_the_negated_invoice_negates_every_total(
        lines in any_lines(),
        adjustments in any_adjustments(any_tax()),
        currency in any_currency(),
    ) {
        let totals = compute(&lines, &adjustments, currency);
        let credit = |line: &LineInput| LineInput {
            quantity: line.quantity.negated(),
            adjustments: negated(&line.adjustments),
            ..line.clone()
        };
        let credits: Vec<LineInput> = lines.iter().map(credit).collect();
        let credited = compute(&credits, &negated(&adjustments), currency);
        let cancels = |left: Money, right: Money| left.checked_add(right) == Ok(Money::zero(currency));
        prop_assert!(cancels(totals.net, credited.net));
        prop_assert!(cancels(totals.tax, credited.tax));
        prop_assert!(cancels(totals.gross, credited.gross));
        for (total, credited) in totals.tax_totals.iter().zip(&credited.tax_totals) {
            prop_assert_eq!(&total.tax, &credited.tax);
            prop_assert!(cancels(total.taxable, credited.taxable) && cancels(total.amount, credited.amount));
        }
    }

    #[test]
    fn totals_add_up(lines in any_lines(), adjustments in any_adjustments(any_tax()), currency in any_currency()) {
        let totals = compute(&lines, &adjustments, currency);
        let sum = |amounts: Vec<Money>| Money::checked_sum(amounts, currency).expect("fits");
        let effects = adjustments.iter().map(|one| {
            let signed = if one.is_charge { one.amount } else { one.amount.negated() };
            Money::round_from(signed, currency).expect("fits")
        });
        prop_assert_eq!(totals.net, sum(totals.line_nets.iter().copied().chain(effects).collect()));
        prop_assert_eq!(totals.tax, sum(totals.tax_totals.iter().map(|total| total.amount).collect()));
        prop_assert_eq!(Ok(totals.gross), totals.net.checked_add(totals.tax));
        let order = |pair: &[totals::TaxTotal]| pair[0].tax.cmp(&pair[1].tax) == Ordering::Less;
        prop_assert!(totals.tax_totals.windows(2).all(order));
    }
}

fn any_date() -> impl Strategy<Value = Date> {
    (0..40_000_i32).prop_map(|day| {
        let first = jiff::civil::date(1990, 1, 1);
        first.checked_add(day.days()).expect("in range")
    })
}

fn any_calendar() -> impl Strategy<Value = BusinessCalendar> {
    let weekdays: Vec<Weekday> = (0..7_i8)
        .map(|offset| Weekday::from_monday_zero_offset(offset).expect("a weekday"))
        .collect();
    let weekend = prop::sample::subsequence(weekdays, 0..=6);
    let holidays = prop::collection::btree_set(any_date(), 0..600);
    (weekend, holidays).prop_map(|(weekend, holidays)| {
        BusinessCalendar::new(weekend, holidays, 1).expect("one weekday is open")
    })
}

fn any_roll() -> impl Strategy<Value = Roll> {
    select(vec![
        Roll::Following,
        Roll::Preceding,
        Roll::ModifiedFollowing,
    ])
}

proptest! {
    #[test]
    fn sch_5_adding_business_days_and_taking_them_away_leads_back(
        calendar in any_calendar(),
        date in any_date(),
        days in -400..=400_i32,
    ) {
        let open = calendar.roll(date, Roll::Following).expect("something is open");
        let reached = calendar.add(open, days).expect("in range");
        prop_assert!(calendar.is_open(reached));
        prop_assert_eq!(calendar.add(reached, -days), Ok(open));
    }

    #[test]
    fn sch_5_rolling_twice_is_rolling_once(calendar in any_calendar(), date in any_date(), roll in any_roll()) {
        let once = calendar.roll(date, roll).expect("something is open");
        prop_assert!(calendar.is_open(once));
        prop_assert_eq!(calendar.roll(once, roll), Ok(once));
    }

    #[test]
    fn as_many_days_lie_between_as_were_added(calendar in any_calendar(), date in any_date(), days in 0..=200_i32) {
        let start = calendar.add(date, 0).expect("something is open");
        let end = calendar.add(start, days).expect("in range");
        prop_assert_eq!(calendar.between(start, end), Ok(days.unsigned_abs()));
    }
}

/// JSON that has a canonical form.
fn any_json() -> impl Strategy<Value = Value> {
    let text = || "[^\\x00]{0,8}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-INTEGER_MAX..=INTEGER_MAX).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..6)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn to_text(value: &Value) -> String {
    canonical::to_text(value).expect("has a canonical form")
}

/// The same value written in another order and with blanks.
fn scrambled(value: &Value, pick: Index) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<String> = members
                .iter()
                .map(|(key, value)| {
                    format!("{} : {}", Value::from(key.as_str()), scrambled(value, pick))
                })
                .collect();
            if !members.is_empty() {
                let start = pick.index(members.len());
                members.rotate_left(start);
            }
            format!("{{ {} }}", members.join(" ,\n"))
        }
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(|value| scrambled(value, pick)).collect();
            format!("[\t{} ]", values.join(" , "))
        }
        scalar => scalar.to_string(),
    }
}

proptest! {
    #[test]
    fn canonical_text_reads_back_as_the_same_value(value in any_json()) {
        let text = to_text(&value);
        let read = canonical::parse(&text).expect("canonical text is JSON");
        prop_assert_eq!(&read, &value);
        prop_assert_eq!(to_text(&read), text);
    }

    #[test]
    fn canonical_text_does_not_depend_on_order_or_blanks(value in any_json(), pick in any::<Index>()) {
        let read = canonical::parse(&scrambled(&value, pick)).expect("is JSON");
        prop_assert_eq!(to_text(&read), to_text(&value));
    }

    #[test]
    fn damaged_text_is_read_as_other_readers_do_or_refused(
        value in any_json(),
        pick in any::<Index>(),
        damage in "[\\[\\]{}\",:0-9a-c\\\\ .eE+-]{0,2}",
    ) {
        let mut characters: Vec<String> = to_text(&value).chars().map(String::from).collect();
        let damaged = pick.index(characters.len());
        characters[damaged] = damage;
        let text = characters.concat();
        if let Ok(read) = canonical::parse(&text) {
            prop_assert_eq!(serde_json::from_str::<Value>(&text).expect("is JSON"), read);
        }
    }

    #[test]
    fn a_merge_patch_applied_twice_is_one_applied_once(target in any_json(), patch in any_json()) {
        let once = canonical::merge_patch(&target, &patch);
        prop_assert_eq!(canonical::merge_patch(&once, &patch), once);
    }

    #[test]
    fn an_empty_merge_patch_changes_no_object(members in prop::collection::btree_map("[a-c]{1,2}", any_json(), 0..6)) {
        let target: Value = members.into_iter().collect();
        prop_assert_eq!(canonical::merge_patch(&target, &Value::Object(Map::new())), target);
    }
}
