//! Contents by their digests.

use std::io::{Read, Seek, SeekFrom};

use super::tampering::Raw;
use crate::{
    Error,
    adapter::Engine,
    testing::{Fresh, databases, sqlite},
};

#[tokio::test]
async fn a_blob_is_what_its_digest_says() {
    for database in databases().await {
        let blobs = database.blobs();
        let name = blobs.put(b"a document").await.expect("stored");
        let again = blobs.put(b"a document").await;
        assert_eq!(again.expect("stored again"), name);
        assert_eq!(blobs.get(&name).await.expect("there"), b"a document");
        assert_eq!(blobs.read(&name, 2, 3).await.expect("a part"), b"doc");
        for offset in [10, 100, 3 << 20, u64::MAX] {
            assert_eq!(blobs.read(&name, offset, 3).await.expect("nothing"), b"");
        }
        for absent in ["0".repeat(64).as_str(), "../bursar.db", ""] {
            assert!(blobs.get(absent).await.is_err());
            assert!(blobs.read(absent, 0, 1).await.is_err());
            assert!(blobs.read(absent, 2 << 20, 1).await.is_err());
        }
        let nothing = blobs.put(b"").await.expect("stored");
        assert_eq!(blobs.get(&nothing).await.expect("there"), b"");

        damage(&database, &name).await;
        let damaged = blobs.get(&name).await;
        assert!(matches!(damaged, Err(Error::Blob { .. })));
        // Storing the content again repairs it.
        blobs.put(b"a document").await.expect("stored");
        assert_eq!(blobs.get(&name).await.expect("there"), b"a document");
        if database.engine() == Engine::Sqlite {
            assert_eq!(blobs_of(&database), 2);
        }
    }
}

#[tokio::test]
async fn a_blob_of_many_pieces_is_read_in_parts() {
    for database in databases().await {
        let blobs = database.blobs();
        let content: Vec<u8> = (0..(3 << 20) + 7)
            .map(|n: u32| n.to_le_bytes()[1] ^ n.to_le_bytes()[2])
            .collect();
        let name = blobs.put(&content).await.expect("stored");
        assert!(blobs.get(&name).await.expect("there") == content);
        for (offset, length) in [
            (0, 1),
            ((1 << 20) - 1, 2),
            (1 << 20, 1 << 20),
            (5, 3 << 20),
            (3 << 20, 100),
        ] {
            let part = blobs
                .read(&name, offset as u64, length)
                .await
                .expect("a part");
            let expected = &content[offset..content.len().min(offset + length)];
            assert!(part == expected, "{length} bytes at {offset}");
        }
    }
}

async fn damage(database: &Fresh, name: &str) {
    match database.engine() {
        Engine::Sqlite => {
            let file = database.folder().join("blobs").join(name);
            std::fs::write(file, b"A document").expect("damaged");
        }
        Engine::Postgres => {
            let sql =
                format!("update blob set bytes = 'A document'::bytea where sha256 = '{name}'");
            Raw::beside(database).await.run(&sql).await;
        }
    }
}

fn blobs_of(database: &Fresh) -> usize {
    let folder = database.folder().join("blobs");
    std::fs::read_dir(folder).expect("the folder").count()
}

#[tokio::test]
async fn a_scratch_file_is_nobody_elses_and_has_no_name() {
    let database = sqlite().await;
    let scratch = || database.blobs().scratch().expect("a file");
    let (mut one, mut other) = (scratch(), scratch());
    one.append(b"some ").expect("written");
    other.append(b"nothing").expect("written");
    let mut text = String::new();
    one.rewind().expect("a start");
    one.read_to_string(&mut text).expect("read");
    assert_eq!(text, "some ");
    one.rewind().expect("a start");
    one.append(b"bytes").expect("written behind the end");
    one.seek(SeekFrom::Start(5)).expect("a place");
    one.read_to_string(&mut text).expect("read");
    assert_eq!(text, "some bytes");
    assert_eq!(blobs_of(&database), 0);
}
