//! TLS, and a user who may do no more than duet needs.

use actors::ports::BusState;
use harness::servers::{Authority, free_port};

use super::*;

/// A server that knows one user, with the rights that the documents name.
struct Guarded {
    authority: Authority,
    tls_port: u16,
    _server: Redis,
}

impl Guarded {
    fn start(rights_of: impl Fn(String) -> String) -> Self {
        let authority = Authority::new().unwrap();
        let identity = authority.issue(&["localhost"]).unwrap();
        let documents = include_str!("../../../../docs/redis.md");
        let user = documents.lines().find(|line| line.starts_with("user duet"));
        let user = rights_of(user.unwrap().replace("SECRET", "s3cret"));
        let tls_port = free_port().unwrap();
        let tls = format!(
            "--tls-port {tls_port} --tls-auth-clients no --tls-cert-file {} --tls-key-file {}",
            identity.certificate.display(),
            identity.key.display(),
        );
        let options = format!("{tls} --user default off --{user}");
        let options: Vec<&str> = options.split(' ').collect();
        Self {
            authority,
            tls_port,
            _server: Redis::start_with(&options).unwrap(),
        }
    }

    fn url(&self, user: &str) -> RedisUrl {
        format!("rediss://{user}localhost:{}", self.tls_port)
            .parse()
            .unwrap()
    }

    async fn open(&self, user: &str, tls_ca: &Path) -> Result<RedisBus, OpenError> {
        open_alone(&self.url(user), Some(tls_ca)).await
    }
}

#[test]
fn tls_and_the_documented_rights_are_enough_for_all_promises() {
    let server = Guarded::start(|user| user);
    let one = async || {
        let ca = server.authority.certificate();
        Arc::new(server.open("duet:s3cret@", &ca).await.unwrap())
    };
    let open = async || Buses::new(one().await, one().await, ());
    actors::bus_suite!(all at once: open);
}

#[actix::test]
async fn a_wrong_login_or_certificate_is_reported_in_a_sentence() {
    let server = Guarded::start(|user| user);
    let ca = server.authority.certificate();
    let stranger = Authority::new().unwrap();
    let nowhere = Path::new("nowhere.pem");
    for (user, ca, sentence) in [
        (
            "duet:wrong@",
            ca.as_path(),
            "does not take the user and password",
        ),
        ("", &ca, "wants a password"),
        ("duet:s3cret@", nowhere, "nowhere.pem"),
        (
            "duet:s3cret@",
            &stranger.certificate(),
            "comes from nobody we trust",
        ),
    ] {
        let told = server.open(user, ca).await.err().unwrap().0;
        assert!(told.contains(sentence), "{told}");
        assert!(told.contains("Check bus."), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
}

#[actix::test]
async fn a_missing_right_is_reported_at_the_start() {
    let server = Guarded::start(|user| user.replace(" +spublish", ""));
    let ca = server.authority.certificate();
    let told = server.open("duet:s3cret@", &ca).await.err().unwrap().0;
    assert!(told.contains("may not do all that duet needs"), "{told}");
}

#[actix::test]
async fn a_server_that_no_name_leads_to_is_waited_for() {
    let url = "redis://nowhere.invalid".parse().unwrap();
    let bus = open_alone(&url, None).await.unwrap();
    eventually("it is known to be away", || async {
        bus.worst_state() == BusState::Away
    })
    .await;
}
