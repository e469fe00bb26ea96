//! What another instance has changed unheard: a pair does not refuse it by its own copy of the chat.

use actors::{
    AskToEnter, GetAskStatus, GetHistory, NameSeatTwo, SendMessage,
    domain::{ChatKey, IncomingText, Page, Seat},
    ports::AskState,
};
use uuid::Uuid;

use crate::world::{Instance, Person, World, login, name_at, roomy};

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
    let send = SendMessage {
        by: abhi.by,
        id: Uuid::new_v4(),
        text: IncomingText::parse("Hello".into()).unwrap(),
        sent_at: None,
        sender: None,
        recipient: Some(name_at(Seat::Two)),
    };
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
