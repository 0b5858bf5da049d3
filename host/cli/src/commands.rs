//! One module for each noun; here is who does what.

mod audit;
mod automation;
mod document;
mod init;
mod plugin;
mod row;
mod run;
mod sample;
mod serve;
mod status;
mod stop;

use bursar_domain::office::Stop;

use crate::{
    arguments::{Arguments, Command, Plugin},
    failure::Failure,
    output::Style,
    place::Place,
    settings::Settings,
};

/// Does what was asked for.
pub async fn perform(arguments: Arguments) -> Result<(), Failure> {
    let style = if arguments.global.json {
        Style::Json
    } else {
        Style::Text
    };
    logging(match arguments.command {
        Command::Serve => "info",
        _ => "warn",
    });
    let settings = Settings::read(&arguments.global)?;
    let open = async || Place::open(settings).await;
    match arguments.command {
        Command::Init(init) => init::init(Settings::read(&arguments.global)?, style, &init).await,
        Command::Serve => serve::serve(open().await?).await,
        Command::Plugin(Plugin::Build {
            path,
            out,
            target_dir,
        }) => plugin::build(style, &path, out, target_dir),
        Command::Plugin(Plugin::Inspect { file }) => plugin::inspect_command(style, &file),
        Command::Plugin(Plugin::Install { file }) => {
            plugin::install(&open().await?, style, &file).await
        }
        Command::Automation(automation) => {
            automation::perform(open().await?, style, automation).await
        }
        Command::Run(run) => run::perform(&open().await?, style, run).await,
        Command::Row(row) => row::perform(&open().await?, style, row).await,
        Command::Document(document) => document::perform(&open().await?, style, document).await,
        Command::Sample(sample) => sample::perform(&open().await?, style, sample).await,
        Command::Audit(audit) => audit::perform(&open().await?, style, audit).await,
        Command::Status => status::status(&open().await?, style).await,
        Command::StopAll { reason } => {
            let stopped = true;
            stop::set(&open().await?, style, Stop { stopped, reason }).await
        }
        Command::Resume { reason } => {
            let stopped = false;
            stop::set(&open().await?, style, Stop { stopped, reason }).await
        }
    }
}

/// Events of the host go to stderr; `BURSAR_LOG` says which (as `tracing`'s filters do).
fn logging(default: &str) {
    let filter = std::env::var("BURSAR_LOG").unwrap_or_else(|_| default.to_owned());
    let filter = tracing_subscriber::EnvFilter::try_new(&filter)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let colours = std::env::var_os("NO_COLOR").is_none()
        && std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer(std::io::stderr)
        .init();
}
