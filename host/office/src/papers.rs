//! An invoice on paper: one HTML page in its reader's language, and the UBL text of what we issued.
//!
//! Both say what the row, its legal entity and its party say, as they were when it was issued, and nothing else: no clock,
//! no settings.

mod sources;
mod words;

use bursar_domain::{
    invoice::{Adjustment, Flow, Invoice, Line},
    manifest::InvoiceOperation,
    money::Money,
    office::{Address, LegalEntity},
    row::{Kind, RowKey},
    totals::Tax,
    ubl::{self, Particulars, Preceding, Trader, UblError},
};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, value::Serde};
use serde::Serialize;

use crate::{error::Error, session::Session};
use sources::{PaperTerms, PartyRecord};
use words::Words;

const TEMPLATE: &str = include_str!("papers/invoice.html");

#[derive(Debug, Serialize)]
struct Page {
    words: &'static Words,
    title: String,
    parties: [Side; 2],
    facts: Vec<Fact>,
    lines: Vec<PageLine>,
    sums: Vec<Sum>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Side {
    role: &'static str,
    name: String,
    lines: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Fact {
    name: &'static str,
    text: String,
}

#[derive(Debug, Serialize)]
struct PageLine {
    position: usize,
    description: String,
    adjustments: Vec<String>,
    quantity: String,
    unit_price: String,
    tax: String,
    net: String,
}

#[derive(Debug, Serialize)]
struct Sum {
    name: String,
    text: String,
    is_due: bool,
}

/// Everything that papers are made of.
struct Papers {
    invoice: Invoice,
    entity: LegalEntity,
    ours: Trader,
    theirs: Trader,
    language: String,
    terms: PaperTerms,
    preceding: Option<Preceding>,
}

impl Session {
    /// An invoice as one HTML page, in the language of its party, else of its legal entity. Needs `invoices: read`.
    pub async fn invoice_page(&mut self, id: &str) -> Result<String, Error> {
        let papers = self.papers(id).await?;
        self.hand_out(1)?;
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        let page = minijinja::Value::from(Serde(papers.page()));
        environment
            .render_str(TEMPLATE, page)
            .map_err(|error| Error::Broken(format!("the invoice's template: {error:#}")))
    }

    /// An issued receivable as UBL 2.1 by EN 16931. What the standard demands and is missing is named: 422 of the API.
    pub async fn invoice_ubl(&mut self, id: &str) -> Result<String, Error> {
        let papers = self.papers(id).await?;
        self.hand_out(1)?;
        if papers.invoice.content.flow != Flow::Receivable {
            let message = "only what we issued is ours to write";
            return Err(Error::invalid("not-issued", "", message));
        }
        let particulars = Particulars {
            buyer_reference: papers.terms.buyer_reference,
            preceding: papers.preceding,
            deliver_to_country: papers.terms.deliver_to_country,
            account: papers.entity.bank_accounts.first().cloned(),
            payment_terms: papers.terms.payment_terms,
            exemption_reason: papers.terms.exemption_reason,
        };
        ubl::write(&papers.ours, &papers.theirs, &papers.invoice, &particulars)
            .map_err(|error| refusal(&error))
    }

    async fn papers(&mut self, id: &str) -> Result<Papers, Error> {
        let (row, invoice) = self.invoice_for(id, InvoiceOperation::Read).await?;
        let content = &invoice.content;
        let (entity, party) = self.sides(&row, &invoice).await?;
        let preceding = match &content.corrects {
            None => None,
            Some(corrected) => {
                let key = RowKey::of(Kind::Invoice, corrected);
                let found = self.find::<Invoice>(&key).await?;
                found.and_then(|(_, corrected)| {
                    Some(Preceding {
                        number: corrected.number?,
                        issue_date: corrected.issue_date,
                    })
                })
            }
        };
        let language = if party.language.is_empty() {
            entity.locale.clone()
        } else {
            party.language.clone()
        };
        Ok(Papers {
            ours: ours(&entity),
            theirs: theirs(party, &invoice.party_name),
            language,
            terms: PaperTerms::of(&content.extra),
            preceding,
            entity,
            invoice,
        })
    }
}

fn ours(entity: &LegalEntity) -> Trader {
    let address = entity.address.clone();
    let Address {
        street,
        postcode,
        city,
        country,
    } = address.unwrap_or_default();
    Trader {
        name: entity.name.clone(),
        vat_id: entity.vat_id.clone(),
        tax_number: entity.tax_number.clone(),
        company_id: entity.company_id.clone(),
        address: ubl::Address {
            street,
            postcode,
            city,
            country,
        },
    }
}

/// The name is the one that the party had when the invoice was drafted or issued.
fn theirs(party: PartyRecord, name: &str) -> Trader {
    let name = if name.is_empty() { &party.name } else { name };
    Trader {
        name: name.to_owned(),
        vat_id: party.tax_id,
        tax_number: None,
        company_id: None,
        address: party.address,
    }
}

fn refusal(error: &UblError) -> Error {
    match error {
        UblError::NotIssued => Error::invalid("not-issued", "", error.to_string()),
        UblError::Inconsistent => Error::Broken(error.to_string()),
        UblError::Missing { .. } => Error::invalid("term-missing", "", error.to_string()),
        UblError::TooManyDecimals { .. }
        | UblError::Malformed { .. }
        | UblError::Character { .. }
        | UblError::Money(_) => Error::invalid("term-malformed", "", error.to_string()),
    }
}

impl Papers {
    fn page(&self) -> Page {
        let words = Words::of(&self.language);
        let content = &self.invoice.content;
        let kind = words.kind(content.kind);
        let caveat = words.caveat(content.flow, self.invoice.state);
        let number = self.number().unwrap_or_default();
        let title = [kind, number].join(" ").trim_end().to_owned();
        let (seller, buyer) = match content.flow {
            Flow::Receivable => (&self.ours, &self.theirs),
            Flow::Payable => (&self.theirs, &self.ours),
        };
        let lines = content.lines.iter().zip(&self.invoice.totals.line_nets);
        let lines = lines
            .enumerate()
            .map(|(place, (line, net))| page_line(words, place.saturating_add(1), line, *net));
        Page {
            words,
            title: match caveat {
                Some(caveat) => format!("{title} ({caveat})"),
                None => title,
            },
            parties: [
                side(words, words.seller, seller),
                side(words, words.buyer, buyer),
            ],
            facts: self.facts(words),
            lines: lines.collect(),
            sums: self.sums(words),
            notes: [&self.terms.payment_terms, &self.terms.exemption_reason]
                .into_iter()
                .flatten()
                .cloned()
                .collect(),
        }
    }

    fn number(&self) -> Option<&str> {
        let content = &self.invoice.content;
        let number = self.invoice.number.as_deref();
        number.or(content.supplier_number.as_deref())
    }

    fn facts(&self, words: &Words) -> Vec<Fact> {
        let (invoice, content) = (&self.invoice, &self.invoice.content);
        let issue_date = invoice.issue_date.or(content.supplier_date);
        let date = |date: Option<jiff::civil::Date>| date.map(|date| words.date(date));
        let account = match content.flow {
            Flow::Receivable => self.entity.bank_accounts.first().cloned(),
            Flow::Payable => None,
        };
        let corrects = self.preceding.as_ref().map(|it| it.number.clone());
        let facts = [
            (words.number, self.number().map(str::to_owned)),
            (words.issue_date, date(issue_date)),
            (words.supply_date, date(content.supply_date)),
            (words.due_date, date(content.due_date)),
            (words.corrects, corrects),
            (words.reference, invoice.reference.clone()),
            (words.account, account),
        ];
        let told = |(name, text): (&'static str, Option<String>)| Some(Fact { name, text: text? });
        facts.into_iter().filter_map(told).collect()
    }

    /// Allowances and charges of the document, the totals, and what is due.
    fn sums(&self, words: &Words) -> Vec<Sum> {
        let (content, totals) = (&self.invoice.content, &self.invoice.totals);
        let sum = |name: String, text: String| Sum {
            name,
            text,
            is_due: false,
        };
        let currency = totals.gross.currency;
        let mut sums: Vec<Sum> = Vec::new();
        for it in &content.adjustments {
            let amount = if it.is_charge {
                it.amount
            } else {
                it.amount.negated()
            };
            let text = format!("{} {currency}", words.number(amount));
            sums.push(sum(adjusted(words, it), text));
        }
        sums.push(sum(words.net_sum.to_owned(), words.money(totals.net)));
        for total in &totals.tax_totals {
            let name = format!("{} {}", words.tax, rate(words, &total.tax));
            sums.push(sum(name, words.money(total.amount)));
        }
        sums.push(sum(words.gross.to_owned(), words.money(totals.gross)));
        let prepaid = content.prepaid.map(|it| (words.prepaid, it.negated()));
        let rounding = content.rounding.map(|it| (words.rounding, it));
        for (name, amount) in [prepaid, rounding].into_iter().flatten() {
            let text = format!("{} {currency}", words.number(amount));
            sums.push(sum(name.to_owned(), text));
        }
        sums.push(Sum {
            name: words.due.to_owned(),
            text: words.money(totals.payable()),
            is_due: true,
        });
        sums
    }
}

fn side(words: &Words, role: &'static str, trader: &Trader) -> Side {
    let address = &trader.address;
    let town = [&address.postcode, &address.city].map(|it| it.as_deref().unwrap_or_default());
    let named =
        |name: &str, text: &Option<String>| text.as_ref().map(|text| format!("{name} {text}"));
    let lines = [
        address.street.clone(),
        Some(town.join(" ").trim().to_owned()),
        Some(address.country.clone()),
        named(words.vat_id, &trader.vat_id),
        named(words.tax_number, &trader.tax_number),
        named(words.company_id, &trader.company_id),
    ];
    let lines = lines.into_iter().flatten().filter(|line| !line.is_empty());
    Side {
        role,
        name: trader.name.clone(),
        lines: lines.collect(),
    }
}

fn page_line(words: &Words, position: usize, line: &Line, net: Money) -> PageLine {
    let of_line = |it: &Adjustment| {
        let sign = if it.is_charge { "+" } else { "\u{2212}" };
        format!("{} {sign}{}", adjusted(words, it), words.number(it.amount))
    };
    PageLine {
        position,
        description: line.description.clone(),
        adjustments: line.adjustments.iter().map(of_line).collect(),
        quantity: format!("{} {}", words.number(line.quantity), line.unit),
        unit_price: words.number(line.unit_price),
        tax: rate(words, &line.tax),
        net: words.money(net),
    }
}

fn adjusted(words: &Words, it: &Adjustment) -> String {
    let noun = if it.is_charge {
        words.charge
    } else {
        words.allowance
    };
    if it.reason.is_empty() {
        noun.to_owned()
    } else {
        format!("{noun}: {}", it.reason)
    }
}

/// A rate, or the category of what is not taxed.
fn rate(words: &Words, tax: &Tax) -> String {
    if tax.rate.is_zero() {
        format!("{} ({})", words.exempt, tax.category)
    } else {
        format!("{} %", words.number(tax.rate))
    }
}
