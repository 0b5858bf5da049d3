//! The HTTP API against its own document, by schemathesis.
//!
//! Job: provides the tool (from `PyPI`, into a folder under `target/`), a server on the demo's data, and a token; fails on
//! any finding, and when the server is not well afterwards. It knows the command line of `bursar` and which operations
//! would take the ground from under the others. Entered at [`ensure`] and [`check`], and at [`run`] for the chore alone.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::cargo::{self, Profile};
use crate::foreground::Foreground;

/// What must hold of every answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_schema_conformance,response_headers_conformance";
/// The same requests in every run.
const SEED: &str = "20261122";
/// Requests for each operation beside those that cover its document systematically.
const EXAMPLES: &str = "60";
/// More of them, for whoever has time.
const EXAMPLES_VARIABLE: &str = "BURSAR_SCHEMATHESIS_EXAMPLES";
/// They stop the world that the others are tested in, or take the token away that they are tested with: they come last,
/// with a token of their own.
const LAST: [&str; 2] = ["put_stop", "revoke_token"];

/// Which operations a pass is about.
#[derive(Clone, Copy)]
enum Pass {
    AllButLast,
    Last,
}

/// `cargo xtask schemathesis`.
pub fn run() -> Result<ExitCode> {
    let mut foreground = Foreground::take()?;
    ensure(&mut foreground)?;
    let program = cargo::build("bursar", Profile::Dev)?;
    Ok(if check(&mut foreground, &program)? {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Sees to it that the tool is there, in exactly the versions of its list.
pub fn ensure(foreground: &mut Foreground) -> Result<()> {
    let wanted = std::fs::read(ours("requirements.txt"))?;
    let (folder, installed) = (venv(), venv().join("installed.txt"));
    if std::fs::read(&installed).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    eprintln!("fetching schemathesis with pip");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let mut make = Command::new("python3");
    make.args(["-m", "venv"]).arg(&folder);
    succeed(foreground, &mut make)
        .context("python3 makes no virtual environment; Python 3.10 or later with venv does")?;
    let mut install = Command::new(folder.join("bin").join("pip"));
    install
        .args(["install", "--quiet", "--no-deps", "--requirement"])
        .arg(ours("requirements.txt"));
    succeed(foreground, &mut install).context("schemathesis cannot be fetched")?;
    Ok(std::fs::write(&installed, wanted)?)
}

/// Whether a server does what its document says. Its talk goes to stderr.
pub fn check(foreground: &mut Foreground, program: &Path) -> Result<bool> {
    let place = tempfile::Builder::new()
        .prefix("bursar-schemathesis-")
        .tempdir()?;
    let folder = place.path().join("demo");
    let mut demo = Command::new(std::env::current_exe()?);
    demo.args(["demo", "--once", "--folder"])
        .arg(&folder)
        .stdout(Stdio::null());
    succeed(foreground, &mut demo).context("the demo makes no data to test with")?;
    let bursar = Bursar {
        program: program.to_owned(),
        folder: folder.join("data"),
    };
    let server = bursar.serve(place.path())?;
    let mut is_good = true;
    for pass in [Pass::AllButLast, Pass::Last] {
        let token = bursar.token()?;
        let found = foreground.run(&mut schemathesis(&server.url, &token, pass, place.path()))?;
        is_good &= found.success();
        if let Pass::AllButLast = pass {
            // A token that something had revoked, or a world that stood still, would have made every test easy.
            let status = bursar.ask(&server.url, &token)?;
            if status["stopped"] != false {
                bail!("something stopped the server's world: {status}");
            }
        }
    }
    let said = place.path().join("server.log");
    server.stop().with_context(|| {
        format!(
            "the server ended badly:\n{}",
            std::fs::read_to_string(&said).unwrap_or_default()
        )
    })?;
    bursar.call(&["audit", "verify"])?;
    Ok(is_good)
}

fn schemathesis(url: &str, token: &str, pass: Pass, work: &Path) -> Command {
    let examples = std::env::var_os(EXAMPLES_VARIABLE).unwrap_or_else(|| EXAMPLES.into());
    let mut header = OsString::from("Authorization: Bearer ");
    header.push(token);
    let arguments = |pairs: &[(&str, &OsStr)]| -> Vec<OsString> {
        pairs
            .iter()
            .flat_map(|(name, value)| [OsString::from(name), value.into()])
            .collect()
    };
    let mut command = Command::new(venv().join("bin").join("schemathesis"));
    command
        .current_dir(work)
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", ours(""))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .args(["run", &format!("{url}/openapi.json")])
        .args(arguments(&[
            ("--header", &header),
            ("--max-examples", &examples),
            ("--checks", CHECKS.as_ref()),
            ("--seed", SEED.as_ref()),
            ("--mode", "all".as_ref()),
            ("--phases", "examples,coverage,fuzzing".as_ref()),
            // Python 3.11 cannot parse its own sources in two threads at once.
            ("--workers", "1".as_ref()),
            ("--request-timeout", "60".as_ref()),
            ("--generation-database", "none".as_ref()),
            ("--suppress-health-check", "all".as_ref()),
            ("--warnings", "off".as_ref()),
        ]));
    let which = match pass {
        Pass::AllButLast => "--exclude-operation-id",
        Pass::Last => "--include-operation-id",
    };
    for operation in LAST {
        command.args([which, operation]);
    }
    command
}

/// A file of this chore.
fn ours(name: &str) -> PathBuf {
    cargo::root().join("xtask").join("schemathesis").join(name)
}

fn venv() -> PathBuf {
    cargo::root().join("target").join("schemathesis")
}

fn succeed(foreground: &mut Foreground, command: &mut Command) -> Result<()> {
    let status = foreground.run(command.stdin(Stdio::null()))?;
    if !status.success() {
        bail!("{} failed: {status}", command.get_program().display());
    }
    Ok(())
}

/// The program `bursar` on one data folder.
struct Bursar {
    program: PathBuf,
    folder: PathBuf,
}

/// A running `bursar serve`; killed where it is not stopped.
struct Server {
    process: Child,
    url: String,
}

impl Bursar {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        let own = std::env::vars_os().map(|(name, _)| name);
        for name in own.filter(|name| name.to_string_lossy().starts_with("BURSAR_")) {
            command.env_remove(name);
        }
        command
            .arg("--folder")
            .arg(&self.folder)
            .arg("--json")
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    fn call(&self, arguments: &[&str]) -> Result<Value> {
        printed(&mut self.command(arguments))
    }

    /// A new administrator's token.
    fn token(&self) -> Result<String> {
        let made = self.call(&["token", "create", "--name", "schemathesis"])?;
        let text = made["body"]["token"].as_str();
        Ok(text.context("a new token has a text")?.to_owned())
    }

    /// How the server is, by the token that it was tested with.
    fn ask(&self, url: &str, token: &str) -> Result<Value> {
        let mut status = self.command(&["status"]);
        status.env("BURSAR_URL", url).env("BURSAR_TOKEN", token);
        printed(&mut status).context("the token or the server did not outlast the tests")
    }

    fn serve(&self, work: &Path) -> Result<Server> {
        let mut process = self
            .command(&["serve"])
            .env("BURSAR_LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(work.join("server.log"))?)
            .spawn()
            .context("cannot start bursar serve")?;
        let stdout = process.stdout.take().context("the pipe is ours")?;
        let mut server = Server {
            process,
            url: String::new(),
        };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line).context("the server does not listen")?;
        let url = said["url"].as_str().context("the server names its URL")?;
        url.clone_into(&mut server.url);
        Ok(server)
    }
}

fn printed(command: &mut Command) -> Result<Value> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("bursar failed: {}", output.status);
    }
    serde_json::from_slice(&output.stdout).context("bursar printed no JSON")
}

impl Server {
    /// Asks it to end, and waits for that.
    fn stop(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.process), Signal::TERM)?;
        let status = self.process.wait()?;
        if !status.success() {
            bail!("bursar serve failed: {status}");
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
