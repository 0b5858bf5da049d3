//! What may this automation do: each of its grants, and what it is worth now.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::risk::{Risk, risk};
use crate::manifest::{Grant, Manifest, Permission, PermissionAsk, beyond, effective, is_within};

/// What a grant is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Worth {
    /// All that it says.
    Whole,
    /// A part of it: the department's ceiling does not allow the rest.
    Limited,
    /// Nothing: the department's ceiling allows none of it.
    AboveCeiling,
    /// Nothing: its end is past.
    Expired,
}

/// A grant as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Standing {
    /// What was granted.
    pub grant: Grant,
    /// The same in plain words.
    pub words: String,
    /// Why the plugin's author asks for it.
    pub reason: String,
    /// What it is worth.
    pub worth: Worth,
    /// What holds of it, within the department's ceiling.
    pub effective: Vec<Permission>,
    /// What could come of it.
    pub risk: Risk,
}

/// What a plugin asks for and was not granted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Withheld {
    /// What is asked for beyond what was granted.
    pub permission: Permission,
    /// The same in plain words.
    pub words: String,
    /// Why the plugin's author asks for it.
    pub reason: String,
}

/// Every grant, in its order.
pub fn standings(
    grants: &[Grant],
    manifest: &Manifest,
    ceiling: Option<&[Permission]>,
    now_us: i64,
) -> Vec<Standing> {
    let all = effective(grants, ceiling, now_us);
    let stand = |grant: &Grant| {
        let permission = &grant.permission;
        let worth = effective(std::slice::from_ref(grant), None, now_us);
        let lasts = !worth.is_empty();
        let worth = effective(std::slice::from_ref(grant), ceiling, now_us);
        Standing {
            words: permission.in_words(),
            reason: reason(permission, manifest),
            worth: match worth.as_slice() {
                _ if !lasts => Worth::Expired,
                [] => Worth::AboveCeiling,
                worth if is_within(permission, worth) => Worth::Whole,
                _ => Worth::Limited,
            },
            effective: worth,
            risk: risk(permission, &all),
            grant: grant.clone(),
        }
    };
    grants.iter().map(stand).collect()
}

/// Why the author asks for it: the reasons of all asks that a part of it comes from.
fn reason(permission: &Permission, manifest: &Manifest) -> String {
    let pieces = permission.pieces();
    let covers = |ask: &&PermissionAsk| pieces.iter().any(|piece| piece.leq(&ask.permission));
    let mut reasons: Vec<&str> = Vec::new();
    for ask in manifest.permissions.iter().filter(covers) {
        if !reasons.contains(&ask.reason.as_str()) {
            reasons.push(&ask.reason);
        }
    }
    reasons.join("; ")
}

/// What a manifest asks for that was not granted, whether the grant lasts or not.
pub fn withheld(grants: &[Grant], manifest: &Manifest) -> Vec<Withheld> {
    let granted: Vec<Permission> = grants
        .iter()
        .map(|grant| grant.permission.clone())
        .collect();
    let rest = manifest.permissions.iter().filter_map(|ask| {
        let permission = beyond(&ask.permission, &granted)?;
        Some(Withheld {
            words: permission.in_words(),
            reason: ask.reason.clone(),
            permission,
        })
    });
    rest.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn permission(value: serde_json::Value) -> Permission {
        serde_json::from_value(value).expect("a permission")
    }

    fn staff(operations: &[&str]) -> Permission {
        permission(json!({"kind": "records", "collection": "staff", "operations": operations}))
    }

    #[test]
    fn a_grant_stands_as_its_end_and_the_ceiling_let_it() {
        let manifest: Manifest = serde_json::from_value(json!({
            "name": "payroll", "version": "1.0.0", "publisher": "Example", "description": "Pays.",
            "permissions": [
                {"kind": "records", "collection": "staff", "operations": ["read"], "reason": "to look"},
                {"kind": "records", "collection": "staff", "operations": ["update"], "reason": "to pay them"},
                {"kind": "tasks", "role": "clerk", "reason": "to ask"},
                {"kind": "messages", "recipients": ["a.example", "b.example"], "reason": "to tell"},
            ],
        }))
        .expect("a manifest");
        let tasks = permission(json!({"kind": "tasks", "role": "clerk"}));
        let mail =
            |domains: &[&str]| permission(json!({"kind": "messages", "recipients": domains}));
        let until = |permission: Permission, expires_us| Grant {
            expires_us,
            ..Grant::from(permission)
        };
        let grants = [
            until(staff(&["read", "update"]), None),
            until(tasks, Some(10)),
            until(mail(&["a.example"]), Some(11)),
        ];
        let ceiling = [staff(&["read", "create"])];
        let worth = |ceiling, now_us| {
            let standings = standings(&grants, &manifest, ceiling, now_us);
            let worth = standings.iter().map(|standing| standing.worth);
            worth.collect::<Vec<_>>()
        };
        assert_eq!(worth(None, 9), [Worth::Whole, Worth::Whole, Worth::Whole]);
        assert_eq!(
            worth(None, 10),
            [Worth::Whole, Worth::Expired, Worth::Whole]
        );
        let limited = [Worth::Limited, Worth::Expired, Worth::AboveCeiling];
        assert_eq!(worth(Some(&ceiling), 10), limited);
        let first = &standings(&grants, &manifest, Some(&ceiling), 9)[0];
        assert_eq!(first.effective, [staff(&["read"])]);
        assert_eq!(first.reason, "to look; to pay them");
        let withheld = withheld(&grants, &manifest);
        let rest: Vec<_> = withheld.iter().map(|rest| &rest.permission).collect();
        assert_eq!(rest, [&mail(&["b.example"])]);
        assert_eq!(withheld[0].reason, "to tell");
    }
}
