//! The measures of runs, taken in turn: the whole, the sandbox alone, commits alone, and their rows inserted plainly.

use std::path::Path;

use crate::{
    Fault,
    measures::{self, Measured},
    office::{Office, Size, TOUCH},
    raw::{Raw, Shape},
    summary::Rates,
};

/// An office that runs work in, and tables that their rows are inserted into.
pub struct Runs {
    pub office: Office,
    raw: Raw,
    heap: Raw,
}

impl Runs {
    pub async fn set(folder: &Path, size: Size) -> Result<Self, Fault> {
        Ok(Self {
            office: Office::open(&folder.join("office"), size).await?,
            raw: Raw::open(&folder.join("raw"), Shape::Keyed).await?,
            heap: Raw::open(&folder.join("heap"), Shape::Heap).await?,
        })
    }

    /// Takes every measure once.
    pub async fn round(&self, runs: usize) -> Result<Rates, Fault> {
        let Self { office, raw, heap } = self;
        let proposals = measures::proposals(office, runs).await?;
        let wasm = measures::wasm_only(office, runs).await?;
        let commits = measures::commit_only(office, proposals).await?;
        office.queue(&TOUCH, runs).await?;
        let runs = measures::runs(office, runs).await?;
        let written = office.log.written(&commits.span).await?;
        let worked = office.log.written(&runs.span).await?;
        check_alike(written.bytes_per_run(), worked.bytes_per_run())?;
        let groups = office.log.groups(&commits.span).await?;
        // Not counted: tables as full as the host's.
        for filled in [raw, heap] {
            filled.insert(&worked, groups.mean()).await?;
        }
        let raw_inserts = raw.insert(&written, groups.mean()).await?;
        let heap_inserts = heap.insert(&written, groups.mean()).await?;
        Ok(Rates {
            runs: runs.count,
            runs_per_s: per_second(&runs),
            wasm_only_per_s: per_second(&wasm),
            commit_only_per_s: per_second(&commits),
            raw_insert_per_s: per_second(&raw_inserts),
            heap_insert_per_s: per_second(&heap_inserts),
            seconds: runs.took.as_secs_f64(),
            bytes_per_run: written.bytes_per_run(),
            run_groups: office.log.groups(&runs.span).await?,
            commit_groups: groups,
        })
    }
}

/// Commits that are made without running must be those that runs make, or their rate says nothing about runs.
fn check_alike(alone: f64, worked: f64) -> Result<(), Fault> {
    let apart = (alone / worked - 1.0).abs();
    if apart < 0.02 {
        return Ok(());
    }
    Err(format!("a run writes {worked:.0} bytes, a commit alone {alone:.0}").into())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of runs are far below 2^52"
)]
pub fn per_second(measured: &Measured) -> f64 {
    measured.count as f64 / measured.took.as_secs_f64()
}
