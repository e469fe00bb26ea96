//! 500: a defect tells its reference and nothing else.

use rusqlite::Connection;

use crate::support::{Chat, Server};

#[tokio::test]
async fn a_defect_is_answered_with_a_reference_that_is_in_the_log_once() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    // No client can cause one, so the store is made to refuse what it should take.
    let database = Connection::open(server.database()).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON messages
                  BEGIN SELECT RAISE(ABORT, 'the cause of the trouble'); END";
    database.execute_batch(refuse).unwrap();
    let answer = chat.one.say_as(uuid::Uuid::new_v4(), "Hello").await;
    let data = answer.fails(500);
    let reference = data["reference"].as_str().unwrap();
    let message = data["message"].as_str().unwrap().to_lowercase();
    for word in ["cause", "trouble", "sql", "insert"] {
        assert!(!message.contains(word), "{message}");
    }
    let log = server.log();
    assert_eq!(log.matches(reference).count(), 1, "{log}");
    database.execute_batch("DROP TRIGGER refuse").unwrap();
    assert_eq!(chat.one.say("Hello again").await, 1);
}
