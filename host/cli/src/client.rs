//! Asks the API: of a server under a URL, or of the data folder itself within this process.
//!
//! Commands do not know which of the two it is.

use std::{io::Write, time::Duration};

use bursar_api::{COMMIT_HEADER, Job, JobResult, JobRows, JobState, Local, Page, ProblemDocument};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    failure::Failure,
    output::{Progress, bar},
    place::{Place, author},
    settings::Server,
};

/// Longest wait for one answer.
const ANSWER_MAX: Duration = Duration::from_secs(150);
/// Largest answer that is read.
const ANSWER_BYTES_MAX: u64 = 256 << 20;
/// How long one request waits for a job's end.
const JOB_WAIT_MS: u32 = 500;
/// Larger bodies are sent once the server wants them, in bytes.
const BODY_UNASKED_BYTES_MAX: usize = 8 << 10;
/// Rows asked for at a time.
const PAGE_ROWS: usize = 1000;
/// What stands for itself in a part of a path (RFC 3986, unreserved).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Where the API is.
pub enum Client {
    /// In the data folder.
    Local(Box<Here>),
    /// At a server.
    Remote(Remote),
}

/// The data folder, with its API in this process.
pub struct Here {
    pub place: Place,
    api: Local,
}

/// A server.
pub struct Remote {
    agent: ureq::Agent,
    url: String,
    token: String,
}

/// What came back, and the commit that it led to.
#[derive(Debug)]
pub struct Answer<T> {
    pub value: T,
    pub commit: Option<i64>,
}

/// One part of a path, whatever is in it.
pub fn part(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// A path with its query; parameters without a value are left out.
pub fn query(path: &str, parameters: &[(&str, Option<String>)]) -> String {
    let given: Vec<String> = parameters
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", part(value.as_ref()?))))
        .collect();
    if given.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", given.join("&"))
    }
}

impl Client {
    /// The API of a data folder.
    pub fn here(place: Place) -> Self {
        let api = place.api().local(author());
        Client::Local(Box::new(Here { place, api }))
    }

    /// The API of a server.
    pub fn at(server: Server) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_MAX))
            .user_agent(concat!("bursar/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Client::Remote(Remote {
            agent,
            url: server.url.trim_end_matches('/').to_owned(),
            token: server.token,
        })
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let answer = self.ask(Method::GET, path, None).await?;
        Ok(answer.value)
    }

    /// Sends JSON.
    pub async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer<T>, Failure> {
        let text =
            serde_json::to_vec(body).map_err(|error| Failure::host("cannot write JSON", error))?;
        self.ask(
            method,
            path,
            Some(("application/json".to_owned(), Bytes::from(text))),
        )
        .await
    }

    /// Sends a file.
    pub async fn upload<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        media_type: &str,
        bytes: Vec<u8>,
    ) -> Result<Answer<T>, Failure> {
        self.ask(
            method,
            path,
            Some((media_type.to_owned(), Bytes::from(bytes))),
        )
        .await
    }

    /// Sends nothing but the wish.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<(String, Bytes)>,
    ) -> Result<Answer<T>, Failure> {
        let mut request = Request::builder().method(method).uri(path);
        let bytes = match body {
            Some((media_type, bytes)) => {
                request = request.header(header::CONTENT_TYPE, media_type);
                bytes
            }
            None => Bytes::new(),
        };
        let request = request.body(bytes).map_err(|error| unaskable(&error))?;
        let response = match self {
            Client::Local(here) => here
                .api
                .call(request)
                .await
                .map_err(|error| broken(&error))?,
            Client::Remote(remote) => remote.call(request).await?,
        };
        let answer = read(&response);
        if response.status() == StatusCode::NOT_FOUND {
            // The API does not repeat the name of what is not there.
            return answer.map_err(|failure| failure.because(format!("{path} was asked for")));
        }
        answer
    }

    /// Writes an answer down as it comes, whatever its size; gives how many bytes it has.
    pub async fn download(
        &self,
        path: &str,
        mut out: impl Write + Send + 'static,
    ) -> Result<u64, Failure> {
        let request = Request::get(path).body(Bytes::new());
        let request = request.map_err(|error| unaskable(&error))?;
        let here = match self {
            Client::Local(here) => here,
            Client::Remote(remote) => return remote.download(request, out).await,
        };
        let (parts, mut pieces) = here.api.begin(request).await.into_parts();
        let is_good = parts.status.is_success();
        let (mut bytes, mut refusal) = (0, Vec::new());
        while let Some(piece) = pieces.next().await.map_err(|error| broken(&error))? {
            bytes += piece.len() as u64;
            if is_good {
                out.write_all(&piece).map_err(|error| unwritable(&error))?;
            } else {
                refusal.extend_from_slice(&piece);
            }
        }
        if !is_good {
            read::<Value>(&Response::from_parts(parts, refusal.into()))?;
        }
        out.flush().map_err(|error| unwritable(&error))?;
        Ok(bytes)
    }

    /// All rows of a listing, up to a limit: the rows, and whether there are no more.
    pub async fn pages<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, Option<String>)],
        limit: usize,
    ) -> Result<(Vec<T>, bool), Failure> {
        let mut items: Vec<T> = Vec::new();
        let mut after = None;
        while items.len() < limit {
            let wanted = limit.saturating_sub(items.len()).min(PAGE_ROWS);
            let mut asked = parameters.to_vec();
            asked.push(("limit", Some(wanted.to_string())));
            asked.push(("after", after));
            let page: Page<T> = self.get(&query(path, &asked)).await?;
            items.extend(page.items);
            after = page.next;
            if after.is_none() {
                return Ok((items, true));
            }
        }
        Ok((items, false))
    }

    /// Waits for a job and says how far it is.
    pub async fn finish(&self, job: Job) -> Result<JobResult, Failure> {
        let mut job = job;
        let mut progress = Progress::begin();
        while job.state == JobState::Running {
            progress.say(&how_far(&job));
            job = self
                .get(&query(
                    &format!("/v1/jobs/{}", part(&job.id)),
                    &[("wait_ms", Some(JOB_WAIT_MS.to_string()))],
                ))
                .await?;
        }
        drop(progress);
        match (job.result, job.problem) {
            (Some(result), _) => Ok(result),
            (None, Some(problem)) => Err(problem.into()),
            (None, None) => Err(Failure::host("the job ended without a word", job.id)),
        }
    }
}

