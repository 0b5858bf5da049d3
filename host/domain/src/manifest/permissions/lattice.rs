//! Permissions as a lattice: which of two allows more, and what both allow.
//!
//! A permission is a box: some operations on one thing, with bounds that do not depend on each other. So what two of them
//! allow together is a box again, and it is found side by side. Nothing here reads a row: the order holds whatever a
//! collection's fields are and whatever its rows say.

use std::collections::BTreeSet;

use super::{Permission, domain_within};

impl Permission {
    /// Whether it allows nothing: no operation, no recipient, or no row.
    pub fn is_empty(&self) -> bool {
        match self {
            Permission::Records {
                operations, scope, ..
            } => operations.is_empty() || scope.is_empty(),
            Permission::Invoices { operations, .. } => operations.is_empty(),
            Permission::Calendars { operations, .. } => operations.is_empty(),
            Permission::Documents { operations, .. } => operations.is_empty(),
            Permission::Messages { recipients } => recipients.is_empty(),
            Permission::Tasks { .. } => false,
        }
    }

    /// Whether everything that it allows is allowed by another one too: what both allow is what it allows by itself.
    pub fn leq(&self, other: &Self) -> bool {
        self.is_empty() || self.meet(other) == self.meet(self)
    }

    /// What both allow; none is nothing.
    pub fn meet(&self, other: &Self) -> Option<Self> {
        let met = match (self, other) {
            (
                Permission::Records {
                    collection,
                    operations,
                    scope,
                },
                Permission::Records {
                    collection: other,
                    operations: others,
                    scope: bounds,
                },
            ) if collection == other => Permission::Records {
                collection: collection.clone(),
                operations: common(operations, others),
                scope: scope.meet(bounds),
            },
            (
                Permission::Invoices { flow, operations },
                Permission::Invoices {
                    flow: other,
                    operations: others,
                },
            ) if flow == other => Permission::Invoices {
                flow: *flow,
                operations: common(operations, others),
            },
            (
                Permission::Calendars {
                    calendar,
                    operations,
                },
                Permission::Calendars {
                    calendar: other,
                    operations: others,
                },
            ) if calendar == other => Permission::Calendars {
                calendar: calendar.clone(),
                operations: common(operations, others),
            },
            (
                Permission::Documents { folder, operations },
                Permission::Documents {
                    folder: other,
                    operations: others,
                },
            ) if folder == other => Permission::Documents {
                folder: folder.clone(),
                operations: common(operations, others),
            },
            (Permission::Messages { recipients }, Permission::Messages { recipients: others }) => {
                Permission::Messages {
                    recipients: narrower(recipients, others),
                }
            }
            (Permission::Tasks { role }, Permission::Tasks { role: other }) if role == other => {
                self.clone()
            }
            _ => return None,
        };
        (!met.is_empty()).then_some(met)
    }

    /// Leaves out the operations of one of its pieces.
    fn give_up(&mut self, piece: &Self) {
        match (self, piece) {
            (
                Permission::Records { operations, .. },
                Permission::Records {
                    operations: gone, ..
                },
            ) => operations.retain(|one| !gone.contains(one)),
            (
                Permission::Invoices { operations, .. },
                Permission::Invoices {
                    operations: gone, ..
                },
            ) => operations.retain(|one| !gone.contains(one)),
            (
                Permission::Calendars { operations, .. },
                Permission::Calendars {
                    operations: gone, ..
                },
            ) => operations.retain(|one| !gone.contains(one)),
            (
                Permission::Documents { operations, .. },
                Permission::Documents {
                    operations: gone, ..
                },
            ) => operations.retain(|one| !gone.contains(one)),
            (Permission::Messages { recipients }, Permission::Messages { recipients: gone }) => {
                recipients.retain(|one| !gone.contains(one));
            }
            // It is one piece, or another permission's.
            _ => {}
        }
    }

    /// The same, one operation at a time: what several permissions allow together is looked for piece by piece.
    pub fn pieces(&self) -> Vec<Self> {
        fn each<T: Copy + Ord>(
            operations: &BTreeSet<T>,
            piece: impl Fn(BTreeSet<T>) -> Permission,
        ) -> Vec<Permission> {
            let one = |operation: &T| piece(BTreeSet::from([*operation]));
            operations.iter().map(one).collect()
        }
        match self.clone() {
            Permission::Records {
                collection,
                operations,
                scope,
            } => each(&operations, |operations| Permission::Records {
                collection: collection.clone(),
                operations,
                scope: scope.clone(),
            }),
            Permission::Invoices { flow, operations } => each(&operations, |operations| {
                Permission::Invoices { flow, operations }
            }),
            Permission::Calendars {
                calendar,
                operations,
            } => each(&operations, |operations| Permission::Calendars {
                calendar: calendar.clone(),
                operations,
            }),
            Permission::Documents { folder, operations } => {
                each(&operations, |operations| Permission::Documents {
                    folder: folder.clone(),
                    operations,
                })
            }
            Permission::Messages { recipients } => {
                let one = |recipient| Permission::Messages {
                    recipients: vec![recipient],
                };
                recipients.into_iter().map(one).collect()
            }
            Permission::Tasks { role } => vec![Permission::Tasks { role }],
        }
    }
}

/// Whether everything that a permission allows is allowed by others, each operation by one of them.
pub fn is_within(permission: &Permission, others: &[Permission]) -> bool {
    let pieces = permission.pieces();
    let covered = |piece: &Permission| others.iter().any(|other| piece.leq(other));
    pieces.iter().all(covered)
}

/// What of a permission others do not allow, each operation for itself; none if it is within them.
pub fn beyond(permission: &Permission, others: &[Permission]) -> Option<Permission> {
    if is_within(permission, others) {
        return None;
    }
    let mut rest = permission.clone();
    let covered = |piece: &Permission| others.iter().any(|other| piece.leq(other));
    for piece in permission.pieces().iter().filter(|piece| covered(piece)) {
        rest.give_up(piece);
    }
    Some(rest)
}

/// What two sets of permissions both allow, without what another of them allows as well.
pub fn meet_all(ours: &[Permission], theirs: &[Permission]) -> Vec<Permission> {
    let both = |own: &Permission| {
        let met = theirs.iter().filter_map(|other| own.meet(other));
        met.collect::<Vec<_>>()
    };
    widest(ours.iter().flat_map(both).collect())
}

/// Those that no other one makes needless, in their order; of equal ones the first.
pub fn widest(permissions: Vec<Permission>) -> Vec<Permission> {
    let some = permissions.into_iter().filter(|one| !one.is_empty());
    maximal(some, Permission::leq)
}

/// Those that are not within another one, in their order; of equal ones the first.
pub(super) fn maximal<T>(found: impl Iterator<Item = T>, leq: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for one in found {
        if !kept.iter().any(|other| leq(&one, other)) {
            kept.retain(|other| !leq(other, &one));
            kept.push(one);
        }
    }
    kept
}

fn common<T: Clone + Ord>(ours: &BTreeSet<T>, theirs: &BTreeSet<T>) -> BTreeSet<T> {
    ours.intersection(theirs).cloned().collect()
}

/// What both lists of patterns have in common: a pattern that is within another one, else what is within it.
fn narrower(ours: &[String], theirs: &[String]) -> Vec<String> {
    let mut met = Vec::new();
    for own in ours {
        if theirs.iter().any(|other| domain_within(own, other)) {
            met.push(own.clone());
        } else {
            let within = theirs.iter().filter(|other| domain_within(other, own));
            met.extend(within.cloned());
        }
    }
    met
}
