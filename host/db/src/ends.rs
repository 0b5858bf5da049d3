//! Who waits for the end of which run, within this process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

/// The runs that somebody waits for.
#[derive(Clone, Default)]
pub(crate) struct Ends(Arc<Mutex<HashMap<String, watch::Sender<bool>>>>);

/// A wait for the end of one run: dropped, it is over.
pub struct EndOfRun {
    run: String,
    told: Option<watch::Receiver<bool>>,
    ends: Ends,
}

impl Ends {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<bool>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wait_for(&self, run: &str) -> EndOfRun {
        let told = self.lock().entry(run.to_owned()).or_default().subscribe();
        EndOfRun {
            run: run.to_owned(),
            told: Some(told),
            ends: self.clone(),
        }
    }

    /// Says that a run has ended.
    pub(crate) fn tell(&self, run: &str) {
        if let Some(told) = self.lock().get(run) {
            told.send_replace(true);
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }
}

impl EndOfRun {
    /// Waits until this process has settled the run, since the wait was begun.
    pub async fn told(&mut self) {
        let heard = match &mut self.told {
            Some(told) => told.wait_for(|told| *told).await.is_ok(),
            None => false,
        };
        if !heard {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for EndOfRun {
    fn drop(&mut self) {
        let mut waited_for = self.ends.lock();
        // Counted while nobody else can begin or end a wait.
        drop(self.told.take());
        if let Some(told) = waited_for.get(&self.run)
            && told.is_closed()
        {
            waited_for.remove(&self.run);
        }
    }
}
