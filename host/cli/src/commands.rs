//! One module for each noun; here is who does what.

mod aging;
mod audit;
mod automation;
mod calendar;
mod collection;
mod document;
mod export;
mod import;
mod init;
mod log;
mod message;
mod permission;
mod plugin;
mod row;
mod run;
mod sample;
mod serve;
mod status;
mod stop;
mod task;
mod template;
mod token;
mod vectors;
mod why;

use bursar_domain::office::Stop;

use crate::{
    arguments::{Arguments, Command, Global, Plugin},
    client::Client,
    failure::Failure,
    output::Style,
    place::Place,
    settings::{Server, Settings},
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
    let global = &arguments.global;
    match arguments.command {
        Command::Init(init) => init::init(Settings::read(global)?, style, &init).await,
        Command::Serve => {
            let place = Place::open_or_make(Settings::read(global)?).await?;
            serve::serve(place, style).await
        }
        Command::Plugin(Plugin::Build {
            path,
            out,
            target_dir,
        }) => plugin::build(style, &path, out, target_dir),
        Command::Plugin(Plugin::Inspect { file }) => plugin::inspect_command(style, &file),
        Command::Vectors(subject) => vectors::answer(&subject),
        command => ask(&client(global).await?, style, command).await,
    }
}

/// A file that a command names.
fn read_file(path: &std::path::Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .map_err(|error| Failure::user(format!("cannot read {}", path.display())).because(error))
}

/// The server that the caller names, or the data folder.
async fn client(global: &Global) -> Result<Client, Failure> {
    match Server::find(global)? {
        Some(server) => Ok(Client::at(server)),
        None => Ok(Client::here(Place::open(Settings::read(global)?).await?)),
    }
}

/// Commands that are the same on a data folder and against a server.
async fn ask(client: &Client, style: Style, command: Command) -> Result<(), Failure> {
    match command {
        Command::Plugin(Plugin::Install { file }) => plugin::install(client, style, &file).await,
        Command::Plugin(Plugin::Quarantine { digest, reason }) => {
            plugin::quarantine(client, style, &digest, true, reason).await
        }
        Command::Plugin(Plugin::Release { digest }) => {
            plugin::quarantine(client, style, &digest, false, String::new()).await
        }
        Command::Plugin(Plugin::Quarantines) => plugin::quarantines(client, style).await,
        Command::Plugin(Plugin::List) => plugin::list(client, style).await,
        Command::Plugin(Plugin::Show { digest }) => plugin::show(client, style, &digest).await,
        Command::Automation(command) => automation::perform(client, style, command).await,
        Command::Permission(command) => permission::perform(client, style, command).await,
        Command::Collection(command) => collection::perform(client, style, command).await,
        Command::Run(command) => run::perform(client, style, command).await,
        Command::Why(command) => why::why(client, style, command).await,
        Command::Timers => why::timers(client, style).await,
        Command::Task(command) => task::perform(client, style, command).await,
        Command::Template(command) => template::perform(client, style, command).await,
        Command::Message(command) => message::perform(client, style, command).await,
        Command::Log(command) => log::perform(client, style, command).await,
        Command::Row(command) => row::perform(client, style, command).await,
        Command::Aging(command) => aging::aging(client, style, command).await,
        Command::Balance(command) => aging::balance(client, style, command).await,
        Command::Document(command) => document::perform(client, style, command).await,
        Command::Import(command) => import::import(client, style, command).await,
        Command::Export(command) => export::export(client, style, command).await,
        Command::Calendar(command) => calendar::perform(client, style, command).await,
        Command::Sample(command) => sample::perform(client, style, command).await,
        Command::Audit(command) => audit::perform(client, style, command).await,
        Command::Token(command) => token::perform(client, style, command).await,
        Command::Status => status::status(client, style).await,
        Command::StopAll { reason } => {
            let stopped = true;
            stop::set(client, style, &Stop { stopped, reason }).await
        }
        Command::Resume { reason } => {
            let stopped = false;
            stop::set(client, style, &Stop { stopped, reason }).await
        }
        Command::Init(_)
        | Command::Serve
        | Command::Vectors(_)
        | Command::Plugin(Plugin::Build { .. } | Plugin::Inspect { .. }) => {
            Err(Failure::user("this needs the data folder").hint("leave --url away"))
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
