//! Grants on some rows of a collection, and on some fields of each: what is out of view is not there.

use bursar_domain::{draft::Direction, manifest::Permission};
use bursar_office::{Error, Order, Paging};
use serde_json::json;

use crate::confidentiality::{HIDDEN, compared, occurrences, rich, world};
use crate::organisation::{Organisation, code, grant, note};

/// What an automation may do with some rows, of which it sees some fields.
fn clerk_of(class: &str, team: &str, fields: Option<&[&str]>) -> Permission {
    let mut permission = json!({
        "kind": "records", "collection": "staff", "class": class, "rows": {"team": [team]},
        "operations": ["read", "create", "update", "delete"],
    });
    if let Some(fields) = fields {
        permission["fields"] = json!(fields);
    }
    grant(permission)
}

/// Rows that are out of view change no answer, whatever they say and whether they are there: neither whose scope is one,
/// which the database narrows down to, nor whose scopes are several, which are looked at row by row.
#[tokio::test]
async fn rec_4_rows_out_of_view_change_no_answer() {
    let one = vec![clerk_of("internal", "t0", None)];
    let several = vec![
        clerk_of("confidential", "t0", None),
        clerk_of("internal", "t1", Some(&["name", "team"])),
    ];
    for (grants, sees_others) in [(one, false), (several, true)] {
        let pay = |place: usize| json!({"pay": format!("{}.10", 9000 - place)});
        let rich = |place: usize| match place % 3 {
            0 => pay(place),
            1 => json!({"pay": "9000.10", "health": {"illness": "flu"}}),
            _ => json!({"team": "t2", "health": {"illness": "flu"}}),
        };
        let poor = |place: usize| match place % 3 {
            0 => pay(place),
            1 => json!({}),
            _ => json!({"team": "t7", "pay": "9000.10"}),
        };
        let ((mut rich, ids), (mut poor, same_ids)) = (world(rich).await, world(poor).await);
        assert_eq!(ids, same_ids);
        let mut session = rich.person();
        for place in 20..30 {
            let body = json!({"name": format!("n{place}"), "team": "t2", "pay": "9000.10"});
            let key = format!("k{place}");
            let made = session.create_record("staff", &key, &body).await;
            made.expect("a record only here");
        }
        rich.commit(session).await;
        // As many commits and sessions in the other one: revisions and ids are told.
        let mut session = poor.person();
        note(&mut session, "elsewhere", None).await;
        poor.commit(session).await;
        let told = compared([&mut rich, &mut poor], &ids, &grants).await;
        let absent = occurrences(&told, "not-found");
        let outside = occurrences(&told, "row-outside");
        let answered = occurrences(&told, "Ok");
        eprintln!("REC-4: {answered} answers, {absent} rows out of view, {outside} images");
        assert!(answered >= 100 && absent >= 100 && outside >= 50, "{told}");
        for name in ["\"n5\"", "\"n23\"", "t7"] {
            assert_eq!(occurrences(&told, name), 0, "{name}");
        }
        assert_eq!(occurrences(&told, "\"n4\"") > 0, sees_others);
    }
}

#[tokio::test]
async fn each_row_shows_what_its_own_grants_show() {
    let (mut office, ids) = rich().await;
    let mut session = office.automation(&[
        clerk_of("confidential", "t0", None),
        clerk_of("internal", "t1", Some(&["name", "team"])),
        clerk_of("internal", "t1", Some(&["name"])),
    ]);
    let own = session.record("staff", &ids[0]).await.expect("a record");
    assert_eq!(
        (own.redacted, &own.body["pay"]),
        (vec!["health".to_owned()], &json!("9000.10"))
    );
    let other = session.record("staff", &ids[1]).await.expect("a record");
    assert_eq!(*other.body, json!({"name": "n1", "team": "t1"}));
    assert_eq!(other.redacted, HIDDEN);
    assert_eq!(code(session.record("staff", &ids[2]).await), "not-found");
    // What is hidden of some rows orders none of them.
    let order = |field: &str| {
        let direction = Direction::Descending;
        vec![Order {
            field: field.to_owned(),
            direction,
        }]
    };
    let first = Paging::first();
    let listed = session
        .search_records("staff", &[], &order("pay"), &first)
        .await;
    assert_eq!(code(listed), "field-hidden");
    let listed = session
        .search_records("staff", &[], &order("team"), &first)
        .await;
    let listed = listed.expect("a listing").items;
    let found: Vec<&str> = listed.iter().map(|it| &*it.id).collect();
    let of = |rest: usize| (0..4).map(move |row| row * 3 + rest);
    let mut expected: Vec<&str> = of(1).chain(of(0)).map(|place| &*ids[place]).collect();
    expected[..4].sort_unstable_by(|left, right| right.cmp(left));
    expected[4..].sort_unstable_by(|left, right| right.cmp(left));
    assert_eq!(found, expected);
    for (id, merge, refused) in [
        (&ids[0], json!({"pay": "1"}), None),
        (&ids[0], json!({"team": "t1"}), None),
        (&ids[3], json!({"team": "t2"}), Some("row-outside")),
        (&ids[3], json!({"team": null}), Some("row-outside")),
        (&ids[1], json!({"pay": "1"}), Some("field-hidden")),
        (&ids[2], json!({"name": "x"}), Some("not-found")),
        (&ids[2], json!({"pay": "x"}), Some("not-found")),
    ] {
        let patched = session.patch_record("staff", id, None, &merge).await;
        match refused {
            None => drop(patched.expect("patched")),
            Some(refused) => assert_eq!(code(patched), refused, "{merge}"),
        }
    }
    // It is one of the others' now.
    let moved = session.record("staff", &ids[0]).await.expect("a record");
    assert_eq!(moved.redacted, HIDDEN);
    assert_eq!(
        code(session.remove_record("staff", &ids[2], None).await),
        "not-found"
    );
    let body = json!({"name": "new", "team": "t3"});
    let made = session.create_record("staff", "new", &body).await;
    assert_eq!(code(made), "row-outside");
    assert_eq!(
        session
            .count_records("staff", &[], 100)
            .await
            .expect("a number"),
        8
    );
}

