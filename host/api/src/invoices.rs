//! Invoices and payments, receivable and payable.

use axum::{Json, extract::State, response::Response};
use bursar_domain::{
    access::Action,
    invoice::{Flow, Invoice, InvoiceContent, InvoiceState, Payment},
    money::Money,
    row::{Kind, RowKey},
};
use bursar_office::{
    allocations::Part, credits::LineCredit, openings::OpenItem, payments::NewPayment,
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    Api,
    caller::{Administrator, Auditor, Named, RowPath},
    change::Changed,
    failure::Failure,
    records::Search,
    request::{Body, Path, Query},
    resource::{Page, PageQuery, Resource, Tagged, Written},
};

/// How a draft is issued.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IssueAsked {
    /// The number series: "INV" unless given, "CN" for a credit note.
    pub series: Option<String>,
    /// The commit's business date unless given.
    pub issue_date: Option<Date>,
}

/// A rest that will not come.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteOffAsked {
    /// At most what is outstanding.
    pub amount: Money,
    /// bad-debt, cash-discount, rounding, bank-fee (open); 1 to 100 bytes.
    pub reason: String,
}

/// A dunning level that was sent.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DunningAsked {
    /// 1 to 9.
    #[schema(minimum = 1, maximum = 9)]
    pub level: u32,
}

/// A payment as a bank statement tells it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentAsked {
    /// Receivable came in, payable went out.
    pub flow: Flow,
    /// Our legal entity.
    pub legal_entity: String,
    /// Who paid or was paid, if known: a record of the collection `parties`.
    #[serde(default)]
    pub party: Option<String>,
    /// Above zero in both flows.
    pub amount: Money,
    /// The bank's value date.
    pub value_date: Date,
    /// 1 to 200 bytes, unique per bank account.
    pub bank_reference: String,
    /// Our account, 1 to 200 bytes.
    pub bank_account: String,
    /// At most 16 KiB.
    #[serde(default)]
    pub text: String,
    /// An object, kept with the payment.
    #[serde(default = "empty")]
    pub extra: Value,
}

fn empty() -> Value {
    json!({})
}

/// Why and when a payment is taken back.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReversalAsked {
    /// The bank's value date.
    pub value_date: Date,
    /// In plain words.
    pub reason: String,
}

/// Where an invoice goes next.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepAsked {
    /// The state after the step.
    pub state: InvoiceState,
}

/// What a credit note takes back.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CreditAsked {
    /// 1 to 1000 lines and how much of them; all of the invoice unless given.
    #[schema(min_items = 1, max_items = 1000)]
    pub lines: Option<Vec<LineCredit>>,
}

/// Parts of a payment or credit note that settle invoices.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AllocationsAsked {
    /// 1 to 1000.
    #[schema(min_items = 1, max_items = 1000)]
    pub allocations: Vec<PartAsked>,
}

/// Part of a payment or credit note that settles one invoice.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartAsked {
    /// The invoice's id.
    pub invoice: String,
    /// Above zero, in the currency of both.
    pub amount: Money,
}

/// Invoices, by id
#[utoipa::path(get, path = "/v1/invoices", tag = "invoices", params(PageQuery), responses((status = 200, body = Page<Resource<Invoice>>)))]
pub(crate) async fn list_invoices(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Resource<Invoice>>>, Failure> {
    let mut session = api.reading(&caller.actor).await?;
    let listed = session.search_invoices(&[], &[], &query.paging()?).await?;
    Ok(Json(Page::of(listed, |row| row)))
}

/// Search invoices
///
/// Fields: flow, kind, state, number, legal-entity, party, currency, issue-date, due-date, gross, outstanding,
/// dunning-level, reference, supplier-number.
#[utoipa::path(post, path = "/v1/invoices/search", tag = "invoices", request_body = Search, responses((status = 200, body = Page<Resource<Invoice>>)))]
pub(crate) async fn search_invoices(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Body { value, .. }: Body<Search>,
) -> Result<Json<Page<Resource<Invoice>>>, Failure> {
    let (tests, orders, paging) = value.parts()?;
    let mut session = api.reading(&caller.actor).await?;
    let listed = session.search_invoices(&tests, &orders, &paging).await?;
    Ok(Json(Page::of(listed, |row| row)))
}

/// One invoice
#[utoipa::path(get, path = "/v1/invoices/{id}", tag = "invoices", params(("id" = String, Path, description = "Its id")), responses((status = 200, body = Resource<Invoice>)))]
pub(crate) async fn get_invoice(
    Named { row, .. }: Named<InvoicePath>,
) -> Result<Tagged<Invoice>, Failure> {
    Resource::of(&row).map(Tagged)
}

/// The path of one invoice.
#[derive(Debug, Deserialize)]
pub(crate) struct InvoicePath {
    id: String,
}

impl RowPath for InvoicePath {
    const ACTION: Action = Action::Audit;

    fn key(self) -> RowKey {
        RowKey::of(Kind::Invoice, &self.id)
    }
}

/// An invoice that was drafted or taken in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct InvoiceTaken {
    /// The invoice.
    #[serde(flatten)]
    pub invoice: Resource<Invoice>,
    /// Other documents of the same supplier, kind and amount, dated within 30 days: a warning.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub possible_duplicates: Vec<String>,
}

