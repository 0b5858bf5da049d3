//! Documents that are written to the disk, and when they are not.

use std::os::unix::fs::symlink;

use super::{Host, pairs};
use crate::exchange::Export;

async fn look(export: &mut Export) {
    while export.look().await.expect("the disk works") {}
}

impl Host {
    /// Name and content of each file of the export "out".
    fn files(&self) -> Vec<(String, String)> {
        let folder = self.path("export", "out");
        let content = |name: String| {
            let text = std::fs::read_to_string(folder.join(&name));
            (name, text.expect("it can be read"))
        };
        let names = self.lying("export", "out").into_iter();
        names.map(content).collect()
    }
}

#[tokio::test]
async fn a_document_of_an_export_becomes_a_file() {
    let host = Host::with(&["in"], &["out"]).await;
    let mut export = host.exporting();
    host.put("out", "b.txt", "two").await;
    host.put("out", "a.txt", "one").await;
    host.put("in", "c.txt", "three").await;
    look(&mut export).await;
    assert_eq!(host.files(), pairs(&[("a.txt", "one"), ("b.txt", "two")]));
    host.put("out", "a.txt", "one more").await;
    look(&mut export).await;
    let expected = pairs(&[("a.txt", "one more"), ("b.txt", "two")]);
    assert_eq!(host.files(), expected);
    host.assert_clean().await;
}

#[tokio::test]
async fn a_file_that_was_fetched_does_not_come_again() {
    let host = Host::with(&[], &["out"]).await;
    host.put("out", "a.txt", "one").await;
    look(&mut host.exporting()).await;
    let head = host.database.snapshot().seq().await.expect("a head");
    let path = host.path("export", "out").join("a.txt");
    std::fs::remove_file(path).expect("it was written");
    look(&mut host.exporting()).await;
    assert_eq!(host.files(), []);
    assert_eq!(host.database.snapshot().seq().await.expect("a head"), head);
    host.put("out", "b.txt", "two").await;
    look(&mut host.exporting()).await;
    assert_eq!(host.files(), pairs(&[("b.txt", "two")]));
}

#[tokio::test]
async fn what_was_written_and_not_noted_is_written_again() {
    let host = Host::with(&[], &["out"]).await;
    host.put("out", "a.txt", "one").await;
    let folder = host.path("export", "out");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("a.txt"), "on").expect("the file is written");
    look(&mut host.exporting()).await;
    assert_eq!(host.files(), pairs(&[("a.txt", "one")]));
}

#[tokio::test]
async fn nothing_is_written_while_everything_is_stopped() {
    let host = Host::with(&[], &["out"]).await;
    host.put("out", "a.txt", "one").await;
    let mut export = host.exporting();
    host.set_stop(true).await;
    look(&mut export).await;
    assert!(!host.path("export", "out").exists());
    host.set_stop(false).await;
    look(&mut export).await;
    assert_eq!(host.files(), pairs(&[("a.txt", "one")]));
}

#[tokio::test]
async fn no_link_leads_out_of_an_export() {
    let host = Host::with(&[], &["out"]).await;
    let elsewhere = host.path("elsewhere", "");
    std::fs::create_dir_all(&elsewhere).expect("a folder");
    let secret = elsewhere.join("secret");
    std::fs::write(&secret, "secret").expect("a secret");
    host.put("out", "a.txt", "one").await;
    std::fs::create_dir_all(host.path("export", "")).expect("a folder");
    let out = host.path("export", "out");
    symlink("../elsewhere", &out).expect("a link");
    let mut export = host.exporting();
    assert!(export.look().await.is_err());
    assert!(!elsewhere.join("a.txt").exists());
    std::fs::remove_file(&out).expect("the link goes");
    std::fs::create_dir(&out).expect("a folder");
    for name in ["a.txt", ".a.txt.partial"] {
        symlink(&secret, out.join(name)).expect("a link");
    }
    let refused = export.look().await;
    let kept = std::fs::read_to_string(&secret).expect("it is there");
    assert_eq!(kept, "secret", "{refused:?}");
    std::fs::remove_file(out.join(".a.txt.partial")).expect("the link goes");
    look(&mut export).await;
    assert_eq!(host.files(), pairs(&[("a.txt", "one")]));
    assert!(!out.join("a.txt").is_symlink());
}
