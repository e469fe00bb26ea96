//! Numbers of things in the sentences that people read.

use std::fmt::Display;

/// `1 chat`, `2 chats`: for things whose plural has an s more.
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, thing: &str) -> String {
    let ending = if count == N::from(1) { "" } else { "s" };
    format!("{count} {thing}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_has_no_plural() {
        let told = [0_u64, 1, 2].map(|count| counted(count, "chat"));
        assert_eq!(told, ["0 chats", "1 chat", "2 chats"]);
    }
}
