//! What must not become a document: links, devices, folders, odd names, huge files; and ways out of the folder.

use std::{
    ffi::{OsStr, OsString},
    os::unix::{ffi::OsStringExt, fs::symlink},
    path::Path,
};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{Host, pairs};
use crate::exchange::disk::FILE_BYTES_MAX;

const SECRET: &str = "not for the office";

/// Something that is laid into the inbox: its name, how it is made beside a secret, and why it is refused.
type Laid = (OsString, fn(&Path, &Path), &'static str);

fn written(path: &Path, _: &Path) {
    std::fs::write(path, "one").expect("the file is written");
}

fn laid() -> [Laid; 14] {
    let name = |text: &str| OsString::from(text);
    [
        (
            name("link.xml"),
            |path, secret| symlink(secret, path).expect("a link"),
            "symbolic link",
        ),
        (
            name("own.xml"),
            |path, _| symlink("good.xml", path).expect("a link"),
            "symbolic link",
        ),
        (
            name("nowhere.xml"),
            |path, _| symlink("nowhere", path).expect("a link"),
            "symbolic link",
        ),
        (
            name("up"),
            |path, _| symlink("../..", path).expect("a link"),
            "symbolic link",
        ),
        (
            name("hard.xml"),
            |path, secret| std::fs::hard_link(secret, path).expect("a link"),
            "hard link",
        ),
        (
            name("folder"),
            |path, _| std::fs::create_dir(path).expect("a folder"),
            "folder",
        ),
        (name("pipe.xml"), |path, _| pipe(path), "a pipe"),
        (name("socket.xml"), |path, _| drop(socket(path)), "a socket"),
        (name("two\nlines.xml"), written, "control characters"),
        (name("bell\u{7}.xml"), written, "control characters"),
        (name("a\\..\\up.xml"), written, "backslash"),
        (name(&"n".repeat(255)), written, "longer than 200 bytes"),
        (
            OsString::from_vec(b"latin-\xfc.xml".to_vec()),
            written,
            "not UTF-8",
        ),
        (name("huge.xml"), |path, _| huge(path), "larger than 64 MiB"),
    ]
}

fn pipe(path: &Path) {
    let made = mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0);
    made.expect("a pipe");
}

fn socket(path: &Path) -> std::os::unix::net::UnixListener {
    std::os::unix::net::UnixListener::bind(path).expect("a socket")
}

fn huge(path: &Path) {
    let file = std::fs::File::create(path).expect("a file");
    file.set_len(FILE_BYTES_MAX + 1).expect("a sparse file");
}

#[tokio::test]
async fn what_cannot_be_a_document_is_refused_with_its_reason() {
    let host = Host::with(&["in"], &[]).await;
    let (inbox, secret) = (host.path("inbox", "in"), host.path("elsewhere", "secret"));
    std::fs::create_dir_all(host.folder.path().join("elsewhere")).expect("a folder");
    std::fs::write(&secret, SECRET).expect("a secret");
    let mut looking = host.looking();
    let laid = laid();
    for (name, lay, _) in &laid {
        lay(&inbox.join(name), &secret);
    }
    host.lay("good.xml", "good");
    looking.take().await;
    looking.take().await;
    assert_eq!(host.documents("in").await, pairs(&[("good.xml", "good")]));
    assert_eq!(host.lying("inbox", "in"), Vec::<String>::new());
    assert_eq!(
        std::fs::read_to_string(&secret).expect("it is there"),
        SECRET
    );
    let reasons = reasons(&inbox);
    assert_eq!(reasons.len(), laid.len(), "{reasons:#?}");
    for (name, _, why) in &laid {
        let told = format!("{}: ", Path::new(name).display());
        let reason = reasons.iter().find(|reason| reason.starts_with(&told));
        let reason = reason.unwrap_or_else(|| panic!("{told}nothing in {reasons:#?}"));
        assert!(reason.contains(why), "{reason} of {why}");
    }
    host.assert_clean().await;
}

/// The reasons of an inbox, each with what it is about beside it.
fn reasons(inbox: &Path) -> Vec<String> {
    let refused = inbox.join(".refused");
    let entries = std::fs::read_dir(&refused).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let is_reason = |path: &std::path::PathBuf| path.extension() == Some(OsStr::new("txt"));
    let reasons = paths.filter(is_reason).map(|path| {
        let name = path.to_str().expect("a plain name");
        let file = name.strip_suffix(".reason.txt").expect("a reason");
        assert!(Path::new(file).symlink_metadata().is_ok(), "{file}");
        std::fs::read_to_string(&path).expect("a reason")
    });
    reasons.collect()
}

#[tokio::test]
async fn files_of_one_name_are_refused_side_by_side() {
    let host = Host::with(&["in"], &[]).await;
    let inbox = host.path("inbox", "in");
    let mut looking = host.looking();
    for name in ["a", "a", "a.reason.txt", "a"] {
        std::fs::create_dir(inbox.join(name)).expect("a folder");
        looking.look().await;
    }
    assert_eq!(reasons(&inbox).len(), 4);
    assert_eq!(host.lying("inbox", "in"), Vec::<String>::new());
}

#[tokio::test]
async fn no_link_leads_out_of_an_inbox_and_the_other_inboxes_work_on() {
    for (broken, target) in [
        ("inbox/bad", "../elsewhere"),
        ("inbox/bad/.taking", "../../elsewhere"),
        ("inbox/bad/.refused", "../../elsewhere"),
    ] {
        let host = Host::with(&["bad", "in"], &[]).await;
        let elsewhere = host.path("elsewhere", "");
        std::fs::create_dir_all(&elsewhere).expect("a folder");
        std::fs::write(elsewhere.join("a.txt"), SECRET).expect("a secret");
        if broken == "inbox/bad" {
            std::fs::remove_dir(host.path("inbox", "bad")).expect("it is empty");
        }
        symlink(target, host.folder.path().join(broken)).expect("a link");
        host.lay("good.txt", "good");
        let mut looking = host.looking();
        for _ in 0..2 {
            let looked = looking.inbox.look(looking.now).await;
            assert!(looked.is_err(), "{broken}");
            looking.now += std::time::Duration::from_secs(2);
        }
        assert_eq!(host.documents("in").await, pairs(&[("good.txt", "good")]));
        assert_eq!(host.documents("bad").await, [], "{broken}");
        let left = std::fs::read_dir(&elsewhere).expect("a folder").count();
        assert_eq!(left, 1, "{broken}");
    }
}
