//! The start page, the invitation, and every way to come in.

use crate::text::strings;

strings!(REGISTER: Register {
    title: "A private chat for two",
    lead: "Make a link, send it to one person, talk. When either of you ends it, nothing is left.",
    your_name: "Your name",
    their_name: "Their name",
    their_hint: "Leave it empty and they choose theirs.",
    lifetime: "Keep this chat for",
    hour: "1 hour",
    day: "1 day",
    week: "7 days",
    month: "30 days",
    lifetime_hint: "Then it deletes itself.",
    submit: "Create the chat",
    privacy: "No account. The server can read messages while the chat exists. Either of you can end it at any time.",
    promise_link: "One link. No account, nothing to install.",
    promise_two: "Room for two. Once you are both in, nobody else can join.",
    promise_gone: "Ended means gone, for both of you, at once.",
    ended_title: "The chat has ended",
    ended_you: "You ended the chat.",
    ended_peer: "{peer} ended the chat.",
    ended_time: "The chat’s time was up.",
    ended_unknown: "It was ended, or its time was up.",
    ended_all: "Every message has been deleted from the server.",
    logged_out_title: "You are logged out",
    logged_out: "The chat goes on; come back with the link and your return code.",
    lifetime_wrong: "Choose how long to keep the chat.",
    too_many: "Too many chats were made from your network. Wait {wait}, then try again.",
    unavailable: "We can’t make a chat right now. What you typed is still here: try again in a moment.",
});

strings!(INVITE: Invite {
    title: "Invite {peer}",
    title_unnamed: "Invite the other person",
    lead: "Send this to {peer} only. Until {peer} joins, anyone with this link could take {peer}’s place.",
    lead_unnamed: "Send this to one person only. Until they join, anyone with this link could take their place.",
    link: "The link",
    name: "To come in they type the name {peer}: tell them.",
    qr_caption: "Or let them scan it from your screen.",
    qr_label: "QR code of the link",
    open: "Go to the chat",
    keep: "Keep this link: if this browser loses the key, only the link opens the messages again.",
    expires: "The chat deletes itself on {when}.",
    joined: "{peer} has already joined.",
    lead_joined: "Nobody else can join with this link now. With your return code it brings you back from any browser.",
    share_text: "Chat with me here. The link is for you alone.",
});

strings!(LOGIN: Login {
    title: "Come in",
    lead: "Use the name they gave you.",
    lead_choose: "The other person will see it.",
    name: "Your name",
    submit: "Enter",
    wrong_name: "That name is not part of this chat. Check it with the person who invited you.",
    taken_title: "{user} has already joined",
    taken: "If that was you, come back with your return code. If you don’t have it, ask to be let in.",
    return_code: "Return code",
    return_code_submit: "Enter with the code",
    ask_title: "No code at hand?",
    ask_lead: "The other person can let you in. They will see that someone wants to enter as {user}, so call or text them first.",
    ask_submit: "Ask to be let in",
    device_code: "Device code",
    device_ready: "Continue here as {user}",
    have_code: "I have a code",
    wrong_return_code: "That return code is not right. Nothing has changed: check it, or ask to be let in.",
    wrong_device_code: "That device code is wrong, used already or older than ten minutes. Make a new one on your other \
                        device.",
    ask_over: "That permission was used already or is too old. Ask again.",
    too_many: "Too many tries. Wait {wait}, then try again.",
    unavailable: "We can’t look that up right now. Try again in a moment; pressing twice does no harm.",
    continue_title: "You are logged in here",
    continue_as: "Continue as {user}",
    other_name: "Or enter with another name",
    privacy: "The server can read messages while the chat exists. Either of you can end it at any time.",
    guest: "Someone invited you to a private chat for two. No account. It deletes itself on {when}.",
});

strings!(ASK: Ask {
    waiting_title: "Waiting to be let in",
    waiting: "The other person now sees that someone wants to enter as {user}.",
    number: "The number on your screen: {number}. The other person sees the same one.",
    waiting_hint: "They have two minutes to answer. Call or text them, so that they know it is you.",
    refresh: "Look again",
    allowed_title: "You may come in",
    allowed: "The other person let you in as {user}.",
    enter: "Enter the chat",
    refused_title: "You were not let in",
    refused: "The other person said no. Call or text them, or come back with your return code.",
    expired_title: "Nobody answered",
    expired: "Two minutes went by without an answer, or someone else has asked since. You can ask again.",
    again: "Ask again",
    back: "Back to the log-in page",
});

strings!(REPLACED: Replaced {
    title: "Someone else was let in",
    happened: "{peer} let someone in as {user} at {when}, which logged you out and ended your return code.",
    happened_perhaps: "{peer} let someone in as {user} at {when}, and everyone who was in as {user} before is logged out. The old codes have ended.",
    way_back: "If that was you on another device, log in with the return code it was given. If it was not, call or text {peer}, \
               and ask to be let in.",
    way_back_perhaps: "If that was you on another device, log in with the return code it was given. If it was not, call or text \
                       the other person, and ask to be let in.",
});
