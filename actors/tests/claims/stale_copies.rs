//! What another instance has changed unheard: a pair answers nothing by its own copy of the chat that the store would not.

use std::time::Duration;

use actors::{
    AskToEnter, GetAskStatus, GetHistory, GetPublicInfo, Limits, NameSeatTwo, ProveSeat, Refusal,
    SendMessage,
    domain::{ChatKey, IncomingText, Page, PairHash, Seat, SecretDigest, Token, UserName},
    ports::{AskState, Chats, Principal},
    testing::Call,
};
use uuid::Uuid;

use crate::world::{Instance, LONG, Person, World, login, login_as, name, name_at, roomy};

/// The first person of a chat whose second seat gets its name at one instance, and is unnamed in the copy that another
/// one has.
async fn named_unheard(world: &World) -> (Person, [Instance; 2]) {
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let hash = world.unnamed_chat().await;
    let key = ChatKey::of(&hash);
    let abhi = Person::sit(&here, &hash, Seat::One).await;
    abhi.at(&there).snapshot().await.unwrap();
    there.bus.set_deaf(true);
    let naming = NameSeatTwo {
        name: name_at(Seat::Two),
        auth: None,
    };
    here.pairs.ask(key, naming).await.unwrap();
    (abhi, [here, there])
}

fn ask_to_enter() -> AskToEnter {
    AskToEnter {
        name: name_at(Seat::Two),
        auth: None,
    }
}

/// A message from and to the names that a client claims.
fn send_as(by: SecretDigest, sender: Option<UserName>, recipient: Option<UserName>) -> SendMessage {
    SendMessage {
        by,
        id: Uuid::new_v4(),
        text: IncomingText::parse("Hello".into()).unwrap(),
        sent_at: None,
        sender,
        recipient,
    }
}

#[actix::test]
async fn a_name_that_was_set_elsewhere_lets_its_owner_in() {
    let world = World::new();
    let (abhi, [_here, there]) = named_unheard(&world).await;
    Person::sit(&there, &abhi.hash, Seat::Two).await;
}

#[actix::test]
async fn a_message_may_be_to_a_name_that_was_set_elsewhere() {
    let world = World::new();
    let (abhi, [_here, there]) = named_unheard(&world).await;
    let send = send_as(abhi.by, None, Some(name_at(Seat::Two)));
    there.pairs.ask(abhi.key, send).await.unwrap();
}

#[actix::test]
async fn a_history_names_who_was_named_elsewhere() {
    let world = World::new();
    let (abhi, [here, there]) = named_unheard(&world).await;
    let anny = Person::sit(&here, &abhi.hash, Seat::Two).await;
    anny.send("Hello").await.unwrap();
    let history = GetHistory {
        by: abhi.by,
        page: Page::Newest,
        limit: 10,
    };
    let (page, names) = there.pairs.ask(abhi.key, history).await.unwrap();
    assert_eq!(page.messages[0].seat, Seat::Two);
    assert_eq!(names[Seat::Two], Some(name_at(Seat::Two)));
}

#[actix::test]
async fn an_ask_for_a_seat_that_was_named_elsewhere_has_a_state() {
    let world = World::new();
    let (abhi, [here, there]) = named_unheard(&world).await;
    Person::sit(&here, &abhi.hash, Seat::Two).await;
    let (secret, _) = here.pairs.ask(abhi.key, ask_to_enter()).await.unwrap();
    let status = GetAskStatus {
        secret: secret.digest(),
    };
    let status = there.pairs.ask(abhi.key, status).await.unwrap();
    assert_eq!(status.state, AskState::Waiting);
    assert_eq!(status.user, name_at(Seat::Two));
}

#[actix::test]
async fn a_seat_that_was_taken_elsewhere_can_be_asked_for() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let hash = world.chat().await;
    let abhi = Person::sit(&here, &hash, Seat::One).await;
    abhi.at(&there).snapshot().await.unwrap();
    there.bus.set_deaf(true);
    login(&here, &hash, Seat::Two, None).await.unwrap();
    there.pairs.ask(abhi.key, ask_to_enter()).await.unwrap();
}

/// What a pair could answer from memory alone, to somebody with a token or with the link.
const ANSWERED_FROM_MEMORY: [&str; 12] = [
    "info",
    "login under a strange name",
    "login without the link's proof",
    "ask under a strange name",
    "naming",
    "naming like seat 1",
    "naming without the link's proof",
    "state of an ask",
    "state of an unknown ask",
    "message from somebody else",
    "message to somebody else",
    "another seat",
];

