//! Permissions as a lattice, held against brute force over everything that they could allow.

use std::collections::{BTreeMap, BTreeSet};

use bursar_domain::{
    confidentiality::{Class, FieldRule, FieldRules},
    invoice::Flow,
    manifest::{
        Authority, CalendarOperation, DocumentOperation, InvoiceOperation, Need, Permission,
        RecordOperation, RecordScope, beyond, is_within, meet_all, widest,
    },
};
use proptest::{
    collection::{btree_map, btree_set, vec},
    option,
    prelude::*,
    sample::{select, subsequence},
};
use serde_json::{Value, json};

const COLLECTIONS: [&str; 2] = ["staff", "stock"];
const RECORD_OPERATIONS: [RecordOperation; 4] = [
    RecordOperation::Read,
    RecordOperation::Create,
    RecordOperation::Update,
    RecordOperation::Delete,
];
const CLASSES: [Class; 4] = [
    Class::Public,
    Class::Internal,
    Class::Confidential,
    Class::Restricted,
];
/// The last one is in no permission: what is not named is still there.
const MEMBERS: [&str; 4] = ["name", "pay", "team", "other"];
const BOUND: [&str; 2] = ["team", "place"];
/// At least one for each pattern that no other one names.
const DOMAINS: [&str; 8] = [
    "a.example",
    "x.a.example",
    "w.a.example",
    "y.x.a.example",
    "b.example",
    "c.b.example",
    "xa.example",
    "example",
];
const PATTERNS: [&str; 7] = [
    "a.example",
    "x.a.example",
    "b.example",
    "*.a.example",
    "*.x.a.example",
    "*.b.example",
    "*.example",
];

/// Values of rows; the last one is in no permission.
fn values() -> Vec<Value> {
    vec![json!("x"), json!(1), Value::Null, json!("z")]
}

fn any_of<T: Copy + Ord + std::fmt::Debug + 'static>(
    all: &'static [T],
) -> impl Strategy<Value = BTreeSet<T>> {
    subsequence(all.to_vec(), 0..=all.len()).prop_map(|some| some.into_iter().collect())
}

fn scope() -> impl Strategy<Value = RecordScope> {
    let fields = option::of(btree_set(select(&MEMBERS[..3]), 0..3));
    let named = || subsequence(values()[..3].to_vec(), 0..=3);
    let rows = btree_map(select(&BOUND[..]), named(), 0..=2);
    (select(&CLASSES[..]), fields, rows).prop_map(|(class, fields, rows)| RecordScope {
        class,
        fields: fields.map(|names| names.into_iter().map(str::to_owned).collect()),
        rows: rows
            .into_iter()
            .map(|(name, values)| (name.to_owned(), values))
            .collect(),
    })
}

fn permission() -> impl Strategy<Value = Permission> {
    let flow = select(vec![Flow::Receivable, Flow::Payable]);
    let records = (
        select(&COLLECTIONS[..]),
        any_of(&RECORD_OPERATIONS),
        scope(),
    );
    let records = records.prop_map(|(collection, operations, scope)| Permission::Records {
        collection: collection.to_owned(),
        operations,
        scope,
    });
    let invoices = [
        InvoiceOperation::Read,
        InvoiceOperation::Issue,
        InvoiceOperation::Pay,
    ];
    let some = subsequence(invoices.to_vec(), 0..=3);
    let invoices = (flow, some).prop_map(|(flow, some)| Permission::Invoices {
        flow,
        operations: some.into_iter().collect(),
    });
    let all = vec![CalendarOperation::Read, CalendarOperation::Create];
    let calendars = (select(vec!["desk", "hall"]), subsequence(all, 0..=2));
    let calendars = calendars.prop_map(|(calendar, some)| Permission::Calendars {
        calendar: calendar.to_owned(),
        operations: some.into_iter().collect(),
    });
    let documents = (select(vec!["in", "out"]), any::<bool>());
    let documents = documents.prop_map(|(folder, is_any)| Permission::Documents {
        folder: folder.to_owned(),
        operations: is_any
            .then_some(DocumentOperation::Read)
            .into_iter()
            .collect(),
    });
    let mail = vec(select(&PATTERNS[..]), 0..4).prop_map(|recipients| Permission::Messages {
        recipients: recipients.into_iter().map(str::to_owned).collect(),
    });
    let tasks = select(vec!["clerk", "boss"]).prop_map(|role| Permission::Tasks {
        role: role.to_owned(),
    });
    prop_oneof![6 => records, 1 => invoices, 1 => calendars, 1 => documents, 2 => mail, 1 => tasks]
}

/// Every single thing that could be allowed, as a text.
type Points = BTreeSet<String>;