/// Draft a receivable, or take in a supplier's invoice
///
/// Totals are the host's. `Idempotency-Key` makes it safe to send again. What a supplier's invoice may be a duplicate of is
/// named in `possible_duplicates`; its own number is refused the second time.
#[utoipa::path(post, path = "/v1/invoices", tag = "invoices", request_body = InvoiceContent, responses((status = 201, body = InvoiceTaken)))]
pub(crate) async fn create_invoice(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Body { value, asked }: Body<InvoiceContent>,
) -> Result<Response, Failure> {
    let asked = asked.unconditional()?;
    let effect_key = asked.effect_key();
    let (value, effect_key) = (&value, &effect_key);
    let changed = api
        .change(&caller, "draft-invoice", &asked, |mut session| async move {
            let made = session.draft_invoice(effect_key, value).await?;
            Ok((session, RowKey::of(Kind::Invoice, &made.id)))
        })
        .await?;
    let mut session = api.reading(&caller.actor).await?;
    let possible_duplicates = session.duplicates_of(&changed.key.id).await?;
    let written = api.made(changed, "/v1/invoices").await?;
    Ok(written.answer(|invoice| InvoiceTaken {
        invoice,
        possible_duplicates,
    }))
}

/// Issue a draft: its number comes with the commit
#[utoipa::path(post, path = "/v1/invoices/{id}/issue", tag = "invoices", params(("id" = String, Path, description = "The invoice")), request_body = IssueAsked, responses((status = 200, body = Resource<Invoice>)))]
pub(crate) async fn issue_invoice(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body { value, asked }: Body<IssueAsked>,
) -> Result<Written<Invoice>, Failure> {
    let key = RowKey::of(Kind::Invoice, &id);
    let (id, key, value, asked) = (&id, &key, &value, &asked);
    let changed = api
        .change(&caller, "issue-invoice", asked, |mut session| async move {
            session.expect(key, &asked.expected).await?;
            session
                .issue_invoice(id, None, value.series.as_deref(), value.issue_date)
                .await?;
            Ok((session, key.clone()))
        })
        .await?;
    api.written(changed).await
}

/// Write off a rest that will not come
#[utoipa::path(post, path = "/v1/invoices/{id}/write-offs", tag = "invoices", params(("id" = String, Path, description = "The invoice")), request_body = WriteOffAsked, responses((status = 200, body = Resource<Invoice>)))]
pub(crate) async fn write_off(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body { value, asked }: Body<WriteOffAsked>,
) -> Result<Written<Invoice>, Failure> {
    let effect_key = asked.effect_key();
    let key = RowKey::of(Kind::Invoice, &id);
    let (id, key, value, asked, effect_key) = (&id, &key, &value, &asked, &effect_key);
    let changed = api
        .change(&caller, "write-off", asked, |mut session| async move {
            session.expect(key, &asked.expected).await?;
            session
                .write_off(effect_key, id, value.amount, &value.reason)
                .await?;
            Ok((session, key.clone()))
        })
        .await?;
    api.written(changed).await
}

/// Record that a dunning level was sent: each level once, for ever
#[utoipa::path(post, path = "/v1/invoices/{id}/dunning", tag = "invoices", params(("id" = String, Path, description = "The invoice")), request_body = DunningAsked, responses((status = 200, body = Resource<Invoice>)))]
pub(crate) async fn dun_invoice(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body { value, asked }: Body<DunningAsked>,
) -> Result<Written<Invoice>, Failure> {
    let key = RowKey::of(Kind::Invoice, &id);
    let (id, key, value, asked) = (&id, &key, &value, &asked);
    let changed = api
        .change(&caller, "dun-invoice", asked, |mut session| async move {
            session.expect(key, &asked.expected).await?;
            session.dun_invoice(id, value.level).await?;
            Ok((session, key.clone()))
        })
        .await?;
    api.written(changed).await
}

/// Replace the content of a draft
#[utoipa::path(put, path = "/v1/invoices/{id}", tag = "invoices", params(("id" = String, Path, description = "The draft")), request_body = InvoiceContent, responses((status = 200, body = Resource<Invoice>)))]
pub(crate) async fn update_invoice(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body { value, asked }: Body<InvoiceContent>,
) -> Result<Written<Invoice>, Failure> {
    let key = RowKey::of(Kind::Invoice, &id);
    let (id, key, value, asked) = (&id, &key, &value, &asked);
    let changed = api
        .change(&caller, "update-invoice", asked, |mut session| async move {
            session.expect(key, &asked.expected).await?;
            session.update_invoice(id, None, value).await?;
            Ok((session, key.clone()))
        })
        .await?;
    api.written(changed).await
}

