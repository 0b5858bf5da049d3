//! Where two JSON values differ, in words.

use std::collections::BTreeSet;

use serde_json::Value;

/// What members of an object mean that are not expected by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Members {
    /// They may be anything.
    Open,
    /// They are a difference.
    Exact,
}

/// One line for each place where `found` is not what is expected, by JSON Pointer.
pub fn differences(expected: &Value, found: &Value, members: Members) -> Vec<String> {
    let mut lines = Vec::new();
    compare("", Some(expected), Some(found), members, &mut lines);
    lines
}

fn compare(
    pointer: &str,
    expected: Option<&Value>,
    found: Option<&Value>,
    members: Members,
    lines: &mut Vec<String>,
) {
    match (expected, found) {
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            let mut names: BTreeSet<&String> = left.keys().collect();
            if members == Members::Exact {
                names.extend(right.keys());
            }
            for name in names {
                let pointer = format!("{pointer}/{name}");
                compare(&pointer, left.get(name), right.get(name), members, lines);
            }
        }
        (Some(Value::Array(left)), Some(Value::Array(right))) => {
            for place in 0..left.len().max(right.len()) {
                let pointer = format!("{pointer}/{place}");
                compare(&pointer, left.get(place), right.get(place), members, lines);
            }
        }
        (expected, found) if expected == found => {}
        (expected, found) => lines.push(format!(
            "{pointer}\n    expected {}\n    found    {}",
            shown(expected),
            shown(found)
        )),
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), Value::to_string)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(expected: &Value, found: &Value, members: Members, places: &[&str]) {
        let lines = differences(expected, found, members);
        let pointers = lines
            .iter()
            .map(|line| line.lines().next().unwrap_or_default());
        assert_eq!(pointers.collect::<Vec<_>>(), places);
    }

    #[test]
    fn each_place_that_differs_is_named_once() {
        let expected = json!({"a": 1, "b": [1, {"c": "x"}], "d": null});
        check(&expected, &expected, Members::Exact, &[]);
        let found = json!({"a": 2, "b": [1, {"c": "y"}, 3], "d": null});
        check(&expected, &found, Members::Exact, &["/a", "/b/1/c", "/b/2"]);
    }

    #[test]
    fn a_member_that_nobody_expected_counts_only_where_all_are_named() {
        let (expected, found) = (json!([{"a": 1}]), json!([{"a": 1, "b": 2}]));
        check(&expected, &found, Members::Open, &[]);
        check(&expected, &found, Members::Exact, &["/0/b"]);
        check(&found, &expected, Members::Open, &["/0/b"]);
    }

    #[test]
    fn lists_have_the_expected_length_either_way() {
        let (short, long) = (json!([]), json!([1]));
        check(&short, &long, Members::Open, &["/0"]);
        check(&long, &short, Members::Open, &["/0"]);
    }

    #[test]
    fn a_difference_shows_both_sides() {
        let lines = differences(&json!({"a": "x"}), &json!({}), Members::Open);
        assert_eq!(
            lines,
            ["/a\n    expected \"x\"\n    found    nothing".to_owned()]
        );
    }
}
