//! Being let in without a code.

use std::{collections::HashSet, time::Duration};

use actors::{
    AnswerAsk, AskToEnter, Credential, GetAskStatus, GetReplacement, LoginProof, NewReturnCode,
    Refusal,
    domain::{AskNumber, AskRef, Seat, SeatChange, Token},
    ports::AskState,
    testing::{eventually, eventually_some},
};

use crate::world::{Instance, Person, Shown, Watch, World, login, name_at, roomy};

async fn ask_in(instance: &Instance, beside: &Person, seat: Seat) -> Result<Token, Refusal> {
    let asked = ask_with_number(instance, beside, seat).await;
    asked.map(|(secret, _)| secret)
}

async fn ask_with_number(
    instance: &Instance,
    beside: &Person,
    seat: Seat,
) -> Result<(Token, AskNumber), Refusal> {
    let ask = AskToEnter {
        name: name_at(seat),
        auth: None,
    };
    instance.pairs.ask(beside.key, ask).await
}

async fn state(instance: &Instance, secret: &Token) -> AskState {
    let ask = GetAskStatus {
        secret: secret.digest(),
    };
    instance.pairs.ask(secret.key(), ask).await.unwrap().state
}

async fn answer(person: &Person, ask_ref: AskRef, allow: bool) -> Result<(), Refusal> {
    person
        .pairs()
        .ask(
            person.key,
            AnswerAsk {
                by: person.by,
                ask_ref,
                allow,
            },
        )
        .await
}

/// The reference of the ask that a stream was sent last.
async fn ask_ref(stream: &Watch) -> AskRef {
    eventually_some("somebody asks", || async {
        stream
            .shown()
            .into_iter()
            .rev()
            .find_map(|shown| match shown {
                Shown::Seat(_, SeatChange::Asking(ask_ref, _)) => Some(ask_ref),
                _ => None,
            })
    })
    .await
}

/// The reference of the ask with this number: the last one has another.
async fn ask_ref_with(stream: &Watch, number: AskNumber) -> AskRef {
    eventually_some("somebody asks", || async {
        stream.shown().into_iter().find_map(|shown| match shown {
            Shown::Seat(_, SeatChange::Asking(ask_ref, shown)) if shown == number => Some(ask_ref),
            _ => None,
        })
    })
    .await
}

/// The credential of somebody who was replaced.
fn credential<T: std::fmt::Debug>(refused: Result<T, Refusal>) -> Credential {
    match refused {
        Err(Refusal::Replaced(replacement)) => replacement.credential,
        other => panic!("expected to hear of a newcomer, got {other:?}"),
    }
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

    answer(&abhi, ask_ref(&watcher).await, true).await.unwrap();
    watcher
        .until(&Shown::Seat(Seat::Two, SeatChange::Replaced))
        .await;
    assert_eq!(state(&there, &secret).await, AskState::Allowed);
    assert!(matches!(anny.snapshot().await, Err(Refusal::NoSession)));
    eventually("the session is over on the other instance", || async {
        matches!(anny.at(&there).snapshot().await, Err(Refusal::NoSession))
    })
    .await;
    let old = Some(LoginProof::ReturnCode(anny.return_code.clone().unwrap()));
    let old = login(&here, &anny.hash, Seat::Two, old).await;
    assert_eq!(credential(old), Credential::Code);
    let bare = login(&here, &anny.hash, Seat::Two, None).await;
    assert_eq!(credential(bare), Credential::Name);
    let asked = GetReplacement { token: anny.by };
    let replacement = there.pairs.ask(anny.key, asked).await.unwrap().unwrap();
    assert_eq!(replacement.credential, Credential::Token);
    assert_eq!(
        (replacement.user, replacement.peer),
        (Some(name_at(Seat::Two)), Some(name_at(Seat::One)))
    );

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
    let ask_ref = ask_ref(&watcher).await;
    answer(&abhi, ask_ref, false).await.unwrap();
    assert_eq!(state(&here, &secret).await, AskState::Refused);
    let refused = login(&here, &anny.hash, Seat::Two, Some(LoginProof::Ask(secret))).await;
    assert!(matches!(refused, Err(Refusal::WrongCode)));
    anny.send("still here").await.unwrap();
    assert_eq!(answer(&abhi, ask_ref, true).await, Err(Refusal::AskOver));
}

