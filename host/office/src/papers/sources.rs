//! What papers are made of beside the invoice: the legal entity and the party as they were, and terms of the author's own.

use bursar_domain::{
    invoice::{Invoice, InvoiceState},
    office::{LegalEntity, PARTIES},
    row::{Kind, Row, RowKey, Seq},
    ubl,
};
use serde::Deserialize;
use serde_json::Value;

use crate::{error::Error, session::Session};

/// Images of an invoice read at a time, to find the commit that issued it.
const VERSIONS_AT_ONCE: usize = 100;

/// What papers say of a party; its record says more, or says something else: what is no text is left out.
#[derive(Debug, Default)]
pub(super) struct PartyRecord {
    pub name: String,
    pub language: String,
    pub tax_id: Option<String>,
    pub address: ubl::Address,
}

impl PartyRecord {
    fn of_row(row: Option<Row>) -> Self {
        row.map_or_else(Self::default, |row| Self::of(&row.body))
    }

    /// What a party said then, and what it says now of what it left out. An address is completed by one that says the same
    /// as far as it goes, and by no other: halves of two addresses are none.
    fn completed(self, now: Self) -> Self {
        let is_same = |then: &Option<String>, now: &Option<String>| then.is_none() || then == now;
        let (then, address) = (&self.address, &now.address);
        let is_one = is_same(&then.street, &address.street)
            && is_same(&then.postcode, &address.postcode)
            && is_same(&then.city, &address.city)
            && (then.country.is_empty() || then.country == address.country);
        Self {
            tax_id: self.tax_id.or(now.tax_id),
            address: if is_one { now.address } else { self.address },
            ..self
        }
    }

    pub(super) fn of(body: &Value) -> Self {
        let address = body.get("address").unwrap_or(&Value::Null);
        let in_one_line = address.as_str().map(str::to_owned);
        Self {
            name: text(body, "name").unwrap_or_default(),
            language: text(body, "language").unwrap_or_default(),
            tax_id: text(body, "tax_id"),
            address: ubl::Address {
                street: text(address, "street").or(in_one_line),
                postcode: text(address, "postcode"),
                city: text(address, "city"),
                country: text(address, "country").unwrap_or_default(),
            },
        }
    }
}

/// What the `extra` of an invoice may say for its papers; anything else in it is the author's own.
#[derive(Debug, Default)]
pub(super) struct PaperTerms {
    pub buyer_reference: Option<String>,
    pub payment_terms: Option<String>,
    pub exemption_reason: Option<String>,
    pub deliver_to_country: Option<String>,
}

impl PaperTerms {
    pub(super) fn of(extra: &Value) -> Self {
        Self {
            buyer_reference: text(extra, "buyer_reference"),
            payment_terms: text(extra, "payment_terms"),
            exemption_reason: text(extra, "exemption_reason"),
            deliver_to_country: text(extra, "deliver_to_country"),
        }
    }
}

/// A member that is a text.
fn text(of: &Value, name: &str) -> Option<String> {
    of.get(name)?.as_str().map(str::to_owned)
}

impl Session {
    /// The legal entity and the party: as they were when the invoice became final (INV-1), or as they are. What either did not
    /// say of itself then may be said later: a text without it is of no use to anybody.
    pub(super) async fn sides(
        &mut self,
        row: &Row,
        invoice: &Invoice,
    ) -> Result<(LegalEntity, PartyRecord), Error> {
        let content = &invoice.content;
        let entity_key = RowKey::of(Kind::Entity, &content.legal_entity);
        let party_key = RowKey::within(Kind::Record, PARTIES, &content.party);
        if let Some(seq) = self.final_since(row, invoice).await? {
            let mut then = self.database.snapshot_at(seq);
            if let Some(entity) = then.get(&entity_key).await? {
                let party = PartyRecord::of_row(then.get(&party_key).await?);
                drop(then);
                let now = self.find::<LegalEntity>(&entity_key).await?;
                let entity = completed(entity.decode()?, now.map(|(_, now)| now));
                let now = PartyRecord::of_row(self.load(&party_key).await?);
                return Ok((entity, party.completed(now)));
            }
        }
        let entity = self
            .entity_named(&content.legal_entity, "/legal_entity")
            .await?;
        let party = self.load(&party_key).await?;
        Ok((entity, PartyRecord::of_row(party)))
    }

