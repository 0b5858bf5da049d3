//! What settles invoices: parts of payments and credit notes, and write-offs.

use std::collections::BTreeSet;

use bursar_domain::{
    invoice::{Allocation, Flow, Invoice, Payment, Settlement},
    manifest::InvoiceOperation,
    money::Money,
    office::LegalEntity,
    problem::Problem,
    row::{Kind, Row, RowKey},
};
use serde_json::{Value, json};

use crate::{
    effects::Keyed,
    error::Error,
    input::Faults,
    organisation::check_period,
    session::{Session, View},
    write::{Write, can_be_id, to_value},
};

/// Most invoices of one call.
const PARTS_MAX: usize = 1000;
/// Longest reason, in bytes.
const REASON_BYTES_MAX: usize = 100;

/// Part of a payment or credit note that settles one invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The invoice's id.
    pub invoice: String,
    /// Above zero, in the currency of both.
    pub amount: Money,
}

/// What parts are taken from.
enum Source {
    Payment(Row, Box<Payment>),
    CreditNote(Row, Box<Invoice>),
}

impl Source {
    fn settlement(&self) -> Settlement {
        match self {
            Source::Payment(..) => Settlement::Payment,
            Source::CreditNote(..) => Settlement::CreditNote,
        }
    }

    fn noun(&self) -> &'static str {
        match self {
            Source::Payment(..) => "payment",
            Source::CreditNote(..) => "credit note",
        }
    }

    fn flow(&self) -> Flow {
        match self {
            Source::Payment(_, payment) => payment.flow,
            Source::CreditNote(_, note) => note.content.flow,
        }
    }

    fn legal_entity(&self) -> &str {
        match self {
            Source::Payment(_, payment) => &payment.legal_entity,
            Source::CreditNote(_, note) => &note.content.legal_entity,
        }
    }

    /// Whose invoices it settles; a payment settles anybody's, since others may pay.
    fn party(&self) -> Option<&str> {
        match self {
            Source::Payment(..) => None,
            Source::CreditNote(_, note) => Some(&note.content.party),
        }
    }

    /// What is not allocated yet.
    fn rest(&self) -> Money {
        match self {
            Source::Payment(_, payment) => payment.unallocated,
            Source::CreditNote(_, note) => note.outstanding,
        }
    }

    fn check(&self) -> Result<(), Error> {
        match self {
            Source::Payment(_, payment) => {
                if payment.reverses.is_some() || payment.reversed_by.is_some() {
                    let message = "a reversed payment and a reversal settle nothing";
                    return Err(Error::conflict("reversed", message));
                }
            }
            Source::CreditNote(_, note) => {
                if !note.counts() {
                    let message = "only an issued or approved credit note settles invoices";
                    return Err(Error::conflict("wrong-state", message));
                }
            }
        }
        Ok(())
    }

    fn with_rest(self, rest: Money) -> Result<Write, Error> {
        match self {
            Source::Payment(row, payment) => {
                let unallocated = rest;
                let payment = Payment {
                    unallocated,
                    ..*payment
                };
                Write::of(row.key.clone(), Some(&row), &payment)
            }
            Source::CreditNote(row, note) => {
                let outstanding = rest;
                let note = Invoice {
                    outstanding,
                    ..*note
                };
                Write::of(row.key.clone(), Some(&row), &note)
            }
        }
    }
}

impl Session {
    /// Sets parts of a payment or credit note against 1 to 1000 invoices of its flow, all or nothing. Needs
    /// `invoices: pay`.
    pub async fn allocate(
        &mut self,
        key: &str,
        source: &str,
        parts: &[Part],
    ) -> Result<Vec<View<Invoice>>, Error> {
        let from = self.source(source).await?;
        let input = json!({"source": source, "allocations": parts_json(parts)?});
        let free = match self.effect("invoices.allocate", key, &input).await? {
            Keyed::Used(_) => return self.invoices_of(parts).await,
            Keyed::Free(free) => free,
        };
        from.check()?;
        check_parts(&from, parts)?;
        let entity = self.entity_named(from.legal_entity(), "/source").await?;
        let date = self.business_date(&entity)?;
        let mut faults = Faults::default();
        check_period(&mut faults, &entity, "", date);
        faults.result()?;
        let invoices = self.open_invoices(&from, parts).await?;
        let amounts = parts.iter().map(|part| part.amount);
        let rest = Money::checked_sum(amounts, from.rest().currency)
            .and_then(|sum| from.rest().checked_sub(sum))
            .ok()
            .filter(|rest| !rest.is_negative());
        let Some(rest) = rest else {
            let message = format!(
                "only {} of the {} is not allocated",
                from.rest(),
                from.noun()
            );
            return Err(Error::invalid("over-allocated", "/allocations", message));
        };
        let mut writes = vec![free.used_for(source)?];
        let settles = (from.settlement(), source);
        for (part, (row, invoice)) in parts.iter().zip(invoices) {
            writes.extend(self.settle(&row, invoice, settles, part.amount, date, "")?);
        }
        writes.push(from.with_rest(rest)?);
        self.apply(writes)?;
        self.invoices_of(parts).await
    }

