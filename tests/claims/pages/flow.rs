//! Complete flows by form: POST, 303, GET.

use reqwest::Method;
use serde_json::json;

use crate::support::{Browser, Chat, Server, Setup, Stream, browser::leads_to};

#[tokio::test]
async fn the_front_page_leads_to_where_chats_are_made() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    assert_eq!(leads_to(&browser.get("/").await), "/demo/chat/register");
    let page = browser.get("/demo/chat/register").await;
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    assert!(page.text().contains("name=\"userOne\"") && page.text().contains("name=\"userTwo\""));
}

#[tokio::test]
async fn only_a_parameter_of_that_name_changes_what_a_page_says() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let mut register = async |query: &str| {
        let page = browser.get(&format!("/demo/chat/register?{query}")).await;
        page.text().to_owned()
    };
    let told = "data-ended=";
    assert!(register("ended").await.contains(told));
    assert!(register("from=mail&ended=1").await.contains(told));
    for other in ["extended", "from=ended", "suspended=1"] {
        assert!(!register(other).await.contains(told), "{other}");
    }
    // A plain page waits for no script.
    let waits = "data-waits";
    for plain in ["plain", "plain&from=mail", "from=mail&plain="] {
        assert!(!register(plain).await.contains(waits), "{plain}");
    }
    assert!(register("explain").await.contains(waits));
}

#[tokio::test]
async fn two_people_meet_talk_leave_come_back_and_end_without_a_script() {
    let server = Server::start().await;
    let mut abhi = Browser::new(&server);
    let form = [("userOne", "Abhi"), ("userTwo", "Anny")];
    let invitation = abhi.submit_and_follow("/demo/chat/register", &form).await;
    let link = invitation.to.split(' ').nth(1).unwrap();
    assert!(link.ends_with("/1/invite"), "{link}");
    let home = link.trim_end_matches("/1/invite").to_owned();
    let hash = home.rsplit('/').next().unwrap().to_owned();
    assert!(
        invitation
            .text()
            .contains(&format!("http://{}{home}", server.address))
    );
    let code = return_code(invitation.text());

    // Anny opens the link, writes her name, and is at her seat.
    let mut anny = Browser::new(&server);
    let page = anny.get(&home).await;
    assert_eq!(page.status, 200);
    let seated = anny.log_in(&hash, "anny").await;
    assert_eq!(leads_to(&seated), format!("{home}/2"));
    let page = anny.get(&format!("{home}/2")).await;
    assert_eq!(page.status, 200);
    return_code(page.text());

    let send = format!("{home}/1/message_send");
    let page = abhi
        .submit_and_follow(&send, &[("message", "Hello <b>Anny</b>")])
        .await;
    assert!(
        page.to.ends_with("/1") && page.text().contains("Hello &lt;b&gt;Anny"),
        "{page:?}"
    );
    let page = anny.get(&format!("{home}/2")).await;
    assert!(page.text().contains("Hello &lt;b&gt;Anny"));

    // Abhi logs out; what he knew is worth nothing until he brings his code.
    let gone = abhi.submit(&format!("{home}/1/logout"), &[]).await;
    leads_to(&gone);
    assert_eq!(abhi.get(&format!("{home}/1")).await.status, 401);
    assert_eq!(abhi.log_in(&hash, "Abhi").await.status, 409);
    let login = format!("{home}/login");
    let back = abhi
        .submit(&login, &[("user", "Abhi"), ("returnCode", &code)])
        .await;
    assert_eq!(leads_to(&back), format!("{home}/1"));
    assert!(
        abhi.get(&format!("{home}/1"))
            .await
            .text()
            .contains("Hello")
    );

    let question = abhi.get(&format!("{home}/1/endchat")).await;
    assert_eq!(question.status, 200);
    let ended = abhi
        .submit_and_follow(&format!("{home}/1/endchat"), &[])
        .await;
    assert_eq!(ended.to, "GET /demo/chat/register?ended");
    for path in [
        home.clone(),
        format!("{home}/2"),
        format!("{home}/2/messages"),
    ] {
        assert_eq!(anny.get(&path).await.status, 410, "{path}");
    }
    assert_eq!(
        anny.submit(&format!("{home}/2/message_send"), &[("message", "?")])
            .await
            .status,
        410
    );
    let over = anny
        .call(Method::GET, &format!("{home}/2/stream"))
        .send()
        .await;
    assert_eq!(over.status, 204);
}

