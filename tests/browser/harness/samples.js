// Names and a conversation to look at, in both languages.

export const people = {
  en: { you: "Abhi", peer: "Anny", stranger: "Mallory" },
  ar: { you: "سلمى", peer: "Anny", stranger: "نديم" },
};

export const locales = /** @type {const} */ ({ en: "en-GB", ar: "ar-EG" });

/** Seat and text. @type {Record<keyof typeof people, [1 | 2, string][]>} */
export const talk = {
  en: [
    [2, "Hi! I am in. Was easier than I thought 🙂"],
    [1, "Great. Did you book the train?"],
    [2, "Yes: Saturday, 9:42, platform 7. The ticket is here: https://example.org/tickets/4711 (you need the code from my last mail)"],
    [1, "Perfect. I will bring the maps and the good thermos.\nAnything else?"],
    [2, "🎉🎉"],
    [1, "By the way, the door opens with `7-4-1-hash`.\n```\nif rain:\n    take(\"umbrella\")\n```"],
    [2, "Got it. See you on Saturday!"],
    [1, "See you 👋"],
  ],
  ar: [
    [2, "مرحبًا! دخلت أخيرًا 🙂"],
    [1, "رائع. هل حجزتِ القطار؟"],
    [2, "نعم: السبت الساعة 9:42، الرصيف 7. التذكرة هنا: https://example.org/tickets/4711"],
    [1, "ممتاز. سأحضر الخرائط والترمس الجيد.\nهل من شيء آخر؟"],
    [2, "🎉🎉"],
    [1, "English in between: the door opens with `7-4-1-hash`."],
    [2, "فهمت. إلى اللقاء يوم السبت!"],
    [1, "إلى اللقاء 👋"],
  ],
};
