//! One cookie per seat, scoped by path to that seat's address.

use reqwest::Method;
use serde_json::json;

use crate::support::{Browser, Chat, Server, Setup, browser::leads_to, browser::set_cookies, raw};

#[tokio::test]
async fn a_seats_cookie_goes_to_that_seat_and_no_script_reads_it() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let hash = browser.register().await;
    let made = Browser::new(&server).log_in(&hash, "Anny").await;
    let home = format!("/demo/chat/user/{hash}");
    let cookies = set_cookies(&made);
    assert!(
        cookies
            .iter()
            .any(|cookie| cookie.path == format!("{home}/2"))
    );
    for cookie in &cookies {
        assert!(
            cookie.is("httponly") && cookie.is("samesite=lax"),
            "{cookie:?}"
        );
        assert!(!cookie.is("secure"), "{cookie:?}");
        assert!(
            !cookie.flags.iter().any(|flag| flag.starts_with("domain")),
            "{cookie:?}"
        );
        let own = cookie.path == format!("{home}/2") || cookie.path == home;
        assert!(own, "{cookie:?}");
    }
    // The one at the chat's address says which seats are held, and proves nothing.
    let token = browser
        .cookie("duet", &format!("{home}/1"))
        .unwrap()
        .value
        .clone();
    for cookie in browser.jar.iter().filter(|cookie| cookie.path == home) {
        assert!(!cookie.value.contains(&token), "{cookie:?}");
    }
}

#[tokio::test]
async fn one_browser_holds_both_seats() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let hash = browser.register().await;
    let home = format!("/demo/chat/user/{hash}");
    leads_to(&browser.log_in(&hash, "Anny").await);
    for (seat, text) in [(1, "from the first"), (2, "from the second")] {
        let send = format!("{home}/{seat}/message_send");
        browser.submit_and_follow(&send, &[("message", text)]).await;
    }
    let json = browser.call(Method::GET, &format!("{home}/1/messages"));
    let page = json.header("Accept", "application/json").send().await.ok();
    assert_eq!(page["messages"][0]["senderName"], "Abhi");
    assert_eq!(page["messages"][1]["senderName"], "Anny");
    // It is asked which of the two it would be, by the names it knows itself.
    let page = browser.get(&home).await;
    assert!(
        page.text().contains(&format!("{home}/1")) && page.text().contains(&format!("{home}/2"))
    );
    assert!(page.text().contains("Abhi") && page.text().contains("Anny"));
    // One seat leaves, the other stays.
    leads_to(&browser.submit(&format!("{home}/1/logout"), &[]).await);
    assert_eq!(browser.get(&format!("{home}/1")).await.status, 401);
    assert_eq!(browser.get(&format!("{home}/2")).await.status, 200);
    assert_eq!(browser.cookie("duet", &format!("{home}/1")), None);
}

#[tokio::test]
async fn the_link_of_a_chat_that_ended_takes_every_cookie_of_it_away() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let hash = browser.register().await;
    let home = format!("/demo/chat/user/{hash}");
    leads_to(&browser.log_in(&hash, "Anny").await);
    for page in [home.clone(), format!("{home}/1"), format!("{home}/login")] {
        let mut browser = browser.clone();
        let kept = |browser: &Browser| {
            let of_chat = browser.jar.iter();
            of_chat
                .filter(|cookie| cookie.path.starts_with(&home))
                .count()
        };
        assert!(kept(&browser) >= 5, "{:?}", browser.jar);
        leads_to(
            &browser
                .clone()
                .submit(&format!("{home}/1/endchat"), &[])
                .await,
        );
        let gone = match page.ends_with("login") {
            true => browser.log_in(&hash, "Anny").await,
            false => browser.get(&page).await,
        };
        assert_eq!(gone.status, 410, "{gone:?}");
        assert_eq!(kept(&browser), 0, "{page}: {:?}", browser.jar);
    }
}

