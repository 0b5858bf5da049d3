//! Documents: descriptions, contents, folders in view.

use bursar_domain::{
    office::{Document, Folder},
    row::Kind,
};
use bursar_office::{Expected, Paging, View};
use serde_json::json;

use crate::organisation::{Organisation, code, grant};

const DEPARTMENT: &str = "finance";

impl Organisation {
    /// Commits a document and gives it as it then is.
    async fn put(&mut self, folder: &str, name: &str, content: &[u8]) -> View<Document> {
        let mut session = self.person();
        let added = session
            .add_document(folder, name, "application/xml", content)
            .await;
        let id = added.expect("added").id;
        self.commit(session).await;
        let there = self.person().document(&id).await;
        there.expect("it is there")
    }
}

#[tokio::test]
async fn a_document_is_read_in_pieces() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let content: Vec<u8> = (0..=255).cycle().take(1000).collect();
    let document = session
        .add_document("statements", "a.xml", "application/xml", &content)
        .await
        .expect("added");
    assert_eq!(document.body.bytes, 1000);
    let mut pieces = Vec::new();
    for offset in [0, 300, 600, 900] {
        pieces.extend(
            session
                .read_document(&document.id, offset, 300)
                .await
                .expect("bytes"),
        );
    }
    assert_eq!(pieces, content);
    for offset in [1000, 1001, u64::MAX] {
        assert!(
            session
                .read_document(&document.id, offset, u32::MAX)
                .await
                .expect("the end")
                .is_empty()
        );
    }
    assert_eq!(
        code(session.read_document(&document.id, 0, 0).await),
        "out-of-range"
    );
    assert_eq!(
        code(session.read_document("nothing", 0, 1).await),
        "not-found"
    );
    office.commit(session).await;
}

#[tokio::test]
async fn a_name_is_one_document_per_folder() {
    let mut office = Organisation::open().await;
    let first = office.put("in", "a.xml", b"one").await;
    let mut session = office.person();
    let again = session
        .add_document("in", "a.xml", "application/xml", b"one")
        .await
        .expect("the same");
    assert_eq!((&again.id, session.draft().is_empty()), (&first.id, true));
    let other = office.put("out", "a.xml", b"two").await;
    assert_ne!(other.id, first.id, "another folder");
}

#[tokio::test]
async fn a_new_content_keeps_what_was_there_before() {
    let mut office = Organisation::open().await;
    let first = office.put("in", "a.xml", b"one").await;
    let second = office.put("in", "a.xml", b"two!").await;
    let third = office.put("in", "a.xml", b"one").await;
    assert_eq!((&second.id, &third.id), (&first.id, &first.id));
    let mut session = office.person();
    let versions = session.document_versions(&first.id, None, 9).await;
    let versions = versions.expect("its contents");
    let shown: Vec<(u64, &str)> = versions
        .iter()
        .map(|version| (version.document.bytes, version.author.as_str()))
        .collect();
    assert_eq!(
        shown,
        [(3, "person:ada"), (4, "person:ada"), (3, "person:ada")]
    );
    for (version, content) in versions.iter().zip([&b"one"[..], b"two!", b"one"]) {
        let kept = office.database.blobs().get(&version.document.sha256).await;
        assert_eq!(kept.expect("it is kept"), content);
    }
    let older = session
        .document_versions(&first.id, Some(versions[0].seq), 1)
        .await
        .expect("its contents");
    assert_eq!(older, versions[1..2]);
    let unknown = session.document_versions("nothing", None, 9).await;
    assert_eq!(code(unknown), "not-found");
    let mut automation = office.automation(&[]);
    let denied = automation.document_versions(&first.id, None, 9).await;
    assert_eq!(code(denied), "administrator-only");
}

#[tokio::test]
async fn a_document_is_put_only_as_it_is_expected() {
    let mut office = Organisation::open().await;
    let first = office.put("in", "a.xml", b"one").await;
    let mut session = office.person();
    let good = [
        ("a.xml", Expected::Anything),
        ("a.xml", Expected::Present),
        ("a.xml", Expected::Revision(first.revision.clone())),
        ("b.xml", Expected::Absent),
        ("b.xml", Expected::Anything),
    ];
    for (name, expected) in good {
        let passed = session.expect_document("in", name, &expected).await;
        assert!(passed.is_ok(), "{name} {expected:?}");
    }
    let bad = [
        ("a.xml", Expected::Absent),
        ("a.xml", Expected::Revision("1".to_owned())),
        ("b.xml", Expected::Present),
        ("b.xml", Expected::Revision(first.revision)),
    ];
    for (name, expected) in bad {
        let refused = session.expect_document("in", name, &expected).await;
        assert_eq!(code(refused), "revision-changed", "{name} {expected:?}");
    }
}

