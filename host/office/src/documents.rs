//! Documents: descriptions are rows, contents are immutable blobs named by their digest.
//!
//! A new content under a name is a new image of the row: what was there before stays in the log, and its blob is kept.

use bursar_domain::{
    draft::UniqueKey,
    index::{Comparison, fields_of},
    manifest::{DocumentOperation, Need, Permission},
    office::Document,
    row::{Kind, Row, RowKey, Seq},
};

use crate::{
    error::Error,
    input::Faults,
    listing::{Listed, Order, Paging, Scope, Test},
    session::{Expected, Session, View},
    write::{Write, key_of},
};

/// Most bytes of one read.
const READ_BYTES_MAX: u32 = 4 << 20;
/// Largest document, in bytes.
const DOCUMENT_BYTES_MAX: usize = 256 << 20;
/// Longest name of a document, in bytes.
const NAME_BYTES_MAX: usize = 200;

/// A content that a document has or had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The commit that put it there.
    pub seq: Seq,
    /// When, in microseconds UTC.
    pub at_us: i64,
    /// Who, such as "person:ada".
    pub author: String,
    /// The run that did it, if one did.
    pub run: Option<String>,
    /// The description of then.
    pub document: Document,
}

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
        let blobs = self.database.blobs();
        Ok(blobs.read(&document.sha256, offset, length).await?)
    }

    /// A document's contents, newest first, continued behind a commit. For people.
    pub async fn document_versions(
        &mut self,
        id: &str,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Vec<Version>, Error> {
        self.require_administrator()?;
        let row = self.load_document(id).await?;
        let versions = self.database.row_history(&row.key, before, limit).await?;
        let mut found = Vec::with_capacity(versions.len());
        for version in versions {
            let Some(body) = version.body else {
                continue;
            };
            let image = Row {
                body,
                ..row.clone()
            };
            found.push(Version {
                seq: version.seq,
                at_us: version.at_us,
                author: version.author,
                run: version.run,
                document: image.decode()?,
            });
        }
        Ok(found)
    }

    /// Passes if the document of a name is as it is expected to be, or its absence. For people.
    pub async fn expect_document(
        &mut self,
        folder: &str,
        name: &str,
        expected: &Expected,
    ) -> Result<(), Error> {
        self.require_administrator()?;
        let row = self.document_named(folder, name).await?;
        self.expect_row(row.as_ref(), expected)
    }

    /// Adds a document, or puts a new content under its name: what was there before stays in its history. The same
    /// content again changes nothing. A folder is defined by the first document. For people.
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
        let there = self.document_named(folder, name).await?;
        if let Some(row) = &there {
            let view: View<Document> = self.typed(row)?;
            if view.body.sha256 == sha256 && view.body.media_type == media_type {
                return Ok(view);
            }
        }
        let document = Document {
            folder: folder.to_owned(),
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            bytes: content.len() as u64,
            sha256: self.database.blobs().put(content).await?,
        };
        let key = match &there {
            Some(row) => row.key.clone(),
            None => RowKey::of(Kind::Document, &self.new_id()),
        };
        let mut writes = vec![Write::of(key.clone(), there.as_ref(), &document)?];
        writes.extend(self.folder_on_first_use(folder).await?);
        self.apply(writes)?;
        let row = self
            .load(&key)
            .await?
            .ok_or_else(|| Error::Broken(format!("{key} is gone from the draft")))?;
        Ok(self.typed(&row)?)
    }

    async fn document_named(&mut self, folder: &str, name: &str) -> Result<Option<Row>, Error> {
        let unique = UniqueKey {
            space: format!("document/{folder}"),
            value: name.to_owned(),
        };
        match self.holder_of(&unique).await? {
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
        if self.allows(need) {
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
    faults.slug("/folder", folder);
    faults.line("/name", name, 1..=NAME_BYTES_MAX);
    let is_plain = !name.contains(['/', '\\']) && !matches!(name, "." | "..");
    let message = "a plain name without slashes";
    faults.unless(is_plain, "wrong-type", "/name", message);
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
