//! Checkpoints: where a log stood at an instant, signed by its host, to be kept where the host cannot reach it.
//!
//! What is signed is the checkpoint's canonical JSON without its signature, by Ed25519 (RFC 8032). Whoever has the public
//! key can check that; docs/audit.md has the format for strangers. Knows no log: whether it still holds what a checkpoint
//! says is verification's matter.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    canonical,
    log::{Hash, hex, sha256_hex},
    row::Seq,
};

/// The name and version of what is signed: a signature over anything else is none over a checkpoint.
pub const FORMAT: &str = "bursar-checkpoint-1";
/// The signatures' algorithm.
pub const ALGORITHM: &str = "ed25519";
/// Length of a key's id, in characters: the first eight bytes of the SHA-256 of the public key, lower-case hex.
pub const KEY_ID_LENGTH: usize = 16;

/// A place of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The commit.
    pub seq: Seq,
    /// Its hash, lower-case hex.
    pub hash: String,
}

/// A place of the log, signed by its host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedCheckpoint {
    /// When it was signed, in microseconds UTC by the host's clock.
    pub at_us: i64,
    /// "bursar-checkpoint-1".
    pub format: String,
    /// The commit's hash, lower-case hex.
    pub hash: String,
    /// The id of the key that it was signed with.
    pub key: String,
    /// The log's last commit at that time.
    pub seq: Seq,
    /// Ed25519 over the canonical JSON of the other members, lower-case hex.
    pub signature: String,
}

/// A checkpoint as somebody kept it: those of earlier versions have no signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum KeptCheckpoint {
    /// It says who made it.
    Signed(SignedCheckpoint),
    /// It proves only what whoever kept it vouches for.
    Unsigned(Checkpoint),
}

/// Why a signed checkpoint proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It was made by another version.
    #[error("the checkpoint's format is {0:?}, not {FORMAT:?}")]
    OtherFormat(String),
    /// It was signed with another key.
    #[error("the checkpoint was signed with the key {signed}, not with {expected}")]
    OtherKey {
        /// Id of the key that it names.
        signed: String,
        /// Id of the key that it was checked with.
        expected: String,
    },
    /// It was changed after it was signed, or never signed.
    #[error("the checkpoint's signature is not of its content")]
    WrongSignature,
    /// The key itself is none.
    #[error("this is no public key: 64 hexadecimal digits of an ed25519 key are expected")]
    NotAKey,
}

impl CheckpointError {
    /// Stable, lower case with hyphens.
    pub const fn code(&self) -> &'static str {
        match self {
            CheckpointError::OtherFormat(_) => "checkpoint-other-format",
            CheckpointError::OtherKey { .. } => "checkpoint-other-key",
            CheckpointError::WrongSignature => "checkpoint-signature-wrong",
            CheckpointError::NotAKey => "public-key-invalid",
        }
    }

    /// What to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            CheckpointError::OtherFormat(_) => {
                "check it with the version of bursar that made it, or a newer one"
            }
            CheckpointError::OtherKey { .. } => {
                "it belongs to another host, or somebody made it: compare the ids with the public key that you kept"
            }
            CheckpointError::WrongSignature => {
                "it is not as the host made it: compare it with another copy"
            }
            CheckpointError::NotAKey => "`bursar audit public-key` on the host prints it",
        }
    }
}

/// The key that a host signs its checkpoints with. Never shown.
#[derive(Clone)]
pub struct CheckpointKey(SigningKey);

/// What a host's checkpoints are checked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// A public key as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublicKeyShown {
    /// "ed25519".
    pub algorithm: String,
    /// Its id: the first eight bytes of its SHA-256, lower-case hex.
    pub key: String,
    /// Its 32 bytes, lower-case hex.
    pub public_key: String,
}

impl std::fmt::Debug for CheckpointKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("CheckpointKey(..)")
    }
}

impl CheckpointKey {
    /// The key of a seed of 32 secret bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// What others check its signatures with.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs that the log stood at a commit.
    pub fn sign(&self, seq: Seq, hash: &Hash, at_us: i64) -> SignedCheckpoint {
        let unsigned = SignedCheckpoint {
            at_us,
            format: FORMAT.to_owned(),
            hash: hex(hash),
            key: self.public().id(),
            seq,
            signature: String::new(),
        };
        let text = unsigned.signed_text();
        let signature = text.map(|text| hex(&self.0.sign(text.as_bytes()).to_bytes()));
        SignedCheckpoint {
            // What has no canonical form is not signed, and proves nothing.
            signature: signature.unwrap_or_default(),
            ..unsigned
        }
    }
}

