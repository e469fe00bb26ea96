//! How a group of strings is declared: once, with its English words, which every other language has in its own.

/// Declares a group of strings as a type and its English value. `[one, other]` is a [`Plural`](crate::text::Plural).
macro_rules! strings {
    ($(#[$attribute:meta])* $english:ident: $group:ident {
        $($field:ident: $($words:literal)? $([$one:literal, $other:literal])?,)+
    }) => {
        $(#[$attribute])*
        #[derive(Debug)]
        pub(crate) struct $group { $(pub(crate) $field: $crate::text::strings!(@type $($words)?)),+ }

        pub(super) const $english: $group = $group {
            $($field: $($words)? $($crate::text::Plural::two_forms($one, $other))?),+
        };

        #[cfg(test)]
        impl $group {
            /// Every string by its name, in all forms.
            pub(crate) fn all(&self) -> Vec<(&'static str, Vec<&'static str>)> {
                vec![$((
                    concat!(stringify!($group), ".", stringify!($field)),
                    $crate::text::strings!(@forms self.$field, $($words)?),
                )),+]
            }
        }
    };
    (@type $words:literal) => { &'static str };
    (@type) => { $crate::text::Plural };
    (@forms $string:expr, $words:literal) => { vec![$string] };
    (@forms $plural:expr,) => { $plural.forms() };
}
pub(crate) use strings;
