use actors::{
    EndChat, EndSession, GetHistory, GetSnapshot, LoggedIn, Login, LoginProof, MoveMarks,
    NotifyActivity, PairRegistry, ProveSeat, Refusal, SendMessage, Sent, Snapshot,
    domain::{
        AccessCode, Activity, ChatKey, ClientId, Device, IncomingText, Marks, Page, PairHash, Seat,
        SecretDigest, Seq, UserName,
    },
    ports::SessionChoice,
};
use uuid::Uuid;

use super::{Instance, name_at};

/// Somebody who is logged in, and talks to one instance.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) hash: PairHash,
    pub(crate) key: ChatKey,
    pub(crate) seat: Seat,
    /// What their session is proved with.
    pub(crate) by: SecretDigest,
    /// Where this login set it.
    pub(crate) return_code: Option<AccessCode>,
    pairs: PairRegistry,
}

/// The first login under a name, without an id of its own.
pub(crate) fn login_as(hash: &PairHash, name: UserName) -> Login {
    Login {
        hash: hash.clone(),
        name,
        proof: None,
        id: None,
        device: Device::default(),
        auth: None,
        may_name: false,
    }
}

pub(crate) async fn login(
    instance: &Instance,
    hash: &PairHash,
    seat: Seat,
    proof: Option<LoginProof>,
) -> Result<LoggedIn, Refusal> {
    let login = Login {
        proof,
        ..login_as(hash, name_at(seat))
    };
    instance.pairs.ask(ChatKey::of(hash), login).await
}

impl Person {
    /// Sits down where nobody has sat yet.
    pub(crate) async fn sit(instance: &Instance, hash: &PairHash, seat: Seat) -> Self {
        let person = Self::log_in(instance, hash, seat, None).await.unwrap();
        assert!(person.return_code.is_some());
        person
    }

    pub(crate) async fn log_in(
        instance: &Instance,
        hash: &PairHash,
        seat: Seat,
        proof: Option<LoginProof>,
    ) -> Result<Self, Refusal> {
        let logged_in = login(instance, hash, seat, proof).await?;
        assert_eq!(logged_in.seat, seat);
        Ok(Self {
            hash: hash.clone(),
            key: ChatKey::of(hash),
            seat,
            by: logged_in.token.digest(),
            return_code: logged_in.return_code,
            pairs: instance.pairs.clone(),
        })
    }

    /// Logs in once more, with the return code.
    pub(crate) async fn again(&self, instance: &Instance) -> Self {
        let code = self.return_code.clone().expect("this login set the code");
        let proof = Some(LoginProof::ReturnCode(code));
        Self::log_in(instance, &self.hash, self.seat, proof)
            .await
            .unwrap()
    }

    /// The same session, at another instance.
    pub(crate) fn at(&self, instance: &Instance) -> Self {
        Self {
            pairs: instance.pairs.clone(),
            ..self.clone()
        }
    }

    pub(crate) fn pairs(&self) -> &PairRegistry {
        &self.pairs
    }

    pub(crate) async fn send(&self, text: &str) -> Result<Sent, Refusal> {
        self.send_as(Uuid::new_v4(), text).await
    }

    pub(crate) async fn send_as(&self, id: ClientId, text: &str) -> Result<Sent, Refusal> {
        let send = SendMessage {
            by: self.by,
            id,
            text: IncomingText::parse(text.into()).unwrap(),
            sent_at: None,
            sender: None,
            recipient: None,
        };
        self.pairs.ask(self.key, send).await
    }

    /// How things stand, as a page would show it.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, Refusal> {
        self.pairs.ask(self.key, GetSnapshot { by: self.by }).await
    }

    /// Whether the session proves the seat, without a look into the store.
    pub(crate) async fn prove_seat(&self) -> Result<(), Refusal> {
        let (by, seat) = (self.by, self.seat);
        self.pairs.ask(self.key, ProveSeat { by, seat }).await
    }

    /// The texts of all messages, in order; checks that their places have no gap.
    pub(crate) async fn texts(&self) -> Result<Vec<String>, Refusal> {
        let history = GetHistory {
            by: self.by,
            page: Page::After(0),
            limit: 10_000,
        };
        let (page, _) = self.pairs.ask(self.key, history).await?;
        let messages = page.messages;
        let seqs: Vec<Seq> = messages.iter().map(|message| message.seq).collect();
        assert_eq!(seqs, (1..=messages.len() as Seq).collect::<Vec<Seq>>());
        Ok(messages
            .iter()
            .map(|message| message.text.as_str().to_owned())
            .collect())
    }

    pub(crate) async fn receipt(&self, delivered: Seq, read: Seq) -> Result<(), Refusal> {
        let marks = Marks { delivered, read };
        self.pairs
            .ask(self.key, MoveMarks { by: self.by, marks })
            .await
    }

    pub(crate) async fn typing(&self) -> Result<(), Refusal> {
        let activity = Activity::Typing;
        let notify = NotifyActivity {
            by: self.by,
            activity,
        };
        self.pairs.ask(self.key, notify).await
    }

    pub(crate) async fn log_out(&self) -> Result<(), Refusal> {
        let (by, which) = (self.by, SessionChoice::Own);
        self.pairs.ask(self.key, EndSession { by, which }).await
    }

    pub(crate) async fn end_chat(&self) -> Result<(), Refusal> {
        self.pairs.ask(self.key, EndChat { by: self.by }).await
    }
}
