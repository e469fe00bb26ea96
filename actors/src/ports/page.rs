use crate::domain::{Message, Page};

/// The most text in one page of history, in bytes, which a slow client keeps in memory. Any single message fits.
pub const PAGE_BYTES_MAX: usize = 64 * 1024;

/// A page of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    /// Ascending in `seq`.
    pub messages: Vec<Message>,
    /// Whether there are more in the direction asked for.
    pub more: bool,
}

impl HistoryPage {
    /// Reads messages until the page is full; stops at the first one that does not fit. `Newest` and `Before` are read
    /// backwards.
    ///
    /// # Errors
    /// The error of reading a message.
    pub fn read<E>(
        page: Page,
        limit: usize,
        read: impl IntoIterator<Item = Result<Message, E>>,
    ) -> Result<Self, E> {
        let mut messages = Vec::new();
        let mut room = PAGE_BYTES_MAX;
        let mut more = false;
        for message in read {
            let message = message?;
            let left = room.checked_sub(message.text.as_str().len());
            let Some(left) = left.filter(|_| messages.len() < limit) else {
                more = true;
                break;
            };
            room = left;
            messages.push(message);
        }
        if !matches!(page, Page::After(_)) {
            messages.reverse();
        }
        Ok(Self { messages, more })
    }
}
