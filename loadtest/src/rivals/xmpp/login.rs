//! One person's way in: an account is made, and the person logged in with it.

use base64::{Engine, engine::general_purpose::STANDARD};
use quick_xml::escape::escape;
use tokio::{
    io::AsyncWriteExt,
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

use super::{
    Address, PATIENCE, XmppError,
    element::{Element, Elements, as_io},
};

/// All of a run's people connect once with this.
const RESOURCE: &str = "loadtest";
/// The accounts end with the server that they are made on.
const PASSWORD: &str = "loadtest";

/// A connection of somebody who has logged in, and whose stanzas are acknowledged from here on (XEP-0198).
#[derive(Debug)]
pub(super) struct LoggedIn {
    /// `name@domain`.
    pub(super) account: String,
    /// `name@domain/resource`.
    pub(super) jid: String,
    pub(super) elements: Elements<OwnedReadHalf>,
    pub(super) socket: OwnedWriteHalf,
}

/// Makes an account of this name and logs in with it.
pub(super) async fn enter(address: &Address, name: &str) -> Result<LoggedIn, XmppError> {
    let connect = TcpStream::connect(&address.authority);
    let late = || XmppError::Late(address.to_string());
    let lost = |source| XmppError::Lost {
        address: address.to_string(),
        source,
    };
    let socket = timeout(PATIENCE, connect).await.map_err(|_| late())?;
    let socket = socket.map_err(lost)?;
    socket.set_nodelay(true).map_err(lost)?;
    let (reading, writing) = socket.into_split();
    let login = Login {
        address,
        elements: Elements::of(reading),
        socket: writing,
    };
    let entering = timeout(PATIENCE, login.enter(name));
    entering.await.map_err(|_| late())?
}

struct Login<'a> {
    address: &'a Address,
    elements: Elements<OwnedReadHalf>,
    socket: OwnedWriteHalf,
}

impl Login<'_> {
    async fn enter(mut self, name: &str) -> Result<LoggedIn, XmppError> {
        let domain = &self.address.domain;
        let (stream, account) = (stream_to(domain), format!("{name}@{domain}"));
        self.ask(&stream, "features").await?;
        let (user, password) = (escape(name), PASSWORD);
        self.ask_for_result(&format!(
            "<iq type='set' id='register'><query xmlns='jabber:iq:register'>\
             <username>{user}</username><password>{password}</password></query></iq>"
        ))
        .await?;
        let secret = STANDARD.encode(format!("\0{name}\0{PASSWORD}"));
        let auth = format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{secret}</auth>"
        );
        self.ask(&auth, "success").await?;
        self.ask(&stream, "features").await?;
        let bound = self
            .ask_for_result(&format!(
                "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
                 <resource>{RESOURCE}</resource></bind></iq>"
            ))
            .await?;
        let jid = bound.at(&["bind", "jid"]).map(|jid| jid.text.clone());
        self.ask("<enable xmlns='urn:xmpp:sm:3'/>", "enabled")
            .await?;
        Ok(LoggedIn {
            jid: jid.unwrap_or_else(|| format!("{account}/{RESOURCE}")),
            account,
            elements: self.elements,
            socket: self.socket,
        })
    }

    /// Sends an `iq`, and takes its result.
    async fn ask_for_result(&mut self, iq: &str) -> Result<Element, XmppError> {
        let answer = self.ask(iq, "iq").await?;
        match answer.attribute("type") {
            "result" => Ok(answer),
            _ => Err(self.refused(iq, &answer)),
        }
    }

    /// Sends something, and takes the answer of this name.
    async fn ask(&mut self, question: &str, name: &str) -> Result<Element, XmppError> {
        let lost = |source| XmppError::Lost {
            address: self.address.to_string(),
            source,
        };
        let sent = self.socket.write_all(question.as_bytes()).await;
        sent.map_err(lost)?;
        let answer = self.elements.next().await.map_err(as_io).map_err(lost)?;
        match answer {
            Some(answer) if answer.name == name => Ok(answer),
            Some(other) => Err(self.refused(question, &other)),
            None => Err(XmppError::Ended(self.address.to_string())),
        }
    }

    fn refused(&self, question: &str, answer: &Element) -> XmppError {
        XmppError::Refused {
            address: self.address.to_string(),
            question: question.to_owned(),
            answer: format!("{answer:?}"),
        }
    }
}

fn stream_to(domain: &str) -> String {
    format!(
        "<?xml version='1.0'?><stream:stream to='{}' version='1.0' xmlns='jabber:client' \
         xmlns:stream='http://etherx.jabber.org/streams'>",
        escape(domain)
    )
}
