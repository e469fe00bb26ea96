//! Every path that a page links or posts to. The one place that spells them.

/// Where the pages door begins.
pub const BASE: &str = "/demo/chat";

/// The start page, by `GET` and `POST`.
pub const REGISTER: &str = "/demo/chat/register";

/// The same for plain chats, for a browser that does not get the scripts.
pub const REGISTER_PLAIN: &str = "/demo/chat/register?plain";

/// Where both people land when the chat has ended.
pub const REGISTER_ENDED: &str = "/demo/chat/register?ended";

/// Where somebody lands after logging out.
pub const REGISTER_LOGGED_OUT: &str = "/demo/chat/register?loggedout";

/// `POST` with `theme` (auto, light, dark) or `language`, and `back` (a path of the pages): sets the cookie, 303 to
/// `back`.
pub const PREFERENCES: &str = "/demo/chat/preferences";

/// A chat's log-in page: the path of the link that is shared.
pub fn login(hash: &str) -> String {
    format!("{BASE}/user/{hash}")
}

/// `POST`: log in.
pub fn login_submit(hash: &str) -> String {
    format!("{BASE}/user/{hash}/login")
}

/// `POST`: ask to be let in.
pub fn ask(hash: &str) -> String {
    format!("{BASE}/user/{hash}/login/ask")
}

/// How an asking stands.
pub fn ask_state(hash: &str, ask_id: &str) -> String {
    format!("{BASE}/user/{hash}/login/ask/{ask_id}")
}

/// The chat page of a seat.
pub fn chat(hash: &str, seat: u8) -> String {
    format!("{BASE}/user/{hash}/{seat}")
}

/// What lies below a seat: `invite`, `message_send`, `device`, `sessions`, `logout`, `endchat` …
pub fn seat(hash: &str, seat: u8, leaf: &str) -> String {
    format!("{BASE}/user/{hash}/{seat}/{leaf}")
}

/// The chat and the seat that a path leads to, as far as it names them.
pub fn place(path: &str) -> (Option<&str>, Option<u8>) {
    let below = path
        .strip_prefix(BASE)
        .and_then(|path| path.strip_prefix("/user/"));
    let mut parts = below.unwrap_or_default().split('/');
    let hash = parts.next().filter(|hash| !hash.is_empty());
    let seat = match parts.next() {
        Some("1") => Some(1),
        Some("2") => Some(2),
        _ => None,
    };
    (hash, seat)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_its_chat_and_its_seat() {
        assert_eq!(place(&login("h")), (Some("h"), None));
        assert_eq!(place(&login_submit("h")), (Some("h"), None));
        assert_eq!(place(&chat("h", 1)), (Some("h"), Some(1)));
        assert_eq!(place(&seat("h", 2, "endchat")), (Some("h"), Some(2)));
        for elsewhere in ["/", REGISTER, "/demo/chat/user/", "/chat-server/user/h/1"] {
            assert_eq!(place(elsewhere), (None, None), "{elsewhere}");
        }
    }
}
