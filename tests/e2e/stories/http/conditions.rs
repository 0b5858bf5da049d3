//! Changes of what has been seen, and of nothing else.

use serde_json::json;
use ureq::http::Method;

use super::World;
use crate::place::Place;

#[test]
fn a_change_is_made_only_to_the_image_that_was_seen_on_sqlite() {
    seen(&World::on(Place::sqlite()));
}

#[test]
fn a_change_is_made_only_to_the_image_that_was_seen_on_postgresql() {
    if let Some(place) = Place::postgres() {
        seen(&World::on(place));
    }
}

fn seen(world: &World) {
    world.define_notes();
    let made = world
        .post("/v1/collections/notes/records", &json!({"text": "a"}))
        .expect(201);
    let note = made.header("location").expect("a place").to_owned();
    for (method, path, body) in [
        (
            Method::PUT,
            "/v1/departments/operations",
            json!({"name": "New name"}),
        ),
        (Method::PATCH, note.as_str(), json!({"text": "b"})),
    ] {
        let shown = world.get(path).expect(200);
        let tag = shown.header("etag").expect("a tag").to_owned();
        let change =
            |name: &str, value: &str| world.ask(&method, path).json(&body).header(name, value);
        world.unchanged(|| {
            for stale in ["\"0\"", "\"1\"", "\"999999\"", "\"x\""] {
                change("if-match", stale).refused(412, "revision-changed");
            }
            change("if-none-match", "*").refused(412, "revision-changed");
            let weak = format!("W/{tag}");
            let two = format!("{tag}, {tag}");
            let long = format!("\"{}\"", "1".repeat(65));
            for bad in [
                &weak,
                &two,
                &long,
                tag.trim_matches('"'),
                "\"",
                "\"\"",
                "",
                "**",
            ] {
                change("if-match", bad).refused(400, "header-invalid");
            }
            change("if-none-match", &tag).refused(400, "header-invalid");
            change("if-match", "*")
                .header("if-none-match", "*")
                .refused(400, "header-invalid");
            change("if-match", &tag)
                .header("if-match", &tag)
                .refused(400, "header-invalid");
        });
        let changed = change("if-match", &tag).expect(200);
        let newer = changed.header("etag").expect("a tag");
        assert_ne!(newer, tag);
        change("if-match", &tag).refused(412, "revision-changed");
        assert_eq!(world.get(path).expect(200).header("etag"), Some(newer));
        change("if-match", "*").expect(200);
    }
    absent(world);
    removed(world, &note);
}

/// What is not there matches no tag, and can be made once.
fn absent(world: &World) {
    let put = || world.put("/v1/departments/second", &json!({"name": "Second"}));
    world.unchanged(|| {
        put()
            .header("if-match", "*")
            .refused(412, "revision-changed");
        put()
            .header("if-match", "\"1\"")
            .refused(412, "revision-changed");
    });
    put().header("if-none-match", "*").expect(200);
    world.unchanged(|| {
        put()
            .header("if-none-match", "*")
            .refused(412, "revision-changed")
    });
}

fn removed(world: &World, note: &str) {
    let remove = || world.ask(&Method::DELETE, note);
    let tag = world
        .get(note)
        .expect(200)
        .header("etag")
        .expect("a tag")
        .to_owned();
    world.unchanged(|| {
        remove()
            .header("if-match", "\"1\"")
            .refused(412, "revision-changed")
    });
    remove().header("if-match", &tag).expect(204);
    world.get(note).refused(404, "not-found");
    world.unchanged(|| {
        remove()
            .header("if-match", &tag)
            .refused(412, "revision-changed");
        remove().refused(404, "not-found");
    });
}
