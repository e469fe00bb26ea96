//! What a chat's link leads to: the page with the link itself, and the codes of the log-in page.

use crate::support::{Browser, Chat, Server, browser::leads_to, chat::register};

#[tokio::test]
async fn the_link_is_for_those_in_the_chat_alone() {
    let server = Server::start().await;
    let (mut abhi, mut anny) = (Browser::new(&server), Browser::new(&server));
    let hash = abhi.register().await;
    anny.log_in(&hash, "Anny").await;
    let invite = format!("/demo/chat/user/{hash}/1/invite");
    assert_eq!(abhi.get(&invite).await.status, 200);
    assert_eq!(anny.get(&invite).await.status, 401);
    let own = invite.replace("/1/", "/2/");
    assert_eq!(anny.get(&own).await.status, 200);
    assert_eq!(abhi.get(&own).await.status, 401);
    assert_eq!(Browser::new(&server).get(&invite).await.status, 401);
}

#[tokio::test]
async fn a_guest_who_comes_first_is_not_asked_to_invite() {
    let server = Server::start().await;
    let hash = register(&server.api()).await;
    let mut anny = Browser::new(&server);
    anny.log_in(&hash, "Anny").await;
    let page = anny.get(&format!("/demo/chat/user/{hash}/2/invite")).await;
    assert_eq!(page.status, 200);
    let text = page.text();
    assert!(text.contains("<h1>The chat’s link</h1>"), "{text}");
    assert!(
        !text.contains("data-ask") && !text.contains("Anny"),
        "{text}"
    );
}

#[tokio::test]
async fn a_return_code_beside_a_refused_device_code_is_taken() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let code = chat.one.return_code.clone().unwrap();
    let login = format!("/demo/chat/user/{}/login", chat.hash);
    let mut laptop = Browser::new(&server);
    let device = [("user", "Abhi"), ("deviceCode", "AAAA-AAAA-AAAA-AAAA")];
    let page = laptop.submit(&login, &device).await;
    assert_eq!(page.status, 403);
    assert!(
        page.text().contains("value=\"AAAA-AAAA-AAAA-AAAA\""),
        "{page:?}"
    );
    let both = [device.as_slice(), &[("returnCode", &code)]].concat();
    leads_to(&laptop.submit(&login, &both).await);
}
