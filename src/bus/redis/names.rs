//! Names in Redis. In a cluster the part in braces decides which shard holds a name, so that all
//! of a chat's are in one place. They hold the chat's key, from which its hash cannot be computed.

use actors::domain::ChatKey;

/// The slots that the names of a cluster fall into.
pub(super) const SLOTS: u16 = 16_384;

/// Of this many numbers every slot has one.
const NUMBERS: u32 = 200_000;

const CHANNEL: &str = "duet:chat:{";

/// The slot of everything that is named after a chat.
pub(super) fn slot(key: ChatKey) -> u16 {
    slot_of(&key.tag())
}

fn slot_of(tag: &str) -> u16 {
    crc16::State::<crc16::XMODEM>::calculate(tag.as_bytes()) % SLOTS
}

/// Where a chat's notices are published.
pub(super) fn channel(key: ChatKey) -> String {
    format!("{CHANNEL}{}}}", key.tag())
}

/// The chat whose channel this is.
pub(super) fn key_of(channel: &[u8]) -> Option<ChatKey> {
    let channel = str::from_utf8(channel).ok()?;
    ChatKey::from_tag(channel.strip_prefix(CHANNEL)?.strip_suffix('}')?)
}

/// Where it is kept at which seats of a chat which instance has a stream open.
pub(super) fn open(key: ChatKey) -> String {
    format!("duet:open:{{{}}}", key.tag())
}

/// What is named after a shard and not after a chat: the smallest number that falls into it, on
/// which all instances agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShardTag(String);

impl ShardTag {
    /// The tag of the shard that serves these slots; `None` when there are none.
    pub(super) fn of(serves: impl Fn(u16) -> bool) -> Option<Self> {
        let mut tags = (0..NUMBERS).map(|number| number.to_string());
        tags.find(|tag| serves(slot_of(tag))).map(Self)
    }

    /// The channel that an instance beats on, and that nobody else listens to.
    pub(super) fn beats(&self, instance: &str) -> String {
        format!("duet:beats:{{{}}}:{instance}", self.0)
    }

    /// The list of all instances, and the channel on which they hear what concerns all.
    pub(super) fn instances(&self) -> String {
        format!("duet:instances:{{{}}}", self.0)
    }

    /// What lives as long as an instance does.
    pub(super) fn lease(&self, instance: &str) -> String {
        format!("duet:lease:{{{}}}:{instance}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_cluster_specification() {
        assert_eq!(slot_of("123456789"), 0x31C3);
        assert_eq!(slot_of("foo"), 12_182);
    }

    #[test]
    fn a_channel_reads_back_as_its_chat_and_nothing_else_does() {
        let key = ChatKey::from_bytes([7; 16]);
        assert_eq!(key_of(channel(key).as_bytes()), Some(key));
        let tag = ShardTag::of(|_| true).unwrap();
        let (beats, instances) = (tag.beats("boot"), tag.instances());
        for other in [
            beats.as_bytes(),
            instances.as_bytes(),
            open(key).as_bytes(),
            b"",
            b"\xFF",
        ] {
            assert_eq!(key_of(other), None);
        }
    }

    #[test]
    fn even_a_shard_of_one_slot_has_a_tag() {
        let mut slots: Vec<u16> = (0..NUMBERS)
            .map(|number| slot_of(&number.to_string()))
            .collect();
        slots.sort_unstable();
        slots.dedup();
        assert_eq!(slots.len(), usize::from(SLOTS));
    }
}
