//! A stranger's verifier of an exported log, written after docs/audit.md: nothing of the host's own code is in it.

use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What an export that is whole says.
pub struct Read {
    pub seq: i64,
    /// Changes whose content is there.
    pub bodies: usize,
}

/// Computes the chain of an export from its first commit, and checks the checkpoint at its end.
pub fn verify(export: &str, public_key: &str) -> Result<Read, String> {
    let mut lines: Vec<&str> = export.lines().collect();
    let last = lines.pop().ok_or("it is empty")?;
    let (mut hash, mut read) = ([0_u8; 32].to_vec(), Read { seq: 0, bodies: 0 });
    for line in lines {
        let commit: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let seq = commit["seq"].as_i64().ok_or("a commit has no seq")?;
        if seq != read.seq + 1 {
            return Err(format!("commit {seq} follows {}", read.seq));
        }
        hash = chained(&hash, seq, &commit, &mut read.bodies)?;
        if hex(&hash) != text(&commit, "hash")? {
            return Err(format!("commit {seq} has another hash"));
        }
        read.seq = seq;
    }
    let checkpoint: Value = serde_json::from_str(last).map_err(|error| error.to_string())?;
    let names = (&checkpoint["seq"], text(&checkpoint, "hash")?);
    if names != (&Value::from(read.seq), &*hex(&hash)) {
        return Err("the checkpoint names another commit".to_owned());
    }
    check_signature(last, &checkpoint, public_key)?;
    Ok(read)
}

fn chained(before: &[u8], seq: i64, commit: &Value, bodies: &mut usize) -> Result<Vec<u8>, String> {
    let mut hashed = b"bursar-commit-1".to_vec();
    hashed.extend(before);
    hashed.extend(seq.to_be_bytes());
    hashed.extend(commit["at_us"].as_i64().ok_or("no at_us")?.to_be_bytes());
    for name in ["author", "run", "cause"] {
        part(&mut hashed, text(commit, name)?);
    }
    for change in commit["changes"].as_array().ok_or("no changes")? {
        let digest = bytes(text(change, "body_hash")?)?;
        if let Some(salt) = change.get("salt") {
            *bodies += 1;
            let salt = bytes(salt.as_str().ok_or("a salt is a text")?)?;
            if body_digest(seq, change, &salt)? != digest {
                return Err(format!("commit {seq}: a body has another digest"));
            }
        }
        for name in ["kind", "collection", "id"] {
            part(&mut hashed, text(change, name)?);
        }
        hashed.extend(
            change["previous"]
                .as_i64()
                .ok_or("no previous")?
                .to_be_bytes(),
        );
        hashed.extend(digest);
    }
    Ok(Sha256::digest(&hashed).to_vec())
}

fn body_digest(seq: i64, change: &Value, salt: &[u8]) -> Result<Vec<u8>, String> {
    let body = change.get("body").ok_or("a salt without a body")?.as_str();
    let mut hashed = vec![u8::from(body.is_some())];
    hashed.extend((salt.len() as u64).to_be_bytes());
    hashed.extend(salt);
    hashed.extend(seq.to_be_bytes());
    for name in ["kind", "collection", "id"] {
        part(&mut hashed, text(change, name)?);
    }
    hashed.extend(
        change["previous"]
            .as_i64()
            .ok_or("no previous")?
            .to_be_bytes(),
    );
    part(&mut hashed, body.unwrap_or_default());
    Ok(Sha256::digest(&hashed).to_vec())
}

/// The signature is over the line without its last member.
fn check_signature(line: &str, checkpoint: &Value, public_key: &str) -> Result<(), String> {
    let public_key = bytes(public_key)?;
    let id = hex(&Sha256::digest(&public_key)[..8]);
    if text(checkpoint, "key")? != id {
        return Err("another key".to_owned());
    }
    let (signed, _) = line.split_once(",\"signature\"").ok_or("not signed")?;
    let key: [u8; 32] = public_key.try_into().map_err(|_| "no key")?;
    let signature: [u8; 64] = bytes(text(checkpoint, "signature")?)?
        .try_into()
        .map_err(|_| "no signature")?;
    VerifyingKey::from_bytes(&key)
        .and_then(|key| {
            key.verify_strict(
                format!("{signed}}}").as_bytes(),
                &Signature::from_bytes(&signature),
            )
        })
        .map_err(|error| error.to_string())
}

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str, String> {
    let member = value[name].as_str();
    member.ok_or_else(|| format!("{name} is missing in {value}"))
}

fn part(hashed: &mut Vec<u8>, text: &str) {
    hashed.extend((text.len() as u64).to_be_bytes());
    hashed.extend(text.as_bytes());
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).expect("a nibble");
    let pairs = bytes.iter().map(|byte| [byte >> 4, byte & 15]);
    pairs.flatten().map(digit).collect()
}

fn bytes(hex: &str) -> Result<Vec<u8>, String> {
    let pair = |place: usize| hex.get(place..place + 2).ok_or("half a byte");
    let byte = |place: usize| {
        let pair = pair(place).map_err(str::to_owned)?;
        u8::from_str_radix(pair, 16).map_err(|error| error.to_string())
    };
    (0..hex.len()).step_by(2).map(byte).collect()
}

/// No digit of an export can be another, no line be missing or elsewhere, without the stranger's noticing.
pub fn assert_every_change_is_found(export: &str, public_key: &str) {
    let lines: Vec<&str> = export.lines().collect();
    let without = |left_out: usize| {
        let kept = lines.iter().enumerate().filter(|(at, _)| *at != left_out);
        kept.map(|(_, line)| *line).collect::<Vec<_>>().join("\n")
    };
    for at in 0..lines.len() {
        let found = verify(&without(at), public_key);
        assert!(found.is_err(), "without line {at}");
    }
    let mut swapped = lines.clone();
    swapped.swap(0, 1);
    assert!(verify(&swapped.join("\n"), public_key).is_err());
    let digits: Vec<usize> = export
        .char_indices()
        .filter_map(|(at, c)| c.is_ascii_digit().then_some(at))
        .collect();
    for at in digits.iter().step_by(digits.len() / 200 + 1) {
        let other = if &export[*at..=*at] == "1" { "2" } else { "1" };
        let changed = format!("{}{other}{}", &export[..*at], &export[at + 1..]);
        let found = verify(&changed, public_key);
        assert!(found.is_err(), "another digit at {at}");
    }
}
