//! A browser without scripts: it keeps cookies by path, posts forms, and says where it comes from.

use reqwest::Method;

use super::{Answer, Api, Server, api::Call};

/// A cookie as it was set.
#[derive(Debug, Clone, PartialEq)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where it is sent.
    pub path: String,
    /// Everything behind the value, in lower case.
    pub flags: Vec<String>,
}

impl Cookie {
    fn parse(line: &str) -> Self {
        let mut parts = line.split(';').map(str::trim);
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        let flags: Vec<String> = parts.map(str::to_owned).collect();
        let path = flags.iter().find_map(|flag| flag.strip_prefix("Path="));
        Self {
            name: name.into(),
            value: value.into(),
            path: path.unwrap_or("/").into(),
            flags: flags.iter().map(|flag| flag.to_lowercase()).collect(),
        }
    }

    /// Whether a flag was set.
    pub fn is(&self, flag: &str) -> bool {
        self.flags.iter().any(|set| set == flag)
    }

    fn goes_to(&self, path: &str) -> bool {
        let path = path.split('?').next().unwrap();
        let rest = path.strip_prefix(&self.path);
        rest.is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/')
        })
    }
}

/// The cookies that an answer sets.
pub fn set_cookies(answer: &Answer) -> Vec<Cookie> {
    let lines = answer.headers.get_all("set-cookie").iter();
    lines
        .map(|line| Cookie::parse(line.to_str().unwrap()))
        .collect()
}

/// A browser with its cookies.
#[derive(Clone)]
pub struct Browser {
    api: Api,
    /// What it keeps.
    pub jar: Vec<Cookie>,
}

impl Browser {
    /// One that knows nothing yet.
    pub fn new(server: &Server) -> Self {
        Self::through(server.front())
    }

    /// The same through a client.
    pub fn through(api: Api) -> Self {
        let jar = Vec::new();
        Self { api, jar }
    }

    /// A request with the cookies that go there, and without anything else.
    pub fn call(&self, method: Method, path: &str) -> Call {
        let call = self.api.call(method, path);
        let cookies: Vec<String> = self
            .jar
            .iter()
            .filter(|cookie| cookie.goes_to(path))
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        match cookies.is_empty() {
            true => call,
            false => call.header("Cookie", &cookies.join("; ")),
        }
    }

    /// Goes to an address.
    pub async fn get(&mut self, path: &str) -> Answer {
        let call = self.call(Method::GET, path).header("Accept", "text/html");
        let answer = call.header("Sec-Fetch-Site", "same-origin").send().await;
        self.keep(&answer);
        answer
    }

    /// Submits a form of the same site.
    pub async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let call = self
            .call(Method::POST, path)
            .header("Accept", "text/html")
            .header("Sec-Fetch-Site", "same-origin")
            .header("Origin", &self.api.origin)
            .body("application/x-www-form-urlencoded", form(fields));
        let answer = call.send().await;
        self.keep(&answer);
        answer
    }

    /// Submits a form and goes where the answer leads.
    pub async fn submit_and_follow(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = self.submit(path, fields).await;
        let next = leads_to(&answer);
        let page = self.get(&next).await;
        assert_eq!(page.status, 200, "{page:?}");
        page
    }

    /// Makes a chat as Abhi with Anny; its hash.
    pub async fn register(&mut self) -> String {
        let names = [("userOne", "Abhi"), ("userTwo", "Anny")];
        let answer = self.submit("/demo/chat/register", &names).await;
        let next = leads_to(&answer);
        next.split('/').nth(4).unwrap().into()
    }

    /// Sits down.
    pub async fn log_in(&mut self, hash: &str, name: &str) -> Answer {
        let path = format!("/demo/chat/user/{hash}/login");
        self.submit(&path, &[("user", name)]).await
    }

    /// The value of a cookie that goes to an address.
    pub fn cookie(&self, name: &str, path: &str) -> Option<&Cookie> {
        let named = |cookie: &&Cookie| cookie.name == name && cookie.goes_to(path);
        self.jar.iter().find(named)
    }

    fn keep(&mut self, answer: &Answer) {
        for cookie in set_cookies(answer) {
            self.jar
                .retain(|old| (&old.name, &old.path) != (&cookie.name, &cookie.path));
            if !cookie.is("max-age=0") {
                self.jar.push(cookie);
            }
        }
    }
}

/// Where a form that was carried out leads.
#[track_caller]
pub fn leads_to(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{answer:?}");
    answer.header("location").unwrap().into()
}

/// A form as it is sent.
pub fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}
