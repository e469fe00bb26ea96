//! What surrounds a chat: devices, codes, and the ways out of it.

use super::super::{Device, End, Logout, ReturnCode, Sessions};

pub(super) const DEVICE: Device = Device {
    title: "الفتح على جهاز آخر",
    lead: "امسح هذا الرمز بهاتفك، أو افتح الرابط على جهازك الآخر. لا ترسله إلى أحد: من يفتحه يدخل باسمك.",
    qr_label: "رمز QR لجهازك الآخر",
    link: "الرابط لجهازك الآخر",
    code: "أو افتح هناك رابط المحادثة وأدخِل اسمك وهذا الرمز",
    once: "يعمل مرة واحدة، حتى {when} على الأكثر.",
    make: "إنشاء رابط لجهاز آخر",
};

pub(super) const RETURN_CODE: ReturnCode = ReturnCode {
    title: "رمز العودة الجديد",
    keep: "احفظ رمز العودة",
    lead: "مع رابط المحادثة كاملًا يعيدك إليها من أي متصفح، ويبقى ظاهرًا حتى تحفظه.",
    old: "الرمز القديم لم يعد يعمل.",
    make: "إنشاء رمز عودة جديد",
    make_lead: "عندها يتوقف الرمز القديم عن العمل.",
};

pub(super) const SESSIONS: Sessions = Sessions {
    title: "الأجهزة التي دخلتَ منها",
    lead: "سجِّل خروج أي جهاز لا تعرفه، ثم أنشئ رمز عودة جديدًا.",
    device: "{browser} على {system}",
    unknown: "جهاز غير معروف",
    this_one: "هذا الجهاز",
    since: "منذ {when}",
    last_seen: "آخر نشاط {when}",
    end: "تسجيل الخروج",
    ended: "سُجِّل خروج ذلك الجهاز.",
};

pub(super) const END: End = End {
    title: "هل تريد إنهاء هذه المحادثة للطرفين؟",
    lead: "تُحذف كل الرسائل من الخادم الآن.",
    copies: "قد تكون لدى {peer} نسخ منها.",
    download: "تنزيل",
    confirm: "إنهاء للطرفين",
};

pub(super) const LOGOUT: Logout = Logout {
    title: "هل تريد تسجيل الخروج من هذا المتصفح؟",
    lead: "المحادثة مستمرة. لا يبقى منها شيء في هذا المتصفح؛ وللعودة تحتاج إلى رابط المحادثة كاملًا وإلى رمز العودة.",
    confirm: "تسجيل الخروج",
};
