//! Documents: descriptions are rows, contents are immutable blobs named by their digest.

use bursar_domain::{
    draft::UniqueKey,
    index::{Comparison, fields_of},
    manifest::{DocumentOperation, Need, Permission},
    office::Document,
    row::{Kind, Row, RowKey},
};

use crate::{
    error::Error,
    input::Faults,
    listing::{Listed, Order, Paging, Scope, Test},
    session::{Session, View},
    write::{Write, key_of},
};

/// Most bytes of one read.
const READ_BYTES_MAX: u32 = 4 << 20;
/// Largest document, in bytes.
const DOCUMENT_BYTES_MAX: usize = 256 << 20;
/// Longest name of a document or folder, in bytes.
const NAME_BYTES_MAX: usize = 200;

impl Session {
    /// A document's description. Needs `documents: read` on its folder.
    pub async fn document(&mut self, id: &str) -> Result<View<Document>, Error> {
        let row = self.load_document(id).await?;
        self.hand_out(1)?;
        Ok(self.typed(&row)?)
    }

    /// A folder's documents whose names begin so, by name. Needs `documents: read` on the folder.
    pub async fn search_documents(
        &mut self,
        folder: &str,
        name_prefix: &str,
        paging: &Paging,
    ) -> Result<Listed<Document>, Error> {
        self.require(Need::Documents(folder, DocumentOperation::Read), || {
            "reading documents of this folder".to_owned()
        })?;
        let test = |field: &str, comparison, value: &str| Test {
            field: field.to_owned(),
            comparison,
            values: vec![value.into()],
        };
        let mut tests = vec![test("folder", Comparison::Equal, folder)];
        if !name_prefix.is_empty() {
            tests.push(test("name", Comparison::StartsWith, name_prefix));
        }
        let order = Order {
            field: "name".to_owned(),
            direction: bursar_domain::draft::Direction::Ascending,
        };
        let scope =
            Scope::all(Kind::Document, "").typed(&fields_of(Kind::Document), &tests, &[order])?;
        self.page(&scope, paging, |session, row| Ok(session.typed(row)?))
            .await
    }

    /// Bytes of a document from an offset, at most 4 MiB; more is cut, and the end is empty. Needs `documents: read`.
    pub async fn read_document(
        &mut self,
        id: &str,
        offset: u64,
        length: u32,
    ) -> Result<Vec<u8>, Error> {
        let document: Document = self.load_document(id).await?.decode()?;
        if length == 0 {
            return Err(Error::invalid(
                "out-of-range",
                "/length",
                format!("1 to {READ_BYTES_MAX} bytes"),
            ));
        }
        if offset >= document.bytes {
            return Ok(Vec::new());
        }
        let length = u64::from(length.min(READ_BYTES_MAX)).min(document.bytes - offset);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        Ok(self
            .database
            .blobs()
            .read(&document.sha256, offset, length)?)
    }

    /// Adds a document. The same content under the same name gives the first one again. For people.
    pub async fn add_document(
        &mut self,
        folder: &str,
        name: &str,
        media_type: &str,
        content: &[u8],
    ) -> Result<View<Document>, Error> {
        self.require_administrator()?;
        check_description(folder, name, media_type, content.len())?;
        let sha256 = bursar_domain::log::sha256_hex(content);
        let unique = UniqueKey {
            space: format!("document/{folder}"),
            value: name.to_owned(),
        };
        if let Some(row) = self.document_named(&unique).await? {
            let there: View<Document> = self.typed(&row)?;
            let is_same = there.body.sha256 == sha256 && there.body.media_type == media_type;
            let taken = || {
                Error::conflict(
                    "not-unique",
                    format!("the folder {folder:?} has another document {name:?}"),
                )
            };
            return if is_same { Ok(there) } else { Err(taken()) };
        }
        let document = Document {
            folder: folder.to_owned(),
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            bytes: content.len() as u64,
            sha256: self.database.blobs().put(content)?,
        };
        let key = RowKey::of(Kind::Document, &self.new_id());
        self.apply(vec![Write::of(key.clone(), None, &document)?])?;
        let row = self
            .load(&key)
            .await?
            .ok_or_else(|| Error::Broken(format!("{key} is gone from the draft")))?;
        Ok(self.typed(&row)?)
    }

    async fn document_named(&mut self, name: &UniqueKey) -> Result<Option<Row>, Error> {
        match self.holder_of(name).await? {
            Some(key) => self.load(&key).await,
            None => Ok(None),
        }
    }

    /// A document in view: one of a folder that is not granted does not exist.
    async fn load_document(&mut self, id: &str) -> Result<Row, Error> {
        let grants_some = match &self.context.authority {
            bursar_domain::manifest::Authority::Everything => true,
            bursar_domain::manifest::Authority::Granted(permissions) => permissions
                .iter()
                .any(|permission| matches!(permission, Permission::Documents { .. })),
        };
        if !grants_some {
            return Err(Error::denied(
                "not-granted",
                "not granted: reading documents",
            ));
        }
        let row = self
            .load(&key_of(Kind::Document, "", id, "such document")?)
            .await?;
        let row = row.ok_or_else(|| Error::not_found("such document"))?;
        let document: Document = row.decode()?;
        let need = Need::Documents(&document.folder, DocumentOperation::Read);
        if self.context.authority.allows(need) {
            Ok(row)
        } else {
            Err(Error::not_found("such document"))
        }
    }
}

fn check_description(
    folder: &str,
    name: &str,
    media_type: &str,
    bytes: usize,
) -> Result<(), Error> {
    let mut faults = Faults::default();
    for (pointer, text) in [("/folder", folder), ("/name", name)] {
        faults.line(pointer, text, 1..=NAME_BYTES_MAX);
        let is_plain = !text.contains(['/', '\\']) && !matches!(text, "." | "..");
        faults.unless(
            is_plain,
            "wrong-type",
            pointer,
            "a plain name without slashes",
        );
    }
    faults.line("/media-type", media_type, 1..=127);
    let is_media_type = media_type
        .split_once('/')
        .is_some_and(|(kind, rest)| !kind.is_empty() && !rest.is_empty());
    faults.unless(
        is_media_type,
        "wrong-type",
        "/media-type",
        "a media type such as application/xml",
    );
    faults.unless(
        bytes <= DOCUMENT_BYTES_MAX,
        "too-large",
        "/content",
        format!("at most {DOCUMENT_BYTES_MAX} bytes"),
    );
    faults.result()
}
