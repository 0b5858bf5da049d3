//! `bursar serve`.

use bursar_db::Query;
use bursar_domain::{access::Role, draft::Direction, office::Token, row::Kind};
use serde_json::json;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::{
    failure::Failure,
    output::{Style, print, say},
    place::Place,
};

/// Most tokens looked at for one that lets an administrator in.
const TOKENS_MAX: usize = 10_000;

pub async fn serve(place: Place, style: Style) -> Result<(), Failure> {
    let Some(_lock) = place.try_worker_lock()? else {
        return Err(Failure::user(format!(
            "{} works on this data folder already",
            place.worker_process()
        ))
        .hint("stop it first; on PostgreSQL several can work side by side"));
    };
    let listener = listen(&place).await?;
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
    let api = place.api_beside(&worker);
    let (stop, ending) = watch::channel(false);
    let failed = |error: std::io::Error| Failure::host("cannot listen for signals", error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    greet(&place, style, &listener).await?;
    let mut served = tokio::spawn(bursar_api::serve(api.router(), listener, ending.clone()));
    let mut work = tokio::spawn(async move { worker.work(ending).await });
    let died = |error| Failure::host("a part of the host ended unexpectedly", error);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        // What ends by itself is a fault: whoever supervises this process starts it again.
        ended = &mut work => {
            ended.map_err(died)??;
            return Err(Failure::host("the worker ended by itself", "nobody asked it to"));
        }
        ended = &mut served => {
            ended.map_err(died)?;
            return Err(Failure::host("the API ended by itself", "nobody asked it to"));
        }
    }
    say("Stopping: what has begun is finished first.");
    stop.send_replace(true);
    served.await.map_err(died)?;
    api.close().await;
    let ended = work.await.map_err(died)?;
    place.database.close().await;
    Ok(ended?)
}

async fn listen(place: &Place) -> Result<TcpListener, Failure> {
    let address = place.settings.listen;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "the API is plain HTTP: let nobody but a proxy with TLS reach it");
    }
    TcpListener::bind(address).await.map_err(|error| {
        Failure::user(format!("cannot listen on {address}"))
            .because(error)
            .hint("choose another address with --listen")
    })
}

/// Says where the API is, and how to get in for the first time.
async fn greet(place: &Place, style: Style, listener: &TcpListener) -> Result<(), Failure> {
    let address = listener
        .local_addr()
        .map_err(|error| Failure::host("cannot listen", error))?;
    let url = format!("http://{address}");
    if style == Style::Json {
        print(style, &json!({"url": url}), |_| String::new())?;
    }
    say(&format!("Listening on {url}"));
    if !has_admin(place).await? {
        say(&format!(
            "Nobody has a token yet. The first administrator gets one by:\n\n    bursar --folder {} token create --name 'Your name'\n",
            place.settings.folder.display()
        ));
    }
    say("Working. Ctrl-C stops.");
    Ok(())
}

async fn has_admin(place: &Place) -> Result<bool, Failure> {
    let query = Query {
        kind: Kind::Token,
        collection: "".into(),
        conditions: Vec::new(),
        order: None,
        direction: Direction::Ascending,
        after: None,
        limit: TOKENS_MAX,
    };
    let now_us = jiff::Timestamp::now().as_microsecond();
    let page = place.database.snapshot().list(&query).await?;
    Ok(page.rows.iter().any(|(_, row)| {
        row.decode::<Token>().is_ok_and(|token| {
            token.role == Role::Admin
                && token.revoked_us.is_none()
                && token.expires_us.is_none_or(|at_us| at_us > now_us)
        })
    }))
}
