use crate::domain::{Message, Page};

/// The most text of one page of the history, in bytes: whoever takes their time over it holds as
/// much in memory. Any message fits.
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
    /// As much as fits of what is read from the end that was asked for; nothing is read beyond the
    /// first message that does not.
    ///
    /// # Errors
    /// What reading a message failed with.
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
