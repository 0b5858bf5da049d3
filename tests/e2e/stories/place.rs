//! A data folder of its own, on either engine, and the program `bursar` on it.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use bursar_db::{Database, Keys, Options};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

use crate::{office::Office, server::Server, waiting::eventually};

/// The same in every place, so that two places with the same history have the same ids.
const MASTER_KEY: [u8; 32] = [7; 32];

static NEXT: AtomicU32 = AtomicU32::new(0);

pub struct Place {
    root: TempDir,
    /// A PostgreSQL database; none is an SQLite file in the data folder.
    database: Option<String>,
}

/// What a command that ended had to say.
#[derive(Debug)]
pub struct Answer {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A child that ends with this value, also when the test fails.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs something on the host's libraries.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.expect("a runtime starts").block_on(work)
}

impl Place {
    /// An empty place on SQLite: nothing but a key.
    pub fn sqlite() -> Self {
        Self::new(None)
    }

    /// An empty place on PostgreSQL, where the test runner started one.
    pub fn postgres() -> Option<Self> {
        let Ok(server) = std::env::var("BURSAR_TEST_POSTGRES") else {
            skipped("PostgreSQL", "BURSAR_TEST_POSTGRES is not set");
            return None;
        };
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let name = format!(
            "bursar_e2e_{}_{}_{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed),
            since.subsec_nanos()
        );
        let create = format!(
            "create database {name} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'"
        );
        block_on(async {
            let admin = PgConnection::connect(&format!("{server}/postgres")).await;
            let mut admin = admin.expect("the test server answers");
            let created = sqlx::raw_sql(AssertSqlSafe(create))
                .execute(&mut admin)
                .await;
            created.expect("a new database");
        });
        Some(Self::new(Some(format!("{server}/{name}"))))
    }

    fn new(database: Option<String>) -> Self {
        let root = tempfile::Builder::new().prefix("bursar-e2e-").tempdir();
        let place = Self {
            root: root.expect("a temporary folder"),
            database,
        };
        std::fs::create_dir(place.folder()).expect("the data folder is made");
        let key = bursar_domain::log::hex(&MASTER_KEY);
        std::fs::write(place.key_file(), key).expect("the key is written");
        place.configure("");
        place
    }

    /// A place that `bursar init` made ready, with a department.
    #[must_use]
    pub fn founded(self) -> Self {
        self.call(&[
            "init",
            "--name",
            "Example Ltd",
            "--zone",
            "Europe/Vienna",
            "--mail-from",
            "office@example.com",
        ]);
        self.office(async |office| office.put_department().await);
        self
    }

    /// Writes bursar.toml.
    pub fn configure(&self, text: &str) {
        let database = self
            .database
            .as_ref()
            .map_or_else(String::new, |url| format!("database = {url:?}\n"));
        std::fs::write(
            self.folder().join("bursar.toml"),
            format!("{database}{text}"),
        )
        .expect("the configuration is written");
    }

    /// The data folder.
    pub fn folder(&self) -> PathBuf {
        self.root.path().join("data")
    }

    pub fn key_file(&self) -> PathBuf {
        self.root.path().join("data.key")
    }