impl PublicKey {
    /// Reads 64 hexadecimal digits, or what [`PublicKeyShown`] looks like as JSON.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let shown: Option<PublicKeyShown> = serde_json::from_str(text).ok();
        let text = shown.map_or_else(|| text.trim().to_owned(), |shown| shown.public_key);
        let bytes = bytes_of::<32>(&text).ok_or(CheckpointError::NotAKey)?;
        VerifyingKey::from_bytes(&bytes)
            .map(Self)
            .map_err(|_| CheckpointError::NotAKey)
    }

    /// The first bytes of its SHA-256, lower-case hex.
    pub fn id(&self) -> String {
        let mut id = sha256_hex(self.0.as_bytes());
        id.truncate(KEY_ID_LENGTH);
        id
    }

    /// The key as it is told.
    pub fn shown(&self) -> PublicKeyShown {
        PublicKeyShown {
            algorithm: ALGORITHM.to_owned(),
            key: self.id(),
            public_key: hex(self.0.as_bytes()),
        }
    }

    /// The place that a checkpoint names, if the owner of this key signed it.
    pub fn check(&self, signed: &SignedCheckpoint) -> Result<Checkpoint, CheckpointError> {
        if signed.format != FORMAT {
            return Err(CheckpointError::OtherFormat(signed.format.clone()));
        }
        if signed.key != self.id() {
            return Err(CheckpointError::OtherKey {
                signed: signed.key.clone(),
                expected: self.id(),
            });
        }
        let bytes = bytes_of::<64>(&signed.signature).ok_or(CheckpointError::WrongSignature)?;
        let text = signed
            .signed_text()
            .ok_or(CheckpointError::WrongSignature)?;
        self.0
            .verify_strict(text.as_bytes(), &Signature::from_bytes(&bytes))
            .map_err(|_| CheckpointError::WrongSignature)?;
        Ok(Checkpoint {
            seq: signed.seq,
            hash: signed.hash.clone(),
        })
    }
}

impl SignedCheckpoint {
    /// The one line that is kept: canonical JSON.
    pub fn to_line(&self) -> String {
        let mut members = self.members();
        if let Some(object) = members.as_object_mut() {
            object.insert("signature".to_owned(), json!(self.signature));
        }
        // What was signed has one.
        canonical::to_text(&members).unwrap_or_default()
    }

    /// What the signature is over; none if the numbers have no canonical form.
    fn signed_text(&self) -> Option<String> {
        canonical::to_text(&self.members()).ok()
    }

    fn members(&self) -> Value {
        json!({
            "at_us": self.at_us, "format": self.format, "hash": self.hash, "key": self.key, "seq": self.seq,
        })
    }
}

impl KeptCheckpoint {
    /// The place that it names; if it is signed, by the owner of this key.
    pub fn check(&self, key: &PublicKey) -> Result<Checkpoint, CheckpointError> {
        match self {
            KeptCheckpoint::Signed(signed) => key.check(signed),
            KeptCheckpoint::Unsigned(checkpoint) => Ok(checkpoint.clone()),
        }
    }
}

/// Not `untagged`, which could not say what is wrong: what looks signed is read as signed.
impl<'de> Deserialize<'de> for KeptCheckpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let read = if value.get("signature").is_some() || value.get("format").is_some() {
            serde_json::from_value(value).map(KeptCheckpoint::Signed)
        } else {
            serde_json::from_value(value).map(KeptCheckpoint::Unsigned)
        };
        read.map_err(serde::de::Error::custom)
    }
}

