//! What `duet doctor` finds.

use std::time::Duration;

use harness::servers::{Postgres, Redis, instance::clock_ahead};

use super::commands::printed;
use crate::support::{Server, Setup};

fn doctor(setup: Setup) -> std::process::Output {
    setup.arg("doctor").run()
}

/// What it finds where duet would not work.
fn finds_faults(setup: Setup) -> String {
    let output = doctor(setup);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("FAIL "), "{text}");
    text
}

#[track_caller]
fn says(text: &str, all: &[&str]) {
    for words in all {
        assert!(text.contains(words), "nothing of {words}: {text}");
    }
}

#[tokio::test]
async fn the_doctor_says_what_it_finds() {
    let text = printed(&doctor(Setup::new()));
    assert!(
        text.contains("look  store     /") && text.contains("/data/duet.db is not there yet"),
        "{text}"
    );
    let server = Server::start().await;
    let text = printed(&doctor(server.setup().set("server.bind", server.address)));
    for words in [
        "undamaged",
        "a commit takes",
        "is ready",
        "one process serves alone",
    ] {
        assert!(text.contains(words), "nothing of {words}: {text}");
    }

    assert!(text.contains("no request came through"), "{text}");
    // A proxy that nobody told it of.
    let call = server.front().call(reqwest::Method::GET, "/health/live");
    call.header("x-forwarded-for", "192.0.2.7").send().await;
    let text = printed(&doctor(server.setup().set("server.bind", server.address)));
    assert!(
        text.contains("look  instance  1 request came through"),
        "{text}"
    );
    assert!(server.log().contains("server.trusted_proxies"));

    let (postgres, redis) = (Postgres::start().unwrap(), Redis::start().unwrap());
    let setup = || {
        let setup = Setup::new().set("store.url", postgres.url());
        setup.set("bus.url", redis.url())
    };
    let text = printed(&doctor(setup()));
    for words in [
        "PostgreSQL 1",
        "encoding UTF8",
        "role postgres",
        "duet migrate",
        "ms apart",
    ] {
        assert!(text.contains(words), "nothing of {words}: {text}");
    }
    let _other = setup().start().await;
    let text = printed(&doctor(setup()));
    for words in [
        "a commit takes",
        "no pooler shares",
        "is Redis 7",
        "standalone, master; a publish takes",
        "other instances heard through Redis: 1",
    ] {
        assert!(text.contains(words), "nothing of {words}: {text}");
    }
    // One that is told of another Redis hears nobody, and says so.
    let elsewhere = Redis::start().unwrap();
    let text = printed(&doctor(setup().set("bus.url", elsewhere.url())));
    assert!(
        text.contains("look  bus") && text.contains("database: 1; heard of them through Redis: 0"),
        "{text}"
    );

    // At one that cannot be used, nobody can be heard.
    let text = finds_faults(Setup::new().set("bus.url", "redis://127.0.0.1:1"));
    assert!(
        text.contains("FAIL  bus") && !text.contains("heard"),
        "{text}"
    );

    let away = Setup::new().set("store.url", "postgres://duet@127.0.0.1:1/duet");
    let output = doctor(away.set("server.trusted_proxies", "0.0.0.0/0"));
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("FAIL  store"), "{text}");
    assert!(text.contains("anybody can claim"), "{text}");
}

