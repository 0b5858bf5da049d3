//! Who may do what over the HTTP API: roles, actions, and the one decision between them.
//!
//! Plugins are not spoken of here: what they may do is an [`crate::manifest::Authority`] of grants.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::confidentiality::Class;

/// What a person or program may do with the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything, in the whole organisation.
    Admin,
    /// Reads everything in the whole organisation, changes nothing.
    Auditor,
    /// Enables automations in one department, within its ceiling, and does what an operator does.
    Manager,
    /// Runs, previews and answers in one department.
    Operator,
    /// Reads what one department's automations did.
    Viewer,
}

/// What an operation asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Change the organisation: plugins, automations, books, tokens.
    Administer,
    /// Read the whole organisation: books, log, tokens.
    Audit,
    /// Enable and change a department's automations, within its ceiling.
    Manage,
    /// Start and preview a department's automations, answer its tasks.
    Operate,
    /// Read a department's automations, runs, tasks and messages.
    View,
}

impl Role {
    /// Every role.
    pub const ALL: &'static [Role] = &[
        Role::Admin,
        Role::Auditor,
        Role::Manager,
        Role::Operator,
        Role::Viewer,
    ];

    /// Whether the role is one of a department instead of the whole organisation.
    pub const fn is_departmental(self) -> bool {
        matches!(self, Role::Manager | Role::Operator | Role::Viewer)
    }

    /// The highest class of records' fields that the role sees.
    pub const fn clearance(self) -> Class {
        match self {
            Role::Admin | Role::Auditor => Class::Restricted,
            Role::Manager | Role::Operator | Role::Viewer => Class::Internal,
        }
    }

    /// The one decision: whether a role may do something where it holds.
    pub const fn may(self, action: Action) -> bool {
        match action {
            Action::Administer => matches!(self, Role::Admin),
            Action::Audit => matches!(self, Role::Admin | Role::Auditor),
            Action::Manage => matches!(self, Role::Admin | Role::Manager),
            Action::Operate => matches!(self, Role::Admin | Role::Manager | Role::Operator),
            Action::View => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_roles_and_actions_is_the_one_that_people_read() {
        let row = |role: Role| {
            [
                Action::Administer,
                Action::Audit,
                Action::Manage,
                Action::Operate,
                Action::View,
            ]
            .map(|action| role.may(action))
        };
        assert_eq!(row(Role::Admin), [true, true, true, true, true]);
        assert_eq!(row(Role::Auditor), [false, true, false, false, true]);
        assert_eq!(row(Role::Manager), [false, false, true, true, true]);
        assert_eq!(row(Role::Operator), [false, false, false, true, true]);
        assert_eq!(row(Role::Viewer), [false, false, false, false, true]);
        assert_eq!(Role::ALL.len(), 5);
    }
}
