//! `bursar serve`.

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::{failure::Failure, output::say, place::Place};

pub async fn serve(place: Place) -> Result<(), Failure> {
    let Some(_lock) = place.try_worker_lock()? else {
        return Err(Failure::user(format!(
            "{} works on this data folder already",
            place.worker_process()
        ))
        .hint("stop it first; on PostgreSQL several can work side by side"));
    };
    if !place.is_shared() {
        let recovered = place.database.recover().await?;
        if recovered > 0 {
            tracing::info!(
                runs = recovered,
                "runs that an earlier process left are queued again"
            );
        }
    }
    let worker = place.worker()?;
    let (stop, ending) = watch::channel(false);
    let failed = |error: std::io::Error| Failure::host("cannot listen for signals", error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    say("Working. Ctrl-C stops.");
    let mut work = tokio::spawn(async move { worker.work(ending).await });
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        // A worker that ended by itself is a fault: whoever supervises this process starts it again.
        ended = &mut work => {
            let ended = ended.map_err(|error| Failure::host("the worker ended unexpectedly", error))?;
            return Ok(ended?);
        }
    }
    say("Stopping: runs that have begun are finished first.");
    stop.send_replace(true);
    let ended = work
        .await
        .map_err(|error| Failure::host("the worker ended unexpectedly", error))?;
    place.database.close().await;
    Ok(ended?)
}
