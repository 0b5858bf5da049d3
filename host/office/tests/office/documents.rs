//! Documents: descriptions, contents, folders in view.

use bursar_office::Paging;
use serde_json::json;

use crate::organisation::{Organisation, code, grant};

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
async fn a_name_is_taken_once_per_folder() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let first = session
        .add_document("in", "a.xml", "application/xml", b"one")
        .await
        .expect("added");
    office.commit(session).await;
    let mut session = office.person();
    let again = session
        .add_document("in", "a.xml", "application/xml", b"one")
        .await
        .expect("the same");
    assert_eq!((again.id, session.draft().is_empty()), (first.id, true));
    assert_eq!(
        code(
            session
                .add_document("in", "a.xml", "application/xml", b"two")
                .await
        ),
        "not-unique"
    );
    session
        .add_document("out", "a.xml", "application/xml", b"two")
        .await
        .expect("another folder");
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
