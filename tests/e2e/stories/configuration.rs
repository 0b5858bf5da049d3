//! What is wrong before any work begins: folders, keys, configuration, flags, another process, another version.

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::{
    place::{Place, block_on},
    server::Server,
};

#[test]
fn a_folder_that_is_none_is_refused_and_not_made() {
    let place = Place::sqlite();
    std::fs::remove_dir_all(place.folder()).expect("the folder goes");
    for command in ["status", "serve"] {
        let said = place.refuse(&[command]);
        assert!(said.contains("bursar init"), "{said}");
    }
    assert!(!place.folder().exists());
}

#[test]
fn a_configuration_that_cannot_be_read_is_refused_with_its_place() {
    let place = Place::sqlite().founded();
    let before = place.commits();
    for (text, words) in [
        ("database = ", "bursar.toml"),
        ("databse = \"x\"\n", "databse"),
        ("[worker]\nlease_ms = 5\n", "lease_ms"),
        ("[worker]\nconcurrency_max = 0\n", "concurrency_max"),
        ("[audit]\ncheckpoint_minutes = 60\n", "checkpoint_file"),
        (
            "[audit]\ncheckpoint_minutes = 0\ncheckpoint_file = \"x\"\n",
            "checkpoint_minutes",
        ),
        (
            "[audit]\ncheckpoint_webhook = \"ftp://x\"\n",
            "checkpoint_webhook",
        ),
        (
            "[mail.smtp]\nurl = \"smtp://localhost\"\npassword_file = \"nowhere\"\n",
            "nowhere",
        ),
    ] {
        place.configure(text);
        let said = place.refuse(&["status"]);
        assert!(said.contains(words), "{text}: {said}");
    }
    place.configure("");
    assert_eq!(place.commits(), before);
    place.assert_clean();
}

#[test]
fn words_that_make_no_command_are_refused() {
    let place = Place::sqlite().founded();
    for words in [
        ["status", "--fast"].as_slice(),
        &["stauts"],
        &["automation"],
        &["row", "list"],
        &[
            "automation",
            "enable",
            "x",
            "--plugin",
            "y",
            "--department",
            "z",
            "--mode",
            "lively",
        ],
    ] {
        let answer = place.run(words);
        assert_eq!(answer.code, Some(1), "{words:?}: {answer:?}");
        assert!(answer.stdout.is_empty(), "{words:?}: {answer:?}");
        assert!(
            answer.stderr.contains("--help") || answer.stderr.contains("Usage"),
            "{words:?}: {answer:?}"
        );
    }
}

#[test]
fn a_key_that_is_missing_malformed_or_another_is_refused() {
    let place = Place::sqlite().founded();
    let before = place.commits();
    let key = std::fs::read(place.key_file()).expect("the key is there");
    std::fs::remove_file(place.key_file()).expect("the key goes");
    for command in ["status", "serve"] {
        let said = place.refuse(&[command]);
        assert!(
            said.contains("data.key") && said.contains("backup"),
            "{said}"
        );
    }
    for (content, words) in [
        ("not a key\n", "not a master key"),
        (&"0a".repeat(32), "another data folder"),
    ] {
        std::fs::write(place.key_file(), content).expect("a file is written");
        for command in ["status", "serve"] {
            let said = place.refuse(&[command]);
            assert!(said.contains(words), "{command}: {said}");
        }
    }
    let init = place.refuse(&["init", "--name", "Another"]);
    assert!(init.contains("another data folder"), "{init}");
    std::fs::write(place.key_file(), key).expect("the key comes back");
    assert_eq!(place.commits(), before);
    place.assert_clean();
}

#[test]
fn a_second_server_on_one_folder_is_refused_and_the_first_works_on() {
    let place = Place::sqlite().founded();
    let server = place.serve();
    let said = place.refuse(&["serve"]);
    assert!(said.contains("works on this data folder already"), "{said}");
    place.enable_guest("touch");
    let run = place.call(&["automation", "run", "touch"]);
    assert_eq!(run["state"], "committed");
    server.stop();
    // The lock went with its holder.
    Server::start(&place, "info").stop();
    place.assert_clean();
}

#[test]
fn a_data_folder_of_a_newer_version_is_refused_and_left_alone() {
    let place = Place::sqlite().founded();
    let before = place.commits();
    sql(
        &place,
        "insert into migration (version, checksum) values (999, 'newer')",
    );
    for command in [
        ["status"].as_slice(),
        &["serve"],
        &["audit", "verify"],
        &["init", "--name", "Another"],
    ] {
        let said = place.refuse(command);
        assert!(said.contains("999"), "{command:?}: {said}");
    }
    sql(&place, "delete from migration where version = 999");
    assert_eq!(place.commits(), before);
    place.assert_clean();
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let place = Place::sqlite();
    std::fs::write(
        place.folder().join("bursar.db"),
        "I am no database. ".repeat(1000),
    )
    .expect("a file is written");
    let answer = place.run(&["status"]);
    assert_ne!(answer.code, Some(0), "{answer:?}");
    assert!(answer.stderr.starts_with("error: "), "{answer:?}");
}

fn sql(place: &Place, text: &str) {
    let url = format!("sqlite:{}", place.folder().join("bursar.db").display());
    block_on(async {
        let mut connection = SqliteConnection::connect(&url)
            .await
            .expect("the file opens");
        let done = sqlx::raw_sql(AssertSqlSafe(text.to_owned()))
            .execute(&mut connection)
            .await;
        done.expect("the statement is good");
        connection.close().await.expect("the file closes");
    });
}
