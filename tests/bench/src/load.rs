//! Requests from a process of their own, as they come from outside: so many connections, each sending its next request as
//! soon as it has the answer to the last.
//!
//! The bench starts its own program again for it, hands over the plan on stdin and reads what was found from stdout; the
//! token stays out of the list of processes. One thread serves all connections, so that the server has the other cores.

use std::{
    io::{Read, Write},
    net::SocketAddr,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::{io::AsyncWriteExt, net::TcpStream, process::Command, task::JoinSet};

use crate::{Fault, latency::Latency};

/// The program's word for being that process.
pub const WORD: &str = "load";
/// Answers that are not counted: until connections and statements are warm.
const WARM_UP: Duration = Duration::from_millis(500);

/// What is asked, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    pub address: SocketAddr,
    /// For `Authorization: Bearer`.
    pub token: String,
    pub connections: usize,
    /// How long it is measured.
    pub seconds: f64,
    /// Sent in turn, over and over; each is answered with 200.
    pub requests: Vec<Asked>,
}

/// One request: a GET, or a POST if it has a body.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Asked {
    pub path: String,
    pub body: Option<String>,
}

/// What a load found.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Found {
    pub answers: usize,
    pub per_s: f64,
    /// From sending a request until its answer has been read.
    pub latency: Latency,
}

/// Puts a load on a server, from a second process.
pub async fn from_outside(plan: &Plan) -> Result<Found, Fault> {
    let mut process = Command::new(std::env::current_exe()?)
        .arg(WORD)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut stdin = process.stdin.take().ok_or("the load has no stdin")?;
    stdin.write_all(&serde_json::to_vec(plan)?).await?;
    drop(stdin);
    let output = process.wait_with_output().await?;
    if !output.status.success() {
        return Err(format!("the load failed: {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// What that second process does.
pub async fn serve_plan() -> Result<(), Fault> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let found = put(serde_json::from_str(&text)?).await?;
    std::io::stdout().write_all(&serde_json::to_vec(&found)?)?;
    Ok(())
}

async fn put(plan: Plan) -> Result<Found, Fault> {
    let counted_from = Instant::now() + WARM_UP;
    let until = counted_from + Duration::from_secs_f64(plan.seconds);
    let plan = Arc::new(plan);
    let mut connections = JoinSet::new();
    for place in 0..plan.connections {
        let plan = plan.clone();
        connections.spawn(async move { connection(&plan, place, counted_from..until).await });
    }
    let mut latencies = Vec::new();
    while let Some(ended) = connections.join_next().await {
        latencies.extend(ended??);
    }
    Ok(Found {
        answers: latencies.len(),
        per_s: per_second(latencies.len(), plan.seconds),
        latency: Latency::of(latencies),
    })
}

/// Latencies of the answers that one connection got within a time.
async fn connection(
    plan: &Plan,
    place: usize,
    counted: std::ops::Range<Instant>,
) -> Result<Vec<Duration>, Fault> {
    let stream = TcpStream::connect(plan.address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    let driven = tokio::spawn(connection);
    let mut latencies = Vec::new();
    // Each its own requests, so that no two connections are about the same row at once.
    let mut requests = plan
        .requests
        .iter()
        .skip(place)
        .step_by(plan.connections)
        .cycle();
    while Instant::now() < counted.end {
        let asked = requests.next().ok_or("fewer requests than connections")?;
        let began = Instant::now();
        answered(&mut sender, plan, asked).await?;
        let ended = Instant::now();
        if counted.contains(&ended) {
            latencies.push(ended - began);
        }
    }
    drop(sender);
    driven.await??;
    Ok(latencies)
}

async fn answered(
    sender: &mut SendRequest<Full<Bytes>>,
    plan: &Plan,
    asked: &Asked,
) -> Result<(), Fault> {
    let method = match asked.body {
        Some(_) => Method::POST,
        None => Method::GET,
    };
    let body = asked.body.clone().unwrap_or_default();
    let request = Request::builder()
        .method(method)
        .uri(&asked.path)
        .header(header::HOST, plan.address.to_string())
        .header(header::AUTHORIZATION, format!("Bearer {}", plan.token))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::from(body))?;
    sender.ready().await?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    if status == StatusCode::OK {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&body);
    Err(format!("{} was answered with {status}: {said}", asked.path).into())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of answers are far below 2^52"
)]
fn per_second(count: usize, seconds: f64) -> f64 {
    count as f64 / seconds
}
