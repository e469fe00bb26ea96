//! Connections that must be encrypted, and the files for that: what is wrong with them keeps it from starting.

use std::fs;

use harness::servers::Authority;

use super::refusing::refused;
use crate::support::Setup;

#[test]
fn beyond_this_machine_a_public_address_is_required() {
    for key in ["server.bind", "server.api_bind", "server.ops_bind"] {
        let output = Setup::new().set(key, "0.0.0.0:0").run();
        refused(&output, &["public_url"]);
    }
}

#[test]
fn plain_http_beyond_this_machine_must_be_meant() {
    let public = || Setup::new().set("server.public_url", "https://chat.example.org");
    let open = || public().set("server.bind", "0.0.0.0:0");
    let words = ["trusted_proxies", "allow_plain_http"];
    refused(&open().run(), &words);
    refused(&public().set("server.api_bind", "0.0.0.0:0").run(), &words);
    // Behind a proxy that it does not know, every address would be this machine's, and exempt.
    refused(&public().run(), &words);
    for meant in [
        open().set("server.trusted_proxies", "10.0.0.1/32"),
        open().set("server.allow_plain_http", true),
        Setup::new().set("server.public_url", "http://localhost:8080"),
        Setup::new().set("server.public_url", "http://[::1]:8080"),
    ] {
        let output = meant.arg("check-config").run();
        assert!(output.status.success(), "{output:?}");
    }
}

#[test]
fn links_by_plain_http_to_a_server_that_speaks_tls_alone_are_refused() {
    let by_tls = Setup::new()
        .set("server.tls_cert", "duet.pem")
        .set("server.tls_key", "duet.key")
        .set("server.public_url", "http://localhost:8080");
    refused(&by_tls.clone().arg("check-config").run(), &["https://"]);
    // A proxy may speak plain HTTP before it, so it is the files that are missed.
    let behind_proxy = by_tls.set("server.trusted_proxies", "127.0.0.1");
    refused(&behind_proxy.arg("check-config").run(), &["duet.pem"]);
}

#[test]
fn a_certificate_that_cannot_be_used_is_named_before_a_socket_opens() {
    let authority = Authority::new().unwrap();
    let (one, other) = (
        authority.issue(&["localhost"]).unwrap(),
        authority.issue(&["localhost"]).unwrap(),
    );
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let whole = fs::read_to_string(&one.certificate).unwrap();
    let broken = "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n";
    let damaged = file("damaged.pem", format!("{whole}{broken}"));
    let cut = file("cut.pem", whole[..whole.len() / 2].into());
    let key = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nQUJD\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let locked = file("locked.pem", key.into());
    for (certificate, key, word) in [
        ("nowhere.pem", one.key.to_str().unwrap(), "nowhere.pem"),
        (
            one.certificate.to_str().unwrap(),
            "nowhere.key",
            "nowhere.key",
        ),
        (
            one.certificate.to_str().unwrap(),
            other.key.to_str().unwrap(),
            "not the certificate's",
        ),
        (
            one.certificate.to_str().unwrap(),
            locked.to_str().unwrap(),
            "passphrase",
        ),
        (
            damaged.to_str().unwrap(),
            one.key.to_str().unwrap(),
            "certificate 2 in it is damaged",
        ),
        (
            cut.to_str().unwrap(),
            one.key.to_str().unwrap(),
            "it is cut off",
        ),
    ] {
        let setup = Setup::new()
            .set("server.tls_cert", certificate)
            .set("server.tls_key", key);
        refused(&setup.clone().run(), &[word]);
        refused(&setup.arg("check-config").run(), &[word]);
    }
}

#[test]
fn an_authority_that_cannot_be_read_is_a_wrong_setting() {
    let redis = "rediss://127.0.0.1:1";
    let at = |file: &str| {
        format!("postgres://duet@127.0.0.1:1/duet?sslmode=verify-ca&sslrootcert={file}")
    };
    for file in ["/nowhere/ca.pem", "/dev/null"] {
        let of_bus = Setup::new().set("bus.url", redis).set("bus.tls_ca", file);
        let of_store = Setup::new().set("store.url", at(file));
        let several = Setup::new().set("store.urls", at(file));
        for (setup, key, commands) in [
            (of_bus, "bus.tls_ca", &["serve", "check-config"][..]),
            (
                of_store,
                "sslrootcert",
                &["serve", "check-config", "migrate", "end"],
            ),
            (
                several,
                "store.urls",
                &["serve", "check-config", "migrate", "shards"],
            ),
        ] {
            for command in commands {
                let told = setup.clone().arg(command).run();
                refused(&told, &[file, key]);
                assert_eq!(told.status.code(), Some(2), "{told:?}");
            }
        }
    }
}