#[tokio::test]
async fn the_doctor_asks_every_server_of_a_store_of_several() {
    let (one, two) = (Postgres::start().unwrap(), Postgres::start().unwrap());
    let over = |urls: &[String]| Setup::new().env("DUET_STORE__URLS", urls.join(" "));
    let both = [one.url(), two.url()];
    let places = [&one, &two].map(|server| format!("127.0.0.1:{}/", server.port()));
    // A line about this server with these words.
    let told = |text: &str, level: &str, place: &str, words: &str| {
        let mut lines = text.lines();
        let found = lines
            .any(|line| line.starts_with(level) && line.contains(place) && line.contains(words));
        assert!(found, "no {level} of {place} with {words}: {text}");
    };
    let text = printed(&doctor(over(&both)));
    for place in &places {
        told(&text, "ok", place, "encoding UTF8");
        told(&text, "look", place, "duet migrate");
    }

    drop(over(&both).start().await);
    let text = printed(&doctor(over(&both)));
    for place in &places {
        for words in [
            "PostgreSQL 1",
            "ms apart",
            "the rights that serving takes",
            "a commit takes",
        ] {
            told(&text, "ok", place, words);
        }
    }
    // What is wrong with one of them.
    two.run("CREATE ROLE app LOGIN").unwrap();
    let limited = two.url().replace("postgres@", "app@");
    let text = finds_faults(over(&[one.url(), limited]));
    told(&text, "ok", &places[0], "a commit takes");
    told(&text, "FAIL", &places[1], "permission denied");

    let latin =
        "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'";
    two.run(latin).unwrap();
    let latin = format!("postgres://postgres@{}/latin", two.address());
    let text = finds_faults(over(&[one.url(), latin]));
    told(&text, "FAIL", &places[1], "LATIN1");

    let away = "postgres://duet@127.0.0.1:1/duet".to_owned();
    let text = finds_faults(over(&[both[0].clone(), both[1].clone(), away]));
    told(&text, "ok", &places[1], "a commit takes");
    told(&text, "FAIL", "127.0.0.1:1/duet", "refused");
}

#[tokio::test]
async fn the_doctor_compares_the_clocks_of_every_server_with_its_own() {
    let (postgres, redis) = (Postgres::start().unwrap(), Redis::start().unwrap());
    let setup = || {
        let setup = Setup::new().set("store.url", postgres.url());
        setup.set("bus.url", redis.url())
    };
    let of_clocks = |text: &str, level: &str| {
        let lines = text.lines().filter(|line| line.starts_with(level));
        lines.filter(|line| line.contains("ms apart")).count()
    };
    let text = printed(&doctor(setup()));
    assert_eq!(of_clocks(&text, "ok"), 2, "{text}");
    let mut ahead = setup();
    for (name, value) in clock_ahead(Duration::from_secs(3_600)).unwrap() {
        ahead = ahead.env(&name, value);
    }
    let text = printed(&doctor(ahead));
    assert_eq!(of_clocks(&text, "look"), 2, "{text}");
    says(&text, &["run NTP"]);

    // One who may do no more than duet needs.
    let rights = "~duet:* &duet:* -@all +ping +set +exists +hget +hset +hdel +hgetall +pexpire \
                  +unlink +spublish +ssubscribe +sunsubscribe";
    let mut user = vec!["ACL", "SETUSER", "duet", "on", ">SECRET"];
    user.extend(rights.split_whitespace());
    redis.command(&user).unwrap();
    let url = format!("redis://duet:SECRET@127.0.0.1:{}", redis.port());
    let text = printed(&doctor(setup().set("bus.url", url)));
    says(&text, &["look  bus", "+time", "+info", "a publish takes"]);
}

#[test]
fn the_doctor_warns_of_a_redis_that_drops_keys_when_its_memory_is_full() {
    let (postgres, redis) = (Postgres::start().unwrap(), Redis::start().unwrap());
    let setup = || {
        let setup = Setup::new().set("store.url", postgres.url());
        setup.set("bus.url", redis.url())
    };
    let text = printed(&doctor(setup()));
    says(&text, &["it drops no key"]);
    assert!(!text.contains("maxmemory-policy"), "{text}");
    for policy in ["allkeys-lru", "volatile-ttl"] {
        let set = ["CONFIG", "SET", "maxmemory-policy", policy];
        redis.command(&set).unwrap();
        let text = printed(&doctor(setup()));
        says(&text, &["look  bus", "set maxmemory-policy", policy]);
    }
}

#[test]
fn the_doctor_says_how_an_empty_file_gets_its_tables() {
    let mut setup = Setup::new();
    let data = setup.folder().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("duet.db"), "").unwrap();
    let text = printed(&doctor(setup));
    says(&text, &["look  store", "/data/duet.db", "`duet migrate`"]);
}

#[tokio::test]
async fn the_doctor_warns_of_a_disk_that_is_nearly_full() {
    let server = Server::start().await;
    let text = printed(&doctor(server.setup()));
    says(&text, &["ok    store     ", "its disk has "]);
    let wanted = 1_u64 << 40;
    let text = printed(&doctor(
        server.setup().set("limits.free_disk_mib_min", wanted),
    ));
    says(&text, &["look  store", "limits.free_disk_mib_min"]);
}
