//! What can be said of the log's verification.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Check the log's chain and replay it against every table
    Verify {
        /// Checkpoints that were kept, one or one a line: the log must still hold each
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
        /// Public key that their signatures are checked with, or a file with it [default: the host's own]
        #[arg(long, requires = "checkpoint", value_name = "KEY")]
        public_key: Option<String>,
    },
    /// Verify, and print a signed checkpoint of where the log stands, to be kept elsewhere
    Checkpoint,
    /// Print the public key that this host's checkpoints are checked with
    PublicKey,
    /// Write the log as JSON Lines, from which others can compute its chain
    Export {
        /// Where to write it [default: stdout]
        #[arg(long)]
        output: Option<PathBuf>,
        /// Leave out what rows held: their digests are enough for the chain
        #[arg(long)]
        without_bodies: bool,
    },
}
