//! Counts the characters that parsing reads. In tests only.

#[cfg(not(test))]
pub(super) const fn took(_: usize) {}

#[cfg(test)]
thread_local! {
    static COUNT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
pub(super) fn took(steps: usize) {
    COUNT.with(|count| count.set(count.get() + steps));
}

/// The steps that `work` takes on this thread.
#[cfg(test)]
pub(super) fn count(work: impl FnOnce()) -> usize {
    COUNT.with(|count| count.set(0));
    work();
    COUNT.with(std::cell::Cell::get)
}
