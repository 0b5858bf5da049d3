//! INV-10: what is owed as of a locked date stays what it is, whatever is done with suppliers' documents later.

use bursar_domain::{
    aging::Buckets,
    invoice::{Flow, InvoiceContent, InvoiceKind, InvoiceState},
    office::LegalEntity,
};
use bursar_office::{Error, Session, aging::Accounts, allocations::Part, payments::NewPayment};
use jiff::{
    ToSpan as _,
    civil::{Date, date},
};

use crate::organisation::{ENTITY, Organisation, code, content, entity, eur, payment};

/// A property is worth its name only if what it guards against came up this often.
const OCCURRED_MIN: usize = 100;
const STEPS: usize = 150;

/// Numbers that look random and are the same in every run of the test (Knuth's MMIX).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    fn one_of<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        (!of.is_empty()).then(|| of[self.roll(of.len())].clone())
    }

    /// A day of the two months before today.
    fn day(&mut self) -> Date {
        let days = i64::try_from(self.roll(60)).expect("a small number");
        date(2026, 1, 1) + days.days()
    }
}

/// What was done, and how often a locked period had a say in it.
#[derive(Debug, Default)]
struct Counts {
    done: usize,
    refused: usize,
    /// Credit notes of a locked period that began to count after it.
    approved_later: usize,
}

struct Books {
    office: Organisation,
    dice: Dice,
    bills: Vec<String>,
    paid: Vec<String>,
    locked: Date,
    owed: String,
    counts: Counts,
}

impl Books {
    async fn of(mut office: Organisation, seed: u64) -> Self {
        let locked = entity().lock_date.expect("a locked period");
        let owed = owed(&mut office, locked).await;
        Self {
            office,
            dice: Dice(seed),
            bills: Vec::new(),
            paid: Vec::new(),
            locked,
            owed,
            counts: Counts::default(),
        }
    }

    async fn step(&mut self) {
        let mut session = self.office.person();
        let done = match self.dice.roll(12) {
            0..3 => self.take_in(&mut session).await,
            3..8 => self.advance(&mut session).await,
            8 => self.pay(&mut session).await,
            9 => self.allocate(&mut session).await,
            10 => self.reverse(&mut session).await,
            _ => return self.lock().await,
        };
        match done {
            Ok(()) => {
                self.office.commit(session).await;
                self.counts.done += 1;
            }
            Err(error) => {
                let is_locked = code(Err::<(), _>(error)) == "period-locked";
                self.counts.refused += usize::from(is_locked);
            }
        }
        let owed = owed(&mut self.office, self.locked).await;
        assert_eq!(owed, self.owed, "as of {}", self.locked);
    }

    async fn take_in(&mut self, session: &mut Session) -> Result<(), Error> {
        let key = format!("b{}", self.dice.roll(1_000_000_000));
        let kinds = [InvoiceKind::Invoice, InvoiceKind::CreditNote];
        let bill = InvoiceContent {
            kind: kinds[self.dice.roll(2)],
            supplier_date: Some(self.dice.day()),
            ..content(Flow::Payable, &self.office.supplier, "100")
        };
        let taken = session.draft_invoice(&key, &bill).await?;
        self.bills.push(taken.id.to_string());
        Ok(())
    }

    async fn advance(&mut self, session: &mut Session) -> Result<(), Error> {
        let Some(bill) = self.dice.one_of(&self.bills) else {
            return Ok(());
        };
        let steps = [
            InvoiceState::Matched,
            InvoiceState::Matched,
            InvoiceState::Approved,
            InvoiceState::Rejected,
        ];
        let next = steps[self.dice.roll(steps.len())];
        let before = session.invoice(&bill).await?.body;
        session.step_invoice(&bill, None, next).await?;
        let is_later = before.is_credit_note() && before.posted_on <= Some(self.locked);
        self.counts.approved_later += usize::from(is_later && next == InvoiceState::Approved);
        Ok(())
    }

    async fn pay(&mut self, session: &mut Session) -> Result<(), Error> {
        let key = format!("p{}", self.dice.roll(1_000_000_000));
        let paid = NewPayment {
            flow: Flow::Payable,
            party: Some(self.office.supplier.clone()),
            value_date: self.dice.day(),
            ..payment(&key, 6_000)
        };
        let paid = session.record_payment(&key, &paid).await?;
        self.paid.push(paid.id.to_string());
        Ok(())
    }

    async fn allocate(&mut self, session: &mut Session) -> Result<(), Error> {
        let sources = [self.paid.clone(), self.bills.clone()].concat();
        let (source, bill) = (self.dice.one_of(&sources), self.dice.one_of(&self.bills));
        let Some((source, invoice)) = source.zip(bill) else {
            return Ok(());
        };
        let key = format!("a{}", self.dice.roll(1_000_000_000));
        let amount = eur(3_000);
        let part = Part { invoice, amount };
        session.allocate(&key, &source, &[part]).await.map(drop)
    }

    async fn reverse(&mut self, session: &mut Session) -> Result<(), Error> {
        let Some(paid) = self.dice.one_of(&self.paid) else {
            return Ok(());
        };
        let key = format!("r{}", self.dice.roll(1_000_000_000));
        let day = self.dice.day();
        let reversed = session.reverse_payment(&key, &paid, day, "").await;
        reversed.map(drop)
    }

    /// Closes the books until a later day.
    async fn lock(&mut self) {
        let locked = self.dice.day().min(self.locked + 20.days());
        if locked <= self.locked {
            return;
        }
        let closed = LegalEntity {
            lock_date: Some(locked),
            ..entity()
        };
        let mut session = self.office.person();
        session.put_entity(ENTITY, &closed).await.expect("put");
        self.office.commit(session).await;
        self.locked = locked;
        self.owed = owed(&mut self.office, locked).await;
    }
}

/// What is owed to suppliers as of a day, in all buckets.
async fn owed(office: &mut Organisation, as_of: Date) -> String {
    let accounts = Accounts {
        flow: Flow::Payable,
        legal_entity: None,
        party: None,
        as_of: Some(as_of),
    };
    let mut session = office.person();
    let aging = session.aging(&accounts, &Buckets::default()).await;
    format!("{:?}", aging.expect("an aging").books)
}

#[tokio::test]
async fn inv_10_what_was_owed_as_of_a_locked_date_stays() {
    let mut total = Counts::default();
    for seed in 0..14 {
        for office in Organisation::open_on_both().await {
            let mut books = Books::of(office, seed).await;
            for _ in 0..STEPS {
                books.step().await;
            }
            total.done += books.counts.done;
            total.refused += books.counts.refused;
            total.approved_later += books.counts.approved_later;
        }
    }
    eprintln!("inv_10: {total:?}");
    assert!(total.refused >= OCCURRED_MIN && total.done >= OCCURRED_MIN);
    assert!(total.approved_later > 0, "{total:?}");
}