/// Discard a draft, or take a supplier's invoice's next step
///
/// A draft is `discarded`; it uses up no number. A payable becomes `matched`, `needs-attention`, `approved`, `scheduled` or
/// `rejected`, one step at a time.
#[utoipa::path(post, path = "/v1/invoices/{id}/steps", tag = "invoices", params(("id" = String, Path, description = "The invoice")), request_body = StepAsked, responses((status = 200, body = Resource<Invoice>)))]
pub(crate) async fn step_invoice(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body { value, asked }: Body<StepAsked>,
) -> Result<Written<Invoice>, Failure> {
    let key = RowKey::of(Kind::Invoice, &id);
    let (id, key, value, asked) = (&id, &key, &value, &asked);
    let changed = api
        .change(&caller, "step-invoice", asked, |mut session| async move {
            session.expect(key, &asked.expected).await?;
            match value.state {
                InvoiceState::Discarded => session.discard_invoice(id, None).await?,
                state => session.step_invoice(id, None, state).await?,
            };
            Ok((session, key.clone()))
        })
        .await?;
    api.written(changed).await
}

/// Draft the credit note of an invoice, whole unless lines are named
///
/// Issued, it is set against what is outstanding of the invoice; what is left of it settles other invoices.
#[utoipa::path(post, path = "/v1/invoices/{id}/credit-notes", tag = "invoices", params(("id" = String, Path, description = "The invoice")), request_body = CreditAsked, responses((status = 201, body = Resource<Invoice>)))]
pub(crate) async fn credit_invoice(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body { value, asked }: Body<CreditAsked>,
) -> Result<Written<Invoice>, Failure> {
    let effect_key = asked.effect_key();
    let (id, value, asked, effect_key) = (&id, &value, &asked, &effect_key);
    let changed = api
        .change(
            &caller,
            "draft-credit-note",
            asked,
            |mut session| async move {
                session
                    .expect(&RowKey::of(Kind::Invoice, id), &asked.expected)
                    .await?;
                let made = session
                    .draft_credit_note(effect_key, id, value.lines.as_deref())
                    .await?;
                Ok((session, RowKey::of(Kind::Invoice, &made.id)))
            },
        )
        .await?;
    api.made(changed, "/v1/invoices").await
}

/// Set parts of a credit note against invoices of its party, all or nothing
#[utoipa::path(post, path = "/v1/invoices/{id}/allocations", tag = "invoices", params(("id" = String, Path, description = "The credit note")), request_body = AllocationsAsked, responses((status = 200, body = Resource<Invoice>)))]
pub(crate) async fn allocate_credit_note(
    caller: Administrator,
    State(api): State<Api>,
    Path(id): Path<String>,
    body: Body<AllocationsAsked>,
) -> Result<Written<Invoice>, Failure> {
    let changed = allocated(&api, caller, RowKey::of(Kind::Invoice, &id), body).await?;
    api.written(changed).await
}

/// Take over an invoice that was issued before this office began
///
/// It keeps its number, outside of the series, and what is open of it. Set the lock date afterwards.
#[utoipa::path(post, path = "/v1/open-items", tag = "invoices", request_body = OpenItem, responses((status = 201, body = Resource<Invoice>)))]
pub(crate) async fn create_open_item(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Body { value, asked }: Body<OpenItem>,
) -> Result<Written<Invoice>, Failure> {
    let asked = asked.unconditional()?;
    let effect_key = asked.effect_key();
    let (value, effect_key) = (&value, &effect_key);
    let changed = api
        .change(&caller, "open-item", &asked, |mut session| async move {
            let made = session.open_item(effect_key, value).await?;
            Ok((session, RowKey::of(Kind::Invoice, &made.id)))
        })
        .await?;
    api.made(changed, "/v1/invoices").await
}

