//! One running cluster.
//!
//! Job: makes a cluster in a folder of its own under the temporary folder, starts it on 127.0.0.1, and takes it away
//! again however we end. It does not know what the databases hold. Entered at [`Cluster::start`].
//!
//! The taking away is the work of a *keeper*: a shell that reads from a pipe whose other end only we hold. The pipe
//! closes when the [`Cluster`] is dropped, and just as well when this process is killed; either way the keeper stops
//! the server and removes the folder.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use super::account::Account;
use super::programs::Programs;

const SUPERUSER: &str = "bursar";
const START_TIMEOUT_S: &str = "60";
/// A free port may be taken between our look and the server's start.
const START_ATTEMPTS_MAX: u32 = 3;
/// Sockets and, for a moment, the password lie in it.
const FOLDER_MODE: u32 = 0o700;
const LOG_LINES_SHOWN: usize = 8;

/// Many tests at once, each with a pool. What the server promises about its data is left as it is.
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
max_connections = 200
timezone = 'UTC'
log_timezone = 'UTC'
";

/// `$1` is the cluster's folder, `$2` the programs' folder. Signals that a terminal sends to everyone are ignored.
const KEEPER: &str = r#"
trap '' HUP INT TERM
while read -r line; do :; done
if [ -e "$1/data/postmaster.pid" ]; then
    "$2/pg_ctl" stop --pgdata "$1/data" --mode immediate --silent
fi
rm -rf "$1"
"#;

/// A server that lives as long as this value.
#[derive(Debug)]
pub struct Cluster {
    programs: Programs,
    account: Option<Account>,
    folder: PathBuf,
    password: String,
    port: u16,
    keeper: Child,
}

impl Cluster {
    /// Makes and starts a cluster.
    pub fn start(programs: Programs) -> Result<Self> {
        let account = Account::ordinary()?;
        let folder = temporary_folder(account)?;
        let keeper = keeper(folder.path(), &programs, account)?;
        // From here on the keeper removes it.
        let folder = folder.keep();
        let mut cluster = Self {
            programs,
            account,
            folder,
            password: random_password()?,
            port: 0,
            keeper,
        };
        cluster.initialise()?;
        cluster.serve()?;
        Ok(cluster)
    }

    /// The server's address without a database.
    pub fn address(&self) -> String {
        format!(
            "postgres://{SUPERUSER}:{}@127.0.0.1:{}",
            self.password, self.port
        )
    }

    /// The environment in which PostgreSQL's own clients reach the server without further words.
    pub fn client_variables(&self) -> Vec<(&'static str, OsString)> {
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.programs.folder().to_owned())
            .chain(std::env::split_paths(&inherited));
        // A folder with a colon in its name cannot be on a path; then the clients of the machine must do.
        let path = std::env::join_paths(folders).unwrap_or(inherited);
        vec![
            ("PATH", path),
            ("PGHOST", "127.0.0.1".into()),
            ("PGPORT", self.port.to_string().into()),
            ("PGUSER", SUPERUSER.into()),
            ("PGPASSWORD", (&self.password).into()),
            ("PGDATABASE", "postgres".into()),
        ]
    }

    fn initialise(&self) -> Result<()> {
        let password_file = self.folder.join("password");
        fs::write(&password_file, &self.password)?;
        if let Some(account) = self.account {
            account.own(&password_file)?;
        }
        // Only the making is spared its flushes to disk; the server itself keeps them.
        let mut initdb = self.program("initdb");
        initdb
            .args([
                "--no-sync",
                "--encoding",
                "UTF8",
                "--locale",
                "C",
                "--auth",
                "scram-sha-256",
            ])
            .args(["--username", SUPERUSER, "--pwfile"])
            .arg(&password_file)
            .arg("--pgdata")
            .arg(self.data());
        finish(&mut initdb)?;
        fs::remove_file(password_file)?;

        let settings = self.data().join("postgresql.conf");
        let defaults = fs::read_to_string(&settings)?;
        // Within quotes, a quote is written twice.
        let sockets = self.folder.display().to_string().replace('\'', "''");
        let text = format!("{defaults}{SETTINGS}unix_socket_directories = '{sockets}'\n");
        fs::write(&settings, text).context("cannot write the cluster's settings")
    }

    fn serve(&mut self) -> Result<()> {
        let mut attempt = 1;
        loop {
            self.port = free_port()?;
            match self.serve_on(self.port) {
                Ok(()) => return Ok(()),
                Err(_) if attempt < START_ATTEMPTS_MAX => attempt += 1,
                Err(error) => return Err(error.context(self.last_words())),
            }
        }
    }

    fn serve_on(&self, port: u16) -> Result<()> {
        let mut start = self.program("pg_ctl");
        start
            .args(["start", "--silent", "--wait", "--timeout", START_TIMEOUT_S])
            .args(["--options", &format!("-p {port}")])
            .arg("--log")
            .arg(self.log())
            .arg("--pgdata")
            .arg(self.data());
        finish(&mut start)
    }

    /// The end of the server's log, which says more than `pg_ctl` does.
    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let shown = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
        format!("the server does not start:\n{}\n", shown.join("\n"))
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.folder().join(name));
        // The account may not enter the folder that we stand in.
        command.current_dir(&self.folder).env("LC_ALL", "C");
        if let Some(account) = self.account {
            account.lend(&mut command);
        }
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Waiting closes the pipe first, which is what the keeper waits for.
        match self.keeper.wait() {
            Ok(status) if status.success() => {}
            _ => eprintln!(
                "warning: the throw-away PostgreSQL in {} may be left over",
                self.folder.display()
            ),
        }
    }
}

fn temporary_folder(account: Option<Account>) -> Result<tempfile::TempDir> {
    // Root's temporary folder may be closed to the account that shall work in it.
    let parent = account.map_or_else(std::env::temp_dir, |_| PathBuf::from("/tmp"));
    let folder = tempfile::Builder::new()
        .prefix("bursar-postgres-")
        .permissions(fs::Permissions::from_mode(FOLDER_MODE))
        .tempdir_in(parent)?;
    if let Some(account) = account {
        account.own(folder.path())?;
    }
    Ok(folder)
}

fn keeper(folder: &Path, programs: &Programs, account: Option<Account>) -> Result<Child> {
    let mut command = Command::new("sh");
    command
        .args(["-c", KEEPER, "keeper"])
        .arg(folder)
        .arg(programs.folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .current_dir("/")
        // Out of the terminal's foreground group, so that it outlives a Ctrl-C meant for the tests.
        .process_group(0);
    if let Some(account) = account {
        account.lend(&mut command);
    }
    command.spawn().context("cannot start a shell")
}

fn finish(command: &mut Command) -> Result<()> {
    let name = command.get_program().display().to_string();
    let output = command
        .output()
        .with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        bail!(
            "{name} failed: {}",
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    Ok(())
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no port is free on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// Other users of the machine can reach the port, so the password is one that nobody guesses.
fn random_password() -> Result<String> {
    let mut bytes = 0_u128.to_ne_bytes();
    fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("cannot read /dev/urandom")?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_and_never_the_same() {
        let first = random_password().expect("this system has randomness");
        let second = random_password().expect("this system has randomness");
        assert_eq!(first.len(), 32);
        assert_ne!(first, second);
    }
}
