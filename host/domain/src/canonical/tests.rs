//! Cases of `canonical`.

use super::*;
use serde_json::json;

fn check_text_of(input: &str, expected: &str) {
    let value = parse(input).expect("the case is valid");
    assert_eq!(
        to_text(&value).expect("what was read can be written"),
        expected,
        "{input}"
    );
}

fn at(pointer: &str) -> String {
    pointer.to_owned()
}

#[test]
fn text_is_the_shortest_of_its_value() {
    check_text_of(
        " { \"b\" : [ 1 , -2 ] , \"a\" : { } } ",
        r#"{"a":{},"b":[1,-2]}"#,
    );
    check_text_of("9007199254740991", "9007199254740991");
    check_text_of("-9007199254740991", "-9007199254740991");
    check_text_of("null", "null");
    check_text_of(r#""\u0041\/\u00e9""#, "\"A/é\"");
    check_text_of(
        r#""\u0008\u0009\u000A\u000c\u000d\u001F\u007f\"\\""#,
        "\"\\b\\t\\n\\f\\r\\u001f\u{7f}\\\"\\\\\"",
    );
    check_text_of(r#""\u2028\ud83d\ude02""#, "\"\u{2028}😂\"");
}

#[test]
fn keys_are_ordered_by_utf16_code_units() {
    // RFC 8785, 3.2.3: the surrogate pair of the smiley sorts before U+FB33, though its code point is larger.
    let input = r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#;
    let expected = "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}";
    check_text_of(input, expected);
}

#[test]
fn what_has_no_canonical_form_is_refused_with_its_place() {
    let check =
        |input: &str, expected: CanonicalError| assert_eq!(parse(input), Err(expected), "{input}");
    check(
        r#"{"a":[0,1.5]}"#,
        CanonicalError::Number {
            pointer: at("/a/1"),
        },
    );
    check(
        r#"{"a/b":{"~":1e2}}"#,
        CanonicalError::Number {
            pointer: at("/a~1b/~0"),
        },
    );
    check(
        "9007199254740992",
        CanonicalError::Number { pointer: at("") },
    );
    check(
        "-9007199254740992",
        CanonicalError::Number { pointer: at("") },
    );
    check(
        "18446744073709551616",
        CanonicalError::Number { pointer: at("") },
    );
    check("-0", CanonicalError::Number { pointer: at("") });
    check(
        r#"{"a":{"b":1,"c":2,"\u0062":3}}"#,
        CanonicalError::DuplicateKey {
            pointer: at("/a/b"),
        },
    );
    check(
        r#"[["x\u0000"]]"#,
        CanonicalError::NulCharacter {
            pointer: at("/0/0"),
        },
    );
    check(
        r#"{"a":{"\u0000":1}}"#,
        CanonicalError::NulCharacter {
            pointer: at("/a/\0"),
        },
    );
}

#[test]
fn text_that_is_no_json_is_a_syntax_error() {
    for input in [
        "",
        "{",
        "[1,]",
        "{'a':1}",
        "1 2",
        "01",
        "+1",
        "NaN",
        "\"\\ud800\"",
        "\"\u{1}\"",
        "\u{feff}1",
    ] {
        assert!(
            matches!(parse(input), Err(CanonicalError::Syntax { .. })),
            "{input:?}: {:?}",
            parse(input)
        );
    }
}

#[test]
fn a_syntax_error_is_not_hidden_by_depth_or_place() {
    assert!(matches!(
        parse(r#"{"a":[1,{"b":}]}"#),
        Err(CanonicalError::Syntax { .. })
    ));
}

#[test]
fn depth_is_limited_both_ways() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let deepest = parse(&nested(DEPTH_MAX)).expect("the limit itself is allowed");
    assert_eq!(to_text(&deepest).expect("fits"), nested(DEPTH_MAX));
    let refusal = CanonicalError::TooDeep {
        pointer: "/0".repeat(DEPTH_MAX),
    };
    assert_eq!(parse(&nested(DEPTH_MAX + 1)), Err(refusal.clone()));
    assert_eq!(to_text(&Value::Array(vec![deepest])), Err(refusal));
    assert!(matches!(
        parse(&nested(400_000)),
        Err(CanonicalError::TooDeep { .. })
    ));
}

#[test]
fn size_is_limited_both_ways() {
    let text = format!("\"{}\"", "x".repeat(JSON_BYTES_MAX - 2));
    let largest = parse(&text).expect("the limit itself is allowed");
    assert_eq!(to_text(&largest).expect("fits"), text);
    assert_eq!(parse(&format!("{text} ")), Err(CanonicalError::TooLarge));
    assert_eq!(
        to_text(&Value::Array(vec![largest])),
        Err(CanonicalError::TooLarge)
    );
}

#[test]
fn a_value_made_in_memory_is_held_to_the_same_rules() {
    let check = |value: &Value, expected: CanonicalError| assert_eq!(to_text(value), Err(expected));
    check(
        &json!({"a": [1, 2.5]}),
        CanonicalError::Number {
            pointer: at("/a/1"),
        },
    );
    check(
        &json!([u64::MAX]),
        CanonicalError::Number { pointer: at("/0") },
    );
    check(
        &json!({"a": {"b": "\0"}}),
        CanonicalError::NulCharacter {
            pointer: at("/a/b"),
        },
    );
    check(
        &json!({"\0": 1}),
        CanonicalError::NulCharacter { pointer: at("/\0") },
    );
}

#[test]
fn a_merge_patch_does_what_the_appendix_of_its_rfc_says() {
    let cases = [
        (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
        (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
        (json!({"a":"b"}), json!({"a":null}), json!({})),
        (
            json!({"a":"b","b":"c"}),
            json!({"a":null}),
            json!({"b":"c"}),
        ),
        (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
        (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
        (
            json!({"a":{"b":"c"}}),
            json!({"a":{"b":"d","c":null}}),
            json!({"a":{"b":"d"}}),
        ),
        (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
        (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
        (json!({"a":"b"}), json!(["c"]), json!(["c"])),
        (json!({"a":"foo"}), json!(null), json!(null)),
        (json!({"a":"foo"}), json!("bar"), json!("bar")),
        (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
        (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
        (
            json!({}),
            json!({"a":{"bb":{"ccc":null}}}),
            json!({"a":{"bb":{}}}),
        ),
    ];
    for (target, patch, expected) in cases {
        assert_eq!(merge_patch(&target, &patch), expected, "{target} + {patch}");
    }
}
