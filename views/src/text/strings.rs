//! What there is to say: the names of all strings. The values stand in a file per language.

use serde::Serialize;

use super::Plural;

/// Declares a group of strings, with a list of them for the tests.
macro_rules! strings {
    ($group:ident { $($field:ident),+ $(,)? }) => {
        #[derive(Debug)]
        pub(crate) struct $group { $(pub(crate) $field: &'static str),+ }

        #[cfg(test)]
        impl $group {
            pub(crate) fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((concat!(stringify!($group), ".", stringify!($field)), self.$field)),+]
            }
        }
    };
}

strings!(Common {
    app,
    tagline,
    description,
    skip,
    copy,
    copied,
    copy_failed,
    share,
    cancel,
    back_to_chat,
    problem,
    optional,
    theme,
    theme_auto,
    theme_light,
    theme_dark,
    language,
    times_utc,
    other_start,
    start_new,
    home,
    saved,
});

strings!(Sealed {
    line,
    register,
    more,
    plain,
    needs_js,
    incomplete,
    downgraded,
    insecure,
    storage,
    load,
    late,
    late_plain,
    seat,
    other_chat,
    too_many,
    offline,
    closed,
    moved,
    repeated,
    written,
    download_failed,
});

strings!(NameFaults {
    missing,
    too_long,
    characters,
    same
});

strings!(Register {
    title,
    lead,
    your_name,
    their_name,
    their_hint,
    lifetime,
    hour,
    day,
    week,
    month,
    lifetime_hint,
    submit,
    privacy,
    promise_link,
    promise_two,
    promise_gone,
    ended_you,
    ended_peer,
    ended_time,
    ended_unknown,
    ended_all,
    logged_out_title,
    ended_title,
    logged_out,
    lifetime_wrong,
    too_many,
    unavailable,
});

strings!(Invite {
    title,
    title_unnamed,
    lead,
    lead_unnamed,
    link,
    qr_caption,
    qr_label,
    open,
    expires,
    joined,
    lead_joined,
    share_text,
});

strings!(Login {
    title,
    lead,
    lead_choose,
    name,
    submit,
    wrong_name,
    taken_title,
    taken,
    return_code,
    return_code_submit,
    ask_title,
    ask_lead,
    ask_submit,
    device_code,
    device_ready,
    wrong_return_code,
    wrong_device_code,
    ask_over,
    ask_busy,
    session_over,
    too_many,
    unavailable,
    continue_title,
    continue_as,
    other_name,
    have_code,
    privacy,
    guest,
});

strings!(Replaced {
    title,
    happened,
    happened_perhaps,
    way_back,
    way_back_perhaps,
});

strings!(Ask {
    waiting_title,
    waiting,
    number,
    waiting_hint,
    refresh,
    allowed_title,
    allowed,
    enter,
    refused_title,
    refused,
    expired_title,
    expired,
    again,
    back,
});

strings!(Chat {
    history,
    composer,
    message,
    send,
    send_hint,
    older,
    newest,
    reading,
    online,
    last_seen,
    away,
    unknown,
    not_joined,
    until,
    logged_in_as,
    empty_title,
    empty_both,
    nobody_title,
    nobody,
    nobody_unnamed,
    you,
    unread,
    refresh,
    ask,
    ask_own,
    ask_number,
    allow,
    refuse,
    ask_later,
    peer_replaced,
    you_replaced,
    ask_refused,
    ask_over,
    ask_present,
    ask_unknown,
    dismiss,
    not_sent,
    empty_message,
    characters,
    full,
    too_many,
    unavailable,
    retry,
    delete,
    log,
    try_now,
    save_code,
    to_end,
});

strings!(Menu {
    menu,
    device,
    sessions,
    return_code,
    invite,
    notifications,
    sound,
    download_text,
    download_json,
    log_out,
    end,
    expires,
    download,
});

strings!(Device {
    title,
    lead,
    code,
    qr_label,
    link,
    expires,
    once,
    make,
});

strings!(ReturnCode {
    title,
    keep,
    lead,
    old,
    make,
    make_lead,
});

strings!(Sessions {
    title,
    lead,
    device,
    unknown,
    this_one,
    since,
    last_seen,
    end,
    ended
});

strings!(End {
    title,
    lead,
    copies,
    download,
    confirm
});

strings!(Logout {
    title,
    lead,
    confirm
});

strings!(Errors {
    bad_request,
    bad_request_lost,
    login,
    login_lost,
    forbidden,
    forbidden_lost,
    cross_site,
    cross_site_lost,
    encrypted,
    encrypted_lost,
    not_found,
    not_found_lost,
    method,
    method_lost,
    timeout,
    timeout_lost,
    conflict,
    conflict_lost,
    gone,
    gone_lost,
    too_large,
    too_large_lost,
    media,
    media_lost,
    twice,
    twice_lost,
    too_many,
    too_many_lost,
    defect,
    defect_lost,
    unavailable,
    unavailable_lost,
    reference,
    to_login,
    to_chat,
});

/// How dates are written on the server: names, and their order by places.
#[derive(Debug)]
pub(crate) struct Dates {
    pub(crate) months: [&'static str; 12],
    pub(crate) weekdays: [&'static str; 7],
    /// `{weekday} {day} {month}`
    pub(crate) day: &'static str,
    /// `{day} {month}, {time}`
    pub(crate) moment: &'static str,
}

/// What the scripts say. It travels in the page as JSON, so that they hold no sentence themselves.
#[derive(Debug, Serialize)]
pub(crate) struct Live {
    pub(crate) sending: &'static str,
    pub(crate) sent: &'static str,
    pub(crate) delivered: &'static str,
    pub(crate) seen: &'static str,
    pub(crate) failed: &'static str,
    pub(crate) failed_announce: &'static str,
    pub(crate) connecting: &'static str,
    pub(crate) online: &'static str,
    pub(crate) last_seen: &'static str,
    pub(crate) away: &'static str,
    pub(crate) unknown: &'static str,
    pub(crate) not_joined: &'static str,
    pub(crate) joined: &'static str,
    pub(crate) left: &'static str,
    pub(crate) named: &'static str,
    pub(crate) peer_replaced: &'static str,
    pub(crate) replaced_peer: &'static str,
    pub(crate) replaced_you: &'static str,
    pub(crate) you_replaced: &'static str,
    pub(crate) typing: &'static str,
    pub(crate) offline: &'static str,
    pub(crate) reconnecting: &'static str,
    pub(crate) connected: &'static str,
    pub(crate) connected_new: Plural,
    pub(crate) new_messages: Plural,
    pub(crate) announce: &'static str,
    pub(crate) announce_many: Plural,
    pub(crate) expires_minutes: Plural,
    pub(crate) session_lost: &'static str,
    pub(crate) session_replaced: &'static str,
    pub(crate) ended: &'static str,
    pub(crate) notification: &'static str,
    pub(crate) notifications_blocked: &'static str,
    pub(crate) ask_refused: &'static str,
    pub(crate) ask_over: &'static str,
    pub(crate) ask_present: &'static str,
    pub(crate) ask_unknown: &'static str,
    pub(crate) ask_failed: &'static str,
    pub(crate) asking: &'static str,
    pub(crate) asks_waiting: Plural,
    pub(crate) too_long: Plural,
    pub(crate) left_over: Plural,
    pub(crate) no_files: &'static str,
    pub(crate) full: &'static str,
    pub(crate) too_long_one: &'static str,
    pub(crate) bad_character: &'static str,
    pub(crate) twice: &'static str,
    pub(crate) defect: &'static str,
    pub(crate) not_taken: &'static str,
    pub(crate) other_start: &'static str,
}
