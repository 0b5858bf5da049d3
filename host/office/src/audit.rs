//! What auditors ask: how much a permission reaches, who may do something, what changed, and which plugin wrote a row.
//!
//! It reads what is stored and changes nothing. The answers' rules are pure, in [`bursar_domain::audit`].

mod authors;
mod changes;
mod holders;
mod reach;

pub use authors::{Authors, PluginAuthor, Written};
pub use changes::{PermissionChange, permission_changes};
pub use holders::holders;
pub use reach::{Reach, reaches};
