//! XML that others wrote, from bytes to elements.
//!
//! What every plugin needs that reads banks' and suppliers' files: their encodings, and elements by name whatever the
//! prefix. Nothing in a document can point anywhere or grow, and all that it may cost has a limit. Knows no format. Entered
//! through [`decode`] and [`Outline`].

mod outline;
mod text;

pub use outline::{
    ATTRIBUTES_MAX, DEPTH_MAX, Dialect, ELEMENTS_AT_ONCE_MAX, ELEMENTS_MAX, Element, Outline, Step,
};
pub use text::{DOCUMENT_BYTES_MAX, decode};

/// Why a document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It ends before its last element does.
    #[error("it ends in the middle of an element")]
    Truncated,
    /// It declares a document type or uses an entity of its own.
    #[error("it declares a document type or uses entities")]
    HasEntities,
    /// It is no well-formed XML.
    #[error("it is not XML: {0}")]
    NotXml(String),
    /// Its bytes are not the UTF-8 they should be.
    #[error("it is not valid UTF-8 and declares no other encoding")]
    NotUtf8,
    /// It declares an encoding that is not supported.
    #[error("the encoding {0} is not supported")]
    Encoding(String),
    /// It is beyond a limit.
    #[error("it is too large: {0}")]
    TooLarge(&'static str),
}
