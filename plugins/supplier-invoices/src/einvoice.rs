//! Electronic invoices by EN 16931, in UBL 2.1 and CII D16B: bytes in, the sender's own figures out.
//!
//! Says what the supplier wrote; whether it adds up is `recompute`'s, what becomes of it `intake`'s. Terms are named as
//! in the standard (BT, BG). Entered through [`parse`].

mod cii;
mod fields;
mod ubl;

pub use fields::{cut, day_number};

use foreign_xml::{Dialect, Element, Outline, Step};

use crate::exact::Exact;

/// Most lines of one invoice, as many as the host takes.
pub const LINES_MAX: usize = 1000;
/// Most allowances and charges of a line, and of the document, as many as the host takes.
pub const ADJUSTMENTS_MAX: usize = 100;
/// Most categories and rates in one breakdown of the tax.
const TAXES_MAX: usize = 100;
/// Most notes, references, accounts and identifiers that are kept of one kind.
const TEXTS_MAX: usize = 20;

/// The namespaces of UBL 2 and of CII D16B, whatever their prefixes, and the attributes that say something about a value.
/// Elements of other namespaces, such as extensions and signatures, say nothing of the invoice.
const DIALECT: Dialect = Dialect {
    namespaces: &[
        "urn:oasis:names:specification:ubl:schema:xsd:",
        "urn:un:unece:uncefact:data:standard:",
    ],
    attributes: &["currencyID", "unitCode", "schemeID", "format"],
};

/// Why a document is no invoice. Each has a stable code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It ends before its last element does.
    #[error("the document is cut off: it ends in the middle of an element")]
    Truncated,
    /// It declares a document type or uses an entity of its own.
    #[error("the document declares a document type or uses entities, which no invoice needs")]
    HasEntities,
    /// It is no well-formed XML.
    #[error("the document is not XML: {0}")]
    NotXml(String),
    /// It is XML of another kind.
    #[error("the document is XML but neither a UBL nor a CII invoice")]
    NotAnInvoice,
    /// Its bytes are not the UTF-8 they should be.
    #[error("the document is not valid UTF-8 and declares no other encoding")]
    NotUtf8,
    /// It declares an encoding that is not supported.
    #[error("the document's encoding {0} is not supported")]
    Encoding(String),
    /// It is beyond a limit.
    #[error("the document is too large: {0}")]
    TooLarge(&'static str),
}

impl Refusal {
    /// The stable code of this refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Truncated => "invoice-truncated",
            Self::HasEntities => "invoice-has-entities",
            Self::NotXml(_) => "invoice-not-xml",
            Self::NotAnInvoice => "invoice-other-document",
            Self::NotUtf8 => "invoice-not-utf8",
            Self::Encoding(_) => "invoice-encoding-unknown",
            Self::TooLarge(_) => "invoice-too-large",
        }
    }
}

impl From<foreign_xml::Refusal> for Refusal {
    fn from(refusal: foreign_xml::Refusal) -> Self {
        use foreign_xml::Refusal;
        match refusal {
            Refusal::Truncated => Self::Truncated,
            Refusal::HasEntities => Self::HasEntities,
            Refusal::NotXml(why) => Self::NotXml(why),
            Refusal::NotUtf8 => Self::NotUtf8,
            Refusal::Encoding(name) => Self::Encoding(name),
            Refusal::TooLarge(limit) => Self::TooLarge(limit),
        }
    }
}

/// What an invoice is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Syntax {
    /// UBL 2.1 Invoice or `CreditNote`.
    #[default]
    Ubl,
    /// UN/CEFACT Cross Industry Invoice D16B.
    Cii,
}

/// Something that an invoice must have and this one lacks, or that is wrong beyond every tolerance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Term of EN 16931, such as "BT-5".
    pub term: &'static str,
    /// Where: "document", "line 1", "allowance 2", "VAT S 20".
    pub place: String,
    /// What is wrong, for people.
    pub message: String,
}

/// A number as the sender wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figure {
    /// The sender's text.
    pub text: String,
    /// Its value.
    pub value: Exact,
}