/// Bytes from lower-case hex.
fn bytes_of<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    if text.len() != LENGTH.checked_mul(2)? || !text.as_bytes().iter().all(is_digit) {
        return None;
    }
    let pairs = text.as_bytes().chunks_exact(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = pairs.map(byte).collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> CheckpointKey {
        CheckpointKey::from_seed(&[9; 32])
    }

    fn signed() -> SignedCheckpoint {
        key().sign(42, &[0xab; 32], 1_790_000_000_000_000)
    }

    #[test]
    fn what_has_no_canonical_form_is_neither_signed_nor_taken_for_signed() {
        let at_us = 1 << 60;
        let none = key().sign(42, &[0xab; 32], at_us);
        assert_eq!(none.signature, "");
        // Not even by a signature over nothing, which would fit all of them.
        let signature = hex(&key().0.sign(b"").to_bytes());
        let forged = SignedCheckpoint { signature, ..none };
        let checked = key().public().check(&forged);
        assert_eq!(checked, Err(CheckpointError::WrongSignature));
    }

    #[test]
    fn a_checkpoint_is_signed_by_rfc_8032() {
        // RFC 8032 §7.1, TEST 1: the seed and its public key.
        let seed =
            bytes_of::<32>("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let public = CheckpointKey::from_seed(&seed.expect("hex")).public();
        let known = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(public.shown().public_key, known);
        assert_eq!(PublicKey::parse(known), Ok(public));
    }

    #[test]
    fn the_line_is_what_was_signed_and_its_signature() {
        let signed = signed();
        let hash = "ab".repeat(32);
        let key = key().public().id();
        let text = format!(
            r#"{{"at_us":1790000000000000,"format":"bursar-checkpoint-1","hash":"{hash}","key":"{key}","seq":42}}"#
        );
        assert_eq!(signed.signed_text().as_deref(), Some(text.as_str()));
        let line = format!(
            "{},\"signature\":\"{}\"}}",
            &text[..text.len() - 1],
            signed.signature
        );
        assert_eq!(signed.to_line(), line);
        let kept: KeptCheckpoint = serde_json::from_str(&line).expect("a checkpoint");
        assert_eq!(kept, KeptCheckpoint::Signed(signed));
    }

    #[test]
    fn what_was_changed_or_signed_by_another_is_refused_by_its_code() {
        let check = |change: fn(&mut SignedCheckpoint), code: Option<&str>| {
            let mut checkpoint = signed();
            change(&mut checkpoint);
            let checked = key().public().check(&checkpoint);
            assert_eq!(
                checked.err().map(|error| error.code()),
                code,
                "{checkpoint:?}"
            );
        };
        let wrong = Some("checkpoint-signature-wrong");
        check(|_| (), None);
        check(|it| it.seq = 41, wrong);
        check(|it| it.seq = i64::MAX, wrong);
        check(|it| it.at_us = 0, wrong);
        check(|it| it.hash = "ac".repeat(32), wrong);
        check(|it| it.signature = "00".repeat(64), wrong);
        check(|it| it.signature.make_ascii_uppercase(), wrong);
        check(|it| it.signature.clear(), wrong);
        check(|it| it.format.push('0'), Some("checkpoint-other-format"));
        check(|it| it.key = "0".repeat(16), Some("checkpoint-other-key"));
        check(
            |it| *it = CheckpointKey::from_seed(&[8; 32]).sign(42, &[0xab; 32], 1),
            Some("checkpoint-other-key"),
        );
        // Another's signature under this key's name.
        check(
            |it| {
                let other = CheckpointKey::from_seed(&[8; 32]);
                let text = it.signed_text().expect("a canonical form");
                it.signature = hex(&other.0.sign(text.as_bytes()).to_bytes());
            },
            wrong,
        );
    }

    #[test]
    fn an_earlier_checkpoint_is_read_as_unsigned() {
        let read = |text: &str| serde_json::from_str::<KeptCheckpoint>(text);
        let unsigned = read(r#"{"seq":3,"hash":"00"}"#).expect("a checkpoint");
        let place = Checkpoint {
            seq: 3,
            hash: "00".to_owned(),
        };
        assert_eq!(unsigned, KeptCheckpoint::Unsigned(place.clone()));
        assert_eq!(unsigned.check(&key().public()), Ok(place));
        for text in [
            r#"{"seq":3,"hash":"00","signature":"00"}"#,
            r#"{"seq":3,"hash":"00","format":"bursar-checkpoint-1"}"#,
            r#"{"seq":3,"hash":"00","note":""}"#,
            r#"{"seq":3}"#,
            "[]",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_public_key_is_read_as_it_is_shown() {
        let public = key().public();
        let shown = public.shown();
        let json = serde_json::to_string(&shown).expect("JSON");
        for text in [
            shown.public_key.clone(),
            format!("{}\n", shown.public_key),
            json,
        ] {
            assert_eq!(PublicKey::parse(&text), Ok(public.clone()), "{text}");
        }
        for text in ["", "d7", &"zz".repeat(32), "{}", &"02".repeat(32)] {
            assert_eq!(
                PublicKey::parse(text),
                Err(CheckpointError::NotAKey),
                "{text}"
            );
        }
    }
}
