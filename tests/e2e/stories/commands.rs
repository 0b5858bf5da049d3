//! The same commands on a data folder and against a server: the same answers, and errors that say what to do.

mod failures;

use serde_json::{Value, json};

use crate::{http::World, place::Place, quickstart::faceless, waiting::eventually};

const STEPS: &str = r#"[{"do":"task","key":"t","assignee":"role:clerk"},{"do":"mail","key":"m","to":"ada@example.com"}]"#;

/// The command line as a client of a server.
pub struct Remote<'a> {
    world: &'a World,
    url: String,
    token_file: String,
}

impl<'a> Remote<'a> {
    pub fn of(world: &'a World) -> Self {
        let token = world.token("admin", None);
        Self {
            url: format!("http://{}", world.address()),
            token_file: world.place.file("admin.token", token.text.as_bytes()),
            world,
        }
    }

    /// Words that name the server, before those of a command.
    pub fn words<'w>(&'w self, command: &[&'w str]) -> Vec<&'w str> {
        let mut words = vec!["--url", &self.url, "--token-file", &self.token_file];
        words.extend_from_slice(command);
        words
    }

    fn call(&self, command: &[&str]) -> Value {
        self.world.place.call(&self.words(command))
    }
}

#[test]
fn whoever_looks_sees_the_same_in_the_folder_and_at_the_server() {
    let world = World::on(Place::sqlite());
    let remote = Remote::of(&world);
    let place = &world.place;
    let (run, task, message) = history(place);
    let reads: [&[&str]; 26] = [
        &["token", "list"],
        &["status"],
        &["run", "list"],
        &["run", "list", "--automation", "errand", "--limit", "1"],
        &["run", "list", "--automation", "nobody"],
        &["run", "show", &run],
        &["run", "show", &run[..8]],
        &["task", "list"],
        &["task", "list", "--closed"],
        &["task", "show", &task],
        &["message", "list", "--state", "sent"],
        &["message", "show", &message],
        &["row", "list", "automation"],
        &["row", "list", "token"],
        &["row", "list", "document", "--as-of", "1"],
        &["log", "list", "--limit", "1000"],
        &["log", "show", "1"],
        &["timers"],
        &["why", "monday"],
        &["audit", "verify"],
        &["permission", "show", "errand"],
        &["permission", "who", "--task-role", "clerk"],
        &["permission", "changes", "--since", "2026-01-31"],
        &["automation", "upgrades"],
        &[
            "automation",
            "check",
            "errand",
            "--plugin",
            "errand",
            "--department",
            "operations",
        ],
        &["plugin", "quarantines"],
    ];
    for read in reads {
        let here = place.call(read);
        assert_eq!(remote.call(read), here, "{read:?}");
        let [here, there] = [read.to_vec(), remote.words(read)].map(|words| place.run(&words));
        assert_eq!(there.stdout, here.stdout, "as people read it: {read:?}");
    }
    // More than a page of the API.
    let listed = remote.call(&["row", "list", "task", "--limit", "2"]);
    assert_eq!(listed["is_complete"], json!(true), "{listed}");
    place.assert_clean();
}

/// A place with a bit of everything, that nothing changes any more.
fn history(place: &Place) -> (String, String, String) {
    place.enable_guest("errand");
    place.enable("ticker", &weekly());
    let run = place.call(&[
        "automation",
        "run",
        "errand",
        "--event",
        "monday",
        "--input",
        STEPS,
    ]);
    let id = |value: &Value| value["id"].as_str().expect("an id").to_owned();
    let message = eventually("the mail is sent", || {
        let sent = place.call(&["message", "list", "--state", "sent"]);
        Some(id(sent.as_array()?.first()?))
    });
    eventually("the timer is known", || {
        (!place.rows("timer", "").is_empty()).then_some(())
    });
    place.call(&["stop-all"]);
    let tasks = place.call(&["task", "list"]);
    (id(&run), id(&tasks[0]), message)
}

/// The guest `ticker`, less often.
fn weekly() -> Vec<u8> {
    let manifest = bursar_artifacts::manifest("ticker").replace("* * * * *", "0 8 * * 1");
    let made = bursar_runtime::package::assemble(&bursar_artifacts::module("ticker"), &manifest);
    made.expect("a component")
}

/// Two places with the same beginning: one that commands open, one behind a server.
struct Twins<'a> {
    folder: &'a Place,
    remote: Remote<'a>,
}

