//! Being let in without a code.

use std::time::Duration;

use actors::{
    Answer, AskIn, AskStateOf, LoginProof, Refusal,
    domain::{AskWord, Seat, SeatChange, Token},
    ports::AskState,
    testing::{eventually, eventually_some},
};

use crate::world::{Instance, Person, Told, Watch, World, login, name_at, roomy};

async fn ask_in(instance: &Instance, beside: &Person, seat: Seat) -> Result<Token, Refusal> {
    instance
        .directory
        .ask(
            beside.key,
            AskIn {
                name: name_at(seat),
                auth: None,
            },
        )
        .await
}

async fn state(instance: &Instance, secret: &Token) -> AskState {
    let ask = AskStateOf {
        secret: secret.digest(),
    };
    instance.directory.ask(secret.key(), ask).await.unwrap().0
}

async fn answer(person: &Person, word: AskWord, allow: bool) -> Result<(), Refusal> {
    person
        .directory()
        .ask(
            person.key,
            Answer {
                by: person.by,
                word,
                allow,
            },
        )
        .await
}

/// The word of the wish that a stream was told of last.
async fn word(stream: &Watch) -> AskWord {
    eventually_some("somebody asks", || async {
        stream.told().into_iter().rev().find_map(|told| match told {
            Told::Seat(_, SeatChange::Asking(word)) => Some(word),
            _ => None,
        })
    })
    .await
}

#[actix::test]
async fn who_is_allowed_gets_the_seat_and_its_former_sessions_end() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&abhi).await;
    let secret = ask_in(&there, &anny, Seat::Two).await.unwrap();
    assert_eq!(state(&there, &secret).await, AskState::Waiting);
    let proof = Some(LoginProof::Ask(secret.clone()));
    let early = login(&there, &anny.hash, Seat::Two, proof.clone()).await;
    assert!(matches!(early, Err(Refusal::WrongCode)));

    answer(&abhi, word(&watcher).await, true).await.unwrap();
    watcher
        .until(&Told::Seat(Seat::Two, SeatChange::Replaced))
        .await;
    assert_eq!(state(&there, &secret).await, AskState::Allowed);
    assert!(matches!(anny.look().await, Err(Refusal::NoSession)));
    eventually("the session is over on the other instance", || async {
        matches!(anny.at(&there).look().await, Err(Refusal::NoSession))
    })
    .await;
    let old = Some(LoginProof::ReturnCode(anny.return_code.clone().unwrap()));
    let old = login(&here, &anny.hash, Seat::Two, old).await;
    assert!(matches!(old, Err(Refusal::WrongCode)));

    let newcomer = Person::log_in(&there, &anny.hash, Seat::Two, proof.clone())
        .await
        .unwrap();
    newcomer
        .again(&here)
        .await
        .send("my code works")
        .await
        .unwrap();
    let twice = login(&there, &anny.hash, Seat::Two, proof).await;
    assert!(matches!(twice, Err(Refusal::WrongCode)));
    assert_eq!(state(&here, &secret).await, AskState::Expired);
}

#[actix::test]
async fn who_is_refused_stays_outside_and_nothing_changes() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&abhi).await;
    let secret = ask_in(&here, &anny, Seat::Two).await.unwrap();
    let word = word(&watcher).await;
    answer(&abhi, word, false).await.unwrap();
    assert_eq!(state(&here, &secret).await, AskState::Refused);
    let refused = login(&here, &anny.hash, Seat::Two, Some(LoginProof::Ask(secret))).await;
    assert!(matches!(refused, Err(Refusal::WrongCode)));
    anny.send("still here").await.unwrap();
    assert_eq!(answer(&abhi, word, true).await, Err(Refusal::AskOver));
}

#[actix::test]
async fn a_seat_may_refuse_for_itself_but_not_allow() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&abhi).await;
    let secret = ask_in(&here, &anny, Seat::Two).await.unwrap();
    let word = word(&watcher).await;
    assert_eq!(answer(&anny, word, true).await, Err(Refusal::OwnSeat));
    assert_eq!(state(&here, &secret).await, AskState::Waiting);
    answer(&anny, word, false).await.unwrap();
    assert_eq!(state(&here, &secret).await, AskState::Refused);
}

#[actix::test]
async fn nobody_is_let_in_at_a_seat_whose_owner_is_there() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&abhi).await;
    for instance in [&here, &there] {
        let owner = Watch::open(&anny.at(instance)).await;
        ask_in(&here, &anny, Seat::Two).await.unwrap();
        let word = word(&watcher).await;
        watcher.until_presence_now(Seat::Two, true).await;
        assert_eq!(answer(&abhi, word, true).await, Err(Refusal::SeatOpen));
        owner.close();
        watcher.until_presence_now(Seat::Two, false).await;
    }
    answer(&abhi, word(&watcher).await, true).await.unwrap();
}

#[actix::test]
async fn a_wish_lapses_after_two_minutes() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&abhi).await;
    let secret = ask_in(&here, &anny, Seat::Two).await.unwrap();
    let word = word(&watcher).await;
    assert_eq!(abhi.look().await.unwrap().hello.asks.len(), 1);
    world.time.advance(Duration::from_secs(120));
    assert_eq!(abhi.look().await.unwrap().hello.asks, []);
    assert_eq!(answer(&abhi, word, true).await, Err(Refusal::AskOver));
    anny.look().await.unwrap();
    let looked = here
        .directory
        .ask(
            anny.key,
            AskStateOf {
                secret: secret.digest(),
            },
        )
        .await;
    // The sweep may have forgotten it by now.
    assert!(matches!(
        looked,
        Ok((AskState::Expired, _)) | Err(Refusal::WrongCode)
    ));
}

#[actix::test]
async fn a_wish_for_a_free_seat_or_a_strange_name_is_refused() {
    let world = World::new();
    let here = world.instance(roomy());
    let hash = world.chat().await;
    let abhi = Person::sit(&here, &hash, Seat::One).await;
    assert_eq!(
        ask_in(&here, &abhi, Seat::Two).await,
        Err(Refusal::SeatFree)
    );
    let strange = AskIn {
        name: crate::world::name("Nobody"),
        auth: None,
    };
    assert_eq!(
        here.directory.ask(abhi.key, strange).await,
        Err(Refusal::WrongName)
    );
    let unknown = AskStateOf {
        secret: Token::generate(abhi.key, &mut rand::rng()).digest(),
    };
    let unknown = here.directory.ask(abhi.key, unknown).await;
    assert!(matches!(unknown, Err(Refusal::WrongCode)));
}

#[actix::test]
async fn a_wish_is_in_the_hello_of_a_stream_that_opens_later() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    ask_in(&there, &anny, Seat::Two).await.unwrap();
    let asks = eventually_some("the wish is known here", || async {
        let asks = Watch::open(&abhi).await.hello().asks;
        (!asks.is_empty()).then_some(asks)
    })
    .await;
    assert_eq!((asks.len(), asks[0].seat), (1, Seat::Two));
}
