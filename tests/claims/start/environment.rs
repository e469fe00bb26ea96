//! Settings that come in odd wrapping: variables that are no text, files as editors on Windows write them,
//! folders that are not those where duet was started.

use std::{ffi::OsString, fs, os::unix::ffi::OsStringExt, process::Output};

use super::{commands::printed, refusing::refused};
use crate::support::Setup;

/// Runs it with a variable of any bytes.
fn with(name: &str, value: &[u8], mut setup: Setup) -> Output {
    let value = OsString::from_vec(value.into());
    setup.command().env(name, value).output().unwrap()
}

#[test]
fn a_variable_that_is_no_text_matters_where_it_is_a_setting_alone() {
    let check = || Setup::new().arg("check-config");
    printed(&with("LESSCHARSET", b"caf\xe9", check()));
    printed(&with("DUET_PORT", b"caf\xe9", check()));
    let odd_name = OsString::from_vec(b"caf\xe9".into());
    let mut setup = check();
    printed(&setup.command().env(odd_name, "x").output().unwrap());
    for name in ["DUET_SERVER__PUBLIC_URL", "DATABASE_URL"] {
        let told = with(name, b"https://caf\xe9.example.org", check());
        refused(&told, &[name, "UTF-8"]);
        assert_eq!(told.status.code(), Some(2));
    }
}

#[test]
fn values_are_taken_as_they_are_plainly_meant() {
    let printed_with = |key: &str, value: &str| {
        let setup = Setup::new().set(key, value).arg("check-config");
        printed(&setup.arg("--print").run())
    };
    let list = "trusted_proxies = [\"10.0.0.1\", \"10.1.0.0/16\"] # DUET_SERVER__TRUSTED_PROXIES";
    for value in [
        "10.0.0.1,10.1.0.0/16",
        "10.0.0.1, 10.1.0.0/16,",
        ",10.0.0.1,,10.1.0.0/16",
        "10.0.0.1 10.1.0.0/16",
        "[\"10.0.0.1\", \"10.1.0.0/16\"]",
        "\"10.0.0.1,10.1.0.0/16\"",
    ] {
        let text = printed_with("server.trusted_proxies", value);
        assert!(text.contains(list), "{value}: {text}");
    }
    // As `docker run --env-file` hands it on.
    let text = printed_with("store.url", "\"sqlite://chats.db\"");
    assert!(text.contains("url = \"sqlite://chats.db\""), "{text}");

    assert!(printed_with("server.trusted_proxies", " ,").contains("trusted_proxies = [] # DUET"));

    // A server's own standbys are separated by commas as well.
    let list = "urls = [\"postgres://a@one/d\", \"postgres://b@two:1,three/d\"] # DUET_STORE__URLS";
    for value in [
        "postgres://a@one/d postgres://b@two:1,three/d",
        "postgres://a@one/d,postgres://b@two:1,three/d",
        "postgres://a@one/d, postgres://b@two:1,three/d,",
        "[\"postgres://a@one/d\", \"postgres://b@two:1,three/d\"]",
        "'postgres://a@one/d,postgres://b@two:1,three/d'",
    ] {
        let text = printed_with("store.urls", value);
        assert!(text.contains(list), "{value}: {text}");
    }
}

#[test]
fn of_variables_that_differ_in_their_letters_size_the_one_in_capitals_counts() {
    for other in [
        "duet_server__workers",
        "DUET_server__workers",
        "DUET_SERVER__Workers",
    ] {
        let setup = Setup::new().env(other, 3).set("server.workers", 2);
        let checked = setup.arg("check-config").arg("--print").run();
        let hint = String::from_utf8_lossy(&checked.stderr).into_owned();
        let words =
            format!("{other} in the environment is no setting: DUET_SERVER__WORKERS would be");
        assert!(hint.contains(&words), "{hint}");
        let text = printed(&checked);
        assert!(
            text.contains("workers = 2 # DUET_SERVER__WORKERS"),
            "{text}"
        );
    }
}