    /// Closes a rest that will not come, at most what is outstanding. Needs `invoices: write-off`.
    pub async fn write_off(
        &mut self,
        key: &str,
        invoice: &str,
        amount: Money,
        reason: &str,
    ) -> Result<View<Invoice>, Error> {
        let (row, open) = self
            .invoice_for(invoice, InvoiceOperation::WriteOff)
            .await?;
        let input = json!({"invoice": invoice, "amount": to_value(&amount)?, "reason": reason});
        let free = match self.effect("invoices.write-off", key, &input).await? {
            Keyed::Used(id) => return self.own_invoice(&id).await,
            Keyed::Free(free) => free,
        };
        let entity = self
            .entity_named(&open.content.legal_entity, "/invoice")
            .await?;
        let date = self.business_date(&entity)?;
        let mut faults = Faults::default();
        faults.line("/reason", reason, 1..=REASON_BYTES_MAX);
        faults.unless(
            amount.minor > 0,
            "out-of-range",
            "/amount",
            "an amount above zero",
        );
        check_period(&mut faults, &entity, "", date);
        faults.result()?;
        check_settled(&open, amount, "/amount")?;
        self.check_write_off(&entity, invoice, amount).await?;
        let [allocation, invoice_image] =
            self.settle(&row, open, (Settlement::WriteOff, ""), amount, date, reason)?;
        self.apply(vec![free.used_for(invoice)?, allocation, invoice_image])?;
        self.own_invoice(invoice).await
    }

    /// The legal entity's limit holds for all that is written off of an invoice.
    async fn check_write_off(
        &mut self,
        entity: &LegalEntity,
        invoice: &str,
        amount: Money,
    ) -> Result<(), Error> {
        let Some(limit) = entity.write_off_max else {
            return Ok(());
        };
        if amount.currency != limit.currency {
            let message = format!(
                "write-offs are limited to {limit}, which no other currency can be compared with"
            );
            return Err(Error::invalid("currency-mismatch", "/amount", message));
        }
        let earlier = self.allocations_by("invoice", invoice).await?;
        let earlier = earlier
            .iter()
            .filter(|it| it.settlement == Settlement::WriteOff);
        let all = earlier.map(|it| it.amount).chain([amount]);
        let sum = Money::checked_sum(all, limit.currency);
        if sum.is_ok_and(|sum| sum.minor <= limit.minor) {
            return Ok(());
        }
        let message = format!("at most {limit} is written off of one invoice");
        Err(Error::invalid("over-limit", "/amount", message))
    }

    /// The new allocation, and the invoice with less outstanding (INV-4).
    pub(crate) fn settle(
        &mut self,
        row: &Row,
        invoice: Invoice,
        (settlement, source): (Settlement, &str),
        amount: Money,
        date: jiff::civil::Date,
        reason: &str,
    ) -> Result<[Write; 2], Error> {
        let outstanding = invoice.outstanding.checked_sub(amount);
        let outstanding =
            outstanding.map_err(|error| Error::Broken(format!("{}: {error}", row.key)))?;
        let allocation = Allocation {
            settlement,
            source: source.to_owned(),
            invoice: row.key.id.to_string(),
            amount,
            date,
            reason: reason.to_owned(),
        };
        let key = RowKey::of(Kind::Allocation, &self.new_id());
        Ok([
            Write::of(key, None, &allocation)?,
            Write::of(
                row.key.clone(),
                Some(row),
                &Invoice {
                    outstanding,
                    ..invoice
                },
            )?,
        ])
    }

