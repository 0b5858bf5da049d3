//! Runs long commands in the foreground.
//!
//! Job: waits for a child, and when this process is told to stop, lets the child end first, so that whoever holds
//! something (a database cluster, a folder) still tidies up in its `Drop`. It does not know what runs. Entered at
//! [`Foreground::take`], once per process and before anything that needs tidying.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitCode, ExitStatus};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The signals of this process; while it exists, Ctrl-C does not end us between two steps.
pub struct Foreground {
    signals: Signals,
    /// The signal that asked us to stop, once one did.
    stop: Option<i32>,
}

impl Foreground {
    /// Takes the signals over.
    pub fn take() -> Result<Self> {
        let signals =
            Signals::new([SIGCHLD, SIGHUP, SIGINT, SIGTERM]).context("cannot watch for signals")?;
        Ok(Self {
            signals,
            stop: None,
        })
    }

    /// Fails when a stop was asked for, be it during a command or after it.
    pub fn check(&mut self) -> Result<()> {
        let since = self.signals.pending().find(|signal| *signal != SIGCHLD);
        self.stop = self.stop.or(since);
        match self.stop {
            Some(signal) => bail!("stopped by signal {signal}"),
            None => Ok(()),
        }
    }

    /// Runs a command to its end, unless a stop was asked for before.
    pub fn run(&mut self, command: &mut Command) -> Result<ExitStatus> {
        self.check()?;
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        self.wait(&mut child)
            .context("cannot wait for a child process")
    }

    fn wait(&mut self, child: &mut Child) -> io::Result<ExitStatus> {
        for signal in self.signals.forever() {
            if signal == SIGCHLD {
                if let Some(status) = child.try_wait()? {
                    return Ok(status);
                }
                continue;
            }
            self.stop = Some(signal);
            // The terminal sends an interrupt to the child as well; a second one would make test runners and database
            // shells give up at once. Only the branch above reaps the child, so its id is still its own here.
            if signal != SIGINT {
                kill_process(Pid::from_child(child), Signal::TERM)?;
            }
        }
        // The iterator ends when its handle is closed, which nobody does.
        child.wait()
    }
}

/// A child's status as our own, in the way of shells: 128 + signal for one that was killed.
pub fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    /// One test, because signals belong to the whole process.
    #[test]
    fn statuses_come_back_until_a_stop_is_asked_for() {
        let mut foreground = Foreground::take().expect("signals can be watched");
        let status = foreground.run(&mut sh("exit 7")).expect("sh runs");
        assert_eq!(exit_code(status), ExitCode::from(7));

        let status = foreground.run(&mut sh("kill -TERM $$")).expect("sh runs");
        assert_eq!(
            exit_code(status),
            ExitCode::from(128 + 15),
            "a killed child gives 128 and its signal"
        );

        let interrupting = format!("kill -INT {}; exit 3", std::process::id());
        let status = foreground.run(&mut sh(&interrupting)).expect("sh runs");
        assert_eq!(
            exit_code(status),
            ExitCode::from(3),
            "the interrupted child ends in its own way"
        );
    }

    #[test]
    fn after_a_stop_no_other_command_starts() {
        let mut foreground = Foreground::take().expect("signals can be watched");
        foreground.stop = Some(SIGINT);
        let error = foreground
            .run(&mut sh("exit 0"))
            .expect_err("a stop was asked for");
        assert_eq!(error.to_string(), format!("stopped by signal {SIGINT}"));
    }
}
