//! Requests whose ends two servers may see in different places: what is sent, and how many requests
//! it is.

/// What a request tries to bring in behind itself.
pub const HIDDEN: &str = "GET /chat-server/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Bytes of a connection, and what they are.
pub struct Row {
    pub what: &'static str,
    pub bytes: String,
    /// How many requests they are.
    pub requests: usize,
    /// Whether something is wrong after which nothing more may be read.
    pub ends: bool,
}

/// A POST with these header lines and this body.
fn post(headers: &str, body: &str) -> String {
    format!(
        "POST /chat-server/hash HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         {headers}\r\n\r\n{body}"
    )
}

fn chunked(body: &str) -> String {
    post("Transfer-Encoding: chunked", body)
}

fn get(headers: &str) -> String {
    format!("GET /chat-server/openapi.json HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n\r\n")
}

fn row(what: &'static str, bytes: String, requests: usize, ends: bool) -> Row {
    Row {
        what,
        bytes,
        requests,
        ends,
    }
}

/// All of them.
pub fn rows() -> Vec<Row> {
    let hidden_chunk = format!("{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", HIDDEN.len());
    let good = |what, bytes| row(what, bytes, 1, false);
    // Seen as a request, and refused for what is in its body.
    let broken = |what, bytes| row(what, bytes, 1, true);
    // Refused before it is one.
    let none = |what, bytes| row(what, bytes, 0, true);
    let mut rows = vec![
        good("a length", post("Content-Length: 2", "{}")),
        good("chunks", chunked("2\r\n{}\r\n0\r\n\r\n")),
        good("an extension", chunked("2;a=b;c=\"d\"\r\n{}\r\n0\r\n\r\n")),
        good(
            "a trailer",
            chunked("2\r\n{}\r\n0\r\nX-A: b\r\nContent-Length: 9\r\n\r\n"),
        ),
        good("leading zeros", chunked("0002\r\n{}\r\n000\r\n\r\n")),
        good(
            "blanks around a length",
            post("Content-Length:   2  ", "{}"),
        ),
        good("empty lines ahead", format!("\r\n\r\n{}", get("A: b"))),
        good(
            "absolute form",
            get("A: b").replace("GET /", "GET http://localhost/"),
        ),
        good(
            "to go on",
            post("Expect: 100-continue\r\nContent-Length: 2", "{}"),
        ),
        good(
            "a request in a body",
            post(&format!("Content-Length: {}", HIDDEN.len()), HIDDEN),
        ),
        good("a request in a chunk", chunked(&hidden_chunk)),
        row(
            "HTTP/1.0",
            get("Connection: keep-alive").replace("HTTP/1.1", "HTTP/1.0"),
            1,
            true,
        ),
        none(
            "HTTP/1.0 with chunks",
            chunked("2\r\n{}\r\n0\r\n\r\n").replace("HTTP/1.1", "HTTP/1.0"),
        ),
        none(
            "another version",
            get("A: b").replace("HTTP/1.1", "HTTP/2.0"),
        ),
        none("no version", "GET /chat-server/openapi.json\r\n\r\n".into()),
        none("no host", get("A: b").replace("Host: localhost\r\n", "")),
        none("two hosts", get("Host: elsewhere")),
        none(
            "a tunnel",
            "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n".into(),
        ),
        broken(
            "a GET with a body",
            get(&format!("Content-Length: {}", HIDDEN.len())) + HIDDEN,
        ),
        broken(
            "a GET with chunks",
            get("Transfer-Encoding: chunked") + &hidden_chunk,
        ),
    ];
    let both = "Transfer-Encoding: chunked\r\nContent-Length: 4";
    let other_way = "Content-Length: 4\r\nTransfer-Encoding: chunked";
    for headers in [both, other_way] {
        rows.push(none(
            "a length and chunks",
            post(headers, "0\r\n\r\n") + HIDDEN,
        ));
    }
    for length in [
        "+2",
        "-2",
        "0x2",
        "2,2",
        "2, 3",
        "2 2",
        "",
        "2a",
        "99999999999999999999",
        "2\u{b}",
    ] {
        let headers = format!("Content-Length: {length}");
        rows.push(none(
            "a length that is no number",
            post(&headers, "{}") + HIDDEN,
        ));
    }
    for (first, second) in [("2", "2"), ("2", "60"), ("60", "2")] {
        let headers = format!("Content-Length: {first}\r\nContent-Length: {second}");
        rows.push(none("two lengths", post(&headers, "{}") + HIDDEN));
    }
    for coding in [
        "xchunked",
        "chunked, identity",
        "chunked, chunked",
        "gzip, chunked",
        "identity",
        "\u{b}chunked",
        "chunked\u{0}",
        "\"chunked\"",
    ] {
        let headers = format!("Transfer-Encoding: {coding}");
        rows.push(none("another coding", post(&headers, &hidden_chunk)));
    }
    for headers in [
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding\t: chunked",
        "Transfer-Encoding:\r\n chunked",
        " Transfer-Encoding: chunked",
        "A: b\r\n c: d\r\nTransfer-Encoding: chunked",
        "A: b\rTransfer-Encoding: chunked",
        "A: b\nTransfer-Encoding: chunked",
        "A\u{0}: b\r\nTransfer-Encoding: chunked",
        "no colon\r\nTransfer-Encoding: chunked",
        ": b\r\nTransfer-Encoding: chunked",
    ] {
        rows.push(none("an odd header", post(headers, &hidden_chunk)));
    }
    rows.push(none("lone LF alone", get("A: b").replace("\r\n", "\n")));
    rows.push(none("lone CR alone", get("A: b").replace("\r\n", "\r")));
    for chunk in [
        "0x2\r\n{}\r\n",
        "+2\r\n{}\r\n",
        "-2\r\n{}\r\n",
        " 2\r\n{}\r\n",
        "\r\n{}\r\n",
        "g\r\n{}\r\n",
        "2\n{}\r\n",
        "2\r{}\r\n",
        "2\r\n{}\n",
        "2\r\n{}",
        "2\r\n{}xx",
        "2\r\n{}\r",
        "2;a\n=b\r\n{}\r\n",
        "2;a=\"\n\"\r\n{}\r\n",
        "2;a\rb\r\n{}\r\n",
        "fffffffffffffffff\r\n{}\r\n",
    ] {
        let bytes = chunked(&format!("{chunk}0\r\n\r\n{HIDDEN}"));
        rows.push(broken("a broken chunk", bytes));
    }
    for trailers in [
        "\n",
        "A: b\n",
        "A: b\nC: d\r\n",
        "A: b\rC: d\r\n",
        "A: b\r\n\n",
        "A: \u{0}\r\n",
        "\u{b}\r\n",
    ] {
        let bytes = chunked(&format!("2\r\n{{}}\r\n0\r\n{trailers}\r\n{HIDDEN}"));
        rows.push(broken("a broken trailer", bytes));
    }
    // The hidden request stands where a fault was skipped: in what would be the next chunk.
    rows.push(broken(
        "a request behind a broken extension",
        chunked(&format!("2;\n\r\n{}\r\n0\r\n\r\n{HIDDEN}", hidden_chunk)),
    ));
    for headers in [
        "Connection: Upgrade\r\nUpgrade: websocket",
        "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\n\
         Sec-WebSocket-Version: 13",
        "Upgrade: websocket",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk",
    ] {
        rows.push(good("another protocol", get(headers)));
        let headers = format!("{headers}\r\nContent-Length: 2");
        rows.push(good("another protocol and a body", post(&headers, "{}")));
    }
    rows
}