/// The return code that stands on a page.
fn return_code(page: &str) -> String {
    let is_code = |word: &&str| {
        let groups: Vec<&str> = word.split('-').collect();
        let good =
            |group: &&str| group.len() == 4 && group.bytes().all(|b| b.is_ascii_alphanumeric());
        groups.len() == 4 && groups.iter().all(good)
    };
    let words = page.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let code = words.into_iter().find(is_code);
    code.unwrap_or_else(|| panic!("no return code on {page}"))
        .into()
}

#[tokio::test]
async fn a_return_code_is_shown_until_it_is_saved() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let form = [("userOne", "Abhi"), ("userTwo", "Anny")];
    let invitation = browser
        .submit_and_follow("/demo/chat/register", &form)
        .await;
    let code = return_code(invitation.text());
    let path = invitation.to.split(' ').nth(1).unwrap().to_owned();
    let seat = path.replace("/invite", "");
    let pages = [path, seat.clone(), format!("{seat}/return_code")];
    for page in &pages {
        for _ in 0..2 {
            let again = browser.get(page).await;
            assert_eq!(
                (again.status, return_code(again.text())),
                (200, code.clone()),
                "{page}"
            );
        }
    }
    let saved = browser
        .submit(&format!("{seat}/return_code/saved"), &[])
        .await;
    assert_eq!(leads_to(&saved), seat);
    for page in &pages {
        let after = browser.get(page).await;
        assert_eq!(after.status, 200);
        assert!(!after.text().contains(&code), "{page}");
    }
}

#[tokio::test]
async fn the_second_person_chooses_a_name_where_the_first_left_it_open() {
    let server = Server::start().await;
    let mut abhi = Browser::new(&server);
    let made = abhi
        .submit(
            "/demo/chat/register",
            &[("userOne", "Abhi"), ("userTwo", "")],
        )
        .await;
    let hash = leads_to(&made).split('/').nth(4).unwrap().to_owned();
    let mut anny = Browser::new(&server);
    let seated = anny.log_in(&hash, "Anny").await;
    assert_eq!(leads_to(&seated), format!("/demo/chat/user/{hash}/2"));
    // The name is hers now, and no third person's.
    assert_eq!(Browser::new(&server).log_in(&hash, "Zoe").await.status, 403);
}

#[tokio::test]
async fn a_browser_asks_to_be_let_in_and_a_browser_answers() {
    let server = Setup::new()
        .set("limits.presence_grace_ms", 100)
        .start()
        .await;
    let (mut abhi, mut anny) = (Browser::new(&server), Browser::new(&server));
    let hash = abhi.register().await;
    anny.log_in(&hash, "Anny").await;
    let home = format!("/demo/chat/user/{hash}");
    let mut stream = Stream::open(abhi.call(Method::GET, &format!("{home}/1/stream"))).await;

    let mut newcomer = Browser::new(&server);
    let asked = newcomer
        .submit(&format!("{home}/login/ask"), &[("user", "Anny")])
        .await;
    let waiting = leads_to(&asked);
    assert_eq!(newcomer.get(&waiting).await.status, 200);
    let word = stream.next_with("seat", "state", "asking").await.data["ask"].clone();
    let word = word.as_str().unwrap();
    assert!(abhi.get(&format!("{home}/1")).await.text().contains(word));
    let answer = format!("{home}/1/answer");
    leads_to(
        &abhi
            .submit(&answer, &[("ask", word), ("allow", "true")])
            .await,
    );

    assert_eq!(anny.get(&format!("{home}/2")).await.status, 401);
    let ask = waiting.rsplit('/').next().unwrap().to_owned();
    let form = [("user", "Anny"), ("askId", ask.as_str())];
    let seated = newcomer.submit(&format!("{home}/login"), &form).await;
    assert_eq!(leads_to(&seated), format!("{home}/2"));
    return_code(newcomer.get(&format!("{home}/2")).await.text());
}

