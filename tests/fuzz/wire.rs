//! What another instance, or anybody else on the same Redis, publishes: a notice is written back as
//! what it was, and everything else is nothing or unknown.

#![no_main]

use duet::bus::wire::{Arrived, Boot, read, write};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|parcel: &[u8]| {
    let (own, other) = (Boot::from_u128(1), Boot::from_u128(2));
    if let Arrived::Notice(notice) = read(parcel, own) {
        let again = write(other, &notice);
        assert_eq!(read(&again, own), Arrived::Notice(notice));
        assert_eq!(read(&again, other), Arrived::Own);
    }
});
