//! What moving an automation to another version of its plugin comes to.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{difference::Difference, standing::Withheld};
use crate::manifest::{Grant, Manifest, Permission, beyond, is_within, meet_all};

/// How the permissions of two versions differ, and what would be granted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Upgrade {
    /// What the new version asks for and the old one did not: it waits for somebody's word. An ask that was widened is a new
    /// one, with all of it.
    pub asks_more: Vec<Withheld>,
    /// What it no longer asks for, in plain words: it is given up.
    pub asks_less: Vec<String>,
    /// What stays granted of what is granted now.
    pub grants: Vec<Grant>,
    /// What is granted once the rest is approved too: that ends no later than what was granted of the same.
    pub approved: Vec<Grant>,
    /// What the automation could do then that it cannot do now, and the other way round.
    #[serde(flatten)]
    pub difference: Difference,
}

/// From one version to another, of an automation with such grants.
pub fn upgrade(grants: &[Grant], from: &Manifest, to: &Manifest) -> Upgrade {
    let (old, new) = (asks(from), asks(to));
    let more = to.permissions.iter().filter_map(|ask| {
        let permission = beyond(&ask.permission, &old)?;
        Some(Withheld {
            words: permission.in_words(),
            reason: ask.reason.clone(),
            permission,
        })
    });
    let asks_more: Vec<Withheld> = more.collect();
    let less = old.iter().filter_map(|ask| beyond(ask, &new));
    let kept: Vec<Grant> = grants.iter().flat_map(|grant| kept(grant, &new)).collect();
    let added = asks_more.iter().map(|ask| added(&ask.permission, grants));
    let approved: Vec<Grant> = kept.iter().cloned().chain(added).collect();
    let of = |grants: &[Grant]| -> Vec<Permission> {
        grants
            .iter()
            .map(|grant| grant.permission.clone())
            .collect()
    };
    Upgrade {
        asks_less: less.map(|permission| permission.in_words()).collect(),
        difference: Difference::between(&of(grants), &of(&approved)),
        asks_more,
        grants: kept,
        approved,
    }
}

/// A new grant, which ends with the first of those that it widens.
fn added(permission: &Permission, grants: &[Grant]) -> Grant {
    let widened = grants
        .iter()
        .filter(|grant| permission.meet(&grant.permission).is_some());
    Grant {
        expires_us: widened.filter_map(|grant| grant.expires_us).min(),
        ..Grant::from(permission.clone())
    }
}

/// What of a grant a version asks for, on the same terms.
fn kept(grant: &Grant, asks: &[Permission]) -> Vec<Grant> {
    let permission = &grant.permission;
    let parts = if is_within(permission, asks) {
        vec![permission.clone()]
    } else {
        meet_all(std::slice::from_ref(permission), asks)
    };
    let with_terms = |permission| Grant {
        permission,
        ..grant.clone()
    };
    parts.into_iter().map(with_terms).collect()
}

fn asks(manifest: &Manifest) -> Vec<Permission> {
    let asks = manifest.permissions.iter();
    asks.map(|ask| ask.permission.clone()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn staff(operations: &[&str]) -> Value {
        json!({"kind": "records", "collection": "staff", "operations": operations})
    }

    fn tasks(role: &str) -> Value {
        json!({"kind": "tasks", "role": role})
    }

    fn manifest(asks: &[Value]) -> Manifest {
        let because = |ask: &Value| {
            let mut ask = ask.clone();
            ask["reason"] = json!("so");
            ask
        };
        let asks: Vec<Value> = asks.iter().map(because).collect();
        serde_json::from_value(json!({
            "name": "helper", "version": "1.0.0", "publisher": "Example", "description": "Helps.", "permissions": asks,
        }))
        .expect("a manifest")
    }

    #[test]
    fn what_was_granted_stays_as_far_as_it_is_asked_for() {
        let from = manifest(&[
            staff(&["read", "update", "delete"]),
            tasks("clerk"),
            tasks("boss"),
        ]);
        let to = manifest(&[
            staff(&["read", "update", "create"]),
            tasks("clerk"),
            tasks("guest"),
        ]);
        // The boss was withheld, and so was removing.
        let grants: Vec<Grant> = serde_json::from_value(json!([
            {"kind": "records", "collection": "staff", "operations": ["read", "update"], "note": "as asked", "expires_us": 7},
            tasks("clerk"),
        ]))
        .expect("grants");
        let found = upgrade(&grants, &from, &to);
        assert_eq!(found.grants, grants);
        let more: Vec<&str> = found
            .asks_more
            .iter()
            .map(|ask| ask.words.as_str())
            .collect();
        assert_eq!(
            more,
            [
                "records of \"staff\": create",
                "tasks for the role \"guest\""
            ]
        );
        let less = [
            "records of \"staff\": delete",
            "tasks for the role \"boss\"",
        ];
        assert_eq!(found.asks_less, less);
        assert_eq!(found.approved[..2], grants);
        assert_eq!(found.approved.len(), 4);
        assert_eq!(found.difference.gained, more);
        assert!(
            found.difference.lost.is_empty(),
            "nothing of it was granted"
        );
        // What is widened was withheld in part: that is told, and the end holds for the rest too.
        let teams = |teams: &[&str]| {
            let mut ask = staff(&["read"]);
            ask["rows"] = json!({"team": teams});
            ask
        };
        let mut own = teams(&["a"]);
        own["expires_us"] = json!(9);
        let own: Vec<Grant> = serde_json::from_value(json!([own])).expect("grants");
        let (two, three) = (
            manifest(&[teams(&["a", "b"])]),
            manifest(&[teams(&["a", "b", "c"])]),
        );
        let widened = upgrade(&own, &two, &three);
        assert_eq!(widened.grants, own);
        assert_eq!(widened.approved[1].expires_us, Some(9));
        let words = "records of \"staff\": read, where team is \"a\" or \"b\" or \"c\"";
        assert_eq!(widened.difference.gained, [words]);
        // And back: what was given up is asked for again.
        let back = upgrade(&grants, &to, &from);
        assert_eq!(back.asks_more.len(), 2);
        let narrow = manifest(&[staff(&["read"])]);
        let found = upgrade(&grants, &from, &narrow);
        assert!(found.asks_more.is_empty());
        let left: Vec<Grant> = serde_json::from_value(json!([
            {"kind": "records", "collection": "staff", "operations": ["read"], "note": "as asked", "expires_us": 7},
        ]))
        .expect("grants");
        assert_eq!(found.grants, left);
    }
}
