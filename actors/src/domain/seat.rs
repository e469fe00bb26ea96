use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

use super::Invalid;

/// One of the two seats of a chat. As JSON it is its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "i64")]
pub enum Seat {
    /// The person who made the chat.
    One,
    /// The person who was invited.
    Two,
}

impl Seat {
    /// Both seats, in order.
    pub const BOTH: [Seat; 2] = [Seat::One, Seat::Two];

    /// 1 or 2, as on the wire and in the store.
    pub fn number(self) -> u8 {
        match self {
            Seat::One => 1,
            Seat::Two => 2,
        }
    }

    /// Parses the seat number in a path.
    pub fn parse(number: &str) -> Option<Seat> {
        match number {
            "1" => Some(Seat::One),
            "2" => Some(Seat::Two),
            _ => None,
        }
    }

    /// The other seat.
    pub fn other(self) -> Seat {
        match self {
            Seat::One => Seat::Two,
            Seat::Two => Seat::One,
        }
    }
}

impl From<Seat> for u8 {
    fn from(seat: Seat) -> u8 {
        seat.number()
    }
}

impl TryFrom<i64> for Seat {
    type Error = Invalid;

    fn try_from(number: i64) -> Result<Self, Invalid> {
        match number {
            1 => Ok(Seat::One),
            2 => Ok(Seat::Two),
            _ => Err(Invalid("A seat is 1 or 2.")),
        }
    }
}

/// One value for each seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BySeat<T>(pub [T; 2]);

impl<T> Index<Seat> for BySeat<T> {
    type Output = T;

    fn index(&self, seat: Seat) -> &T {
        &self.0[usize::from(seat.number() - 1)]
    }
}

impl<T> IndexMut<Seat> for BySeat<T> {
    fn index_mut(&mut self, seat: Seat) -> &mut T {
        &mut self.0[usize::from(seat.number() - 1)]
    }
}
