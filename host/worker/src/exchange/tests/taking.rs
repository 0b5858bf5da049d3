//! What is laid into an inbox, and when it becomes a document.

use super::{Host, pairs};

#[tokio::test]
async fn a_file_that_stands_still_becomes_a_document() {
    let host = Host::with(&["in"], &[]).await;
    let mut looking = host.looking();
    host.lay("Rechnung 1.xml", "one");
    looking.look().await;
    looking.look_after(1).await;
    assert_eq!(host.documents("in").await, []);
    looking.look_after(1).await;
    let expected = pairs(&[("Rechnung 1.xml", "one")]);
    assert_eq!(host.documents("in").await, expected);
    assert_eq!(host.lying("inbox", "in"), Vec::<String>::new());
    let document = host.views("in").await.remove(0);
    assert_eq!(document.body.media_type, "application/xml");
    let head = host.database.snapshot().seq().await.expect("a head");
    let commit = host.database.commit(head).await.expect("an answer");
    assert_eq!(commit.expect("the last one").author, "system:inbox");
    host.assert_clean().await;
}

#[tokio::test]
async fn a_file_that_still_grows_waits() {
    let host = Host::with(&["in"], &[]).await;
    let mut looking = host.looking();
    host.lay("a.txt", "o");
    looking.look().await;
    host.lay("a.txt", "one");
    looking.look_after(5).await;
    assert_eq!(host.documents("in").await, []);
    looking.look_after(2).await;
    assert_eq!(host.documents("in").await, pairs(&[("a.txt", "one")]));
}

#[tokio::test]
async fn a_file_that_is_renamed_in_under_its_final_name_is_taken_at_once() {
    let host = Host::with(&["in"], &[]).await;
    let mut looking = host.looking();
    let folder = host.path("inbox", "in");
    for (unfinished, name) in [("a.xml.part", "a.xml"), ("b.tmp", "b.xml"), (".c", "c.xml")] {
        host.lay(unfinished, name);
        looking.take().await;
        assert_eq!(
            host.lying("inbox", "in").len(),
            usize::from(!unfinished.starts_with('.'))
        );
        std::fs::rename(folder.join(unfinished), folder.join(name)).expect("renamed");
        looking.look().await;
    }
    let expected = pairs(&[("a.xml", "a.xml"), ("b.xml", "b.xml"), ("c.xml", "c.xml")]);
    assert_eq!(host.documents("in").await, expected);
}

#[tokio::test]
async fn equal_contents_are_one_document_and_another_one_is_a_new_revision() {
    let host = Host::with(&["in", "other"], &[]).await;
    let mut looking = host.looking();
    for (name, content) in [("a.txt", "one"), ("b.txt", "one"), ("a.txt", "two")] {
        host.lay(name, content);
        looking.take().await;
    }
    let other = host.path("inbox", "other").join("a.txt");
    std::fs::write(other, "one").expect("the file is written");
    looking.take().await;
    assert_eq!(host.documents("in").await, pairs(&[("a.txt", "two")]));
    assert_eq!(host.documents("other").await, pairs(&[("a.txt", "one")]));
    assert_eq!(host.lying("inbox", "in"), Vec::<String>::new());
    let id = host.views("in").await.remove(0).id;
    let mut session = super::session(&host.database, "test", 1, [0; 32]);
    let versions = session.document_versions(&id, None, 9).await;
    assert_eq!(versions.expect("its contents").len(), 2);
}

#[tokio::test]
async fn a_crash_at_any_point_takes_a_file_once() {
    let host = Host::with(&["in"], &[]).await;
    let taking = host.path("inbox", "in").join(".taking");
    std::fs::create_dir_all(&taking).expect("a folder");
    // Put aside, not committed.
    std::fs::write(taking.join("a.txt"), "one").expect("the file is written");
    host.looking().look().await;
    assert_eq!(host.documents("in").await, pairs(&[("a.txt", "one")]));
    let head = host.database.snapshot().seq().await.expect("a head");
    // Committed, not removed.
    std::fs::write(taking.join("a.txt"), "one").expect("the file is written");
    host.looking().look().await;
    assert_eq!(std::fs::read_dir(&taking).expect("a folder").count(), 0);
    let later = host.database.snapshot().seq().await.expect("a head");
    assert_eq!(later, head, "it was committed again");
}

#[tokio::test]
async fn only_inboxes_are_looked_into_and_none_while_everything_is_stopped() {
    let host = Host::with(&["in"], &["out"]).await;
    let mut looking = host.looking();
    let out = host.path("inbox", "out");
    std::fs::create_dir_all(&out).expect("a folder");
    std::fs::write(out.join("a.txt"), "one").expect("the file is written");
    host.lay("a.txt", "one");
    host.set_stop(true).await;
    looking.take().await;
    assert_eq!(host.documents("in").await, []);
    host.set_stop(false).await;
    looking.take().await;
    assert_eq!(host.documents("in").await, pairs(&[("a.txt", "one")]));
    assert_eq!(host.documents("out").await, []);
}
