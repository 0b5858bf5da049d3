//! `docs/quickstart.md` and `docs/sample.md`, done as they are written.
//!
//! Their `sh` blocks run in order, in one shell, in an empty folder; only the repository's place and the server's address are
//! replaced. What a block prints to stdout is compared with the `text` block behind it, if there is one, line by line:
//!
//! - ids, digests, tokens and instants are of one kind each: both sides have its name instead;
//! - blanks between columns count as two, because columns are as wide as what stands in them;
//! - `…` stands for anything within a line, and alone on a line for any lines.

mod matching;

use std::{
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Output, Stdio},
};

pub use matching::words as faceless;

use crate::place::{say, skipped};

/// What the document says, to be replaced by what is there.
const REPOSITORY: &str = "export REPOSITORY=~/bursar\n";
const LISTEN: &str = "export BURSAR_LISTEN=127.0.0.1:8080\n";
/// Ends the output of a block.
const MARK: &str = "==== end of block";
/// Whatever a failure leaves behind ends with the shell.
const PREAMBLE: &str = "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n";

/// A block of commands.
struct Block {
    commands: String,
    /// What the document says that they print.
    expected: Option<String>,
}

#[test]
fn the_quickstart_does_what_it_says() {
    if let Err(error) = Command::new("curl").arg("--version").output() {
        skipped("the quickstart", &format!("curl: {error}"));
        return;
    }
    let blocks = blocks("docs/quickstart.md");
    assert!(blocks.len() > 20, "the document has its blocks");
    let address = free_address();
    follow(&blocks, &script(&blocks, &address));
    assert!(
        TcpStream::connect(&address).is_err(),
        "the last block leaves no server"
    );
}

#[test]
fn the_sample_company_is_as_its_page_says() {
    let blocks = blocks("docs/sample.md");
    assert!(blocks.len() > 5, "the document has its blocks");
    follow(&blocks, &steps(&blocks));
}

/// Runs the blocks, and compares what they print with what the document says.
fn follow(blocks: &[Block], script: &str) {
    let output = run(script);
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let printed: Vec<&str> = stdout.split(&format!("\n{MARK}\n")).collect();
    assert!(
        output.status.success() && printed.len() == blocks.len() + 1,
        "block {} of {} failed: {}\n{}\n{stderr}",
        printed.len(),
        blocks.len(),
        output.status,
        printed.last().unwrap_or(&""),
    );
    let mut compared = 0;
    for (block, printed) in blocks.iter().zip(printed) {
        let Some(expected) = &block.expected else {
            continue;
        };
        if let Err(difference) = matching::compare(expected, printed) {
            panic!("{}\n{difference}\nIt printed:\n{printed}", block.commands);
        }
        compared += 1;
    }
    say(&format!(
        "{} blocks, {compared} with their output",
        blocks.len()
    ));
}

/// The `sh` blocks in order, each with the `text` block that follows it before any other.
fn blocks(document: &str) -> Vec<Block> {
    let text = std::fs::read_to_string(bursar_artifacts::workspace().join(document))
        .expect("the document is there");
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            continue;
        };
        let inside: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let inside = inside.join("\n") + "\n";
        match language {
            "sh" => blocks.push(Block {
                commands: inside,
                expected: None,
            }),
            "text" => {
                let block = blocks.last_mut().expect("commands come before output");
                let earlier = block.expected.replace(inside);
                assert!(earlier.is_none(), "two outputs: {}", block.commands);
            }
            other => panic!("{document} has a block of {other:?}"),
        }
    }
    blocks
}

/// All commands, with a mark behind each block.
fn steps(blocks: &[Block]) -> String {
    let mark = format!("printf '\\n%s\\n' '{MARK}'\n");
    let steps = blocks.iter().map(|block| block.commands.clone() + &mark);
    PREAMBLE.to_owned() + &steps.collect::<String>()
}

fn script(blocks: &[Block], address: &str) -> String {
    let root = bursar_artifacts::workspace().display();
    let mut script = steps(blocks);
    for (said, here) in [
        (REPOSITORY, format!("export REPOSITORY='{root}'\n")),
        (LISTEN, format!("export BURSAR_LISTEN={address}\n")),
    ] {
        assert_eq!(script.matches(said).count(), 1, "{said}");
        script = script.replace(said, &here);
    }
    assert!(!script.contains(":8080"), "another port is written out");
    script
}

fn run(script: &str) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let programs = bursar_artifacts::program().parent();
    let mut path = programs.map(Path::as_os_str).unwrap_or_default().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new("bash");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BURSAR_") {
            command.env_remove(name);
        }
    }
    let output = command
        .args(["-euo", "pipefail", "-c", script])
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .env("USER", "ada")
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output();
    output.expect("bash starts")
}

/// An address that nobody listens at.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    address.to_string()
}
