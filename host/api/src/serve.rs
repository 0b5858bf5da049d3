//! Listening: connections, their limits, and an orderly end.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};
use tokio_io_timeout::TimeoutStream;

/// Most connections at once; more wait to be accepted.
const CONNECTIONS_MAX: usize = 1024;
/// Longest time until a request's headers are complete, and that a connection stays idle.
const HEADERS_MAX: Duration = Duration::from_secs(15);
/// Longest time in which a client takes nothing of its answer.
const WRITE_MAX: Duration = Duration::from_secs(30);
/// Most bytes of a request's line and headers.
const HEADER_BYTES_MAX: usize = 64 << 10;
/// How long requests that have begun may go on when the host stops.
const ENDING_MAX: Duration = Duration::from_secs(30);
/// Pause after a connection cannot be accepted: descriptors may be used up.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers requests until `stop` becomes true; those that have begun are answered first.
pub async fn serve(router: Router, listener: TcpListener, mut stop: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    while !*stop.borrow() {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            _ = stop.changed() => continue,
        };
        if let Some((stream, permit)) = accepted {
            answer(&graceful, router.clone(), stream, permit);
        }
    }
    drop(listener);
    if tokio::time::timeout(ENDING_MAX, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests did not end in time");
    }
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let permit = room.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, permit)),
        Err(error) => {
            tracing::warn!(cause = %error, "a connection cannot be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

fn answer(
    graceful: &GracefulShutdown,
    router: Router,
    stream: TcpStream,
    permit: OwnedSemaphorePermit,
) {
    // Small answers go out at once.
    let _ = stream.set_nodelay(true);
    // Whoever does not read its answers does not keep a connection.
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_MAX));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_MAX)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(
            TokioIo::new(Box::pin(stream)),
            TowerToHyperService::new(router),
        );
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(cause = %error, "a connection broke");
        }
        drop(permit);
    });
}