#[actix::test]
async fn a_refusal_is_no_arrival() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let watchers = Watch::open_twice(&abhi, &there).await;
    ask_in(&here, &anny, Seat::Two).await.unwrap();
    let asked = ask_ref(&watchers[0]).await;
    assert_eq!(ask_ref(&watchers[1]).await, asked);
    let hellos = watchers.each_ref().map(Watch::hello_count);
    answer(&abhi, asked, false).await.unwrap();
    for (watcher, before) in watchers.iter().zip(hellos) {
        eventually("the list of asks is sent again", || async {
            watcher.hello_count() > before
        })
        .await;
        assert_eq!(watcher.hello().asks, []);
        let arrived = Shown::Seat(Seat::Two, SeatChange::Taken);
        assert!(!watcher.shown().contains(&arrived));
    }
}

#[actix::test]
async fn a_seat_may_refuse_for_itself_but_not_allow() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&abhi).await;
    let secret = ask_in(&here, &anny, Seat::Two).await.unwrap();
    let ask_ref = ask_ref(&watcher).await;
    assert_eq!(answer(&anny, ask_ref, true).await, Err(Refusal::OwnSeat));
    assert_eq!(state(&here, &secret).await, AskState::Waiting);
    answer(&anny, ask_ref, false).await.unwrap();
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
        let (_, number) = ask_with_number(&here, &anny, Seat::Two).await.unwrap();
        let ask_ref = ask_ref_with(&watcher, number).await;
        watcher.until_presence_now(Seat::Two, true).await;
        assert_eq!(answer(&abhi, ask_ref, true).await, Err(Refusal::SeatOpen));
        owner.close();
        watcher.until_presence_now(Seat::Two, false).await;
    }
    answer(&abhi, ask_ref(&watcher).await, true).await.unwrap();
}

#[actix::test]
async fn a_wish_lapses_after_two_minutes() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&abhi).await;
    let secret = ask_in(&here, &anny, Seat::Two).await.unwrap();
    let ask_ref = ask_ref(&watcher).await;
    assert_eq!(abhi.snapshot().await.unwrap().hello.asks.len(), 1);
    world.time.advance(Duration::from_secs(120));
    assert_eq!(abhi.snapshot().await.unwrap().hello.asks, []);
    assert_eq!(answer(&abhi, ask_ref, true).await, Err(Refusal::AskOver));
    anny.snapshot().await.unwrap();
    let looked = here
        .pairs
        .ask(
            anny.key,
            GetAskStatus {
                secret: secret.digest(),
            },
        )
        .await;
    assert!(matches!(
        looked,
        Ok(found) if found.state == AskState::Expired
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
    let strange = AskToEnter {
        name: crate::world::name("Nobody"),
        auth: None,
    };
    assert_eq!(
        here.pairs.ask(abhi.key, strange).await,
        Err(Refusal::WrongName)
    );
    let unknown = GetAskStatus {
        secret: Token::generate(abhi.key, &mut rand::rng()).digest(),
    };
    let unknown = here.pairs.ask(abhi.key, unknown).await;
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

#[actix::test]
async fn everybody_sees_the_same_number_and_the_newest_ask_alone() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let watchers = [
        Watch::open(&abhi).await,
        Watch::open(&anny.at(&there)).await,
    ];
    let mut before = None;
    for _ in 0..5 {
        let (secret, number) = ask_with_number(&there, &anny, Seat::Two).await.unwrap();
        assert_ne!(
            Some(number),
            before,
            "a new ask can be told from the last one"
        );
        for watcher in &watchers {
            eventually("both are told the number", || async {
                let asking = |shown: &Shown| {
                    matches!(shown, Shown::Seat(Seat::Two, SeatChange::Asking(_, shown)) if *shown == number)
                };
                watcher.shown().iter().any(asking)
            })
            .await;
        }
        // The numbers of two asks that are not neighbours may be the same, so the above may have come earlier.
        eventually("the newest ask alone is open", || async {
            let open = abhi.snapshot().await.unwrap().hello.asks;
            let open: Vec<AskNumber> = open.iter().map(|ask| ask.number).collect();
            open == [number]
        })
        .await;
        assert_eq!(state(&here, &secret).await, AskState::Waiting);
        before = Some(number);
    }
}

#[actix::test]
async fn nobody_is_let_in_while_the_bus_cannot_say_who_is_there() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&abhi).await;
    // Nothing that was heard before counts: she came after the bus went away.
    let secret = ask_in(&here, &anny, Seat::Two).await.unwrap();
    let ask_ref = ask_ref(&watcher).await;
    here.bus.set_down(true);
    let owner = Watch::open(&anny.at(&there)).await;
    assert_eq!(
        answer(&abhi, ask_ref, true).await,
        Err(Refusal::PresenceUnknown)
    );
    assert_eq!(state(&here, &secret).await, AskState::Waiting);
    anny.at(&there).snapshot().await.unwrap();
    here.bus.set_down(false);
    assert_eq!(answer(&abhi, ask_ref, true).await, Err(Refusal::SeatOpen));
    here.bus.set_down(true);
    // To refuse it does not matter who is there.
    answer(&abhi, ask_ref, false).await.unwrap();
    assert_eq!(state(&here, &secret).await, AskState::Refused);
    drop(owner);
}

