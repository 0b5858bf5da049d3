//! Folders of documents, what documents were before, and files on the server's disk.

use std::path::Path;

use serde_json::{Value, json};
use ureq::http::Method;

use super::{Reply, World, items};
use crate::{place::Place, waiting::eventually};

const PLUGIN: &str = "supplier-invoices";

impl World {
    fn put_document(&self, folder: &str, name: &str, content: &str) -> super::Ask {
        let path = format!("/v1/folders/{folder}/documents/{name}");
        self.ask(&Method::PUT, &path)
            .bytes("text/plain", content.as_bytes())
    }

    fn documents(&self, folder: &str) -> Vec<Value> {
        let path = format!("/v1/documents?folder={folder}");
        items(&self.get(&path).expect(200).json()).to_vec()
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

#[test]
fn files_become_documents_and_documents_files() {
    let world = World::on(Place::sqlite());
    let folder = |id: &str, body: &Value| {
        world.put(&format!("/v1/folders/{id}"), body).expect(200);
    };
    folder(
        "in",
        &json!({"name": "Scanned", "department": "operations", "inbox": true}),
    );
    folder("out", &json!({"name": "For the bank", "export": true}));
    world
        .put(
            "/v1/folders/odd",
            &json!({"name": "Odd", "department": "nobody"}),
        )
        .refused(422, "unknown");
    let inbox = world.place.folder().join("inbox").join("in");
    eventually("the inbox", || inbox.is_dir().then_some(()));
    std::fs::write(inbox.join("a.txt"), "one").expect("the file is laid");
    std::os::unix::fs::symlink(world.place.key_file(), inbox.join("key.txt")).expect("a link");
    eventually("the document", || {
        (world.documents("in").len() == 1).then_some(())
    });
    let reason = inbox.join(".refused/key.txt.reason.txt");
    eventually("the refusal", || reason.is_file().then_some(()));
    assert!(!inbox.join("a.txt").exists());

    world.put_document("out", "b.txt", "two").expect(200);
    let written = world.place.folder().join("export/out/b.txt");
    eventually("the export", || written.is_file().then_some(()));
    assert_eq!(std::fs::read_to_string(&written).expect("a file"), "two");
    // Fetched by whoever it is for; a restart does not bring it back once it is noted. Before that a kill writes it again.
    eventually("the note of the export", || {
        let log = world.get("/v1/log").expect(200).json();
        let of_export = |commit: &Value| commit["author"] == "system:export";
        items(&log).iter().any(of_export).then_some(())
    });
    std::fs::remove_file(&written).expect("it is there");
    let world = world.restarted();
    std::fs::write(inbox.join("c.txt"), "three").expect("the file is laid");
    world.put_document("out", "d.txt", "four").expect(200);
    let later = world.place.folder().join("export/out/d.txt");
    eventually("the next export", || later.is_file().then_some(()));
    eventually("the next document", || {
        (world.documents("in").len() == 2).then_some(())
    });
    assert!(!written.exists());
    let (place, _) = world.stop();
    place.assert_clean();
}

#[test]
fn a_suppliers_invoice_that_is_laid_into_the_inbox_becomes_a_payable() {
    let world = World::on(Place::sqlite());
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate lies two folders deep")
        .join("plugins")
        .join(PLUGIN);
    world
        .place
        .enable(PLUGIN, &bursar_artifacts::plugin(PLUGIN));
    let supplier = json!({
        "name": "Lindenhof Papier GmbH", "kind": "supplier", "tax_id": "ATU99000001", "iban": ["AT483200000012345864"],
    });
    world
        .post("/v1/collections/parties/records", &supplier)
        .expect(201);
    let folder = json!({"name": "Suppliers' invoices", "inbox": true});
    world
        .put(&format!("/v1/folders/{PLUGIN}"), &folder)
        .expect(200);
    let inbox = world.place.folder().join("inbox").join(PLUGIN);
    eventually("the inbox", || inbox.is_dir().then_some(()));
    let invoice = source.join("cases/ubl-invoice/invoice.xml");
    std::fs::copy(invoice, inbox.join("invoice.xml.part")).expect("a file");
    std::fs::rename(inbox.join("invoice.xml.part"), inbox.join("invoice.xml")).expect("its name");
    let document = eventually("the document", || world.documents(PLUGIN).pop());
    assert_eq!(document["body"]["media_type"], "application/xml");
    let path = format!("/v1/automations/{PLUGIN}/runs?wait_ms=30000");
    let run = world.post(&path, &json!({})).send().json();
    assert_eq!(run["state"], "committed", "{run:#}");
    let invoices = world.get("/v1/invoices").expect(200).json();
    let payable = &items(&invoices)[0];
    assert_eq!(payable["body"]["supplier_number"], "LP-2026/0417");
    assert_eq!(payable["body"]["extra"]["document"], document["id"]);
    let (place, _) = world.stop();
    place.assert_clean();
}
