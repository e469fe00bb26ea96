//! English.

mod around;
mod chat;
mod errors;
mod way_in;

pub(crate) use self::{around::*, chat::*, errors::*, way_in::*};
use super::{Category, Dates, Plural, Text, strings};

strings!(COMMON: Common {
    app: "duet",
    tagline: "A private chat for two",
    description: "Two people, one link, no account. Either of you can end the chat, and then nothing of it is left.",
    skip: "Skip to the content",
    copy: "Copy",
    copied: "Copied",
    copy_failed: "The browser would not copy. The text is selected: copy it by hand.",
    share: "Share…",
    cancel: "Cancel",
    back_to_chat: "Back to the chat",
    problem: "There is a problem",
    optional: "optional",
    theme: "Theme",
    theme_auto: "Auto",
    theme_light: "Light",
    theme_dark: "Dark",
    language: "Language",
    times_utc: "Times are in UTC.",
    start_new: "Start a new chat",
    home: "duet, start page",
    saved: "Saved",
    unanswered: "This did not get through. Check your connection, then try again.",
});

strings!(NAME_FAULTS: NameFaults {
    missing: "Enter a name.",
    too_long: "Use 40 characters or fewer.",
    characters: "This name has characters that can’t be seen. Type it again by hand.",
    same: "Choose two different names.",
});

/// English.
pub static ENGLISH: Text = Text {
    tag: "en",
    name: "English",
    dir: "ltr",
    category: |n| {
        if n == 1 {
            Category::One
        } else {
            Category::Other
        }
    },
    wait_seconds: Plural::two_forms("{n} second", "{n} seconds"),
    wait_minutes: Plural::two_forms("{n} minute", "{n} minutes"),
    missing: Plural::two_forms(
        "{n} message from {peer} is missing here.",
        "{n} messages from {peer} are missing here.",
    ),
    common: COMMON,
    date: Dates {
        months: [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ],
        weekdays: [
            "Monday",
            "Tuesday",
            "Wednesday",
            "Thursday",
            "Friday",
            "Saturday",
            "Sunday",
        ],
        day: "{weekday} {day} {month}",
        moment: "{day} {month}, {time} UTC",
    },
    name_fault: NAME_FAULTS,
    sealed: chat::SEALED,
    register: way_in::REGISTER,
    invite: way_in::INVITE,
    login: way_in::LOGIN,
    ask: way_in::ASK,
    replaced: way_in::REPLACED,
    chat: chat::CHAT,
    menu: chat::MENU,
    live: chat::LIVE,
    device: around::DEVICE,
    return_code: around::RETURN_CODE,
    sessions: around::SESSIONS,
    end: around::END,
    logout: around::LOGOUT,
    error: errors::ERROR,
};
