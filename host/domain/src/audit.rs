//! What auditors ask of permissions: what an automation may do, who may do something, and what changed.
//!
//! Pure functions over what is stored: no row of the books is read here, and nothing decides whether a call is let
//! through; that is [`crate::manifest::Authority`]'s alone, which these ask as well.

mod difference;
mod holders;
mod risk;
mod standing;
mod upgrade;

pub use difference::{
    Difference, of_automation, of_collection, of_department, of_quarantine, of_token,
};
pub use holders::{Holder, HolderKind, Question, holders_among};
pub use risk::{Risk, RiskLevel, risk};
pub use standing::{Standing, Withheld, Worth, standings, withheld};
pub use upgrade::{Upgrade, upgrade};