#[actix::test]
async fn a_new_return_code_sends_away_who_asked_for_its_seat() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    let [abhi, anny] = here.couple(&world).await;
    let watchers = [
        Watch::open(&abhi.at(&there)).await,
        Watch::open(&anny).await,
    ];
    let secret = ask_in(&there, &anny, Seat::Two).await.unwrap();
    for watcher in &watchers {
        ask_ref(watcher).await;
    }
    let new = NewReturnCode {
        by: anny.by,
        hash: anny.hash.clone(),
    };
    here.pairs.ask(anny.key, new).await.unwrap();
    assert_eq!(state(&there, &secret).await, AskState::Expired);
    for watcher in &watchers {
        eventually("nobody is shown as waiting", || async {
            watcher.hello_count() > 1 && watcher.hello().asks.is_empty()
        })
        .await;
    }
}

#[actix::test]
async fn an_instance_whose_clock_is_wrong_judges_no_ask_by_it() {
    for ahead_ms in [600_000, -600_000] {
        let world = World::new();
        let here = world.instance_with_wrong_clock(ahead_ms, roomy());
        let [abhi, anny] = here.couple(&world).await;
        let watcher = Watch::open(&abhi).await;
        let secret = ask_in(&here, &anny, Seat::Two).await.unwrap();
        let ask_ref = ask_ref(&watcher).await;
        assert_eq!(abhi.snapshot().await.unwrap().hello.asks.len(), 1);
        world.time.advance(Duration::from_secs(119));
        assert_eq!(abhi.snapshot().await.unwrap().hello.asks.len(), 1);
        answer(&abhi, ask_ref, true).await.unwrap();
        assert_eq!(state(&here, &secret).await, AskState::Allowed);

        ask_in(&here, &anny, Seat::Two).await.unwrap();
        world.time.advance(Duration::from_secs(120));
        assert_eq!(abhi.snapshot().await.unwrap().hello.asks, []);
    }
}

#[actix::test]
async fn a_number_does_not_come_back_while_its_ask_may_be_on_a_screen() {
    let world = World::new();
    let here = world.instance(roomy());
    let [_abhi, anny] = here.couple(&world).await;
    let mut numbers = HashSet::new();
    for _ in 0..60 {
        let (_, number) = ask_with_number(&here, &anny, Seat::Two).await.unwrap();
        assert!(numbers.insert(number.get()), "{number} was given out twice");
    }
}