#[tokio::test]
async fn codes_and_sessions_work_by_form() {
    let server = Server::start().await;
    let mut abhi = Browser::new(&server);
    let hash = abhi.register().await;
    let seat = format!("/demo/chat/user/{hash}/1");
    let login = format!("/demo/chat/user/{hash}/login");

    let device = abhi.submit_and_follow(&format!("{seat}/device"), &[]).await;
    assert_eq!(device.status, 200, "{device:?}");
    let code = return_code(device.text());
    let again = abhi.get(&format!("{seat}/device")).await;
    assert_eq!(return_code(again.text()), code, "a look made another code");
    let mut phone = Browser::new(&server);
    leads_to(
        &phone
            .submit(&login, &[("user", "Abhi"), ("deviceCode", &code)])
            .await,
    );

    let fresh = abhi
        .submit_and_follow(&format!("{seat}/return_code"), &[])
        .await;
    assert_eq!(fresh.status, 200, "{fresh:?}");
    let code = return_code(fresh.text());
    let mut laptop = Browser::new(&server);
    leads_to(
        &laptop
            .submit(&login, &[("user", "Abhi"), ("returnCode", &code)])
            .await,
    );

    let list = abhi.get(&format!("{seat}/sessions")).await;
    assert_eq!(list.status, 200);
    let json = abhi.call(Method::GET, &format!("{seat}/sessions"));
    let json = json.header("Accept", "application/json").send().await.ok();
    let sessions = json["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 3);
    for session in sessions
        .iter()
        .filter(|session| session["current"] == false)
    {
        let id = session["id"].as_str().unwrap();
        leads_to(
            &abhi
                .submit(&format!("{seat}/sessions/end"), &[("id", id)])
                .await,
        );
    }
    for other in [&mut phone, &mut laptop] {
        assert_eq!(other.get(&seat).await.status, 401);
    }
    assert_eq!(abhi.get(&seat).await.status, 200);
}

#[tokio::test]
async fn both_doors_lead_to_one_chat() {
    let server = Server::start().await;
    let mut abhi = Browser::new(&server);
    let hash = abhi.register().await;
    let anny = crate::support::Person::log_in(&server.api(), &hash, "Anny").await;
    let mut stream = anny.listen().await;
    let send = format!("/demo/chat/user/{hash}/1/message_send");
    leads_to(&abhi.submit(&send, &[("message", "from a page")]).await);
    assert_eq!(stream.next_texts(1).await, ["from a page"]);
    anny.say("from a script").await;
    let page = abhi.get(&format!("/demo/chat/user/{hash}/1")).await;
    assert!(page.text().contains("from a script"));
    anny.end().await.ok();
    assert_eq!(
        abhi.get(&format!("/demo/chat/user/{hash}/1")).await.status,
        410
    );
}

#[tokio::test]
async fn a_page_with_something_wrong_keeps_what_was_typed() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let same = [("userOne", "Bertrand"), ("userTwo", "bertrand")];
    let page = browser.submit("/demo/chat/register", &same).await;
    assert_eq!(page.status, 400);
    assert!(page.text().contains("value=\"Bertrand\""), "{page:?}");
    let hash = browser.register().await;
    let page = Browser::new(&server).log_in(&hash, "Bertrand").await;
    assert_eq!(page.status, 403);
    assert!(page.text().contains("value=\"Bertrand\""), "{page:?}");
    // Not even then does the page give a name away.
    assert!(!page.text().contains("Abhi") && !page.text().contains("Anny"));
    let long = "x".repeat(16 * 1024 + 1);
    let send = format!("/demo/chat/user/{hash}/1/message_send");
    let page = browser.submit(&send, &[("message", &long)]).await;
    assert_eq!(page.status, 413);
    assert!(page.text().contains(&long));
}

#[tokio::test]
async fn what_a_page_streams_is_what_the_api_streams() {
    let server = Server::start().await;
    let mut abhi = Browser::new(&server);
    let hash = abhi.register().await;
    let path = format!("/demo/chat/user/{hash}/1/stream");
    let call = abhi
        .call(Method::GET, &path)
        .header("Accept-Encoding", "gzip, br, deflate");
    let mut stream = Stream::open(call).await;
    // Compression would hold events back.
    let coding = stream.headers.get("content-encoding");
    assert!(
        coding.is_none_or(|coding| coding == "identity"),
        "{coding:?}"
    );
    assert_eq!(stream.next().await.event, "hello");
    let anny = crate::support::Person::log_in(&server.api(), &hash, "Anny").await;
    anny.say("Hello").await;
    let message = stream.next_of("message").await;
    let resumed = abhi.call(Method::GET, &path).header("Last-Event-ID", "0");
    assert_eq!(
        Stream::open(resumed).await.next_of("message").await,
        message
    );
    anny.end().await.ok();
    assert_eq!(stream.next_of("ended").await.data, json!({"by": "Anny"}));
}

#[tokio::test]
async fn there_is_no_seat_but_one_and_two() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for seat in ["0", "3", "256", "-1", "x", "1x"] {
        for leaf in ["", "/messages", "/stream", "/sessions"] {
            let path = format!("/demo/chat/user/{}/{seat}{leaf}", chat.hash);
            assert_eq!(Browser::new(&server).get(&path).await.status, 404, "{path}");
        }
    }
}
