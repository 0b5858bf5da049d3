//! Who may do something now.

use std::collections::BTreeMap;

use crate::{error::Error, session::Session};
use bursar_domain::{
    audit::{Holder, Question, holders_among},
    confidentiality::FieldRules,
    manifest::Permission,
    office::{Automation, Department, Token},
    row::Kind,
};

/// Everybody who may do something, by what is stored now. For administrators.
pub async fn holders(session: &mut Session, question: &Question) -> Result<Vec<Holder>, Error> {
    let rules = match question {
        Question::Records { collection, .. } => session
            .definition(collection)
            .await?
            .collection
            .fields
            .clone(),
        _ => FieldRules::new(),
    };
    let ceilings: BTreeMap<String, Vec<Permission>> = session
        .every::<Department>(Kind::Department, &[])
        .await?
        .into_iter()
        .filter_map(|view| Some((view.id.to_string(), view.body.ceiling?)))
        .collect();
    let automations: Vec<_> = session
        .every::<Automation>(Kind::Automation, &[])
        .await?
        .into_iter()
        .map(|view| (view.id.to_string(), view.body))
        .collect();
    let tokens: Vec<_> = session
        .every::<Token>(Kind::Token, &[])
        .await?
        .into_iter()
        .map(|view| (view.id.to_string(), view.body))
        .collect();
    let now_us = session.context().now_us;
    Ok(holders_among(
        question,
        &rules,
        &automations,
        &ceilings,
        &tokens,
        now_us,
    ))
}
