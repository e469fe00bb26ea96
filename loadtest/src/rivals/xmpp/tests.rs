//! Against a server that answers word for word what a test tells it to.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

use super::{person::Gone, *};

const HEAD: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
    xmlns:stream='http://etherx.jabber.org/streams' version='1.0' id='1'>";

/// What the server waits for, and what it answers then.
type Step = (&'static str, String);

/// A server that takes one connection, plays the steps and hangs up.
async fn playing(steps: Vec<Step>) -> (Address, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("xmpp://{}/example.org", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut heard = String::new();
        for (awaited, answer) in steps {
            while !heard.contains(awaited) {
                let mut bytes = [0; 4096];
                let count = socket.read(&mut bytes).await.unwrap();
                assert_ne!(count, 0, "{awaited} did not come: {heard}");
                heard.push_str(str::from_utf8(&bytes[..count]).unwrap());
            }
            let end = heard.find(awaited).unwrap() + awaited.len();
            heard.drain(..end);
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (Address::read(&address).unwrap(), server)
}

fn login() -> Vec<Step> {
    let result = |content: &str| format!("<iq type='result' id='x'>{content}</iq>");
    vec![
        ("<stream:stream", format!("{HEAD}<stream:features/>")),
        ("<username>ada</username>", result("")),
        // "\0ada\0loadtest"
        (">AGFkYQBsb2FkdGVzdA==<", "<success/>".to_owned()),
        (
            "<stream:stream",
            format!("{HEAD}<stream:features><bind/></stream:features>"),
        ),
        (
            "<resource>",
            result("<bind><jid>ada@example.org/loadtest</jid></bind>"),
        ),
        ("<enable", "<enabled xmlns='urn:xmpp:sm:3'/>".to_owned()),
    ]
}

async fn entered(more: Vec<Step>) -> (Arc<Person>, JoinHandle<io::Error>, JoinHandle<()>) {
    let (address, server) = playing([login(), more].concat()).await;
    let (person, elements) = Person::new(login::enter(&address, "ada").await.unwrap());
    let person = Arc::new(person);
    let listener = Arc::clone(&person);
    let listening = tokio::spawn(async move { listener.listen(elements, |_| {}).await });
    (person, listening, server)
}

#[tokio::test]
async fn a_message_is_acknowledged_when_the_server_has_counted_it() {
    let acknowledged = |count: u32| format!("<a xmlns='urn:xmpp:sm:3' h='{count}'/>");
    let (person, _listening, server) = entered(vec![
        ("<r ", acknowledged(1)),
        ("<r ", acknowledged(2)),
        // One more comes and is not counted.
        ("<r ", acknowledged(2)),
    ])
    .await;
    assert_eq!(person.jid, "ada@example.org/loadtest");
    assert_eq!(person.account, "ada@example.org");
    for number in [1, 2] {
        let said = person
            .say("zoe@example.org/x", Uuid::new_v4(), "Hello")
            .await;
        assert_eq!(said.unwrap(), number);
    }
    let said = person
        .say("zoe@example.org/x", Uuid::new_v4(), "Hello")
        .await;
    assert!(matches!(said, Err(Gone)), "the server hung up");
    server.await.unwrap();
}

#[tokio::test]
async fn the_server_learns_how_much_has_come() {
    let (_person, _listening, server) = entered(vec![
        (
            "",
            "<message/><presence/><r xmlns='urn:xmpp:sm:3'/>".to_owned(),
        ),
        ("h='2'", String::new()),
    ])
    .await;
    server.await.unwrap();
}

#[tokio::test]
async fn an_archive_is_read_page_by_page() {
    let message = |query: &str, id: u32| {
        format!(
            "<message><result xmlns='urn:xmpp:mam:2' queryid='{query}' id='{id}'><forwarded>\
             <delay/><message id='{id}'><body>x</body></message></forwarded></result></message>"
        )
    };
    let end = |query: &str, fin: &str| format!("<iq type='result' id='{query}'>{fin}</iq>");
    let (person, _listening, server) = entered(vec![
        (
            "queryid='page-0'",
            [
                message("page-0", 1),
                // What arrives meanwhile is no part of it.
                "<message id='now'><body>y</body></message>".to_owned(),
                message("page-0", 2),
                end("page-0", "<fin><set><last>17</last></set></fin>"),
            ]
            .concat(),
        ),
        (
            "<after>17</after>",
            [
                message("page-1", 3),
                end(
                    "page-1",
                    "<fin complete='true'><set><last>18</last></set></fin>",
                ),
            ]
            .concat(),
        ),
    ])
    .await;
    let all = archive::read(&person).await.unwrap();
    let ids: Vec<_> = all.iter().map(|message| message.attribute("id")).collect();
    assert_eq!(ids, ["1", "2", "3"]);
    server.await.unwrap();
}

#[tokio::test]
async fn what_a_server_refuses_is_told() {
    let mut steps = login();
    steps.truncate(3);
    steps[2].1 = "<failure><not-authorized/></failure>".to_owned();
    let (address, server) = playing(steps).await;
    let refused = login::enter(&address, "ada").await.unwrap_err();
    assert!(
        matches!(&refused, XmppError::Refused { answer, .. } if answer.contains("not-authorized")),
        "{refused}"
    );
    server.await.unwrap();
}

#[test]
fn only_the_mark_of_ones_own_archive_counts() {
    let marked = |by: &str| Element {
        children: vec![Element {
            name: "stanza-id".to_owned(),
            attributes: [("by", by), ("id", "17")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            ..Element::default()
        }],
        ..Element::default()
    };
    assert!(is_archived(&marked("zoe@example.org"), "zoe@example.org"));
    assert!(!is_archived(&marked("ada@example.org"), "zoe@example.org"));
    assert!(!is_archived(&Element::default(), "zoe@example.org"));
}