/// What permissions allow, asked for one by one of what holds calls back.
fn points(permissions: &[Permission]) -> Points {
    let authority = Authority::Granted(permissions.to_vec());
    let mut found = Points::new();
    let mut note = |is_allowed: bool, point: String| {
        if is_allowed {
            found.insert(point);
        }
    };
    for collection in COLLECTIONS {
        for operation in RECORD_OPERATIONS {
            let scopes = authority.scopes(collection, &[operation]);
            for (team, place) in rows() {
                let row = BTreeMap::from([("team", &team), ("place", &place)]);
                let holds = |scope: &&RecordScope| {
                    let mut bounds = scope.rows.iter();
                    bounds.all(|(field, values)| values.contains(row[field.as_str()]))
                };
                note(
                    scopes.iter().any(|scope| holds(&scope)),
                    format!("{collection} {operation:?} {team} {place}"),
                );
                for (member, class) in MEMBERS.iter().flat_map(|one| CLASSES.map(|it| (one, it))) {
                    let tags = BTreeSet::new();
                    let rule = FieldRule { class, tags };
                    let rules = FieldRules::from([((*member).to_owned(), rule)]);
                    let shown = scopes
                        .iter()
                        .filter(holds)
                        .any(|it| it.shows(&rules, member));
                    let point =
                        format!("{collection} {operation:?} {team} {place} {member} {class:?}");
                    note(shown, point);
                }
            }
        }
    }
    for (flow, operation) in [Flow::Receivable, Flow::Payable]
        .into_iter()
        .flat_map(|flow| {
            use InvoiceOperation::{Issue, Pay, Read};
            [Read, Issue, Pay].map(|operation| (flow, operation))
        })
    {
        let point = format!("{flow:?} {operation:?}");
        note(authority.allows(Need::Invoices(flow, operation)), point);
    }
    for calendar in ["desk", "hall"] {
        for operation in [CalendarOperation::Read, CalendarOperation::Create] {
            let point = format!("{calendar} {operation:?}");
            note(
                authority.allows(Need::Calendars(calendar, operation)),
                point,
            );
        }
    }
    for folder in ["in", "out"] {
        let need = Need::Documents(folder, DocumentOperation::Read);
        note(authority.allows(need), format!("folder {folder}"));
    }
    for domain in DOMAINS {
        let need = format!("somebody@{domain}");
        note(authority.allows(Need::MailTo(&need)), need.clone());
    }
    for role in ["role:clerk", "role:boss"] {
        note(authority.allows(Need::Task(role)), role.to_owned());
    }
    found
}

fn rows() -> Vec<(Value, Value)> {
    let all = values();
    let with = |team: &Value| {
        all.iter()
            .map(|place| (team.clone(), place.clone()))
            .collect()
    };
    all.iter()
        .flat_map(|team| -> Vec<_> { with(team) })
        .collect()
}

fn of(permission: &Permission) -> Points {
    points(std::slice::from_ref(permission))
}

/// The one that two permissions have in common, or one that allows nothing.
fn met(left: &Permission, right: &Permission) -> Permission {
    left.meet(right).unwrap_or(Permission::Messages {
        recipients: Vec::new(),
    })
}

fn is_same(left: &Permission, right: &Permission) -> bool {
    left.leq(right) && right.leq(left)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn the_order_is_that_of_what_is_allowed(left in permission(), right in permission()) {
        prop_assert_eq!(left.leq(&right), of(&left).is_subset(&of(&right)));
        prop_assert_eq!(left.is_empty(), of(&left).is_empty());
    }

    #[test]
    fn what_both_allow_is_what_each_of_them_allows(left in permission(), right in permission()) {
        let both: Points = of(&left).intersection(&of(&right)).cloned().collect();
        prop_assert_eq!(of(&met(&left, &right)), both);
    }

    #[test]
    fn permissions_are_a_semilattice(a in permission(), b in permission(), c in permission()) {
        prop_assert!(is_same(&met(&a, &a), &a));
        prop_assert!(is_same(&met(&a, &b), &met(&b, &a)));
        prop_assert!(is_same(&met(&met(&a, &b), &c), &met(&a, &met(&b, &c))));
        prop_assert!(met(&a, &b).leq(&a) && met(&a, &b).leq(&b));
        prop_assert!(!(c.leq(&a) && c.leq(&b)) || c.leq(&met(&a, &b)));
        prop_assert!(!(a.leq(&b) && b.leq(&c)) || a.leq(&c));
    }

    #[test]
    fn sets_of_permissions_meet_in_what_both_allow(
        ours in vec(permission(), 0..5), theirs in vec(permission(), 0..5),
    ) {
        let both: Points = points(&ours).intersection(&points(&theirs)).cloned().collect();
        prop_assert_eq!(points(&meet_all(&ours, &theirs)), both);
        prop_assert_eq!(points(&widest(ours.clone())), points(&ours));
    }

    #[test]
    fn what_is_said_to_be_within_others_is(one in permission(), others in vec(permission(), 0..5)) {
        let within = is_within(&one, &others);
        prop_assert!(!within || of(&one).is_subset(&points(&others)));
        // Piece by piece: several may allow together what none of them allows alone.
        let pieces: Points = one.pieces().iter().flat_map(of).collect();
        prop_assert_eq!(pieces, of(&one));
        if others.iter().any(|other| one.leq(other)) {
            prop_assert!(within);
        }
        // What is beyond them, and they, allow all of it; nothing of it is within one of them.
        let rest = beyond(&one, &others);
        prop_assert_eq!(rest.is_none(), within);
        let rest: Vec<Permission> = rest.into_iter().collect();
        let allowed: Points = points(&rest).union(&points(&others)).cloned().collect();
        prop_assert!(of(&one).is_subset(&allowed));
        prop_assert!(rest.iter().all(|rest| rest.leq(&one)));
        let pieces = rest.iter().flat_map(Permission::pieces);
        for piece in pieces {
            prop_assert!(!others.iter().any(|other| piece.leq(other)));
        }
    }
}
