//! Who of our parties sent an invoice.
//!
//! By VAT id, then by company id, then by bank account, then by exact name; what names two parties names nobody. Pure.
//! Entered through [`find`].

use crate::einvoice::Invoice;

/// A party as our books know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Its record.
    pub id: String,
    /// As it is written there.
    pub name: String,
    /// VAT id or company id.
    pub tax_id: Option<String>,
    /// IBANs.
    pub accounts: Vec<String>,
}

/// Who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// This party.
    One(&'a Party),
    /// Nobody we know.
    Nobody,
    /// Several have what should name one.
    Several(Means),
}

/// What a supplier is told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// BT-31
    VatId,
    /// BT-30, BT-32 or BT-29
    CompanyId,
    /// BT-84
    Account,
    /// BT-27 or BT-28
    Name,
}

impl Means {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Self::VatId => "VAT id",
            Self::CompanyId => "company id",
            Self::Account => "bank account",
            Self::Name => "name",
        }
    }
}

/// The party that an invoice comes from.
pub fn find<'a>(invoice: &Invoice, parties: &'a [Party]) -> Found<'a> {
    let seller = &invoice.seller;
    let company_ids: Vec<&String> = seller.company_ids.iter().collect();
    let registrations = seller.tax_registrations.iter();
    let has_id = |ids: &[String], party: &Party| {
        let own = party.tax_id.as_deref().map(compact);
        own.is_some_and(|own| !own.is_empty() && ids.contains(&own))
    };
    let vat_ids = compacted(seller.vat_ids.iter());
    let company_ids = compacted(company_ids.into_iter().chain(registrations));
    let accounts = compacted(invoice.accounts.iter());
    let names: Vec<String> = seller.names.iter().map(|name| plain(name)).collect();
    let by = |means, is_it: &dyn Fn(&Party) -> bool| {
        let mut matching = parties.iter().filter(|party| is_it(party));
        match (matching.next(), matching.next()) {
            (Some(party), None) => Some(Found::One(party)),
            (Some(_), Some(_)) => Some(Found::Several(means)),
            (None, _) => None,
        }
    };
    by(Means::VatId, &|party| has_id(&vat_ids, party))
        .or_else(|| by(Means::CompanyId, &|party| has_id(&company_ids, party)))
        .or_else(|| by(Means::Account, &|party| has_account(party, &accounts)))
        .or_else(|| by(Means::Name, &|party| names.contains(&plain(&party.name))))
        .unwrap_or(Found::Nobody)
}

/// Whether money is asked for on an account that is not the supplier's, as far as its accounts are on record.
pub fn is_other_account(invoice: &Invoice, party: &Party) -> bool {
    let accounts = compacted(invoice.accounts.iter());
    !accounts.is_empty() && !party.accounts.is_empty() && !has_account(party, &accounts)
}

fn has_account(party: &Party, accounts: &[String]) -> bool {
    let mut own = party.accounts.iter().map(|account| compact(account));
    own.any(|own| !own.is_empty() && accounts.contains(&own))
}

fn compacted<'a>(texts: impl Iterator<Item = &'a String>) -> Vec<String> {
    texts.map(|text| compact(text)).collect()
}

/// An identifier as it is compared: letters and digits, in capitals.
pub fn compact(text: &str) -> String {
    text.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_uppercase)
        .collect()
}

/// A name as it is compared: single spaces, case left out.
fn plain(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::einvoice::Seller;

    fn party(id: &str, tax_id: Option<&str>, account: &str) -> Party {
        Party {
            id: id.to_owned(),
            name: format!("{id} GmbH"),
            tax_id: tax_id.map(str::to_owned),
            accounts: vec![account.to_owned()],
        }
    }

    fn invoice(vat_id: &str, company_id: &str, account: &str, name: &str) -> Invoice {
        let list = |text: &str| vec![text.to_owned()];
        Invoice {
            seller: Seller {
                names: list(name),
                vat_ids: list(vat_id),
                tax_registrations: Vec::new(),
                company_ids: list(company_id),
            },
            accounts: list(account),
            ..Invoice::default()
        }
    }

    #[test]
    fn the_strongest_means_decides() {
        let parties = [
            party("Ahorn", Some("ATU 1234.5678"), "AT01"),
            party("Buche", Some("FN 123456 a"), "AT02"),
            party("Ceder", None, "AT03"),
            party("Doppelt", None, "AT04"),
            party("Doppelt", None, "AT04"),
        ];
        let check = |of: [&str; 4], expected: &str| {
            let [vat_id, company_id, account, name] = of;
            let found = match find(&invoice(vat_id, company_id, account, name), &parties) {
                Found::One(party) => party.id.clone(),
                Found::Nobody => "nobody".to_owned(),
                Found::Several(means) => format!("several by {}", means.word()),
            };
            assert_eq!(found, expected, "{of:?}");
        };
        check(
            ["ATU12345678", "FN 123456a", "AT03", "Doppelt GmbH"],
            "Ahorn",
        );
        check(["ATU1", "FN 123456a", "AT03", "Ahorn GmbH"], "Buche");
        check(["", "", "AT 03", "Ahorn GmbH"], "Ceder");
        check(["", "", "", " ahorn  gmbh"], "Ahorn");
        check(["", "", "", "Ahorn"], "nobody");
        check(["", "", "AT04", ""], "several by bank account");
        check(["", "", "", "Doppelt GmbH"], "several by name");
    }

    #[test]
    fn an_account_that_is_not_on_record_is_told() {
        let ahorn = party("Ahorn", None, "AT01");
        assert!(!is_other_account(&invoice("", "", "at 01", ""), &ahorn));
        assert!(is_other_account(&invoice("", "", "AT99", ""), &ahorn));
        let mut unknown = ahorn;
        unknown.accounts.clear();
        assert!(!is_other_account(&invoice("", "", "AT99", ""), &unknown));
    }
}
