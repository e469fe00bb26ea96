//! Names, logins, codes and sessions.

use actors::{
    EndSession, GetSnapshot, ListSessions, Login, LoginProof, NameSeatTwo, NewDeviceCode,
    NewReturnCode, Refusal,
    domain::{AccessCode, ChatKey, RegistrationId, Seat, SeatChange},
    ports::{Chats, SessionChoice},
    testing::{Call, eventually},
};
use futures_util::future::join;
use uuid::Uuid;

use crate::world::{Person, Shown, Watch, World, login, login_as, name, roomy};

#[actix::test]
async fn the_first_login_takes_the_seat_and_gets_its_return_code() {
    let world = World::new();
    let here = world.instance(roomy());
    let hash = world.chat().await;
    let first = login(&here, &hash, Seat::One, None).await.unwrap();
    assert_eq!((first.seat, first.last_seq), (Seat::One, 0));
    assert_eq!(first.peer, Some(name("Anny")));
    let code = first.return_code.unwrap();

    let taken = login(&here, &hash, Seat::One, None).await;
    assert!(matches!(taken, Err(Refusal::SeatTaken)));
    let wrong = Some(LoginProof::ReturnCode(AccessCode::generate(
        &mut rand::rng(),
    )));
    let wrong = login(&here, &hash, Seat::One, wrong).await;
    assert!(matches!(wrong, Err(Refusal::WrongCode)));
    let back = Some(LoginProof::ReturnCode(code));
    let back = login(&here, &hash, Seat::One, back).await.unwrap();
    assert!(back.return_code.is_none(), "it is shown once");
}

#[actix::test]
async fn a_name_is_taken_as_it_was_registered_whatever_its_case() {
    let world = World::new();
    let here = world.instance(roomy());
    let hash = world.chat().await;
    let key = ChatKey::of(&hash);
    let as_typed = |text| login_as(&hash, name(text));
    let seated = here.pairs.ask(key, as_typed("ABHI")).await.unwrap();
    assert_eq!((seated.seat, seated.name.as_str()), (Seat::One, "Abhi"));
    let stranger = here.pairs.ask(key, as_typed("Nobody")).await;
    assert!(matches!(stranger, Err(Refusal::WrongName)));
}

#[actix::test]
async fn exactly_one_of_many_claims_racing_on_two_instances_wins() {
    let world = World::new();
    let (here, there) = (world.instance(roomy()), world.instance(roomy()));
    for _ in 0..5 {
        let hash = world.chat().await;
        let claims = (0..50).map(|number| {
            let instance = if number % 2 == 0 { &here } else { &there };
            login(instance, &hash, Seat::Two, None)
        });
        let outcomes = futures_util::future::join_all(claims).await;
        let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        assert!(
            lost.iter()
                .all(|lost| matches!(lost, Err(Refusal::SeatTaken)))
        );
    }
}

#[actix::test]
async fn the_same_login_again_replaces_what_was_lost_until_it_is_used() {
    let world = World::new();
    let here = world.instance(roomy());
    let hash = world.chat().await;
    let key = ChatKey::of(&hash);
    let id = Some(RegistrationId::new(Uuid::new_v4()));
    let again = Login {
        id,
        ..login_as(&hash, name("Abhi"))
    };
    let lost = here.pairs.ask(key, again.clone()).await.unwrap();
    let got = here.pairs.ask(key, again.clone()).await.unwrap();
    assert!(got.return_code.is_some());
    let look = |logged_in: &actors::LoggedIn| {
        here.pairs.ask(
            key,
            GetSnapshot {
                by: logged_in.token.digest(),
            },
        )
    };
    assert!(matches!(look(&lost).await, Err(Refusal::NoSession)));
    look(&got).await.unwrap();
    let used = here.pairs.ask(key, again).await;
    assert!(matches!(used, Err(Refusal::SeatTaken)));
    look(&got).await.unwrap();
}

