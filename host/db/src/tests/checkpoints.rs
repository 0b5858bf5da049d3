//! Signed checkpoints, and what verification says of those that were kept.

use bursar_domain::{
    checkpoint::{Checkpoint, CheckpointKey},
    log::{GENESIS, hex},
};
use serde_json::json;

use super::tampering::Raw;
use crate::{
    CheckpointFault, Error,
    testing::{databases, write},
};

fn place(seq: i64, hash: &str) -> Checkpoint {
    Checkpoint {
        seq,
        hash: hash.to_owned(),
    }
}

#[tokio::test]
async fn every_checkpoint_of_a_growing_log_holds() {
    for database in databases().await {
        let key = database.public_key();
        let mut kept = Vec::new();
        for size in 0..3 {
            let signed = database.checkpoint().await.expect("a checkpoint");
            assert_eq!(signed.seq, size);
            kept.push(key.check(&signed).expect("a good signature"));
            write(&database, "plain", &[("a", Some(json!({"size": size})))]).await;
        }
        assert_eq!(kept[0].hash, hex(&GENESIS));
        let found = database.verify(&kept).await.expect("a verification");
        assert!(found.is_clean(), "{found:#?}");
        assert_eq!((found.checkpoints, found.checkpoints_broken.len()), (3, 0));
        let again = database.checkpoint().await.expect("a checkpoint");
        let commit = database.commit(3).await.expect("read").expect("there");
        assert_eq!(
            (again.hash, again.at_us >= commit.at_us),
            (commit.hash, true)
        );
    }
}

#[tokio::test]
async fn a_checkpoint_that_does_not_hold_is_told_with_its_fault() {
    for database in databases().await {
        for size in 0..3 {
            write(&database, "plain", &[("a", Some(json!({"size": size})))]).await;
        }
        let hash = database.commit(2).await.expect("read").expect("there").hash;
        let other = "0f".repeat(32);
        let kept = [
            place(2, &hash),
            place(0, &hash),
            place(-1, &hash),
            place(1, &hash),
            place(2, &other),
            place(4, &hash),
            place(i64::MAX, &hash),
        ];
        let found = database.verify(&kept).await.expect("a verification");
        let mut broken: Vec<_> = found
            .checkpoints_broken
            .iter()
            .map(|broken| (broken.checkpoint.seq, broken.fault))
            .collect();
        broken.sort_by_key(|(seq, _)| *seq);
        let (differs, shorter) = (CheckpointFault::HashDiffers, CheckpointFault::LogShorter);
        let expected = [
            (-1, differs),
            (0, differs),
            (1, differs),
            (2, differs),
            (4, shorter),
            (i64::MAX, shorter),
        ];
        assert_eq!(broken, expected);
        assert_eq!((found.checkpoints, found.findings_total), (7, 6));
    }
}

#[tokio::test]
async fn a_head_that_is_not_the_last_commit_is_not_signed() {
    for database in databases().await {
        write(&database, "plain", &[("a", Some(json!({})))]).await;
        write(&database, "plain", &[("b", Some(json!({})))]).await;
        let mut raw = Raw::beside(&database).await;
        for damage in [
            "update log_head set seq = 1",
            "update log_head set seq = 2, hash = (select hash from log_commit where seq = 1)",
            "update log_head set seq = 3",
        ] {
            raw.run(damage).await;
            let refused = database.checkpoint().await;
            assert!(matches!(refused, Err(Error::Corrupt(_))), "{damage}");
        }
    }
}

#[tokio::test]
async fn another_masters_key_is_another_key() {
    for database in databases().await {
        let signed = database.checkpoint().await.expect("a checkpoint");
        let other = CheckpointKey::from_seed(&[1; 32]).public();
        let refused = other.check(&signed).map_err(|error| error.code());
        assert_eq!(refused, Err("checkpoint-other-key"));
    }
}
