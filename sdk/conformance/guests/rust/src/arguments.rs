//! What a case gives a call: JSON with names in snake case, amounts as texts such as "1.10 EUR".

mod calendars;

use bursar_sdk::invoices_write::{Allocation, LineCredit, NewPayment};
use bursar_sdk::ledger::Accounts;
use bursar_sdk::messages::{Content, Letter, NewMail, PlainContent, TemplateContent};
use bursar_sdk::rows::{
    Adjustment, Flow, InvoiceContent, InvoiceKind, InvoiceLine, InvoiceState, Tax,
};
use bursar_sdk::tasks::{Choice, NewTask, Terms};
use bursar_sdk::types::{Condition, Order, Page};
use bursar_sdk::{Failure, Money, filter};
use serde_json::{Map, Value};

use crate::malformed;

/// An object of the case.
pub struct Arguments(Map<String, Value>);

impl Arguments {
    pub fn new(value: Value) -> Result<Self, Failure> {
        match value {
            Value::Object(members) => Ok(Self(members)),
            other => Err(malformed(&format!("{other} is no object"))),
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn value(&self, name: &str) -> Result<&Value, Failure> {
        let missing = || {
            malformed(&format!(
                "{name} is missing in {}",
                Value::from(self.0.clone())
            ))
        };
        self.0.get(name).ok_or_else(missing)
    }

    pub fn text(&self, name: &str) -> Result<&str, Failure> {
        let value = self.value(name)?;
        let other = || malformed(&format!("{name} is no text: {value}"));
        value.as_str().ok_or_else(other)
    }

    pub fn find_text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    pub fn number<N: TryFrom<i64>>(&self, name: &str) -> Result<N, Failure> {
        let value = self.value(name)?;
        let number = value.as_i64().and_then(|number| N::try_from(number).ok());
        number.ok_or_else(|| malformed(&format!("{name} is no such number: {value}")))
    }

    pub fn find_number<N: TryFrom<i64>>(&self, name: &str) -> Option<N> {
        let number = self.0.get(name).and_then(Value::as_i64)?;
        N::try_from(number).ok()
    }

    pub fn find_object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.0.get(name).and_then(Value::as_object)
    }

    /// JSON text of a value; absent is an empty object, as the SDK of JavaScript has it.
    pub fn json(&self, name: &str) -> String {
        self.0
            .get(name)
            .map_or_else(|| "{}".to_owned(), Value::to_string)
    }

    pub fn money(&self, name: &str) -> Result<Money, Failure> {
        let text = self.text(name)?;
        Money::parse(text).map_err(|error| malformed(&format!("{text:?}: {error}")))
    }

    /// A list of objects; absent is empty.
    fn list<T>(
        &self,
        name: &str,
        read: impl Fn(&Arguments) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        let items = self.0.get(name).and_then(Value::as_array);
        let items = items.into_iter().flatten();
        items
            .map(|item| read(&Arguments::new(item.clone())?))
            .collect()
    }

    /// A list of texts; absent is empty.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let items = self.0.get(name).and_then(Value::as_array);
        let items = items.into_iter().flatten();
        items
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect()
    }

    fn owned(&self, name: &str) -> Result<String, Failure> {
        self.text(name).map(str::to_owned)
    }

    fn find_owned(&self, name: &str) -> Option<String> {
        self.find_text(name).map(str::to_owned)
    }

    fn within(&self, name: &str) -> Result<Arguments, Failure> {
        Arguments::new(self.value(name)?.clone())
    }

    pub fn page(&self) -> Result<Page, Failure> {
        Ok(Page {
            limit: self.number("limit")?,
            after: self.find_owned("after"),
        })
    }