#[actix::test]
async fn a_first_login_that_fails_has_given_no_name() {
    let world = World::new();
    let here = world.instance(roomy());
    let hash = world.unnamed_chat().await;
    let key = ChatKey::of(&hash);
    let login = Login {
        may_name: true,
        ..login_as(&hash, name("Anny"))
    };
    here.store.fail_next(Call::TakeSeat, 1);
    let failed = here.pairs.ask(key, login.clone()).await;
    assert!(matches!(failed, Err(Refusal::Unavailable(_))));
    let chat = world.store.load(key).await.unwrap().unwrap();
    assert_eq!(chat.seats[Seat::Two].name, None);
    // So that the same person may take another one.
    let other = Login {
        name: name("Ann"),
        ..login
    };
    let seated = here.pairs.ask(key, other).await.unwrap();
    assert_eq!((seated.seat, seated.name.as_str()), (Seat::Two, "Ann"));
}

#[actix::test]
async fn a_session_whose_use_is_just_being_written_down_is_not_replaced() {
    let world = World::new();
    let here = world.instance(roomy());
    let hash = world.chat().await;
    let [other, _] = here.couple(&world).await;
    let again = Login {
        id: Some(RegistrationId::new(Uuid::new_v4())),
        ..login_as(&hash, name("Abhi"))
    };
    let key = ChatKey::of(&hash);
    let got = here.pairs.ask(key, again.clone()).await.unwrap();
    let by = got.token.digest();
    let held = here.store.hold(Call::DeferredWrite);
    here.pairs.ask(key, GetSnapshot { by }).await.unwrap();
    eventually("it is being written down", || async {
        here.store.is_waiting(Call::DeferredWrite)
    })
    .await;
    let release = async {
        // A login that did not wait for the note would be through by the end of this.
        for _ in 0..50 {
            other.snapshot().await.unwrap();
        }
        drop(held);
    };
    let (replayed, ()) = join(here.pairs.ask(key, again), release).await;
    assert!(matches!(replayed, Err(Refusal::SeatTaken)), "{replayed:?}");
    here.pairs.ask(key, GetSnapshot { by }).await.unwrap();
}

#[actix::test]
async fn a_device_code_lets_in_once() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, _anny] = here.couple(&world).await;
    let ask = NewDeviceCode {
        by: abhi.by,
        hash: abhi.hash.clone(),
    };
    let (code, _) = here.pairs.ask(abhi.key, ask).await.unwrap();
    let proof = Some(LoginProof::DeviceCode(code));
    let phone = Person::log_in(&here, &abhi.hash, Seat::One, proof.clone())
        .await
        .unwrap();
    assert!(phone.return_code.is_none());
    phone.send("from the phone").await.unwrap();
    abhi.send("from the laptop").await.unwrap();
    let twice = login(&here, &abhi.hash, Seat::One, proof).await;
    assert!(matches!(twice, Err(Refusal::WrongCode)));
}

#[actix::test]
async fn a_device_code_lapses_after_ten_minutes() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, _anny] = here.couple(&world).await;
    let ask = NewDeviceCode {
        by: abhi.by,
        hash: abhi.hash.clone(),
    };
    let (code, _) = here.pairs.ask(abhi.key, ask).await.unwrap();
    world.time.advance(std::time::Duration::from_secs(600));
    let late = login(
        &here,
        &abhi.hash,
        Seat::One,
        Some(LoginProof::DeviceCode(code)),
    )
    .await;
    assert!(matches!(late, Err(Refusal::WrongCode)));
}

#[actix::test]
async fn a_new_return_code_makes_the_old_one_worthless() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, _anny] = here.couple(&world).await;
    let ask = NewReturnCode {
        by: abhi.by,
        hash: abhi.hash.clone(),
    };
    let code = here.pairs.ask(abhi.key, ask).await.unwrap();
    let old = Some(LoginProof::ReturnCode(abhi.return_code.clone().unwrap()));
    let old = login(&here, &abhi.hash, Seat::One, old).await;
    assert!(matches!(old, Err(Refusal::WrongCode)));
    login(
        &here,
        &abhi.hash,
        Seat::One,
        Some(LoginProof::ReturnCode(code)),
    )
    .await
    .unwrap();
}