/// Payments, by id
#[utoipa::path(get, path = "/v1/payments", tag = "payments", params(PageQuery), responses((status = 200, body = Page<Resource<Payment>>)))]
pub(crate) async fn list_payments(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Resource<Payment>>>, Failure> {
    let mut session = api.reading(&caller.actor).await?;
    let listed = session.search_payments(&[], &[], &query.paging()?).await?;
    Ok(Json(Page::of(listed, |row| row)))
}

/// Search payments
///
/// Fields: flow, party, amount, currency, value-date, bank-reference, bank-account, unallocated.
#[utoipa::path(post, path = "/v1/payments/search", tag = "payments", request_body = Search, responses((status = 200, body = Page<Resource<Payment>>)))]
pub(crate) async fn search_payments(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Body { value, .. }: Body<Search>,
) -> Result<Json<Page<Resource<Payment>>>, Failure> {
    let (tests, orders, paging) = value.parts()?;
    let mut session = api.reading(&caller.actor).await?;
    let listed = session.search_payments(&tests, &orders, &paging).await?;
    Ok(Json(Page::of(listed, |row| row)))
}

/// One payment
#[utoipa::path(get, path = "/v1/payments/{id}", tag = "payments", params(("id" = String, Path, description = "Its id")), responses((status = 200, body = Resource<Payment>)))]
pub(crate) async fn get_payment(
    Named { row, .. }: Named<PaymentPath>,
) -> Result<Tagged<Payment>, Failure> {
    Resource::of(&row).map(Tagged)
}

/// The path of one payment.
#[derive(Debug, Deserialize)]
pub(crate) struct PaymentPath {
    id: String,
}

impl RowPath for PaymentPath {
    const ACTION: Action = Action::Audit;

    fn key(self) -> RowKey {
        RowKey::of(Kind::Payment, &self.id)
    }
}

/// Record a payment
#[utoipa::path(post, path = "/v1/payments", tag = "payments", request_body = PaymentAsked, responses((status = 201, body = Resource<Payment>)))]
pub(crate) async fn create_payment(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Body { value, asked }: Body<PaymentAsked>,
) -> Result<Written<Payment>, Failure> {
    let asked = asked.unconditional()?;
    let effect_key = asked.effect_key();
    let payment = NewPayment {
        flow: value.flow,
        legal_entity: value.legal_entity,
        party: value.party,
        amount: value.amount,
        value_date: value.value_date,
        bank_reference: value.bank_reference,
        bank_account: value.bank_account,
        text: value.text,
        extra: value.extra,
    };
    let (effect_key, payment) = (&effect_key, &payment);
    let changed = api
        .change(
            &caller,
            "record-payment",
            &asked,
            |mut session| async move {
                let made = session.record_payment(effect_key, payment).await?;
                Ok((session, RowKey::of(Kind::Payment, &made.id)))
            },
        )
        .await?;
    api.made(changed, "/v1/payments").await
}

/// Take a payment back, with all its allocations
///
/// The answer is the reversal: a payment of its own.
#[utoipa::path(post, path = "/v1/payments/{id}/reversal", tag = "payments", params(("id" = String, Path, description = "The payment")), request_body = ReversalAsked, responses((status = 201, body = Resource<Payment>)))]
pub(crate) async fn reverse_payment(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body { value, asked }: Body<ReversalAsked>,
) -> Result<Written<Payment>, Failure> {
    let effect_key = asked.effect_key();
    let (id, value, asked, effect_key) = (&id, &value, &asked, &effect_key);
    let changed = api
        .change(
            &caller,
            "reverse-payment",
            asked,
            |mut session| async move {
                session
                    .expect(&RowKey::of(Kind::Payment, id), &asked.expected)
                    .await?;
                let made = session
                    .reverse_payment(effect_key, id, value.value_date, &value.reason)
                    .await?;
                Ok((session, RowKey::of(Kind::Payment, &made.id)))
            },
        )
        .await?;
    api.made(changed, "/v1/payments").await
}

/// Set parts of a payment against invoices, all or nothing
#[utoipa::path(post, path = "/v1/payments/{id}/allocations", tag = "payments", params(("id" = String, Path, description = "The payment")), request_body = AllocationsAsked, responses((status = 200, body = Resource<Payment>)))]
pub(crate) async fn allocate(
    caller: Administrator,
    State(api): State<Api>,
    Path(id): Path<String>,
    body: Body<AllocationsAsked>,
) -> Result<Written<Payment>, Failure> {
    let changed = allocated(&api, caller, RowKey::of(Kind::Payment, &id), body).await?;
    api.written(changed).await
}

/// Sets parts of a source against invoices.
async fn allocated(
    api: &Api,
    Administrator(caller): Administrator,
    source: RowKey,
    Body { value, asked }: Body<AllocationsAsked>,
) -> Result<Changed, Failure> {
    let effect_key = asked.effect_key();
    let parts: Vec<Part> = value
        .allocations
        .into_iter()
        .map(|part| Part {
            invoice: part.invoice,
            amount: part.amount,
        })
        .collect();
    let (source, asked, effect_key, parts) = (&source, &asked, &effect_key, &parts);
    api.change(&caller, "allocate", asked, |mut session| async move {
        session.expect(source, &asked.expected).await?;
        // One id, two nouns: each has its own path.
        match source.kind {
            Kind::Payment => session.payment(&source.id).await.map(drop)?,
            _ => session.invoice(&source.id).await.map(drop)?,
        }
        session.allocate(effect_key, &source.id, parts).await?;
        Ok((session, source.clone()))
    })
    .await
}
