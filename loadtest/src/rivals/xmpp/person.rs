//! One person's connection: it says messages and learns that they are stored, and hears those of the other person.
//!
//! Behind every message stands a request for an acknowledgement (XEP-0198). A server answers it when it has handled what came
//! before on the connection; one that archives what is sent has stored it by then.

use std::{
    collections::VecDeque,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use quick_xml::escape::escape;
use tokio::{
    io::AsyncWriteExt,
    net::tcp::{OwnedReadHalf, OwnedWriteHalf},
    sync::{self, oneshot},
};
use uuid::Uuid;

use super::{
    archive::Asked,
    element::{Element, Elements, as_io},
    login::LoggedIn,
};

/// Somebody who is logged in.
#[derive(Debug)]
pub(super) struct Person {
    /// The address that reaches this connection and no other one of the same account.
    pub(super) jid: String,
    /// The same without the connection.
    pub(super) account: String,
    /// Locked while something is written, so that things stand on the wire in the order of their numbers.
    pub(super) out: sync::Mutex<Out>,
    /// Who waits for which acknowledgement, in the order of sending; `None` when the connection is lost.
    waiting: Mutex<Option<VecDeque<Waiting>>>,
    /// The page of the archive that is being read.
    pub(super) asked: Mutex<Option<Asked>>,
}

/// What goes out.
#[derive(Debug)]
pub(super) struct Out {
    socket: OwnedWriteHalf,
    /// Messages so far.
    messages: u64,
    /// Stanzas so far, as both sides count them.
    stanzas: u32,
}

/// Somebody who waits for an acknowledgement.
#[derive(Debug)]
struct Waiting {
    stanza: u32,
    acknowledge: oneshot::Sender<()>,
}

/// The connection is gone.
#[derive(Debug)]
pub(super) struct Gone;

/// What is heard.
#[derive(Debug)]
pub(super) enum Heard<'a> {
    Message(&'a Element),
    /// The server says why it is about to hang up.
    Failure(&'a Element),
}

impl Person {
    pub(super) fn new(entered: LoggedIn) -> (Self, Elements<OwnedReadHalf>) {
        let LoggedIn {
            account,
            jid,
            elements,
            socket,
        } = entered;
        let person = Self {
            jid,
            account,
            out: sync::Mutex::new(Out {
                socket,
                messages: 0,
                stanzas: 0,
            }),
            waiting: Mutex::new(Some(VecDeque::new())),
            asked: Mutex::default(),
        };
        (person, elements)
    }

    /// Says a message, and waits until the server has acknowledged it; its number among this person's messages.
    pub(super) async fn say(&self, to: &str, id: Uuid, text: &str) -> Result<u64, Gone> {
        let (acknowledge, acknowledged) = oneshot::channel();
        let number = {
            let mut out = self.out.lock().await;
            out.messages += 1;
            let number = out.messages;
            let message = message(to, &StanzaId { number, id }, text);
            let stanza = out.stanzas.wrapping_add(1);
            match &mut *lock(&self.waiting) {
                Some(waiting) => waiting.push_back(Waiting {
                    stanza,
                    acknowledge,
                }),
                None => return Err(Gone),
            }
            out.stanza(&message).await?;
            number
        };
        acknowledged.await.map(|()| number).map_err(|_| Gone)
    }

    /// Listens until the connection is lost, and tells what is heard; why it ended.
    pub(super) async fn listen(
        &self,
        mut elements: Elements<OwnedReadHalf>,
        on_heard: impl Fn(Heard<'_>),
    ) -> io::Error {
        let ended = self.hear(&mut elements, on_heard).await;
        // Whoever waits learns by this that nothing comes any more.
        *lock(&self.waiting) = None;
        *lock(&self.asked) = None;
        ended.err().unwrap_or(io::ErrorKind::UnexpectedEof.into())
    }

    async fn hear(
        &self,
        elements: &mut Elements<OwnedReadHalf>,
        on_heard: impl Fn(Heard<'_>),
    ) -> io::Result<()> {
        let mut stanzas = 0_u32;
        while let Some(element) = elements.next().await.map_err(as_io)? {
            match element.name.as_str() {
                "a" => self.acknowledge_up_to(element.attribute("h").parse().unwrap_or(0)),
                "r" => {
                    let answer = format!("<a xmlns='urn:xmpp:sm:3' h='{stanzas}'/>");
                    let mut out = self.out.lock().await;
                    out.socket.write_all(answer.as_bytes()).await?;
                }
                "message" | "iq" | "presence" => {
                    stanzas = stanzas.wrapping_add(1);
                    let is_of_archive = self.take_for_archive(&element);
                    if !is_of_archive && element.name == "message" {
                        on_heard(Heard::Message(&element));
                    }
                }
                _ => on_heard(Heard::Failure(&element)),
            }
        }
        Ok(())
    }

    /// Whether an element belongs to the page of the archive that is being read; its end is the answer to who asked.
    fn take_for_archive(&self, element: &Element) -> bool {
        let mut asked = lock(&self.asked);
        let is_taken = asked.as_mut().is_some_and(|asked| asked.takes(element));
        if is_taken && element.name == "iq" {
            asked.take().into_iter().for_each(|it| it.answer(element));
        }
        is_taken
    }

    fn acknowledge_up_to(&self, stanza: u32) {
        let mut waiting = lock(&self.waiting);
        let Some(waiting) = &mut *waiting else { return };
        while let Some(first) = waiting.pop_front_if(|first| is_up_to(first.stanza, stanza)) {
            // Whose patience has ended waits no longer.
            let _ = first.acknowledge.send(());
        }
    }
}

impl Out {
    /// Writes a stanza, and what belongs behind it.
    pub(super) async fn stanza(&mut self, stanza: &str) -> Result<(), Gone> {
        self.stanzas = self.stanzas.wrapping_add(1);
        let written = self.socket.write_all(stanza.as_bytes()).await;
        written.map_err(|_| Gone)
    }
}

/// The counters begin again at 0 behind 2³² − 1, so the nearer way round decides.
fn is_up_to(number: u32, acknowledged: u32) -> bool {
    acknowledged.wrapping_sub(number) < 1 << 31
}

/// The id of a stanza with a message: its number among its sender's, and the message's own id.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct StanzaId {
    pub(super) number: u64,
    pub(super) id: Uuid,
}

impl StanzaId {
    pub(super) fn read(text: &str) -> Option<Self> {
        let (number, id) = text.split_once('.')?;
        Some(Self {
            number: number.parse().ok()?,
            id: id.parse().ok()?,
        })
    }
}

fn message(to: &str, StanzaId { number, id }: &StanzaId, text: &str) -> String {
    format!(
        "<message type='chat' to='{}' id='{number}.{id}'><body>{}</body></message><r xmlns='urn:xmpp:sm:3'/>",
        escape(to),
        escape(text)
    )
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements_go_on_when_the_counter_begins_again() {
        assert!(is_up_to(1, 1) && is_up_to(1, 5) && !is_up_to(6, 5));
        assert!(is_up_to(u32::MAX, 0) && is_up_to(u32::MAX, u32::MAX) && !is_up_to(1, 0));
    }

    #[tokio::test]
    async fn a_message_gives_back_its_id_and_its_text() {
        let id = StanzaId {
            number: 7,
            id: Uuid::new_v4(),
        };
        let text = "Grüße <b>&amp;</b> \"so\" 'so'\n\t🙂 ";
        let written = message("a@b/c", &id, text);
        let mut elements = Elements::of(written.as_bytes());
        let message = elements.next().await.unwrap().unwrap();
        assert_eq!(StanzaId::read(message.attribute("id")), Some(id));
        assert_eq!(message.child("body").unwrap().text, text);
        assert_eq!(elements.next().await.unwrap().unwrap().name, "r");
        for other in ["", "7", "x.y", "7.7"] {
            assert_eq!(StanzaId::read(other), None);
        }
    }
}
