//! Makes the books of a seed.
//!
//! Everything goes through the operations that people have, so a seed can hold only what an office can. Each row is made a
//! second after the one before it: ids sort as the seed lists its rows.

use bursar_domain::{
    business::BusinessCalendar,
    calendar::Calendar,
    invoice::InvoiceState,
    office::{Collection, PARTIES},
};
use bursar_office::{Session, allocations::Part, payments::NewPayment};
use serde_json::{Map, Value, json};

use super::{Agenda, Document, Flow, Invoice, Names, Payment, Records, Seed, money};
use crate::stage::{DEPARTMENT, ENTITY, Stage};

/// The first row is made then: 2026-03-01T00:00:00Z.
const SEEDED_US: i64 = 1_772_323_200_000_000;
const SECOND_US: i64 = 1_000_000;

/// Makes rows, each in a commit and at an instant of its own.
struct Filling<'a> {
    stage: &'a Stage,
    now_us: i64,
}

impl Filling<'_> {
    async fn make<T>(&mut self, work: impl AsyncFnOnce(&mut Session) -> T) -> T {
        self.now_us += SECOND_US;
        let mut session = self.stage.session(self.now_us);
        let made = work(&mut session).await;
        self.stage.commit(session).await;
        made
    }
}

impl Stage {
    /// Makes the books of a seed.
    pub async fn fill(&self, seed: &Seed) -> Names {
        let mut filling = Filling {
            stage: self,
            now_us: SEEDED_US,
        };
        let mut names = Names::default();
        filling
            .make(async |session| organisation(self, session, seed).await)
            .await;
        for party in &seed.parties {
            let id = make_party(&mut filling, &party.id, party.body.clone()).await;
            names.parties.insert(party.id.clone(), id);
        }
        for records in &seed.records {
            make_records(&mut filling, records, &mut names).await;
        }
        for document in &seed.documents {
            let made = filling
                .make(async |session| {
                    let Document {
                        folder,
                        name,
                        media_type,
                        text,
                    } = document;
                    session
                        .add_document(folder, name, media_type, text.as_bytes())
                        .await
                })
                .await;
            let id = made.expect("the document is good").id.to_string();
            names.documents.insert(document.name.clone(), id);
        }
        make_invoices(&mut filling, &seed.invoices, &mut names).await;
        for payment in &seed.payments {
            make_payment(&mut filling, payment, &mut names).await;
        }
        for (name, template) in &seed.templates {
            let made = filling.make(async |session| session.put_template(name, template).await);
            made.await.expect("the template is good");
        }
        for agenda in &seed.agendas {
            make_agenda(&mut filling, agenda, &mut names).await;
        }
        names
    }

    /// Books a payment on an invoice of the seed: "100.00 EUR".
    pub async fn pay(&self, names: &mut Names, number: &str, amount: &str, now_us: i64) {
        let mut session = self.session(now_us);
        let id = names.invoices[number].clone();
        let invoice = session.invoice(&id).await.expect("the seed has it").body;
        names.payments_made += 1;
        let reference = format!("seed/{}", names.payments_made);
        let payment = NewPayment {
            flow: invoice.content.flow,
            legal_entity: invoice.content.legal_entity,
            party: Some(invoice.content.party),
            amount: money(amount),
            value_date: invoice.issue_date.expect("it is issued"),
            bank_reference: reference.clone(),
            bank_account: "seed".to_owned(),
            text: String::new(),
            extra: json!({}),
        };
        let recorded = session.record_payment(&reference, &payment).await;
        let source = recorded.expect("the payment is good").id;
        let part = Part {
            invoice: id,
            amount: payment.amount,
        };
        let allocated = session.allocate(&reference, &source, &[part]).await;
        allocated.expect("the invoice is open");
        self.commit(session).await;
    }
}

async fn organisation(stage: &Stage, session: &mut Session, seed: &Seed) {
    for calendar in &seed.calendars {
        let body =
            json!({"weekend": calendar.weekend, "holidays": calendar.holidays, "version": 1});
        let body: BusinessCalendar = serde_json::from_value(body).expect("a calendar");
        let put = session.put_business_calendar(&calendar.name, &body).await;
        put.expect("the calendar is good");
    }
    for (slug, definition) in &seed.collections {
        let definition: Collection =
            serde_json::from_value(definition.clone()).expect("a collection");
        let defined = session.define_collection(slug, &definition).await;
        defined.expect("the collection is good");
    }
    for invoice in &seed.invoices {
        if let Some(entity) = &invoice.legal_entity {
            stage.put_entity(session, entity).await;
        }
    }
}

async fn make_party(filling: &mut Filling<'_>, key: &str, body: Map<String, Value>) -> String {
    let mut body = body;
    body.entry("kind").or_insert_with(|| "customer".into());
    let body = Value::Object(body);
    let made = filling
        .make(async |session| session.create_record(PARTIES, key, &body).await)
        .await;
    made.expect("the party is good").id.to_string()
}

