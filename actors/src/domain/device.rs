use std::fmt;

/// The browser and system of a client, from fixed lists. A client cannot make the server store or show arbitrary
/// text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Device {
    /// `None` when it is not recognised.
    pub browser: Option<Browser>,
    /// `None` when it is not recognised.
    pub system: Option<System>,
}

/// Defines an enum with a display name for each value, the same in every language.
macro_rules! named {
    ($(#[$about:meta])* $type:ident { $($value:ident => $name:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $type {
            $(#[doc = $name] $value,)*
        }

        impl $type {
            /// All values.
            pub const ALL: &[Self] = &[$(Self::$value,)*];

            /// The display name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$value => $name,)* }
            }
        }
    };
}

named!(
    /// A browser.
    Browser {
        Chrome => "Chrome",
        DuckDuckGo => "DuckDuckGo",
        Edge => "Edge",
        Firefox => "Firefox",
        Opera => "Opera",
        Safari => "Safari",
        Samsung => "Samsung Internet",
        Vivaldi => "Vivaldi",
        Yandex => "Yandex Browser",
    }
);

named!(
    /// An operating system, or what people call the devices that run it.
    System {
        Android => "Android",
        ChromeOs => "ChromeOS",
        IPad => "iPad",
        IPhone => "iPhone",
        Linux => "Linux",
        Mac => "Mac",
        Windows => "Windows",
    }
);

impl Device {
    /// Parses what [`fmt::Display`] wrote. Names from a later version become `None`.
    pub fn from_label(text: &str) -> Self {
        let (browser, system) = text.split_once(" on ").unwrap_or((text, text));
        let browser = Browser::ALL.iter().find(|known| known.name() == browser);
        let system = System::ALL.iter().find(|known| known.name() == system);
        Self {
            browser: browser.copied(),
            system: system.copied(),
        }
    }

    /// The label that is stored and shown; `None` when neither half is known.
    pub fn label(self) -> Option<String> {
        Some(self.to_string()).filter(|text| !text.is_empty())
    }
}

/// "Chrome on Android", or the half of it that is known; nothing where neither is.
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.browser, self.system) {
            (Some(browser), Some(system)) => write!(f, "{} on {}", browser.name(), system.name()),
            (Some(browser), None) => f.write_str(browser.name()),
            (None, Some(system)) => f.write_str(system.name()),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_device_is_read_as_it_was_written() {
        let browsers = || Browser::ALL.iter().copied().map(Some).chain([None]);
        let systems = || System::ALL.iter().copied().map(Some).chain([None]);
        for (browser, system) in browsers().flat_map(|b| systems().map(move |s| (b, s))) {
            let device = Device { browser, system };
            assert_eq!(Device::from_label(&device.to_string()), device);
        }
    }

    #[test]
    fn unknown_parts_are_left_out() {
        for text in ["", "Toaster", "Toaster on Fire", "<b>Chrome</b>"] {
            assert_eq!(Device::from_label(text), Device::default(), "{text}");
        }
        assert_eq!(Device::from_label("Chrome on Fire").to_string(), "Chrome");
    }
}
