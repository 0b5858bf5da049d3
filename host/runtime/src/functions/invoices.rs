//! Reading and changing invoices and payments.

use bursar_office::input;

use crate::{
    contract::bursar::office::{
        invoices::{self, Heads, Invoice, Payments},
        invoices_write::{self, Allocation, LineCredit, NewPayment},
        rows::{InvoiceContent, InvoiceHead, InvoiceState, Payment},
        types::{Condition, Money, Order, Page},
    },
    convert,
    ending::Fault,
    guest::Guest,
};

impl invoices::Host for Guest {
    async fn get(&mut self, id: String) -> Result<Invoice, Fault> {
        let found = self.called(&[&id])?.invoice(&id).await?;
        self.hand(convert::invoice(found)?)
    }

    async fn search(
        &mut self,
        conditions: Vec<Condition>,
        order: Vec<Order>,
        page: Page,
    ) -> Result<Heads, Fault> {
        let session = self.called(&[&conditions, &order, &page])?;
        let (tests, orders) = (convert::tests(conditions)?, convert::orders(order));
        let listed = session
            .search_invoices(&tests, &orders, &convert::paging(page))
            .await?;
        let (items, next) = convert::page(listed, |view| Ok(convert::head(&view)))?;
        self.hand(Heads { items, next })
    }

    async fn get_payment(&mut self, id: String) -> Result<Payment, Fault> {
        let found = self.called(&[&id])?.payment(&id).await?;
        self.hand(convert::payment(found))
    }

    async fn search_payments(
        &mut self,
        conditions: Vec<Condition>,
        order: Vec<Order>,
        page: Page,
    ) -> Result<Payments, Fault> {
        let session = self.called(&[&conditions, &order, &page])?;
        let (tests, orders) = (convert::tests(conditions)?, convert::orders(order));
        let listed = session
            .search_payments(&tests, &orders, &convert::paging(page))
            .await?;
        let (items, next) = convert::page(listed, |view| Ok(convert::payment(view)))?;
        self.hand(Payments { items, next })
    }
}

impl invoices_write::Host for Guest {
    async fn draft(&mut self, key: String, content: InvoiceContent) -> Result<InvoiceHead, Fault> {
        let session = self.called(&[&key, &content])?;
        let drafted = session
            .draft_invoice(&key, &convert::invoice_content(content)?)
            .await?;
        self.hand(convert::head(&drafted))
    }

    async fn credit(
        &mut self,
        key: String,
        invoice: String,
        lines: Option<Vec<LineCredit>>,
    ) -> Result<InvoiceHead, Fault> {
        let session = self.called(&[&key, &invoice, &lines])?;
        let lines = lines.map(convert::line_credits).transpose()?;
        let drafted = session
            .draft_credit_note(&key, &invoice, lines.as_deref())
            .await?;
        self.hand(convert::head(&drafted))
    }

    async fn issue(
        &mut self,
        id: String,
        expected: String,
        series: Option<String>,
        issue_date: Option<String>,
    ) -> Result<InvoiceHead, Fault> {
        let session = self.called(&[&id, &expected, &series, &issue_date])?;
        let issue_date = issue_date
            .map(|date| input::date("/issue-date", &date))
            .transpose()?;
        let issued = session
            .issue_invoice(&id, Some(&expected), series.as_deref(), issue_date)
            .await?;
        self.hand(convert::head(&issued))
    }

    async fn record_payment(&mut self, key: String, payment: NewPayment) -> Result<Payment, Fault> {
        let session = self.called(&[&key, &payment])?;
        let recorded = session
            .record_payment(&key, &convert::new_payment(payment)?)
            .await?;
        self.hand(convert::payment(recorded))
    }

    async fn reverse_payment(
        &mut self,
        key: String,
        payment: String,
        value_date: String,
        reason: String,
    ) -> Result<Payment, Fault> {
        let session = self.called(&[&key, &payment, &value_date, &reason])?;
        let value_date = input::date("/value-date", &value_date)?;
        let reversal = session
            .reverse_payment(&key, &payment, value_date, &reason)
            .await?;
        self.hand(convert::payment(reversal))
    }

    async fn allocate(
        &mut self,
        key: String,
        source: String,
        allocations: Vec<Allocation>,
    ) -> Result<Vec<InvoiceHead>, Fault> {
        let session = self.called(&[&key, &source, &allocations])?;
        let settled = session
            .allocate(&key, &source, &convert::parts(allocations)?)
            .await?;
        self.hand(settled.iter().map(convert::head).collect())
    }

    async fn write_off(
        &mut self,
        key: String,
        invoice: String,
        amount: Money,
        reason: String,
    ) -> Result<InvoiceHead, Fault> {
        let session = self.called(&[&key, &invoice, &amount, &reason])?;
        let amount = input::money("/amount", amount.minor, &amount.currency)?;
        let settled = session.write_off(&key, &invoice, amount, &reason).await?;
        self.hand(convert::head(&settled))
    }

    async fn dun(&mut self, invoice: String, level: u32) -> Result<InvoiceHead, Fault> {
        let dunned = self
            .called(&[&invoice, &level])?
            .dun_invoice(&invoice, level)
            .await?;
        self.hand(convert::head(&dunned))
    }

    async fn step(
        &mut self,
        id: String,
        expected: String,
        next: InvoiceState,
    ) -> Result<InvoiceHead, Fault> {
        let session = self.called(&[&id, &expected, &next])?;
        let stepped = session
            .step_invoice(&id, Some(&expected), convert::state_of(next))
            .await?;
        self.hand(convert::head(&stepped))
    }
}