async fn make_agenda(filling: &mut Filling<'_>, agenda: &Agenda, names: &mut Names) {
    let calendar = Calendar {
        name: agenda.name.clone(),
        department: DEPARTMENT.to_owned(),
        zone: agenda.zone.clone(),
    };
    let put = filling.make(async |session| session.put_calendar(&agenda.name, &calendar).await);
    put.await.expect("the calendar is good");
    for (name, content) in &agenda.entries {
        let made =
            filling.make(async |session| session.create_entry(&agenda.name, name, content).await);
        let id = made.await.expect("the entry is good").id.to_string();
        names.entries.insert(name.clone(), id);
    }
}

/// All of them in one commit, since there may be thousands.
async fn make_records(filling: &mut Filling<'_>, records: &Records, names: &mut Names) {
    let ids = filling
        .make(async |session| {
            let mut ids = Vec::with_capacity(records.count);
            for place in 0..records.count {
                let counted = |text: &str| text.replace("{place}", &place.to_string());
                let key = counted(&records.id);
                let body = with_texts(&records.body, &counted);
                let made = session
                    .create_record(&records.collection, &key, &body)
                    .await;
                ids.push((key, made.expect("the record is good").id.to_string()));
            }
            ids
        })
        .await;
    names.records.extend(ids);
}

fn with_texts(value: &Value, change: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => change(text).into(),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, member)| (name.clone(), with_texts(member, change)))
                .collect(),
        ),
        other => other.clone(),
    }
}

async fn make_invoices(filling: &mut Filling<'_>, invoices: &[Invoice], names: &mut Names) {
    for invoice in invoices {
        if !names.parties.contains_key(&invoice.party) {
            let name = invoice.party_name.as_deref().unwrap_or(&invoice.party);
            let body = Map::from_iter([("name".to_owned(), name.into())]);
            let id = make_party(filling, &invoice.party, body).await;
            names.parties.insert(invoice.party.clone(), id);
        }
        let content = invoice.content(&names.parties[&invoice.party]);
        let drafted = filling
            .make(async |session| session.draft_invoice(&invoice.number, &content).await)
            .await;
        let id = drafted.expect("the invoice is good").id.to_string();
        if invoice.state.as_deref() == Some("rejected") {
            let rejected = filling
                .make(async |session| {
                    let next = InvoiceState::Rejected;
                    session.step_invoice(&id, None, next).await.map(drop)
                })
                .await;
            rejected.expect("a payable can be rejected");
        }
        names.invoices.insert(invoice.number.clone(), id);
    }
    // A series' dates never go back.
    let mut issued: Vec<&Invoice> = invoices.iter().filter(|each| each.is_issued()).collect();
    issued.sort_by_key(|invoice| invoice.issue_date);
    for invoice in issued {
        issue(filling, invoice, names).await;
    }
}

async fn issue(filling: &mut Filling<'_>, invoice: &Invoice, names: &mut Names) {
    let id = names.invoices[&invoice.number].clone();
    let date = invoice.issue_date;
    let issued = filling
        .make(async |session| session.issue_invoice(&id, None, None, date).await.map(drop))
        .await;
    issued.expect("the draft can be issued");
    let there = filling
        .make(async |session| session.invoice(&id).await)
        .await;
    let there = there.expect("it was issued a line above").body;
    let reference = invoice.reference.as_ref().unwrap_or(&invoice.number);
    names
        .words
        .extend(there.number.map(|word| (word, invoice.number.clone())));
    names
        .words
        .extend(there.reference.map(|word| (word, reference.clone())));
    if let Some(outstanding) = &invoice.outstanding {
        let paid = money(&invoice.gross).checked_sub(money(outstanding));
        let paid = paid.expect("what is open is part of the whole").to_string();
        filling.now_us += SECOND_US;
        let now_us = filling.now_us;
        filling
            .stage
            .pay(names, &invoice.number, &paid, now_us)
            .await;
    }
    if invoice.dunning_level > 0 {
        let level = invoice.dunning_level;
        let recorded = filling
            .make(async |session| session.dun_invoice(&id, level).await.map(drop))
            .await;
        recorded.expect("the invoice is open");
    }
}

async fn make_payment(filling: &mut Filling<'_>, payment: &Payment, names: &mut Names) {
    let new = NewPayment {
        flow: Flow::Receivable,
        legal_entity: ENTITY.to_owned(),
        party: payment
            .party
            .as_ref()
            .map(|party| names.parties[party].clone()),
        amount: money(&payment.amount),
        value_date: payment.value_date,
        bank_reference: payment.id.clone(),
        bank_account: "seed".to_owned(),
        text: String::new(),
        extra: json!({}),
    };
    let recorded = filling
        .make(async |session| session.record_payment(&payment.id, &new).await)
        .await;
    let id = recorded.expect("the payment is good").id.to_string();
    names.payments.insert(payment.id.clone(), id);
}
