//! A person's archive (XEP-0313), read page by page.

use quick_xml::escape::escape;
use tokio::{sync::oneshot, time::timeout};

use super::{
    PATIENCE,
    element::Element,
    person::{Gone, Person, lock},
};

/// As many as servers give at once.
const PAGE_LEN: usize = 200;
const ARCHIVE: &str = "urn:xmpp:mam:2";

/// A page that is being read.
#[derive(Debug)]
pub(super) struct Asked {
    query: String,
    messages: Vec<Element>,
    done: oneshot::Sender<(Vec<Element>, Element)>,
}

impl Asked {
    /// Whether an element belongs to the answer; a message that does is kept.
    pub(super) fn takes(&mut self, element: &Element) -> bool {
        if element.name == "iq" {
            return element.attribute("id") == self.query;
        }
        let Some(result) = element.child("result") else {
            return false;
        };
        let is_meant = result.attribute("queryid") == self.query;
        if is_meant && let Some(message) = result.at(&["forwarded", "message"]) {
            self.messages.push(message.clone());
        }
        is_meant
    }

    /// The answer is complete.
    pub(super) fn answer(self, end: &Element) {
        // Whoever asked may have given up.
        let _ = self.done.send((self.messages, end.clone()));
    }
}

/// All messages of a person's archive, from the first.
pub(super) async fn read(person: &Person) -> Result<Vec<Element>, String> {
    let (mut all, mut after) = (Vec::new(), None::<String>);
    for page in 0.. {
        let query = format!("page-{page}");
        let asking = timeout(PATIENCE, ask(person, &query, after.as_deref()));
        let (messages, end) = match asking.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(Gone)) => return Err("the connection was lost".to_owned()),
            Err(_) => return Err("it did not come in time".to_owned()),
        };
        let Some(fin) = end.child("fin") else {
            return Err(format!("the server answered {end:?}"));
        };
        let came = messages.len();
        all.extend(messages);
        let last = fin.at(&["set", "last"]).map(|last| last.text.clone());
        // A page that leads nowhere would be asked for again for ever.
        if fin.attribute("complete") == "true" || came == 0 || last == after {
            break;
        }
        after = last;
    }
    Ok(all)
}

async fn ask(
    person: &Person,
    query: &str,
    after: Option<&str>,
) -> Result<(Vec<Element>, Element), Gone> {
    let (done, answer) = oneshot::channel();
    *lock(&person.asked) = Some(Asked {
        query: query.to_owned(),
        messages: Vec::new(),
        done,
    });
    let question = question(query, after);
    person.out.lock().await.stanza(&question).await?;
    answer.await.map_err(|_| Gone)
}

fn question(query: &str, after: Option<&str>) -> String {
    let after = after.map_or_else(String::new, |id| format!("<after>{}</after>", escape(id)));
    format!(
        "<iq type='set' id='{query}'><query xmlns='{ARCHIVE}' queryid='{query}'>\
         <set xmlns='http://jabber.org/protocol/rsm'><max>{PAGE_LEN}</max>{after}</set></query></iq>"
    )
}
