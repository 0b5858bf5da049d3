//! Mail, tasks and business days.

use bursar_office::input;

use crate::{
    contract::bursar::office::{
        messages::{self, Letter, NewMail},
        rows::Task,
        schedules,
        tasks::{self, NewTask, Terms},
        types::DateWindow,
    },
    convert,
    ending::Fault,
    guest::Guest,
};

impl messages::Host for Guest {
    async fn mail(&mut self, key: String, mail: NewMail) -> Result<String, Fault> {
        let id = self
            .called(&[&key, &mail])?
            .mail(&key, &convert::new_mail(mail))
            .await?;
        self.hand(id)
    }

    async fn send(&mut self, key: String, letter: Letter) -> Result<String, Fault> {
        let session = self.called(&[&key, &letter])?;
        let id = session.send(&key, &convert::new_letter(letter)?).await?;
        self.hand(id)
    }
}

impl tasks::Host for Guest {
    async fn create(&mut self, key: String, task: NewTask) -> Result<String, Fault> {
        let session = self.called(&[&key, &task])?;
        let id = session.create_task(&key, &convert::new_task(task)?).await?;
        self.hand(id)
    }

    async fn create_with(
        &mut self,
        key: String,
        task: NewTask,
        terms: Terms,
    ) -> Result<String, Fault> {
        let session = self.called(&[&key, &task, &terms])?;
        let (task, terms) = (convert::new_task(task)?, convert::terms(terms));
        let id = session.create_task_with(&key, &task, &terms).await?;
        self.hand(id)
    }

    async fn get(&mut self, id: String) -> Result<Task, Fault> {
        let found = self.called(&[&id])?.task(&id).await?;
        self.hand(convert::task(found)?)
    }

    async fn withdraw(&mut self, id: String, reason: String) -> Result<(), Fault> {
        Ok(self
            .called(&[&id, &reason])?
            .withdraw_task(&id, &reason)
            .await?)
    }
}

impl schedules::Host for Guest {
    async fn add_business_days(
        &mut self,
        business_calendar: String,
        date: String,
        days: i32,
    ) -> Result<String, Fault> {
        let session = self.called(&[&business_calendar, &date, &days])?;
        let found = session
            .add_business_days(&business_calendar, input::date("/date", &date)?, days)
            .await?;
        self.hand(found.to_string())
    }

    async fn business_days(
        &mut self,
        business_calendar: String,
        window: DateWindow,
    ) -> Result<u32, Fault> {
        let session = self.called(&[&business_calendar, &window])?;
        let start = input::date("/window/start", &window.start)?;
        let end = input::date("/window/end", &window.end)?;
        Ok(session
            .business_days(&business_calendar, start, end)
            .await?)
    }
}