    /// Writes a file beside the data folder and gives its path.
    pub fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.root.path().join(name);
        std::fs::write(&path, content).expect("a file is written");
        path.display().to_string()
    }

    /// The program, about to do something here.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(bursar_artifacts::program());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("BURSAR_") {
                command.env_remove(name);
            }
        }
        command
            .env("NO_COLOR", "1")
            .env("USER", "ada")
            .env("BURSAR_LISTEN", "127.0.0.1:0")
            .current_dir(self.root.path())
            .arg("--folder")
            .arg(self.folder())
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Answer {
        let mut command = self.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Process(command.spawn().expect("the program starts"));
        let stdout = read_along(process.0.stdout.take());
        let stderr = read_along(process.0.stderr.take());
        let status = eventually(&format!("the end of {arguments:?}"), || {
            process.0.try_wait().expect("the child can be waited for")
        });
        Answer {
            code: status.code(),
            stdout: stdout.join().expect("stdout is read"),
            stderr: stderr.join().expect("stderr is read"),
        }
    }

    /// Runs a command that must succeed and gives the JSON that it printed.
    pub fn call(&self, arguments: &[&str]) -> Value {
        let answer = self.run(&[&["--json"], arguments].concat());
        assert_eq!(answer.code, Some(0), "{arguments:?}: {answer:#?}");
        serde_json::from_str(&answer.stdout).expect("stdout is one JSON value")
    }

    /// Runs a command that must be the caller's fault, in the form that all errors have; gives what it said.
    pub fn refuse(&self, arguments: &[&str]) -> String {
        let answer = self.run(arguments);
        let lines = |beginning: &str| {
            answer
                .stderr
                .lines()
                .filter(|line| line.starts_with(beginning))
                .count()
        };
        assert_eq!(
            (answer.code, lines("error: "), lines("hint: ")),
            (Some(1), 1, 1),
            "{arguments:?}: {answer:#?}"
        );
        answer.stderr
    }

    /// As [`Place::refuse`]: the error must hold these words, and nothing may have changed.
    pub fn refuse_without_trace(&self, arguments: &[&str], words: &str) {
        let before = self.commits();
        let said = self.refuse(arguments);
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert_eq!(self.commits(), before, "{arguments:?} changed something");
        self.assert_clean();
    }

    /// How many commits the log has.
    pub fn commits(&self) -> i64 {
        self.call(&["status"])["commits"]
            .as_i64()
            .expect("a number of commits")
    }

    /// Rows as `bursar row list` shows them.
    pub fn rows(&self, kind: &str, collection: &str) -> Vec<Value> {
        let listed = self.call(&[
            "row",
            "list",
            kind,
            "--collection",
            collection,
            "--limit",
            "100000",
        ]);
        listed["rows"].as_array().cloned().expect("a list of rows")
    }

    /// The log fits everything else.
    pub fn assert_clean(&self) {
        self.call(&["audit", "verify"]);
    }

    /// Installs a component and enables it under its plugin's name.
    pub fn enable(&self, name: &str, component: &[u8]) {
        let file = self.file(&format!("{name}.wasm"), component);
        self.call(&["plugin", "install", &file]);
        self.call(&[
            "automation",
            "enable",
            name,
            "--plugin",
            name,
            "--department",
            "operations",
        ]);
    }

    /// Installs and enables a guest of the tests.
    pub fn enable_guest(&self, name: &str) {
        self.enable(name, &bursar_artifacts::guest(name));
    }

    /// Starts `bursar serve` and waits until it works.
    pub fn serve(&self) -> Server {
        Server::start(self, "info")
    }

    /// Does something here through the libraries. Not while a server runs on SQLite: it is another process.
    pub fn office<T>(&self, work: impl AsyncFnOnce(&Office) -> T) -> T {
        block_on(async {
            let office = Office::on(self.open().await);
            let result = work(&office).await;
            office.close().await;
            result
        })
    }

    async fn open(&self) -> Database {
        let folder = self.folder();
        let file = format!("sqlite:{}", folder.join("bursar.db").display());
        let options = Options {
            url: self.database.clone().unwrap_or(file),
            readers_max: 4,
            database_bytes_max: None,
            keys: Keys::derive(&MASTER_KEY),
        };
        Database::open(&options, &folder)
            .await
            .expect("the database opens")
    }

    /// Mail that was delivered into the folder: the text of each file.
    pub fn mails(&self) -> Vec<String> {
        mails_in(&self.folder().join("mail"))
    }
}

fn mails_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let whole = paths.filter(|path| path.extension().is_some_and(|ending| ending == "eml"));
    whole
        .map(|path| std::fs::read_to_string(path).expect("a mail is text"))
        .collect()
}

fn read_along(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    let mut pipe = pipe.expect("the pipe is ours");
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("the pipe is read");
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Says loudly that something is left out; a failure where nothing may be.
pub fn skipped(what: &str, why: &str) {
    assert!(
        std::env::var_os("BURSAR_REQUIRE_ALL").is_none(),
        "{what}: {why}"
    );
    say(&format!("skipped: {what}: {why}"));
}

/// A line of the test's report.
#[expect(clippy::print_stderr, reason = "the runner shows a test's report")]
pub fn say(words: &str) {
    eprintln!("{words}");
}