    /// The invoices that the parts name, each in view and able to take its part (INV-3).
    async fn open_invoices(
        &mut self,
        from: &Source,
        parts: &[Part],
    ) -> Result<Vec<(Row, Invoice)>, Error> {
        let keys: Vec<RowKey> = parts
            .iter()
            .map(|part| RowKey::of(Kind::Invoice, &part.invoice))
            .collect();
        let mut rows = self.load_many(&keys).await?.into_iter().peekable();
        let mut invoices = Vec::with_capacity(parts.len());
        let mut problems = Vec::new();
        for (place, part) in parts.iter().enumerate() {
            let pointer = format!("/allocations/{place}");
            let row = rows.next_if(|row| *row.key.id == *part.invoice);
            let found = row
                .map(|row| row.decode::<Invoice>().map(|invoice| (row, invoice)))
                .transpose()?;
            let Some((row, invoice)) =
                found.filter(|(_, invoice)| invoice.content.flow == from.flow())
            else {
                return Err(Error::NotFound(Problem::at(
                    "not-found",
                    pointer,
                    "there is no such invoice of that flow",
                )));
            };
            if invoice.content.legal_entity != from.legal_entity() {
                problems.push(Problem::at(
                    "entity-mismatch",
                    &pointer,
                    "the two are of two legal entities",
                ));
            }
            if from
                .party()
                .is_some_and(|party| party != invoice.content.party)
            {
                problems.push(Problem::at(
                    "party-mismatch",
                    &pointer,
                    "a credit note settles invoices of its party",
                ));
            }
            match check_settled(&invoice, part.amount, &pointer) {
                Err(Error::Invalid(found)) => problems.extend(found),
                checked => checked?,
            }
            invoices.push((row, invoice));
        }
        if problems.is_empty() {
            Ok(invoices)
        } else {
            Err(Error::Invalid(problems))
        }
    }

    /// What parts are to be taken from: a payment or a credit note, in view.
    async fn source(&mut self, id: &str) -> Result<Source, Error> {
        let not_found = match self.payment_for(id, InvoiceOperation::Pay).await {
            Ok((row, payment)) => return Ok(Source::Payment(row, Box::new(payment))),
            Err(Error::NotFound(problem)) => problem,
            Err(error) => return Err(error),
        };
        match self.invoice_for(id, InvoiceOperation::Pay).await {
            Ok((row, note)) if note.is_credit_note() => Ok(Source::CreditNote(row, Box::new(note))),
            Ok(_) => Err(Error::invalid(
                "source-unusable",
                "/source",
                "only payments and credit notes can be allocated",
            )),
            Err(Error::NotFound(_) | Error::Denied(_)) => Err(Error::NotFound(not_found)),
            Err(error) => Err(error),
        }
    }

    async fn invoices_of(&mut self, parts: &[Part]) -> Result<Vec<View<Invoice>>, Error> {
        let mut views = Vec::with_capacity(parts.len());
        for part in parts {
            views.push(self.own_invoice(&part.invoice).await?);
        }
        Ok(views)
    }
}

fn parts_json(parts: &[Part]) -> Result<Value, Error> {
    let one = |part: &Part| Ok(json!({"invoice": part.invoice, "amount": to_value(&part.amount)?}));
    Ok(Value::Array(
        parts.iter().map(one).collect::<Result<_, Error>>()?,
    ))
}

fn check_parts(from: &Source, parts: &[Part]) -> Result<(), Error> {
    let mut faults = Faults::default();
    faults.unless(
        (1..=PARTS_MAX).contains(&parts.len()),
        "wrong-count",
        "/allocations",
        format!("1 to {PARTS_MAX} allocations"),
    );
    let mut named = BTreeSet::new();
    for (place, part) in parts.iter().take(PARTS_MAX).enumerate() {
        let pointer = format!("/allocations/{place}");
        faults.unless(
            part.amount.minor > 0,
            "out-of-range",
            &format!("{pointer}/amount"),
            "an amount above zero",
        );
        faults.unless(
            named.insert(&part.invoice),
            "duplicate",
            &format!("{pointer}/invoice"),
            "each invoice is named once",
        );
        faults.unless(
            can_be_id(&part.invoice),
            "unknown",
            &format!("{pointer}/invoice"),
            "there is no such invoice",
        );
        let currency = from.rest().currency;
        let message = format!("the {} is in {currency}", from.noun());
        faults.unless(
            part.amount.currency == currency,
            "currency-mismatch",
            &format!("{pointer}/amount"),
            message,
        );
    }
    faults.result()
}

/// Whether an invoice can take so much: it is final, open for it, and in that currency.
fn check_settled(invoice: &Invoice, amount: Money, pointer: &str) -> Result<(), Error> {
    if !invoice.state.is_owed() || invoice.is_credit_note() {
        return Err(Error::conflict(
            "wrong-state",
            "a draft, a credit note and what is not owed cannot be settled",
        ));
    }
    let currency = invoice.outstanding.currency;
    if amount.currency != currency {
        return Err(Error::invalid(
            "currency-mismatch",
            pointer,
            format!("the invoice is in {currency}"),
        ));
    }
    if amount.minor > invoice.outstanding.minor {
        return Err(Error::invalid(
            "over-settled",
            pointer,
            format!("only {} is outstanding", invoice.outstanding),
        ));
    }
    Ok(())
}