#[actix::test]
async fn sessions_are_listed_and_ended_by_their_own_seat_alone() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    world.time.advance(std::time::Duration::from_secs(1));
    let phone = abhi.again(&here).await;
    let list = |person: &Person| here.pairs.ask(person.key, ListSessions { by: person.by });
    let (sessions, current) = list(&phone).await.unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[1].id, current, "the oldest comes first");
    let laptop = sessions[0].id;

    let end = |person: &Person, id| {
        let (by, which) = (person.by, SessionChoice::Id(id));
        here.pairs.ask(person.key, EndSession { by, which })
    };
    end(&anny, laptop).await.unwrap();
    abhi.snapshot().await.unwrap();
    end(&phone, laptop).await.unwrap();
    assert!(matches!(abhi.snapshot().await, Err(Refusal::NoSession)));
    assert_eq!(list(&phone).await.unwrap().0.len(), 1);
    assert_eq!(list(&anny).await.unwrap().0.len(), 1);
}

#[actix::test]
async fn a_logout_ends_its_session_and_the_return_code_lets_its_owner_back() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, anny] = here.couple(&world).await;
    let watcher = Watch::open(&anny).await;
    abhi.log_out().await.unwrap();
    assert_eq!(abhi.send("late").await, Err(Refusal::NoSession));
    assert_eq!(abhi.log_out().await, Err(Refusal::NoSession));
    watcher
        .until(&Shown::Seat(Seat::One, SeatChange::Left))
        .await;
    let bare = login(&here, &abhi.hash, Seat::One, None).await;
    assert!(matches!(bare, Err(Refusal::SeatTaken)));
    let back = abhi.again(&here).await;
    watcher
        .until(&Shown::Seat(Seat::One, SeatChange::Taken))
        .await;
    back.send("back").await.unwrap();
}

#[actix::test]
async fn a_token_of_another_chat_is_no_session_here() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, _] = here.couple(&world).await;
    let [other, _] = here.couple(&world).await;
    let looked = here.pairs.ask(other.key, GetSnapshot { by: abhi.by }).await;
    assert!(matches!(looked, Err(Refusal::NoSession)));
}

#[actix::test]
async fn what_a_message_says_of_its_people_must_agree_with_its_session() {
    let world = World::new();
    let here = world.instance(roomy());
    let [abhi, _anny] = here.couple(&world).await;
    let send = |sender: Option<&str>, recipient: Option<&str>| actors::SendMessage {
        by: abhi.by,
        id: Uuid::new_v4(),
        text: actors::domain::IncomingText::parse("Hello".into()).unwrap(),
        sent_at: None,
        sender: sender.map(name),
        recipient: recipient.map(name),
    };
    let ask = |send| here.pairs.ask(abhi.key, send);
    ask(send(Some("abhi"), Some("ANNY"))).await.unwrap();
    let sender = ask(send(Some("Anny"), None)).await;
    assert_eq!(
        sender,
        Err(Refusal::Disagrees {
            field: "senderName"
        })
    );
    let recipient = ask(send(None, Some("Abhi"))).await;
    assert_eq!(recipient, Err(Refusal::Disagrees { field: "reciever" }));
}

#[actix::test]
async fn seat_two_is_named_once_and_not_like_seat_one() {
    let world = World::new();
    let here = world.instance(roomy());
    let hash = world.unnamed_chat().await;
    let key = ChatKey::of(&hash);
    let abhi = Person::sit(&here, &hash, Seat::One).await;
    let watcher = Watch::open(&abhi).await;
    let call = |text| {
        here.pairs.ask(
            key,
            NameSeatTwo {
                name: name(text),
                auth: None,
            },
        )
    };
    assert!(matches!(
        call("ABHI").await,
        Err(Refusal::Invalid { field: "user", .. })
    ));
    call("Anny").await.unwrap();
    assert_eq!(call("Anny").await, Err(Refusal::NamedBefore));
    watcher
        .until(&Shown::Seat(Seat::Two, SeatChange::Named))
        .await;
    Person::sit(&here, &hash, Seat::Two).await;
    watcher
        .until(&Shown::Seat(Seat::Two, SeatChange::Taken))
        .await;
}