/// VAT category and rate (BT-151 and BT-152, or their like).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tax {
    /// UNTDID 5305 code, such as "S".
    pub category: String,
    /// In percent, without zeros at the end; "0" where the sender gives none.
    pub rate: String,
}

/// An allowance or charge (BG-20, BG-21, BG-27, BG-28).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adjustment {
    /// A charge adds, an allowance takes away.
    pub is_charge: bool,
    /// BT-92, BT-99, BT-136, BT-141.
    pub amount: Figure,
    /// BT-93, BT-100, BT-137, BT-142.
    pub base: Option<Figure>,
    /// BT-94, BT-101, BT-138, BT-143.
    pub percent: Option<Figure>,
    /// BT-97, BT-104, BT-139, BT-144; else the code.
    pub reason: String,
    /// BT-95, BT-96 and their like; none on a line, whose tax it has.
    pub tax: Option<Tax>,
}

/// An invoice line (BG-25).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// BT-126
    pub id: String,
    /// BT-153; else BT-154.
    pub name: String,
    /// BT-154
    pub description: Option<String>,
    /// BT-127
    pub note: Option<String>,
    /// BT-155
    pub seller_item: Option<String>,
    /// BT-129
    pub quantity: Figure,
    /// BT-130
    pub unit: Option<String>,
    /// BT-131
    pub net: Figure,
    /// BT-146, for `base_quantity` units
    pub price: Figure,
    /// BT-147
    pub price_discount: Option<Figure>,
    /// BT-148
    pub gross_price: Option<Figure>,
    /// BT-149
    pub base_quantity: Option<Figure>,
    /// BT-151, BT-152
    pub tax: Option<Tax>,
    /// BG-27, BG-28
    pub adjustments: Vec<Adjustment>,
}

/// What is taxed at one category and rate (BG-23).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaxSubtotal {
    /// BT-118, BT-119
    pub tax: Tax,
    /// BT-116
    pub taxable: Figure,
    /// BT-117
    pub amount: Figure,
    /// BT-120
    pub exemption_reason: Option<String>,
    /// BT-121
    pub exemption_code: Option<String>,
}

/// The document's totals (BG-22).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// BT-106
    pub lines: Figure,
    /// BT-107
    pub allowances: Option<Figure>,
    /// BT-108
    pub charges: Option<Figure>,
    /// BT-109
    pub net: Figure,
    /// BT-110
    pub tax: Option<Figure>,
    /// BT-111
    pub tax_in_tax_currency: Option<Figure>,
    /// BT-112
    pub gross: Figure,
    /// BT-113
    pub prepaid: Option<Figure>,
    /// BT-114
    pub rounding: Option<Figure>,
    /// BT-115
    pub due: Figure,
}

/// Who sent it (BG-4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seller {
    /// BT-27, BT-28
    pub names: Vec<String>,
    /// BT-31
    pub vat_ids: Vec<String>,
    /// BT-32
    pub tax_registrations: Vec<String>,
    /// BT-30, BT-29
    pub company_ids: Vec<String>,
}

/// An invoice as its sender wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invoice {
    /// What it is written in.
    pub syntax: Syntax,
    /// Its root element says that it is a credit note.
    pub is_credit_note_element: bool,
    /// BT-1
    pub number: String,
    /// BT-2, "YYYY-MM-DD"
    pub issue_date: Option<String>,
    /// BT-3
    pub type_code: String,
    /// BT-5
    pub currency: String,
    /// BT-6
    pub tax_currency: Option<String>,
    /// BT-7
    pub tax_point_date: Option<String>,
    /// BT-9
    pub due_date: Option<String>,
    /// BT-10
    pub buyer_reference: Option<String>,
    /// BT-12
    pub contract: Option<String>,
    /// BT-13
    pub order: Option<String>,
    /// BT-20
    pub payment_terms: Option<String>,
    /// BT-22
    pub notes: Vec<String>,
    /// BT-25
    pub preceding: Vec<String>,
    /// BG-4
    pub seller: Seller,
    /// BT-44
    pub buyer_name: Option<String>,
    /// BT-48
    pub buyer_vat_id: Option<String>,
    /// BT-59
    pub payee_name: Option<String>,
    /// BT-72
    pub delivery_date: Option<String>,
    /// BT-83
    pub payment_reference: Option<String>,
    /// BT-84
    pub accounts: Vec<String>,
    /// BG-20, BG-21
    pub adjustments: Vec<Adjustment>,
    /// BG-22
    pub totals: Totals,
    /// BG-23
    pub taxes: Vec<TaxSubtotal>,
    /// BG-25
    pub lines: Vec<Line>,
}