#[test]
fn an_unknown_variable_that_is_not_in_capitals_is_warned_of() {
    let setup = Setup::new().env("DUET_server__threads", 3);
    let checked = setup.arg("check-config").run();
    let hint = String::from_utf8_lossy(&checked.stderr).into_owned();
    let words = "DUET_server__threads in the environment is no setting: settings are in capitals";
    assert!(checked.status.success() && hint.contains(words), "{hint}");
    // Others may begin like this by chance.
    let setup = Setup::new().env("DUET_server_threads", 3);
    let checked = setup.arg("check-config").run();
    assert_eq!(String::from_utf8_lossy(&checked.stderr), "");
}

#[test]
fn values_that_can_only_be_mistakes_are_refused() {
    for (key, value, words) in [
        ("server.allow_plain_http", "2", "true or false"),
        (
            "server.workers",
            "100000",
            "from 0 to 1024: one for each core",
        ),
        ("server.leave_seconds", "90000", "from 0 to 86400"),
        ("server.drain_seconds", "90000", "from 0 to 86400"),
        ("server.drain_seconds", "9223372036854775807", "that fits"),
        ("limits.stream_buffer_kib", "18014398509481985", "that fits"),
        ("store.call_seconds", "3000000", "from 1 to 86400"),
        ("store.call_seconds", "0", "from 1 to 86400"),
        ("store.start_seconds", "90000", "from 0 to 86400"),
        (
            "store.pool_size",
            "1001",
            "from 1 to 1000: each is a process of PostgreSQL",
        ),
        ("store.lanes", "101", "from 1 to 100"),
        (
            "server.public_url",
            "https://user@chat.example.org",
            "bare address",
        ),
        ("server.public_url", "https://*.example.org", "bare address"),
        (
            "server.public_url",
            "https://chat.example.org/#x",
            "bare address",
        ),
        ("log.filter", "verbose", "names no level"),
        ("log.filter", "warn,loud", "names no level"),
        ("log.filter", "warn,duet=", "names no level"),
        ("log.filter", " ", "names no level"),
        ("store.url", "sqlite://~/duet.db", "only a shell"),
        ("store.url", "postgres://", "names no server"),
        (
            "store.url",
            "postgres://duet:p@ss@db/duet",
            "percent-encoded",
        ),
        (
            "store.url",
            "postgres://a@one/d,postgres://b@two/d",
            "belong in store.urls",
        ),
        (
            "store.url",
            "postgres://a@one/d postgres://b@two/d",
            "belong in store.urls",
        ),
        ("store.url", "postgres:///duet", "names no server"),
        ("bus.url", "redis://cache/-1", "counted from 0"),
        ("bus.url", "redis+cluster://cache/1", "counted from 0"),
        (
            "bus.url",
            "redis+sentinel://cache/duet/-1",
            "counted from 0",
        ),
        ("bus.url", "rediss://cache/#insecure", "takes no options"),
        ("bus.url", "redis+cluster://cache?x=y", "takes no options"),
    ] {
        let setup = Setup::new().set(key, value).arg("check-config");
        let told = setup.set("server.trusted_proxies", "10.0.0.1").run();
        refused(&told, &[key, words, "in the environment"]);
        assert_eq!(told.status.code(), Some(2));
    }
    for filter in ["debug", "OFF", "duet", "warn,duet=debug", "actix_web=off,3"] {
        let setup = Setup::new().set("log.filter", filter);
        printed(&setup.arg("check-config").run());
    }
}

