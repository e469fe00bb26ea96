//! The names of channels and keys in Redis. In a cluster the part in braces decides the slot, so all names of a chat are
//! at one shard. They contain the chat's key, from which its hash cannot be computed.

use actors::domain::ChatKey;

/// The number of hash slots of a cluster.
pub(super) const SLOTS: u16 = 16_384;

/// This many numbers cover every slot.
const NUMBERS: u32 = 200_000;

const CHANNEL: &str = "duet:chat:{";

/// The slot of a chat's names.
pub(super) fn slot(key: ChatKey) -> u16 {
    slot_of(&key.tag())
}

fn slot_of(tag: &str) -> u16 {
    crc16::State::<crc16::XMODEM>::calculate(tag.as_bytes()) % SLOTS
}

/// The channel of a chat's notices.
pub(super) fn channel(key: ChatKey) -> String {
    format!("{CHANNEL}{}}}", key.tag())
}

/// The chat of a channel.
pub(super) fn key_of(channel: &[u8]) -> Option<ChatKey> {
    let channel = str::from_utf8(channel).ok()?;
    ChatKey::from_tag(channel.strip_prefix(CHANNEL)?.strip_suffix('}')?)
}

/// The key of the hash with a chat's presence: the open seats by instance.
pub(super) fn open(key: ChatKey) -> String {
    format!("duet:open:{{{}}}", key.tag())
}

/// The tag of names that belong to a shard instead of a chat: the smallest number in the shard's slots, so that all
/// instances agree on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShardTag(String);

impl ShardTag {
    /// The tag of the shard that serves these slots; `None` when there are none.
    pub(super) fn of(serves: impl Fn(u16) -> bool) -> Option<Self> {
        let mut tags = (0..NUMBERS).map(|number| number.to_string());
        tags.find(|tag| serves(slot_of(tag))).map(Self)
    }

    /// The slot of the shard's names.
    pub(super) fn slot(&self) -> u16 {
        slot_of(&self.0)
    }

    /// The channel of an instance's beats, which only itself subscribes to.
    pub(super) fn beats(&self, instance: &str) -> String {
        format!("duet:beats:{{{}}}:{instance}", self.0)
    }

    /// The key of the list of instances, and the channel of announcements to all of them.
    pub(super) fn instances(&self) -> String {
        format!("duet:instances:{{{}}}", self.0)
    }

    /// The key of an instance's lease.
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