    pub fn conditions(&self) -> Result<Vec<Condition>, Failure> {
        self.list("conditions", |one| {
            let (field, values) = (one.text("field")?, one.0.get("values"));
            let values = values
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let first = values.first().cloned().unwrap_or_default();
            Ok(match one.text("comparison")? {
                "equal" => filter::equal(field, first),
                "not-equal" => filter::not_equal(field, first),
                "less" => filter::less(field, first),
                "less-or-equal" => filter::less_or_equal(field, first),
                "greater" => filter::greater(field, first),
                "greater-or-equal" => filter::greater_or_equal(field, first),
                "one-of" => filter::one_of(field, values),
                "starts-with" => filter::starts_with(field, first.as_str().unwrap_or_default()),
                "missing" => filter::missing(field),
                "present" => filter::present(field),
                other => return Err(malformed(&format!("{other:?} is no comparison"))),
            })
        })
    }

    pub fn order(&self) -> Result<Vec<Order>, Failure> {
        self.list("order", |one| match one.text("direction")? {
            "descending" => Ok(filter::descending(one.text("field")?)),
            _ => Ok(filter::ascending(one.text("field")?)),
        })
    }

    pub fn content(&self) -> Result<InvoiceContent, Failure> {
        let content = self.within("content")?;
        Ok(InvoiceContent {
            flow: content.flow()?,
            kind: content.kind()?,
            legal_entity: content.owned("legal_entity")?,
            party: content.owned("party")?,
            currency: content.owned("currency")?,
            supply_date: content.find_owned("supply_date"),
            due_date: content.find_owned("due_date"),
            lines: content.list("lines", Self::line)?,
            adjustments: content.list("adjustments", Self::adjustment)?,
            supplier_number: content.find_owned("supplier_number"),
            corrects: content.find_owned("corrects"),
            extra: content.json("extra"),
        })
    }

    fn flow(&self) -> Result<Flow, Failure> {
        match self.text("flow")? {
            "receivable" => Ok(Flow::Receivable),
            "payable" => Ok(Flow::Payable),
            other => Err(malformed(&format!("{other:?} is no flow"))),
        }
    }

    fn kind(&self) -> Result<InvoiceKind, Failure> {
        match self.text("kind")? {
            "invoice" => Ok(InvoiceKind::Invoice),
            "credit-note" => Ok(InvoiceKind::CreditNote),
            "corrective" => Ok(InvoiceKind::Corrective),
            "prepayment" => Ok(InvoiceKind::Prepayment),
            other => Err(malformed(&format!("{other:?} is no kind of invoice"))),
        }
    }

    fn tax(&self) -> Result<Tax, Failure> {
        let tax = self.within("tax")?;
        Ok(Tax {
            category: tax.owned("category")?,
            rate: tax.owned("rate")?,
        })
    }

    fn adjustment(&self) -> Result<Adjustment, Failure> {
        Ok(Adjustment {
            is_charge: self.value("is_charge")? == &Value::Bool(true),
            amount: self.owned("amount")?,
            reason: self.owned("reason")?,
            tax: self.tax()?,
        })
    }

    fn line(&self) -> Result<InvoiceLine, Failure> {
        Ok(InvoiceLine {
            description: self.owned("description")?,
            quantity: self.owned("quantity")?,
            unit: self.owned("unit")?,
            unit_price: self.owned("unit_price")?,
            tax: self.tax()?,
            adjustments: self.list("adjustments", Self::adjustment)?,
            extra: self.json("extra"),
        })
    }

    pub fn payment(&self) -> Result<NewPayment, Failure> {
        let payment = self.within("payment")?;
        Ok(NewPayment {
            flow: payment.flow()?,
            legal_entity: payment.owned("legal_entity")?,
            party: payment.find_owned("party"),
            amount: payment.money("amount")?,
            value_date: payment.owned("value_date")?,
            bank_reference: payment.owned("bank_reference")?,
            bank_account: payment.owned("bank_account")?,
            text: payment.owned("text")?,
            extra: payment.json("extra"),
        })
    }

