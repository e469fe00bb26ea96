//! What operators are told of servers that share the chats, and by which exit code.

use super::*;

/// What `duet doctor` finds, and its exit code.
fn doctor(settings: Setup) -> (Option<i32>, String) {
    let done = settings.arg("doctor").run();
    let found = String::from_utf8(done.stdout).unwrap();
    (done.status.code(), found)
}

/// The doctor has a line of this level about the store with these words.
#[track_caller]
fn finds(settings: Setup, level: &str, words: &str) {
    let (code, found) = doctor(settings);
    let begin = format!("{level:5} store");
    let mut lines = found.lines().filter(|line| line.starts_with(&begin));
    let told = lines.any(|line| line.contains(words));
    assert!(told, "no {level} with {words}: {found}");
    assert_eq!(code, Some(i32::from(level == "FAIL")), "{found}");
}

fn alone(server: &Postgres) -> Setup {
    Setup::new().set("store.url", server.url())
}

#[actix_web::test]
async fn the_doctor_compares_the_settings_with_the_maps_on_the_servers() {
    let [one, two, three] = [(); 3].map(|()| Postgres::start().unwrap());
    for server in [&one, &two] {
        let duet = alone(server).start().await;
        Chat::begin(&duet).await;
    }
    // Each has chats of its own.
    finds(over(&[&one, &two]), "FAIL", "no map says which server");
    two.run("TRUNCATE chats, tombstones CASCADE").unwrap();
    finds(over(&[&one, &two]), "look", "the first start makes it");

    drop(over(&[&one, &two]).start().await);
    finds(over(&[&one, &two]), "ok", "new chats go to 2 servers");
    finds(over(&[&one]), "FAIL", "store.urls lacks a server");
    finds(alone(&one), "FAIL", "shares its chats with 1 other server");
    let refused = alone(&one).run();
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("store.urls"), "{said}");
    let by_name = one.url().replace("127.0.0.1", "localhost");
    let twice = Setup::new().env(
        "DUET_STORE__URLS",
        format!("{} {by_name} {}", one.url(), two.url()),
    );
    finds(twice, "FAIL", "names twice");

    // One more that nothing is put on yet.
    let all = [&one, &two, &three];
    drop(over(&all).start().await);
    let add = format!("duet shards add 127.0.0.1:{}/", three.port());
    finds(over(&all), "look", &add);
    let (added, said) = shards(&all, &["add", &name_of(&all, &three)]);
    assert!(added, "{said}");
    finds(over(&all), "ok", "new chats go to 3 servers");
    let (drained, said) = shards(&all, &["drain", &name_of(&all, &three)]);
    assert!(drained, "{said}");
    finds(over(&all), "ok", "takes no new chats");
    // Empty as it is, others have it in mind for as long as one of its chats could live.
    let (_, said) = shards(&all, &[]);
    assert!(
        said.contains("it can be left out of store.urls from 2"),
        "{said}"
    );
    finds(over(&[&one, &two]), "FAIL", "store.urls lacks a server");

    // As after a restored backup.
    three
        .run("DELETE FROM shard_maps WHERE version = (SELECT max(version) FROM shard_maps)")
        .unwrap();
    finds(over(&all), "look", "lacks a map");
    three
        .run("UPDATE shard_maps SET servers = servers[1:1] WHERE version = 2")
        .unwrap();
    finds(over(&all), "FAIL", "another map of version 2");
}

#[actix_web::test]
async fn a_server_that_is_away_and_a_wrong_argument_have_different_exit_codes() {
    let (one, mut two) = (Postgres::start().unwrap(), Postgres::start().unwrap());
    drop(over(&[&one, &two]).start().await);
    let urls = urls(&[&one, &two]);
    let by = |arguments: &[&str]| {
        let settings = Setup::new().env("DUET_STORE__URLS", &urls);
        shards_by(settings.set("store.start_seconds", 1), arguments)
    };
    let places = [&one, &two].map(|server| format!("127.0.0.1:{}/postgres", server.port()));
    let (code, said) = by(&["add", &places[0]]);
    assert!(said.contains("already"), "{said}");
    assert_eq!(code, Some(2));

    two.kill();
    for place in &places {
        let (code, said) = by(&["drain", place]);
        assert!(said.contains("is away"), "{said}");
        assert_eq!(code, Some(1), "trying again may help: {said}");
    }
    let (code, said) = by(&["drain", "nowhere:5432/duet"]);
    assert!(said.contains("has no server"), "{said}");
    assert_eq!(code, Some(2));
    let (code, said) = by(&[]);
    assert!(said.contains("is out of reach"), "{said}");
    assert_eq!(code, Some(0));
}

#[test]
fn looking_at_servers_that_hold_nothing_makes_nothing_there() {
    let (one, two) = (Postgres::start().unwrap(), Postgres::start().unwrap());
    let link = "https://chat.example.org/demo/chat/user/AAAAAAAAAAAAAAAAAAAAAA";
    for arguments in [&[][..], &["drain", "one"], &[]] {
        let (code, said) = shards_by(over(&[&one, &two]), arguments);
        assert!(said.contains("no tables of duet in"), "{said}");
        assert_eq!(code, Some(2), "{said}");
        let ended = over(&[&one, &two]).arg("end").arg(link).run();
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    }
}
