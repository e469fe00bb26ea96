//! 500: a defect tells its reference and nothing else.

use rusqlite::Connection;

use crate::support::{Chat, Server};

#[tokio::test]
async fn a_defect_is_told_by_a_reference_that_stands_in_the_log_once() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    // No client can cause one, so the ground is pulled from under the server.
    let database = Connection::open(server.database()).unwrap();
    database.execute_batch("DROP TABLE messages").unwrap();
    let answer = chat.one.say_as(uuid::Uuid::new_v4(), "Hello").await;
    let data = answer.fails(500);
    let reference = data["reference"].as_str().unwrap();
    let message = data["message"].as_str().unwrap().to_lowercase();
    for word in ["table", "sql", "messages"] {
        assert!(!message.contains(word), "{message}");
    }
    let log = server.log();
    assert_eq!(log.matches(reference).count(), 1, "{log}");
    // What does not need it goes on.
    chat.one.get("sessions").await.ok();
}
