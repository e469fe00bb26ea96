//! What surrounds a chat: devices, codes, and the ways out of it.

use crate::text::strings;

strings!(DEVICE: Device {
    title: "Open on another device",
    lead: "Scan this with your phone, or open the link on your other device. Do not send it to anybody else: it logs them in as you.",
    qr_label: "QR code for your other device",
    link: "Link for your other device",
    code: "Or open the chat’s link there, and enter your name and this code",
    once: "It works once, until {when} at the latest.",
    make: "Make a link for another device",
});

strings!(RETURN_CODE: ReturnCode {
    title: "Your new return code",
    keep: "Save your return code",
    lead: "With the chat’s whole link it brings you back from any browser. It is shown until you have saved it.",
    old: "The old code no longer works.",
    make: "Make a new return code",
    make_lead: "The old code stops working then.",
});

strings!(SESSIONS: Sessions {
    title: "Where you are logged in",
    lead: "Log out any device you don’t recognise, then make a new return code.",
    device: "{browser} on {system}",
    unknown: "Unknown device",
    this_one: "This device",
    since: "Since {when}",
    last_seen: "Last active {when}",
    end: "Log out",
    ended: "That device is logged out.",
});

strings!(END: End {
    title: "End this chat for both of you?",
    lead: "Every message is deleted from the server now.",
    copies: "{peer} may have kept copies.",
    download: "Download",
    confirm: "End for both",
});

strings!(LOGOUT: Logout {
    title: "Log out of this browser?",
    lead: "The chat goes on. Nothing of it stays in this browser; to come back you need the chat’s whole link and your return code.",
    confirm: "Log out",
});