/// An invoice, and what it lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// What was found; what was not is empty.
    pub invoice: Invoice,
    /// What every invoice must have and this one has not.
    pub faults: Vec<Fault>,
}

/// Codes of UNTDID 1001 that EN 16931 lists for credit notes.
const CREDIT_NOTES: [&str; 11] = [
    "81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "532",
];

impl Invoice {
    /// Whether it lowers what is owed, as long as its total is not below zero.
    pub fn is_credit_note(&self) -> bool {
        self.is_credit_note_element || CREDIT_NOTES.contains(&self.type_code.as_str())
    }
}

/// Reads a document.
pub fn parse(bytes: &[u8]) -> Result<Parsed, Refusal> {
    let (namespace, root) = root(&foreign_xml::decode(bytes)?)?;
    let mut faults = Vec::new();
    let mut invoice = match (namespace.as_str(), root.name.as_str()) {
        (ubl::INVOICE, "Invoice") => ubl::read(&root, &ubl::NAMES_OF_INVOICE, &mut faults)?,
        (ubl::CREDIT_NOTE, "CreditNote") => {
            ubl::read(&root, &ubl::NAMES_OF_CREDIT_NOTE, &mut faults)?
        }
        (cii::INVOICE, "CrossIndustryInvoice") => cii::read(&root, &mut faults)?,
        _ => return Err(Refusal::NotAnInvoice),
    };
    if invoice.taxes.len() > TAXES_MAX {
        return Err(Refusal::TooLarge("more than 100 tax subtotals"));
    }
    complete(&mut invoice, &mut faults);
    Ok(Parsed { invoice, faults })
}

/// The whole document, and the namespace that says what it is.
fn root(text: &str) -> Result<(String, Element), Refusal> {
    let mut outline = Outline::new(text, DIALECT)?;
    let root = match outline.step()? {
        Step::Open(_) => outline.element()?,
        Step::Close | Step::End => return Err(Refusal::NotAnInvoice),
    };
    // What comes after the root must be nothing.
    outline.step()?;
    Ok((outline.root_namespace().to_owned(), root))
}

/// What follows from the rest, and what must be there whatever the syntax.
fn complete(invoice: &mut Invoice, faults: &mut Vec<Fault>) {
    if let [only] = invoice.taxes.as_slice() {
        // Of a single category and rate nothing else can be meant.
        let tax = &only.tax;
        let lines = invoice.lines.iter_mut().map(|line| &mut line.tax);
        let adjustments = invoice.adjustments.iter_mut().map(|it| &mut it.tax);
        for missing in lines.chain(adjustments).filter(|tax| tax.is_none()) {
            *missing = Some(tax.clone());
        }
    }
    let mut fault = |term, place: &str, message: &str| {
        faults.push(Fault {
            term,
            place: place.to_owned(),
            message: message.to_owned(),
        });
    };
    let is_code = invoice.currency.len() == 3
        && invoice
            .currency
            .bytes()
            .all(|byte| byte.is_ascii_uppercase());
    if !invoice.currency.is_empty() && !is_code {
        fault(
            "BT-5",
            "document",
            "the currency is no code of three capital letters",
        );
    }
    if invoice.lines.is_empty() {
        fault("BG-25", "document", "there are no lines");
    }
    for line in invoice.lines.iter().filter(|line| line.tax.is_none()) {
        let place = format!("line {}", line.id);
        fault("BT-151", &place, "the tax category is missing");
    }
    for (index, adjustment) in invoice.adjustments.iter().enumerate() {
        if adjustment.tax.is_none() {
            let place = format!("allowance or charge {}", index + 1);
            fault("BT-95", &place, "the tax category is missing");
        }
    }
    if invoice.seller.names.is_empty() {
        fault("BT-27", "document", "the seller's name is missing");
    }
}

#[cfg(test)]
mod tests;