#[test]
fn a_settings_file_is_read_as_windows_writes_it() {
    let file = "\u{feff}[server]\r\nrole = \"registration\"\r\n\r\n[log]\r\nfilter = \"warn\"\r\n";
    let setup = Setup::new().file(file).arg("check-config");
    let text = printed(&setup.arg("--print").run());
    assert!(
        text.contains("role = \"registration\" # line 2 of "),
        "{text}"
    );
    assert!(text.contains("filter = \"warn\" # line 5 of "), "{text}");
    let wrong = file.replace("warn", "duet=loud");
    let told = Setup::new().file(&wrong).arg("check-config").run();
    refused(&told, &["log.filter", "line 5"]);

    let mut setup = Setup::new();
    let secret = "\u{feff}postgres://duet:s3cret@db/duet\r\n";
    fs::write(setup.folder().join("url"), secret).unwrap();
    let setup = setup.set("store.url_file", "url").arg("check-config");
    let text = printed(&setup.run());
    assert!(text.contains("the PostgreSQL database duet"), "{text}");
}

#[test]
fn one_address_for_two_sockets_is_reported_as_that() {
    for (bind, api_bind, ops_bind, key) in [
        ("127.0.0.1:8080", "127.0.0.1:8080", "", "server.api_bind"),
        ("127.0.0.1:8080", "", "localhost:8080", "server.ops_bind"),
        (
            "127.0.0.1:8080",
            ":8090",
            "127.0.0.1:8090",
            "server.ops_bind",
        ),
        ("[::]:8080", "", "127.0.0.1:8080", "server.ops_bind"),
    ] {
        let setup = Setup::new()
            .set("server.bind", bind)
            .set("server.api_bind", api_bind)
            .set("server.ops_bind", ops_bind)
            .set("server.public_url", "https://chat.example.org")
            .set("server.trusted_proxies", "10.0.0.1");
        let told = setup.arg("check-config").run();
        refused(&told, &[key, "another port"]);
        assert_eq!(told.status.code(), Some(2));
    }
    let setup = Setup::new()
        .set("server.bind", "127.0.0.1:8080")
        .set("server.api_bind", "127.0.0.2:8080")
        .set("server.ops_bind", "[::1]:8080");
    printed(&setup.arg("check-config").run());
}

#[test]
fn an_ipv6_address_is_shown_in_brackets() {
    let servers = "postgres://[::1]:1/one postgres://[::1]:2/two";
    let setup = Setup::new().set("store.urls", servers);
    for (bus, shown) in [
        ("redis://[::1]:3", "the Redis server at [::1]:3"),
        ("redis+cluster://[::1]:3", "the Redis cluster at [::1]:3"),
        ("redis+sentinel://[::1]:3/main", "sentinel at [::1]:3"),
    ] {
        let text = printed(&setup.clone().set("bus.url", bus).arg("check-config").run());
        assert!(text.contains("[::1]:1/one, [::1]:2/two"), "{text}");
        assert!(text.contains(shown), "{text}");
    }
}

#[test]
fn a_command_in_another_folder_makes_no_second_database() {
    let link = "https://chat.example.org/demo/chat/user/AAAAAAAAAAAAAAAAAAAAAA";
    let mut elsewhere = Setup::new().arg("end").arg(link);
    let folder = elsewhere.folder();
    let whole = folder.join("data/duet.db");
    // Its folder stays.
    let told = elsewhere.clone().run();
    refused(
        &told,
        &[
            whole.to_str().unwrap(),
            "the folder that duet is started in",
        ],
    );
    assert_eq!(told.status.code(), Some(2));
    assert!(!folder.join("data").exists());

    // Nothing comes by standard input here.
    refused(&Setup::new().arg("end").run(), &["No link came"]);

    let odd = Setup::new()
        .after("printf '\\377' >odd; exec <odd")
        .arg("end");
    let told = odd.run();
    refused(&told, &["standard input", "UTF-8"]);
    assert_eq!(told.status.code(), Some(2));

    let mut elsewhere = Setup::new().arg("backup").arg("copy.db");
    let whole = elsewhere.folder().join("data/duet.db");
    refused(&elsewhere.run(), &[whole.to_str().unwrap()]);
    let mut checked = Setup::new().arg("check-config");
    let whole = checked.folder().join("data/duet.db");
    let text = printed(&checked.run());
    assert!(text.contains(whole.to_str().unwrap()), "{text}");
}
