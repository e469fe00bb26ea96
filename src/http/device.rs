//! Recognises a client's browser and system by its `User-Agent`.

use actix_web::{HttpRequest, http::header::USER_AGENT};
use actors::domain::{Browser, Device, System};

use super::header;

/// The `User-Agent` tokens of browsers, in the order in which they are tried: many also contain those of browsers that
/// they imitate.
const BROWSERS: &[(&str, Browser)] = &[
    ("Edg", Browser::Edge), // Edg/, EdgA/ and EdgiOS/; before Chromium it was Edge/.
    ("OPR/", Browser::Opera),
    ("OPT/", Browser::Opera),
    ("SamsungBrowser/", Browser::Samsung),
    ("YaBrowser/", Browser::Yandex),
    ("Vivaldi/", Browser::Vivaldi),
    ("DuckDuckGo/", Browser::DuckDuckGo),
    ("Ddg/", Browser::DuckDuckGo),
    ("Firefox/", Browser::Firefox),
    ("FxiOS/", Browser::Firefox),
    ("Chrome/", Browser::Chrome),
    ("Chromium/", Browser::Chrome),
    ("CriOS/", Browser::Chrome),
    ("Safari/", Browser::Safari),
];

/// The same for systems. An iPad that requests desktop pages claims to be a Mac.
const SYSTEMS: &[(&str, System)] = &[
    ("iPhone", System::IPhone),
    ("iPad", System::IPad),
    ("Android", System::Android),
    ("Windows", System::Windows),
    ("CrOS", System::ChromeOs),
    ("Macintosh", System::Mac),
    ("Linux", System::Linux),
];

/// The device that a request comes from.
pub fn of(request: &HttpRequest) -> Device {
    header(request, USER_AGENT).map(parse).unwrap_or_default()
}

fn parse(user_agent: &str) -> Device {
    Device {
        browser: first(BROWSERS, user_agent),
        system: first(SYSTEMS, user_agent),
    }
}

fn first<T: Copy>(known: &[(&str, T)], user_agent: &str) -> Option<T> {
    let mut known = known.iter();
    let found = known.find(|(sign, _)| user_agent.contains(sign))?;
    Some(found.1)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_browser_and_its_system_are_called_what_people_call_them() {
        for (user_agent, device) in [
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
                "Samsung Internet on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.7444.46 Mobile/15E148 Safari/604.1",
                "Chrome on iPad",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
                "Safari on Mac",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
                "Chrome on ChromeOS",
            ),
            (
                "Mozilla/5.0 (X11; FreeBSD amd64; rv:145.0) Gecko/20100101 Firefox/145.0",
                "Firefox",
            ),
            ("curl/8.14.1", ""),
            ("", ""),
        ] {
            assert_eq!(parse(user_agent).to_string(), device, "{user_agent}");
        }
    }
}