#[tokio::test]
async fn a_folder_is_made_by_its_first_document_unless_it_is_defined() {
    let mut office = Organisation::open().await;
    office.put("in", "a.xml", b"one").await;
    let defined = Folder {
        name: "Outgoing".to_owned(),
        department: Some(DEPARTMENT.to_owned()),
        export: true,
        ..Folder::default()
    };
    let mut session = office.person();
    let put = session.put_folder("out", &defined).await;
    put.expect("the folder is good");
    office.commit(session).await;
    office.put("out", "a.xml", b"one").await;
    let mut session = office.person();
    let folders = session
        .rows::<Folder>(Kind::Folder, &[], &Paging::first())
        .await
        .expect("a page");
    let first_use = Folder {
        name: "in".to_owned(),
        ..Folder::default()
    };
    let found: Vec<(&str, &Folder)> = folders
        .items
        .iter()
        .map(|row| (&*row.id, &row.body))
        .collect();
    assert_eq!(found, [("in", &first_use), ("out", &defined)]);
}

#[tokio::test]
async fn a_folder_that_cannot_be_is_refused() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let good = Folder {
        name: "In".to_owned(),
        ..Folder::default()
    };
    let unnamed = Folder::default();
    let nobodys = Folder {
        department: Some("nobody".to_owned()),
        ..good.clone()
    };
    for (id, folder, expected) in [
        ("In", &good, "not-a-slug"),
        ("..", &good, "not-a-slug"),
        ("in", &unnamed, "empty"),
        ("in", &nobodys, "unknown"),
    ] {
        assert_eq!(code(session.put_folder(id, folder).await), expected, "{id}");
    }
    assert!(session.draft().is_empty());
    let mut automation = office.automation(&[]);
    let denied = automation.put_folder("in", &good).await;
    assert_eq!(code(denied), "administrator-only");
}

#[tokio::test]
async fn names_that_could_mean_a_path_are_refused() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    for (folder, name, media_type) in [
        ("in", "../a", "text/plain"),
        ("in", "a\\b", "text/plain"),
        ("in", "..", "text/plain"),
        ("in", "a\nb", "text/plain"),
        ("in", "", "text/plain"),
        ("in", "a", "text"),
        ("in/b", "a", "text/plain"),
        ("in", &"a".repeat(201), "text/plain"),
    ] {
        let refused = session.add_document(folder, name, media_type, b"").await;
        assert!(
            matches!(refused, Err(bursar_office::Error::Invalid(_))),
            "{folder} {name} {media_type}"
        );
    }
    assert!(session.draft().is_empty());
}

#[tokio::test]
async fn folders_without_grant_are_out_of_view() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let mut ids = Vec::new();
    for (folder, name) in [
        ("in", "b.xml"),
        ("in", "a.xml"),
        ("in", "c.txt"),
        ("secret", "a.xml"),
    ] {
        ids.push(
            session
                .add_document(folder, name, "application/xml", name.as_bytes())
                .await
                .expect("added")
                .id,
        );
    }
    office.commit(session).await;
    let read = grant(json!({"kind": "documents", "folder": "in", "operations": ["read"]}));
    let mut session = office.automation(&[read]);
    let listed = session
        .search_documents("in", "", &Paging::first())
        .await
        .expect("a page");
    let names: Vec<&str> = listed
        .items
        .iter()
        .map(|row| row.body.name.as_str())
        .collect();
    assert_eq!(names, ["a.xml", "b.xml", "c.txt"]);
    assert_eq!(
        session
            .search_documents("in", "c", &Paging::first())
            .await
            .expect("a page")
            .items
            .len(),
        1
    );
    assert_eq!(
        code(
            session
                .search_documents("secret", "", &Paging::first())
                .await
        ),
        "not-granted"
    );
    assert_eq!(code(session.document(&ids[3]).await), "not-found");
    assert_eq!(
        code(session.read_document(&ids[3], 0, 1).await),
        "not-found"
    );
    assert_eq!(
        code(session.add_document("in", "d", "text/plain", b"").await),
        "administrator-only"
    );
    let mut nobody = office.automation(&[]);
    assert_eq!(code(nobody.document(&ids[0]).await), "not-granted");
}