impl Twins<'_> {
    /// Gives both the same command.
    fn both(&self, line: &str) -> [Value; 2] {
        self.each([line, line])
    }

    /// Gives each a command; a blank is between its words. They must answer alike.
    fn each(&self, lines: [&str; 2]) -> [Value; 2] {
        let [here, there] = lines.map(|line| line.split(' ').collect::<Vec<_>>());
        let answers = [self.folder.call(&here), self.remote.call(&there)];
        let [here, there] = answers.each_ref().map(alike);
        assert_eq!(there, here, "{lines:?}");
        answers
    }
}

#[test]
fn whoever_changes_something_does_the_same_in_the_folder_and_at_the_server() {
    let folder = Place::sqlite().founded();
    // As many commits as the server's place has of its tokens: each is made, and its first use is noted.
    for _ in 0..4 {
        folder.call(&["token", "create", "--name", "Nobody"]);
    }
    let world = World::on(Place::sqlite());
    let remote = Remote::of(&world);
    assert_eq!(folder.commits(), world.commits(), "the same beginning");
    let twins = Twins {
        folder: &folder,
        remote,
    };

    automate(&twins);
    let document = folder.file("letter.txt", b"Dear customer");
    let add = format!("document add {document} --folder-name inbox --media-type text/plain");
    for line in [
        &add,
        &add,
        "row list document",
        "automation disable errand",
        "stop-all --reason drill",
        "resume",
        "log list --limit 10",
        "token create --name Eve --role viewer --department operations",
    ] {
        twins.both(line);
    }
    folder.assert_clean();
    world.place.assert_clean();
}

/// Installs, enables, previews, runs and answers.
fn automate(twins: &Twins) {
    let errand = twins
        .folder
        .file("errand.wasm", &bursar_artifacts::guest("errand"));
    let install = format!("plugin install {errand}");
    let enable = "automation enable errand --plugin errand --department operations";
    let shadow = format!("{enable} --mode shadow");
    for line in [&install, &install, enable, enable, &shadow, enable] {
        twins.both(line);
    }
    let start = format!("errand --event monday --input {STEPS}");
    twins.both(&format!("automation preview {start}"));
    let [here, there] = twins.both(&format!("automation run {start}"));
    assert_eq!(here["id"], there["id"], "a run has one id everywhere");
    twins.both(&format!("automation run {start}"));
    let run = here["id"].as_str().expect("an id");
    twins.both(&format!("run show {run}"));
    let answers = twins.both("task list").map(|tasks| {
        let task = tasks[0]["id"].as_str().expect("an id");
        let choice = &tasks[0]["body"]["choices"][0]["value"];
        let choice = choice.as_str().expect("a choice");
        format!("task answer {task} {choice} --note Told-by-phone")
    });
    twins.each(answers.each_ref().map(String::as_str));
    twins.both("task list --closed");
}

/// JSON without what differs by time, chance and caller.
fn alike(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            let text = faceless(text);
            json!(
                text.replace("token:NUMBER", "CALLER")
                    .replace("person:ada", "CALLER")
            )
        }
        Value::Number(number) if number.as_i64() > Some(1_000_000_000_000_000) => json!("INSTANT"),
        Value::Array(values) => values.iter().map(alike).collect(),
        Value::Object(_) if value["kind"] == "person" || value["kind"] == "token" => {
            json!("CALLER")
        }
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), alike(value)))
            .collect(),
        other => other.clone(),
    }
}