#[tokio::test]
async fn a_cookie_is_refused_at_the_other_seat_and_in_another_chat() {
    let server = Server::start().await;
    let (chat, other) = (Chat::begin(&server).await, Chat::begin(&server).await);
    let cookie = format!("duet={}", chat.one.token);
    let try_at = async |path: String| {
        let call = server
            .front()
            .call(Method::GET, &path)
            .header("Cookie", &cookie);
        call.header("Accept", "application/json").send().await
    };
    try_at(format!("/demo/chat/user/{}/1/messages", chat.hash))
        .await
        .ok();
    // The cookie of seat 1 must not speak for seat 2, even where a browser is made to send it.
    let elsewhere = try_at(format!("/demo/chat/user/{}/2/messages", chat.hash)).await;
    assert!(matches!(elsewhere.status, 401 | 403), "{elsewhere:?}");
    let elsewhere = try_at(format!("/demo/chat/user/{}/1/messages", other.hash)).await;
    assert!(matches!(elsewhere.status, 401 | 403), "{elsewhere:?}");
}

#[tokio::test]
async fn a_cookie_of_another_site_that_is_no_text_hides_none_of_ours() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let request = format!(
        "GET /demo/chat/user/{}/1/messages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Cookie: theirs=?; also=\"?\"; duet={}\r\n\r\n",
        chat.hash, chat.one.token
    );
    // As an application in an older encoding sets it for the whole domain.
    let bytes = request.into_bytes().into_iter();
    let bytes: Vec<u8> = bytes
        .map(|byte| if byte == b'?' { 0xFC } else { byte })
        .collect();
    raw::exchange(server.address, &bytes).await.ok();
}

#[tokio::test]
async fn a_token_is_refused_by_the_pages() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let path = format!("/demo/chat/user/{}/1/messages", chat.hash);
    chat.one.api.get(&path).await.fails(401);
}

#[tokio::test]
async fn behind_https_cookies_are_secure_and_links_say_so() {
    let public = "https://chat.example.org";
    let server = Setup::new()
        .set("server.public_url", public)
        .set("server.trusted_proxies", "127.0.0.1/32")
        .start()
        .await;
    let browser = Browser::new(&server);
    let form = |path: &str, body: &'static str| {
        browser
            .call(Method::POST, path)
            .header("Accept", "text/html")
            .header("Origin", public)
            .body("application/x-www-form-urlencoded", body)
    };
    let made = form("/demo/chat/register", "userOne=Abhi&userTwo=Anny")
        .send()
        .await;
    let next = leads_to(&made);
    let cookies = set_cookies(&made);
    assert!(
        !cookies.is_empty() && cookies.iter().all(|cookie| cookie.is("secure")),
        "{cookies:?}"
    );
    let mut browser = Browser::new(&server);
    browser.jar = cookies;
    let hash = next.split('/').nth(4).unwrap();
    let link = format!("{public}/demo/chat/user/{hash}");
    assert!(browser.get(&next).await.text().contains(&link));
    let names = json!({"userOne": "Abhi", "userTwo": "Anny"});
    let made = server.api().post("/chat-server/register", names).await.ok();
    let url = made["url"].as_str().unwrap();
    assert!(
        url.starts_with("https://chat.example.org/demo/chat/user/"),
        "{url}"
    );
    // What a request says of its host writes no link.
    let spoofed = server
        .api()
        .call(Method::POST, "/chat-server/user1")
        .header("Host", "evil.example");
    let made = spoofed.json(json!({"user": "Abhi"})).send().await.ok();
    assert!(made["url"].as_str().unwrap().starts_with(public));
}

#[tokio::test]
async fn without_a_public_address_a_foreign_host_writes_no_link() {
    let server = Server::start().await;
    for (host, expected) in [
        ("evil.example", format!("http://{}", server.address)),
        ("localhost:1234", "http://localhost:1234".into()),
    ] {
        let call = server
            .api()
            .call(Method::POST, "/chat-server/user1")
            .header("Host", host);
        let made = call.json(json!({"user": "Abhi"})).send().await.ok();
        let url = made["url"].as_str().unwrap();
        assert!(url.starts_with(&format!("{expected}/")), "{host}: {url}");
    }
}