    /// The commit since which an invoice says what it says: the one that issued it, or took in a supplier's. None while it
    /// is a draft, or was issued in this session. The log tells, up to what this session sees.
    async fn final_since(&mut self, row: &Row, invoice: &Invoice) -> Result<Option<Seq>, Error> {
        let mut since = None;
        if !is_final(invoice) || row.revision == 0 {
            return Ok(since);
        }
        let mut before = row.revision.checked_add(1);
        loop {
            let versions = self
                .database
                .row_history(&row.key, before, VERSIONS_AT_ONCE)
                .await?;
            for version in &versions {
                let body = version.body.as_deref().unwrap_or(&Value::Null);
                match Invoice::deserialize(body) {
                    Ok(earlier) if is_final(&earlier) => since = Some(version.seq),
                    _ => return Ok(since),
                }
            }
            if versions.len() < VERSIONS_AT_ONCE {
                return Ok(since);
            }
            before = versions.last().map(|version| version.seq);
        }
    }
}

/// What a legal entity said then, and what it says now of what it left out.
fn completed(then: LegalEntity, now: Option<LegalEntity>) -> LegalEntity {
    let Some(now) = now else {
        return then;
    };
    LegalEntity {
        vat_id: then.vat_id.or(now.vat_id),
        tax_number: then.tax_number.or(now.tax_number),
        company_id: then.company_id.or(now.company_id),
        address: then.address.or(now.address),
        bank_accounts: match then.bank_accounts {
            accounts if accounts.is_empty() => now.bank_accounts,
            accounts => accounts,
        },
        ..then
    }
}

/// Whether an invoice's content can change no more.
fn is_final(invoice: &Invoice) -> bool {
    !matches!(invoice.state, InvoiceState::Draft | InvoiceState::Discarded)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_text_in_a_record_is_left_out_alone() {
        let odd = json!({
            "name": "Nord", "language": null, "tax_id": 7, "address": {"street": ["x"], "city": "Hamburg", "country": "DE"},
        });
        let party = PartyRecord::of(&odd);
        assert_eq!(
            (&*party.name, &*party.language, party.tax_id),
            ("Nord", "", None)
        );
        let address = party.address;
        let said = (address.street, address.city.as_deref(), &*address.country);
        assert_eq!(said, (None, Some("Hamburg"), "DE"));
        let in_one_line = PartyRecord::of(&json!({"address": "Elsewhere 1, Paris"})).address;
        assert_eq!(in_one_line.street.as_deref(), Some("Elsewhere 1, Paris"));
        let terms = PaperTerms::of(&json!({"payment_terms": "now", "buyer_reference": 7}));
        let said = (terms.payment_terms.as_deref(), terms.buyer_reference);
        assert_eq!(said, (Some("now"), None));
    }

    #[test]
    fn what_a_party_left_out_may_be_said_later_and_halves_of_two_addresses_are_none() {
        let now = json!({
            "name": "Sued", "tax_id": "DE136695976", "address": {"street": "Ring 1", "city": "Ulm", "country": "DE"},
        });
        let completed = |then: Value| {
            let party = PartyRecord::of(&then).completed(PartyRecord::of(&now));
            let address = party.address;
            let said = (address.street.as_deref(), &*address.country);
            assert_eq!(party.name, "Nord");
            (party.tax_id.as_deref(), said) == (Some("DE136695976"), (Some("Ring 1"), "DE"))
        };
        assert!(completed(json!({"name": "Nord"})));
        assert!(completed(json!({"name": "Nord", "address": "Ring 1"})));
        assert!(completed(
            json!({"name": "Nord", "address": {"city": "Ulm"}})
        ));
        for other in [
            json!("Elsewhere 1, Paris"),
            json!({"country": "FR"}),
            json!({"street": "Ring 1", "city": "Bonn"}),
        ] {
            let then = json!({"name": "Nord", "tax_id": "FR40303265045", "address": other});
            let kept = PartyRecord::of(&then).completed(PartyRecord::of(&now));
            assert_eq!(kept.address, PartyRecord::of(&then).address);
            assert_eq!(kept.tax_id.as_deref(), Some("FR40303265045"));
        }
    }
}