    pub fn allocations(&self) -> Result<Vec<Allocation>, Failure> {
        self.list("allocations", |one| {
            Ok(Allocation {
                invoice: one.owned("invoice")?,
                amount: one.money("amount")?,
            })
        })
    }

    pub fn line_credits(&self) -> Result<Option<Vec<LineCredit>>, Failure> {
        let lines = self.has("lines").then(|| {
            self.list("lines", |one| {
                Ok(LineCredit {
                    line: one.number("line")?,
                    quantity: one.owned("quantity")?,
                })
            })
        });
        lines.transpose()
    }

    pub fn state(&self, name: &str) -> Result<InvoiceState, Failure> {
        Ok(match self.text(name)? {
            "draft" => InvoiceState::Draft,
            "issued" => InvoiceState::Issued,
            "received" => InvoiceState::Received,
            "matched" => InvoiceState::Matched,
            "needs-attention" => InvoiceState::NeedsAttention,
            "approved" => InvoiceState::Approved,
            "scheduled" => InvoiceState::Scheduled,
            "rejected" => InvoiceState::Rejected,
            "discarded" => InvoiceState::Discarded,
            other => return Err(malformed(&format!("{other:?} is no state"))),
        })
    }

    pub fn accounts(&self) -> Result<Accounts, Failure> {
        let accounts = self.within("accounts")?;
        Ok(Accounts {
            flow: accounts.flow()?,
            legal_entity: accounts.find_owned("legal_entity"),
            party: accounts.find_owned("party"),
            as_of: accounts.find_owned("as_of"),
        })
    }

    /// A list of small numbers; absent is empty.
    pub fn numbers(&self, name: &str) -> Vec<u32> {
        let items = self.0.get(name).and_then(Value::as_array);
        let numbers = items.into_iter().flatten().filter_map(Value::as_u64);
        numbers.filter_map(|one| one.try_into().ok()).collect()
    }

    pub fn mail(&self) -> Result<NewMail, Failure> {
        let mail = self.within("mail")?;
        Ok(NewMail {
            to: mail.texts("to"),
            cc: mail.texts("cc"),
            reply_to: mail.find_owned("reply_to"),
            subject: mail.owned("subject")?,
            text: mail.owned("text")?,
        })
    }

    /// A letter's members as the SDK of JavaScript has them: with `template` the words are a template's.
    pub fn letter(&self) -> Result<Letter, Failure> {
        let letter = self.within("letter")?;
        let content = match letter.find_owned("template") {
            Some(template) => Content::Template(TemplateContent {
                template,
                locale: letter.find_owned("locale"),
                data: letter.json("data"),
            }),
            None => Content::Plain(PlainContent {
                subject: letter.owned("subject")?,
                text: letter.owned("text")?,
            }),
        };
        Ok(Letter {
            to: letter.texts("to"),
            cc: letter.texts("cc"),
            reply_to: letter.find_owned("reply_to"),
            content,
            attachments: letter.texts("attachments"),
            follows: letter.find_owned("follows"),
        })
    }

    pub fn terms(&self) -> Result<Terms, Failure> {
        let terms = self.within("terms")?;
        let reminders = terms.0.get("reminders").and_then(Value::as_array);
        let reminders = reminders.into_iter().flatten();
        Ok(Terms {
            reminders: reminders.filter_map(Value::as_i64).collect(),
            expires: terms.find_number("expires"),
        })
    }

    pub fn task(&self) -> Result<NewTask, Failure> {
        let task = self.within("task")?;
        Ok(NewTask {
            assignee: task.owned("assignee")?,
            title: task.owned("title")?,
            text: task.owned("text")?,
            choices: task.list("choices", |one| {
                Ok(Choice {
                    value: one.owned("value")?,
                    label: one.owned("label")?,
                    needs_note: one.0.get("needs_note") == Some(&Value::Bool(true)),
                })
            })?,
            due: task.find_number("due"),
            subjects: task.texts("subjects"),
            memo: task.json("memo"),
        })
    }
}
