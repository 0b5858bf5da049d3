//! `${name/pointer}` in a case's texts: what an earlier call answered, or what the seed's row is called.

use bursar_sdk::Failure;
use serde_json::Value;

use crate::malformed;

/// A value with every reference replaced. A text that is one reference becomes the value itself.
pub fn resolved(value: &Value, known: &Value) -> Result<Value, Failure> {
    match value {
        Value::String(text) => text_resolved(text, known),
        Value::Array(items) => items.iter().map(|item| resolved(item, known)).collect(),
        Value::Object(members) => members
            .iter()
            // What is repeated has a place of its own: it is resolved each time.
            .map(|(name, member)| match name.as_str() {
                "repeated" => Ok((name.clone(), member.clone())),
                _ => Ok((name.clone(), resolved(member, known)?)),
            })
            .collect(),
        other => Ok(other.clone()),
    }
}

fn text_resolved(text: &str, known: &Value) -> Result<Value, Failure> {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (reference, after) = after
            .split_once('}')
            .ok_or_else(|| malformed(&format!("{text:?} does not close a reference")))?;
        let value = known
            .pointer(&format!("/{reference}"))
            .ok_or_else(|| malformed(&format!("nothing is known as {reference:?}")))?;
        if before.is_empty() && after.is_empty() && whole.is_empty() {
            return Ok(value.clone());
        }
        whole.push_str(before);
        match value {
            Value::String(text) => whole.push_str(text),
            other => whole.push_str(&other.to_string()),
        }
        rest = after;
    }
    whole.push_str(rest);
    Ok(whole.into())
}