#[tokio::test]
async fn records_out_of_view_are_left_out_of_many() {
    let (mut office, ids) = rich().await;
    let mut session = office.automation(&[
        clerk_of("internal", "t0", None),
        clerk_of("internal", "t1", None),
    ]);
    let many = session.records("staff", &ids).await.expect("some records");
    let found: Vec<&str> = many.iter().map(|it| &*it.id).collect();
    let in_view = ids.iter().enumerate().filter(|(place, _)| place % 3 < 2);
    assert_eq!(found, in_view.map(|(_, id)| &**id).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_row_is_moved_and_made_only_with_what_its_new_place_shows() {
    let (mut office, ids) = rich().await;
    let mut session = office.automation(&[
        clerk_of("confidential", "t0", None),
        clerk_of("internal", "t1", Some(&["name", "team"])),
    ]);
    let both = json!({"team": "t1", "pay": "1"});
    let patched = session.patch_record("staff", &ids[0], None, &both).await;
    assert_eq!(code(patched), "field-hidden");
    let body = json!({"name": "new", "team": "t1", "pay": "1"});
    let made = session.create_record("staff", "new", &body).await;
    assert_eq!(code(made), "field-hidden");
    // Without a pay that is hidden now, or with one.
    let moved = json!({"team": "t1"});
    let patched = session.patch_record("staff", &ids[3], None, &moved).await;
    assert_eq!(
        *patched.expect("moved").body,
        json!({"name": "n3", "team": "t1"})
    );
}

#[tokio::test]
async fn what_breaks_a_schema_is_told_of_what_is_shown() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let definition = serde_json::from_value(json!({
        "schema": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "pin": {"type": "string"}},
            "anyOf": [{"required": ["name"]}, {"required": ["nick"]}],
        },
    }));
    let defined = session
        .define_collection("keys", &definition.expect("a definition"))
        .await;
    defined.expect("defined");
    let body = json!({"name": "door", "pin": "4711"});
    let made = session.create_record("keys", "k", &body).await;
    let id = made.expect("made").id;
    office.commit(session).await;
    let mut session = office.automation(&[grant(json!({
        "kind": "records", "collection": "keys", "operations": ["update"], "fields": ["name", "nick"],
    }))]);
    for (merge, pointer) in [(json!({"name": null}), ""), (json!({"name": 7}), "/name")] {
        let patched = session.patch_record("keys", &id, None, &merge).await;
        let Err(Error::Invalid(problems)) = patched else {
            panic!("{patched:?}");
        };
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].pointer, pointer);
        assert!(!problems[0].message.contains("4711"), "{problems:?}");
    }
}

/// Of many rows out of view the listing tells nothing, and they use up no limit of whoever looks.
#[tokio::test]
async fn rows_out_of_view_count_for_nothing() {
    let (mut office, _) = rich().await;
    let mut session = office.person();
    for place in 100..1_300 {
        let body = json!({"name": format!("n{place}"), "team": "t2"});
        let key = format!("k{place}");
        let made = session.create_record("staff", &key, &body).await;
        made.expect("a record");
    }
    office.commit(session).await;
    let several = [
        clerk_of("internal", "t0", None),
        clerk_of("internal", "t1", Some(&["name"])),
    ];
    let mut session = office.automation(&several);
    let mut paging = Paging {
        limit: 1,
        after: None,
    };
    let mut found = 0;
    loop {
        let page = session.search_records("staff", &[], &[], &paging).await;
        let page = page.expect("a page");
        found += page.items.len();
        assert_eq!(page.items.len(), 1);
        paging.after = page.next;
        if paging.after.is_none() {
            break;
        }
    }
    assert_eq!(found, 8);
    assert_eq!(session.usage().rows_returned, 8);
    assert_eq!(session.draft().listings().len(), 1);
}

#[tokio::test]
async fn a_bound_that_no_field_can_be_held_against_leaves_no_row() {
    let (mut office, _) = rich().await;
    for rows in [
        json!({"nothing": ["t0"]}),
        json!({"team": [7]}),
        json!({"team": ["t0"], "nothing": [null]}),
    ] {
        let mut session = office.automation(&[grant(json!({
            "kind": "records", "collection": "staff", "operations": ["read"], "rows": rows,
        }))]);
        let counted = session.count_records("staff", &[], 100).await;
        assert_eq!(counted.expect("a number"), 0, "{rows}");
    }
    let bounds = json!({"team": ["t0", null]});
    let mut session = office.automation(&[grant(json!({
        "kind": "records", "collection": "staff", "operations": ["read"], "rows": bounds,
    }))]);
    assert_eq!(
        session
            .count_records("staff", &[], 100)
            .await
            .expect("a number"),
        4
    );
}
