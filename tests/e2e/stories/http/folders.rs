//! Folders of documents, and what documents were before.

use serde_json::json;
use ureq::http::Method;

use super::{Reply, World, items};
use crate::place::Place;

impl World {
    fn put_document(&self, folder: &str, name: &str, content: &str) -> super::Ask {
        let path = format!("/v1/folders/{folder}/documents/{name}");
        self.ask(&Method::PUT, &path)
            .bytes("text/plain", content.as_bytes())
    }
}

fn tag(reply: &Reply) -> String {
    reply.header("etag").expect("a tag").to_owned()
}

#[test]
fn a_document_is_replaced_as_it_was_seen_and_keeps_what_it_held() {
    let world = World::on(Place::sqlite());
    let first = world.put_document("contracts", "a.txt", "one").expect(200);
    let folder = world.get("/v1/folders/contracts").expect(200).json();
    assert_eq!(folder["body"], json!({"name": "contracts"}));
    let put = |content: &str, name: &str, value: &str| {
        world
            .put_document("contracts", "a.txt", content)
            .header(name, value)
    };
    world.unchanged(|| {
        put("two", "if-none-match", "*").refused(412, "revision-changed");
        put("two", "if-match", "\"1\"").refused(412, "revision-changed");
        put("one", "if-match", "*").expect(200);
    });
    let second = put("two!", "if-match", &tag(&first)).expect(200);
    assert_eq!(second.id(), first.id());
    let place = format!("/v1/documents/{}/revisions", first.id());
    let revisions = world.get(&place).expect(200).json();
    let shown: Vec<_> = items(&revisions)
        .iter()
        .map(|revision| (&revision["bytes"], &revision["author"]))
        .collect();
    let author = &items(&revisions)[0]["author"];
    assert!(author.is_string());
    assert_eq!(shown, [(&json!(4), author), (&json!(3), author)]);
    for (revision, content) in items(&revisions).iter().zip(["two!", "one"]) {
        let revision = revision["revision"].as_str().expect("a revision");
        let held = world
            .get(&format!("{place}/{revision}/content"))
            .expect(200);
        assert_eq!(held.text(), content);
    }
    let page = world.get(&format!("{place}?limit=1")).expect(200).json();
    let next = page["next"].as_str().expect("there is another");
    let rest = world.get(&format!("{place}?limit=1&after={next}"));
    assert_eq!(items(&rest.expect(200).json()), &items(&revisions)[1..]);
    world
        .get(&format!("{place}/1/content"))
        .refused(404, "not-found");
}
