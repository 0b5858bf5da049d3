//! The least that a server can be: one route of axum that reads a row by its primary key and answers its body.
//!
//! The same file of SQLite, the same settings of its readers, and the host's look-up of a row; no token, no snapshot that
//! later reads could share, no entity tag, no request id. A second route answers a constant, which shows what axum and the
//! load's client take by themselves.

use std::{net::SocketAddr, path::Path};

use axum::{
    Router,
    extract::{Path as Segment, State},
    routing::get,
    serve::ListenerExt,
};
use http::{StatusCode, header};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use tokio::net::TcpListener;

use crate::Fault;

/// The host's look-up of one row by the primary key, in its plainest words.
const GET: &str = "select kind, collection, id, revision, created_us, updated_us, body from image \
                   where kind = $1 and collection = $2 and id = $3";

type ImageRow = (String, String, String, i64, i64, i64, String);

/// A server that serves until dropped.
pub struct Bare {
    pub address: SocketAddr,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Where the row of a record is answered.
pub fn record_path(collection: &str, id: &str) -> String {
    format!("/{collection}/{id}")
}

/// Where a constant is answered.
pub const CONSTANT_PATH: &str = "/";

/// Serves the records of a database's file.
pub async fn serve(file: &Path, readers: u32) -> Result<Bare, Fault> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .pragma("cache_size", "-2048");
    let pool = SqlitePoolOptions::new()
        .max_connections(readers)
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    let router = Router::new()
        .route(CONSTANT_PATH, get(async || json("{}".to_owned())))
        .route("/{collection}/{id}", get(record))
        .with_state(pool);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let listener = listener.tap_io(|stream| {
        // Without it answers would wait; if it fails they do.
        let _ = stream.set_nodelay(true);
    });
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(Bare { address, serving })
}

type Json = ([(header::HeaderName, &'static str); 1], String);

fn json(text: String) -> Json {
    ([(header::CONTENT_TYPE, "application/json")], text)
}

async fn record(
    State(pool): State<SqlitePool>,
    Segment((collection, id)): Segment<(String, String)>,
) -> Result<Json, StatusCode> {
    let row: Option<ImageRow> = sqlx::query_as(GET)
        .bind("record")
        .bind(collection)
        .bind(id)
        .fetch_optional(&pool)
        .await
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let (.., body) = row.ok_or(StatusCode::NOT_FOUND)?;
    Ok(json(body))
}
