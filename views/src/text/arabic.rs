//! Arabic, the language that goes from right to left.

mod around;
mod chat;
mod errors;
mod way_in;

use super::{Category, Common, Dates, NameFaults, Plural, Text};

/// The plural rule of CLDR for Arabic. Zero has a form of its own there, which no sentence here needs.
fn category(n: u64) -> Category {
    match (n, n % 100) {
        (1, _) => Category::One,
        (2, _) => Category::Two,
        (_, 3..=10) => Category::Few,
        (_, 11..=99) => Category::Many,
        _ => Category::Other,
    }
}

/// Arabic.
pub static ARABIC: Text = Text {
    tag: "ar",
    name: "العربية",
    dir: "rtl",
    category,
    wait_seconds: Plural {
        one: "ثانية واحدة",
        two: Some("ثانيتين"),
        few: Some("{n} ثوانٍ"),
        many: Some("{n} ثانية"),
        other: "{n} ثانية",
    },
    wait_minutes: Plural {
        one: "دقيقة واحدة",
        two: Some("دقيقتين"),
        few: Some("{n} دقائق"),
        many: Some("{n} دقيقة"),
        other: "{n} دقيقة",
    },
    missing: Plural {
        one: "رسالة واحدة من {peer} ناقصة هنا.",
        two: Some("رسالتان من {peer} ناقصتان هنا."),
        few: Some("{n} رسائل من {peer} ناقصة هنا."),
        many: Some("{n} رسالة من {peer} ناقصة هنا."),
        other: "{n} رسالة من {peer} ناقصة هنا.",
    },
    common: Common {
        app: "duet",
        tagline: "محادثة خاصة بين شخصين",
        description: "شخصان ورابط واحد، بلا حساب. لكلٍّ منكما أن يُنهي المحادثة، وعندها لا يبقى منها شيء.",
        skip: "الانتقال إلى المحتوى",
        copy: "نسخ",
        copied: "تم النسخ",
        copy_failed: "لم يسمح المتصفح بالنسخ. النص محدَّد الآن: انسخه بنفسك.",
        share: "مشاركة…",
        cancel: "إلغاء",
        back_to_chat: "العودة إلى المحادثة",
        problem: "هناك مشكلة",
        optional: "اختياري",
        theme: "المظهر",
        theme_auto: "تلقائي",
        theme_light: "فاتح",
        theme_dark: "داكن",
        language: "اللغة",
        times_utc: "الأوقات بالتوقيت العالمي (UTC).",
        start_new: "بدء محادثة جديدة",
        home: "duet، صفحة البداية",
        saved: "حفظتُه",
        unanswered: "لم يصل طلبك إلى الخادم. تحقَّق من اتصالك، ثم حاول من جديد.",
    },
    date: Dates {
        months: [
            "يناير",
            "فبراير",
            "مارس",
            "أبريل",
            "مايو",
            "يونيو",
            "يوليو",
            "أغسطس",
            "سبتمبر",
            "أكتوبر",
            "نوفمبر",
            "ديسمبر",
        ],
        weekdays: [
            "الاثنين",
            "الثلاثاء",
            "الأربعاء",
            "الخميس",
            "الجمعة",
            "السبت",
            "الأحد",
        ],
        day: "{weekday} {day} {month}",
        moment: "{day} {month}، {time} بالتوقيت العالمي",
    },
    name_fault: NameFaults {
        missing: "أدخِل اسمًا.",
        too_long: "استخدم 40 حرفًا على الأكثر.",
        characters: "في هذا الاسم رموز لا تُرى. اكتبه من جديد بنفسك.",
        same: "اختر اسمين مختلفين.",
    },
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
