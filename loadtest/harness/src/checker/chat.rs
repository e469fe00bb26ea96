//! One chat's page in the ledger, and how it is judged.

use std::{
    collections::{BTreeSet, HashMap, HashSet, hash_map::Entry},
    hash::{DefaultHasher, Hash, Hasher},
};

use uuid::Uuid;

use super::{Verdict, View};

/// What somebody said about one message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fact {
    seq: u64,
    id: Uuid,
    /// Stands for the text: SipHash with fixed keys, so an accidental equal is one in 2^64.
    fingerprint: u64,
}

impl Fact {
    pub(super) fn new(seq: u64, id: Uuid, text: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Self {
            seq,
            id,
            fingerprint: hasher.finish(),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Chat {
    acknowledged: Vec<Fact>,
    /// By [`View::index`].
    lanes: [Lane; 3],
    /// The highest `seq` that anybody mentioned.
    highest: u64,
    /// Why its history could not be read.
    unread: Option<String>,
}

/// What one view showed, in the order it did.
#[derive(Debug, Default)]
struct Lane {
    facts: Vec<Fact>,
    begins_after: u64,
    /// Everything up to here has appeared.
    whole_to: u64,
    /// What has appeared beyond a hole; empty on every server that keeps order.
    ahead: BTreeSet<u64>,
}

impl Lane {
    fn see(&mut self, fact: Fact) {
        self.facts.push(fact);
        if fact.seq == self.whole_to + 1 {
            self.whole_to = fact.seq;
            while self.ahead.remove(&(self.whole_to + 1)) {
                self.whole_to += 1;
            }
        } else if fact.seq > self.whole_to {
            self.ahead.insert(fact.seq);
        }
    }
}

impl Chat {
    pub(super) fn begins_after(&mut self, view: View, seq: u64) {
        let lane = &mut self.lanes[view.index()];
        lane.begins_after = seq;
        lane.whole_to = lane.whole_to.max(seq);
    }

    pub(super) fn acknowledged(&mut self, fact: Fact) {
        self.highest = self.highest.max(fact.seq);
        self.acknowledged.push(fact);
    }

    pub(super) fn seen(&mut self, view: View, fact: Fact) {
        self.highest = self.highest.max(fact.seq);
        self.lanes[view.index()].see(fact);
    }

    pub(super) fn unread(&mut self, why: String) {
        self.unread = Some(why);
    }

    pub(super) fn outstanding(&self, required: &[View]) -> u64 {
        let streams = required.iter().filter(|view| **view != View::History);
        streams
            .map(|view| {
                let lane = &self.lanes[view.index()];
                self.highest
                    .saturating_sub(lane.whole_to)
                    .saturating_sub(lane.ahead.len() as u64)
            })
            .sum()
    }

    pub(super) fn judge(&self, chat: usize, required: &[View], verdict: &mut Verdict) {
        if let Some(why) = &self.unread {
            verdict.unread += 1;
            verdict.find(|| format!("chat {chat}: its history could not be read: {why}"));
        }
        let mut judge = Judge { chat, verdict };
        let truth = self.truth(&mut judge);
        for view in View::ALL {
            let lane = &self.lanes[view.index()];
            let firsts = judge.order(view, lane);
            for (id, Truth { fact, acknowledged }) in &truth {
                match firsts.get(id) {
                    Some(shown) => judge.same(view, fact, shown),
                    None if fact.seq <= lane.begins_after || !required.contains(&view) => {}
                    None if view == View::History && self.unread.is_some() => {}
                    // A send that was given up may be stored after the history was read.
                    None if view == View::History && !acknowledged => {}
                    None => judge.lost(view, fact),
                }
            }
        }
    }

    /// Every message of the chat by its id: as it was acknowledged, else as it was shown first.
    fn truth(&self, judge: &mut Judge<'_>) -> HashMap<Uuid, Truth> {
        let mut truth = HashMap::with_capacity(self.acknowledged.len());
        for fact in &self.acknowledged {
            let first = truth
                .entry(fact.id)
                .or_insert(Truth {
                    fact: *fact,
                    acknowledged: true,
                })
                .fact;
            if first != *fact {
                judge.acknowledged_twice(&first, fact);
            }
        }
        judge.verdict.acknowledged += truth.len() as u64;
        for fact in self.lanes.iter().flat_map(|lane| &lane.facts) {
            truth.entry(fact.id).or_insert_with(|| {
                judge.verdict.unacknowledged += 1;
                Truth {
                    fact: *fact,
                    acknowledged: false,
                }
            });
        }
        truth
    }
}

/// What a message should be wherever it appears.
struct Truth {
    fact: Fact,
    acknowledged: bool,
}

/// Counts what it finds in one chat.
struct Judge<'a> {
    chat: usize,
    verdict: &'a mut Verdict,
}

impl Judge<'_> {
    /// Judges a lane's order by itself, and gives the first appearance of every message in it.
    fn order(&mut self, view: View, lane: &Lane) -> HashMap<Uuid, Fact> {
        let chat = self.chat;
        let mut firsts = HashMap::with_capacity(lane.facts.len());
        let mut seqs = HashSet::with_capacity(lane.facts.len());
        let mut highest = lane.begins_after;
        for fact in &lane.facts {
            let seq_is_new = fact.seq > lane.begins_after && seqs.insert(fact.seq);
            let id_is_new = match firsts.entry(fact.id) {
                Entry::Vacant(place) => {
                    place.insert(*fact);
                    true
                }
                Entry::Occupied(_) => false,
            };
            if !seq_is_new || !id_is_new {
                self.verdict.doubled += 1;
                self.verdict.find(|| {
                    format!(
                        "chat {chat}, {view:?}: seq {} ({}) came again",
                        fact.seq, fact.id
                    )
                });
            } else if fact.seq < highest {
                self.verdict.reordered += 1;
                self.verdict.find(|| {
                    format!(
                        "chat {chat}, {view:?}: seq {} came after seq {highest}",
                        fact.seq
                    )
                });
            }
            highest = highest.max(fact.seq);
        }
        let missing = highest - lane.begins_after - seqs.len() as u64;
        if missing > 0 {
            self.verdict.gaps += missing;
            self.verdict.find(|| {
                format!("chat {chat}, {view:?}: numbers missing up to seq {highest}: {missing}")
            });
        }
        firsts
    }

    fn same(&mut self, view: View, expected: &Fact, shown: &Fact) {
        if expected != shown {
            self.verdict.altered += 1;
            let (chat, expected, shown) = (self.chat, expected.seq, shown.seq);
            self.verdict.find(|| match expected == shown {
                true => {
                    format!("chat {chat}, {view:?}: the text of seq {shown} is not what was sent")
                }
                false => format!("chat {chat}, {view:?}: seq {expected} came as seq {shown}"),
            });
        }
    }

    fn acknowledged_twice(&mut self, first: &Fact, again: &Fact) {
        self.verdict.altered += 1;
        let (chat, id, first, again) = (self.chat, first.id, first.seq, again.seq);
        self.verdict.find(|| {
            format!(
                "chat {chat}: {id} was acknowledged as seq {first}, then otherwise as seq {again}"
            )
        });
    }

    fn lost(&mut self, view: View, fact: &Fact) {
        self.verdict.lost += 1;
        let (chat, seq, id) = (self.chat, fact.seq, fact.id);
        self.verdict
            .find(|| format!("chat {chat}, {view:?}: seq {seq} ({id}) never came"));
    }
}
