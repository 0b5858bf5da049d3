//! The server's parts as `bursar serve` puts them together, within this process: the worker's loops, and the API on a port
//! of 127.0.0.1.

use std::net::SocketAddr;

use bursar_api::{Api, COMMIT_HEADER};
use bursar_domain::office::Actor;
use bytes::Bytes;
use http::{Request, StatusCode, header};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{Fault, office::Office};

/// A served office.
pub struct Served {
    pub address: SocketAddr,
    /// Of an administrator.
    pub token: String,
    api: Api,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    working: JoinHandle<Result<(), bursar_worker::Error>>,
}

/// Begins to serve, and to work off runs.
pub async fn serve(office: &Office) -> Result<Served, Fault> {
    let worker = office.worker.clone();
    let api = Api::new(office.database.clone(), move || Ok(worker.clone()));
    let token = token(&api).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, ending) = watch::channel(false);
    let serving = tokio::spawn(bursar_api::serve(api.router(), listener, ending.clone()));
    let worker = office.worker.clone();
    let working = tokio::spawn(async move { worker.work(ending).await });
    Ok(Served {
        address,
        token,
        api,
        stop,
        serving,
        working,
    })
}

impl Served {
    /// Ends as `bursar serve` does: what has begun is finished first.
    pub async fn close(self) -> Result<(), Fault> {
        self.stop.send_replace(true);
        self.serving.await?;
        self.api.close().await;
        Ok(self.working.await??)
    }
}

/// Made as the first token of a new office is: by whoever may open its folder.
async fn token(api: &Api) -> Result<String, Fault> {
    let asked = json!({"name": "bench", "role": "admin"});
    let request = Request::post("/v1/tokens")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Bytes::from(asked.to_string()))?;
    let made = api.local(Actor::new("person", "ada")).call(request).await;
    let made = made.map_err(|_| "the office makes no token")?;
    if made.status() != StatusCode::CREATED || !made.headers().contains_key(COMMIT_HEADER) {
        return Err(format!("the office makes no token: {}", made.status()).into());
    }
    let made: Value = serde_json::from_slice(made.body())?;
    let token = made.pointer("/body/token").and_then(Value::as_str);
    Ok(token.ok_or("the answer holds no token")?.to_owned())
}
