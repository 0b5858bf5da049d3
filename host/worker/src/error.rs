//! What keeps the worker from working. A plugin's faults are not among it: those are outcomes of runs.

/// Trouble of the host.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] bursar_db::Error),
    /// The office refused, or what it reads is broken.
    #[error(transparent)]
    Office(#[from] bursar_office::Error),
    /// The sandbox failed.
    #[error(transparent)]
    Runtime(#[from] bursar_runtime::Error),
    /// No such automation.
    #[error("there is no automation {0:?}")]
    UnknownAutomation(String),
    /// The plugin may not run.
    #[error("its plugin is quarantined: {reason}")]
    Quarantined {
        /// Why.
        reason: String,
    },
    /// The folder or server that mail goes to cannot be used.
    #[error("cannot set up the delivery of mail: {0}")]
    Transport(String),
    /// A manifest's cron expression cannot be read.
    #[error("the timer {timer:?} of automation {automation:?} cannot be read: {message}")]
    Timer {
        /// The automation.
        automation: String,
        /// The timer's name.
        timer: String,
        /// Why.
        message: String,
    },
    /// A plugin asks for a timer that can never fire.
    #[error("the timer {timer:?} of plugin {plugin:?} cannot be read: {message}")]
    PluginTimer {
        /// The plugin.
        plugin: String,
        /// The timer's name.
        timer: String,
        /// Why.
        message: String,
    },
    /// A folder of files on the disk cannot be used.
    #[error("cannot use the files of {place}")]
    Exchange {
        /// The folder.
        place: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file that checkpoints go to cannot be written.
    #[error("checkpoints cannot be written to {path}")]
    CheckpointFile {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The webhook that checkpoints go to did not take one. Its URL is left out: there may be a secret in it.
    #[error("the webhook for checkpoints takes none: {message}")]
    Webhook {
        /// Why.
        message: String,
    },
    /// A task of the worker ended by a panic: a defect.
    #[error("a worker task ended unexpectedly")]
    Panicked(#[from] tokio::task::JoinError),
}