impl Remote {
    async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Failure> {
        let request = self.addressed(request)?;
        let agent = self.agent.clone();
        let answered = tokio::task::spawn_blocking(move || whole(agent.run(request)?)).await;
        let answered = answered.map_err(|error| Failure::host("cannot ask the server", error))?;
        answered.map_err(|error| self.silent(&error))
    }

    async fn download(
        &self,
        request: Request<Bytes>,
        mut out: impl Write + Send + 'static,
    ) -> Result<u64, Failure> {
        let request = self.addressed(request)?;
        // It takes as long as it takes, as long as something comes.
        let request = self
            .agent
            .configure_request(request)
            .timeout_global(None)
            .timeout_recv_response(Some(ANSWER_MAX))
            .build();
        let agent = self.agent.clone();
        let answered = tokio::task::spawn_blocking(move || {
            let response = agent.run(request)?;
            if !response.status().is_success() {
                return whole(response).map(Err);
            }
            let mut body = response.into_body().into_reader();
            let bytes = std::io::copy(&mut body, &mut out)?;
            out.flush()?;
            Ok::<_, ureq::Error>(Ok(bytes))
        })
        .await;
        let answered = answered.map_err(|error| Failure::host("cannot ask the server", error))?;
        match answered {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(refusal)) => Err(match read::<Value>(&refusal) {
                Err(failure) => failure,
                Ok(_) => Failure::host("the server refused without a word", refusal.status()),
            }),
            Err(error) => Err(self.silent(&error)),
        }
    }

    /// The request with the server's address and the token.
    fn addressed(&self, request: Request<Bytes>) -> Result<Request<Vec<u8>>, Failure> {
        let (mut parts, body) = request.into_parts();
        let url = format!("{}{}", self.url, parts.uri);
        let bad = |cause: &dyn std::fmt::Display| {
            Failure::user(format!("{} is not the URL of a server", self.url))
                .because(cause)
                .hint("BURSAR_URL is such as http://127.0.0.1:8080")
        };
        parts.uri = url.parse().map_err(|error| bad(&error))?;
        if !matches!(parts.uri.scheme_str(), Some("http" | "https")) {
            return Err(bad(&"it begins with http:// or https://"));
        }
        let bearer = http::HeaderValue::from_str(&format!("Bearer {}", self.token));
        let mut bearer = bearer.map_err(|_| {
            Failure::user("BURSAR_TOKEN is not a token").hint("bursar token create, on the host")
        })?;
        bearer.set_sensitive(true);
        parts.headers.insert(header::AUTHORIZATION, bearer);
        if body.len() > BODY_UNASKED_BYTES_MAX {
            // What is refused by its head is answered and hung up on: whoever still sent would not see the answer.
            let wait = http::HeaderValue::from_static("100-continue");
            parts.headers.insert(header::EXPECT, wait);
        }
        Ok(Request::from_parts(parts, body.to_vec()))
    }

    fn silent(&self, error: &ureq::Error) -> Failure {
        Failure::user(format!("the server {} does not answer", self.url))
            .because(error)
            .hint("check BURSAR_URL, and that `bursar serve` runs there")
    }
}

/// An answer with all of its body.
fn whole(mut response: Response<ureq::Body>) -> Result<Response<Bytes>, ureq::Error> {
    let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
    let bytes = body.read_to_vec()?;
    Ok(response.map(|_| Bytes::from(bytes)))
}

fn unaskable(error: &http::Error) -> Failure {
    Failure::user("this cannot be asked for")
        .because(error)
        .hint("check the names")
}

fn broken(error: &bursar_api::Failure) -> Failure {
    Failure::host("the API failed", error.code())
}

fn unwritable(error: &std::io::Error) -> Failure {
    Failure::user("cannot write what came").because(error)
}

/// What a job is doing, in a line.
fn how_far(job: &Job) -> String {
    let step = format!("{} ({} of {})", job.step, job.steps_done + 1, job.steps);
    match job.rows {
        Some(JobRows { done, total }) => format!("{step}  {}", bar(done, total)),
        None => step,
    }
}

fn read<T: DeserializeOwned>(response: &Response<Bytes>) -> Result<Answer<T>, Failure> {
    if !response.status().is_success() {
        let problem: Result<ProblemDocument, _> = serde_json::from_slice(response.body());
        return Err(match problem {
            Ok(problem) => problem.into(),
            Err(_) => Failure::user(format!("the server answered {}", response.status()))
                .hint("check BURSAR_URL: it may not be a Bursar host"),
        });
    }
    let commit = response
        .headers()
        .get(&COMMIT_HEADER)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let body = if response.body().is_empty() {
        b"null"
    } else {
        response.body().as_ref()
    };
    let value = serde_json::from_slice(body).map_err(|error| {
        Failure::user("the server answered something else than expected")
            .because(error)
            .hint("use the version of bursar that the server has")
    })?;
    Ok(Answer { value, commit })
}
