/// Something that a person is doing right now: passed on to the other person, and stored nowhere.
///
/// Its word names it everywhere else: as the last segment of its addresses in the API and the pages, as an event of a
/// stream, and on the bus. All of these are made from [`Activity::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// They are writing a message.
    Typing,
}

impl Activity {
    /// Every activity, in the order of their discriminants.
    pub const ALL: [Activity; 1] = [Activity::Typing];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Activity::Typing => "typing",
        }
    }

    /// What a request about it does: a sentence for the API's description.
    pub fn summary(self) -> &'static str {
        match self {
            Activity::Typing => "Tells the other person that the caller is typing.",
        }
    }

    /// The activity with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}
