//! Numbers with nouns, and addresses, for sentences.

use std::fmt::Display;

/// `1 chat`, `2 chats`: for nouns whose plural ends in s.
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, thing: &str) -> String {
    let ending = if count == N::from(1) { "" } else { "s" };
    format!("{count} {thing}{ending}")
}

/// `db:5432`, `[::1]:5432`.
pub fn host_and_port(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_no_plural_ending() {
        let told = [0_u64, 1, 2].map(|count| counted(count, "chat"));
        assert_eq!(told, ["0 chats", "1 chat", "2 chats"]);
    }
}
