//! Previews: the same execution as a real run's, shown and dropped.

use bursar_domain::run::{Event, RunReport};
use bursar_office::{
    check_start,
    describe::{RowDiff, describe},
    run_id,
};

use crate::{Error, Worker, prepare::session, timetable::check_timers};

/// What the run of an event would do now.
#[derive(Debug)]
pub struct Preview {
    /// How it ended, what it said and used, and its draft.
    pub report: RunReport,
    /// The draft as people read it.
    pub rows: Vec<RowDiff>,
}

impl Worker {
    /// Compiles a component that is about to be installed: what cannot run is refused, and the first run finds it ready.
    pub async fn check(&self, component: Vec<u8>) -> Result<(), Error> {
        let runtime = self.inner.runtime.clone();
        let plugin = tokio::task::spawn_blocking(move || runtime.load(&component)).await??;
        check_timers(&plugin.inspection().manifest)
    }

    /// Executes the run of an event and changes nothing.
    pub async fn preview(&self, automation: &str, event: &Event) -> Result<Preview, Error> {
        self.inner.preparations.forget(automation);
        let prepared = self.inner.prepare(automation).await?;
        check_start(&prepared.manifest, automation, event)?;
        let claim = prepared.claim_of(&run_id(automation, &event.id), event, &self.inner.seed_key);
        let session = session(&self.inner, &claim);
        let executed = self
            .inner
            .runtime
            .execute(&prepared.plugin, &claim, session);
        let report = tokio::select! {
            report = executed => report?,
            quarantined = self.inner.quarantined(&claim.automation.plugin) => return Err(quarantined),
        };
        let rows = describe(&self.inner.database, &report.draft).await?;
        Ok(Preview { report, rows })
    }
}