/// A chat and what is known of it: somebody's session, and the secret of an ask that waits.
struct Known {
    abhi: Person,
    secret: Token,
    /// Another chat, whose link is incomplete without its proof.
    encrypted: PairHash,
    /// Another one, whose second seat has no name.
    unnamed: PairHash,
}

impl Known {
    async fn at(here: &Instance, world: &World) -> Self {
        let [abhi, _anny] = here.couple(world).await;
        let (secret, _) = here.pairs.ask(abhi.key, ask_to_enter()).await.unwrap();
        let (encrypted, unnamed) = (world.encrypted_chat().await, world.unnamed_chat().await);
        for hash in [&encrypted, &unnamed] {
            let key = ChatKey::of(hash);
            here.pairs.ask(key, GetPublicInfo).await.unwrap();
        }
        Self {
            abhi,
            secret,
            encrypted,
            unnamed,
        }
    }

    fn keys(&self) -> [ChatKey; 3] {
        [
            self.abhi.key,
            ChatKey::of(&self.encrypted),
            ChatKey::of(&self.unnamed),
        ]
    }

    /// What comes of a request.
    async fn request(&self, here: &Instance, what: &str) -> Result<(), Refusal> {
        let pairs = &here.pairs;
        let [key, encrypted, unnamed] = self.keys();
        let by = self.abhi.by;
        let eve = || name("Eve");
        let naming = |name| NameSeatTwo { name, auth: None };
        match what {
            "info" => pairs.ask(key, GetPublicInfo).await.map(drop),
            "login under a strange name" => {
                let login = login_as(&self.abhi.hash, eve());
                pairs.ask(key, login).await.map(drop)
            }
            "login without the link's proof" => {
                let login = login_as(&self.encrypted, name_at(Seat::One));
                pairs.ask(encrypted, login).await.map(drop)
            }
            "ask under a strange name" => {
                let (name, auth) = (eve(), None);
                pairs.ask(key, AskToEnter { name, auth }).await.map(drop)
            }
            "naming" => pairs.ask(key, naming(eve())).await,
            "naming like seat 1" => pairs.ask(unnamed, naming(name_at(Seat::One))).await,
            "naming without the link's proof" => pairs.ask(encrypted, naming(eve())).await,
            "state of an ask" => {
                let secret = self.secret.digest();
                pairs.ask(key, GetAskStatus { secret }).await.map(drop)
            }
            "state of an unknown ask" => {
                let secret = Token::generate(key, &mut rand::rng()).digest();
                pairs.ask(key, GetAskStatus { secret }).await.map(drop)
            }
            "message from somebody else" => {
                let send = send_as(by, Some(eve()), None);
                pairs.ask(key, send).await.map(drop)
            }
            "message to somebody else" => {
                let send = send_as(by, None, Some(eve()));
                pairs.ask(key, send).await.map(drop)
            }
            _ => {
                let seat = Seat::Two;
                pairs.ask(key, ProveSeat { by, seat }).await
            }
        }
    }
}

/// An instance that does not find out by itself that a chat is over.
fn unaware(world: &World) -> Instance {
    let here = world.instance(Limits {
        sweep_interval: LONG,
        ..roomy()
    });
    here.store.fail_next(Call::Positions, usize::MAX);
    here
}

#[actix::test]
async fn a_chat_that_is_over_unheard_is_over_whatever_is_asked() {
    let mut wrong = Vec::new();
    for what in ANSWERED_FROM_MEMORY {
        for expired in [false, true] {
            let world = World::new();
            let here = unaware(&world);
            let known = Known::at(&here, &world).await;
            let alive = known.request(&here, what).await;
            assert_ne!(alive, Err(Refusal::Gone), "{what}");
            if expired {
                world.time.advance(LONG + Duration::from_secs(1));
            } else {
                // As `duet end` does, in a process of its own.
                for key in known.keys() {
                    let ended = world.store.end(Principal::Server(key)).await;
                    ended.unwrap().unwrap();
                }
            }
            let over = known.request(&here, what).await;
            if over != Err(Refusal::Gone) {
                wrong.push((what, expired, over));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[actix::test]
async fn a_session_that_ended_unheard_is_refused_before_what_its_request_claims() {
    for (sender, recipient) in [(Some("Eve"), None), (None, Some("Eve"))] {
        let world = World::new();
        let (here, there) = (unaware(&world), unaware(&world));
        let [abhi, _anny] = here.couple(&world).await;
        abhi.at(&there).snapshot().await.unwrap();
        there.bus.set_deaf(true);
        abhi.log_out().await.unwrap();
        let send = send_as(abhi.by, sender.map(name), recipient.map(name));
        let refused = there.pairs.ask(abhi.key, send).await;
        assert_eq!(refused.map(drop), Err(Refusal::NoSession));
    }
}
