//! The pages that somebody comes back by, and goes by, in an encrypted chat: what they need of its key.

use serde_json::json;

use super::Encrypted;
use crate::support::{Browser, Server, Setup};

#[tokio::test]
async fn whoever_was_replaced_asks_to_be_let_in_with_the_proof_of_the_link() {
    let server = Setup::new()
        .set("limits.presence_grace_ms", 100)
        .start()
        .await;
    let api = server.api();
    let chat = Encrypted::begin(&api).await;
    let home = format!("/demo/chat/user/{}", chat.hash);
    let auth = chat.keys.auth();
    let whole = [("user", "Anny"), ("auth", auth.as_str())];
    let mut anny = Browser::new(&server);
    let page = anny.submit(&format!("{home}/login"), &whole).await;
    assert_eq!(page.status, 303, "{page:?}");
    let abhi = chat.log_in(&api, "Abhi").await.person;
    let mut stream = abhi.listen().await;
    stream.next_of("hello").await;
    let mut newcomer = Browser::new(&server);
    newcomer.submit(&format!("{home}/login/ask"), &whole).await;
    let word = stream.next_with("seat", "state", "asking").await.data["ask"].clone();
    let answer = json!({"ask": word, "allow": true});
    abhi.post("answer", answer).await.ok();

    let page = anny.get(&format!("{home}/2")).await;
    assert_eq!(page.status, 401);
    let text = page.text();
    assert!(text.contains("let someone in as"), "{page:?}");
    let (_, form) = text.split_once("/login/ask").unwrap();
    let (form, _) = form.split_once("</form>").unwrap();
    assert!(form.contains("name=\"auth\" disabled data-auth"), "{form}");
    let place = format!("data-encrypted=\"{}\"", chat.hash);
    assert!(text.contains(&place), "{page:?}");
    let asked = anny.submit(&format!("{home}/login/ask"), &whole).await;
    assert_eq!(asked.status, 303, "{asked:?}");
}

#[tokio::test]
async fn pages_that_lead_out_load_what_removes_a_key_in_encrypted_chats_alone() {
    let server = Server::start().await;
    let chat = Encrypted::begin(&server.api()).await;
    let auth = chat.keys.auth();
    let mut browser = Browser::new(&server);
    let login = [("user", "Abhi"), ("auth", auth.as_str())];
    let path = format!("/demo/chat/user/{}/login", chat.hash);
    browser.submit(&path, &login).await;
    let plain = browser.register().await;
    for (hash, is_encrypted) in [(chat.hash.as_str(), true), (plain.as_str(), false)] {
        for leaf in ["logout", "endchat"] {
            let page = browser
                .get(&format!("/demo/chat/user/{hash}/1/{leaf}"))
                .await;
            assert_eq!(page.status, 200, "{page:?}");
            assert_eq!(page.text().contains("data-forget"), is_encrypted, "{leaf}");
        }
    }
}
