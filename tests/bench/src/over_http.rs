//! The measures over HTTP, each beside what it is compared with.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bursar_db::{Proposal, Verdict};
use bursar_worker::Settings;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::{
    Fault, bare,
    latency::Latency,
    load::{self, Asked, Found, Plan},
    measures,
    office::{Office, Size, TOUCH, TOUCH_IN_JS},
    served,
};

/// Connections of a load, and proposers of the commits that it is compared with.
pub const CONNECTIONS: usize = 16;
/// Records that requests are about, in turn.
const RECORDS: usize = 1024;
/// Runs of which one commit each is measured alone: their queuing of the one half, their settling of the other.
const COMMITTED_ALONE: usize = 1024;
/// Runs in JavaScript of each round.
const RUNS_IN_JS: usize = 500;
/// Longest wait of a request for its run, in milliseconds.
const WAIT_MS: u64 = 30_000;
/// The guest in JavaScript: committed as a component, so that the bench needs no npm.
const GUEST_IN_JS: &str = "sdk/conformance/guests/js";

/// One round.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OverHttp {
    /// From sending a POST until the answer that its run is committed.
    pub triggers: Found,
    /// Of one commit by one of as many proposers at once.
    pub commit_alone: Latency,
    pub record_reads: Found,
    /// The same reads from an axum handler that only reads.
    pub bare_reads: Found,
    /// Constant answers of the same bare server.
    pub constants: Found,
    pub quickjs_runs_per_s: f64,
}

/// An office that is served, and what is asked of it.
pub struct Stage {
    pub office: Office,
    /// Digest of the guest in JavaScript.
    pub guest_in_js: String,
    file: PathBuf,
    readers: u32,
    records: Vec<String>,
    seconds: f64,
}

impl Stage {
    /// A fresh office, as large as `bursar serve` makes it unless told otherwise.
    pub async fn set(folder: &Path, seconds: f64) -> Result<Self, Fault> {
        let workers = Settings::default().concurrency_max;
        let readers = u32::try_from(workers)?.saturating_add(8);
        let office = Office::open(folder, Size { workers, readers }).await?;
        let guest = bursar_artifacts::workspace().join(GUEST_IN_JS);
        let component = bursar_artifacts::committed(&guest).ok_or("no component is committed")?;
        Ok(Self {
            guest_in_js: office.install(&component, &TOUCH_IN_JS).await?,
            records: office.records(&TOUCH, RECORDS).await?,
            file: folder.join("bursar.db"),
            readers,
            office,
            seconds,
        })
    }

    /// Takes every measure once.
    pub async fn round(&self) -> Result<OverHttp, Fault> {
        let commit_alone = self.commit_alone().await?;
        // What was only queued is none of the others' business.
        self.office.worker.work_off_runs().await?;
        self.office.queue(&TOUCH_IN_JS, RUNS_IN_JS).await?;
        let in_js = measures::runs(&self.office, RUNS_IN_JS).await?;
        let served = served::serve(&self.office).await?;
        let plan = |requests| Plan {
            address: served.address,
            token: served.token.clone(),
            connections: CONNECTIONS,
            seconds: self.seconds,
            requests,
        };
        let triggers = load::from_outside(&plan(self.triggers())).await?;
        let record_reads = load::from_outside(&plan(self.reads(host_path))).await?;
        let bare = bare::serve(&self.file, self.readers).await?;
        let plan = |requests| Plan {
            address: bare.address,
            ..plan(requests)
        };
        let bare_reads = load::from_outside(&plan(self.reads(bare::record_path))).await?;
        let constants = load::from_outside(&plan(self.reads(constant_path))).await?;
        drop(bare);
        served.close().await?;
        Ok(OverHttp {
            triggers,
            commit_alone,
            record_reads,
            bare_reads,
            constants,
            quickjs_runs_per_s: crate::runs::per_second(&in_js),
        })
    }

    /// A run each, of a new event, which touches its record.
    fn triggers(&self) -> Vec<Asked> {
        let path = format!(
            "/v1/automations/{}/runs?wait_ms={WAIT_MS}",
            TOUCH.automation
        );
        let asked = |record: &String| Asked {
            path: path.clone(),
            body: Some(serde_json::json!({"input": (TOUCH.input)(record)}).to_string()),
        };
        self.records.iter().map(asked).collect()
    }

    fn reads(&self, path: fn(&str, &str) -> String) -> Vec<Asked> {
        let asked = |record: &String| Asked {
            path: path(TOUCH.collection, record),
            body: None,
        };
        self.records.iter().map(asked).collect()
    }

    /// The commits of runs and nothing else: no sandbox, no worker, no HTTP.
    ///
    /// Each proposer queues one run and settles another in turn, as a run that is triggered over HTTP is queued and
    /// settled. What is measured is one commit: the time from handing over a proposal until it is in the log.
    async fn commit_alone(&self) -> Result<Latency, Fault> {
        let count = COMMITTED_ALONE / 2;
        let settlings = measures::proposals(&self.office, count).await?;
        let records = self.office.records(&TOUCH, count).await?;
        let queueings = self.office.queueings(&TOUCH, &records).await?;
        let pairs = queueings.into_iter().zip(settlings).collect();
        let mut proposers = JoinSet::new();
        for share in measures::shares::<(Proposal, Proposal)>(pairs, CONNECTIONS) {
            let database = self.office.database.clone();
            proposers.spawn(async move {
                let mut latencies = Vec::new();
                for proposal in share.into_iter().flat_map(|(one, other)| [one, other]) {
                    let began = Instant::now();
                    match database.propose(proposal).await? {
                        Verdict::Committed { .. } => latencies.push(began.elapsed()),
                        other => return Err(Fault::from(format!("not committed: {other:?}"))),
                    }
                }
                Ok(latencies)
            });
        }
        let mut latencies: Vec<Duration> = Vec::new();
        while let Some(ended) = proposers.join_next().await {
            latencies.extend(ended??);
        }
        Ok(Latency::of(latencies))
    }
}

fn host_path(collection: &str, id: &str) -> String {
    format!("/v1/collections/{collection}/records/{id}")
}

fn constant_path(_: &str, _: &str) -> String {
    bare::CONSTANT_PATH.to_owned()
}
