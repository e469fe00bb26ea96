//! XML elements as they come over a stream that never ends.

use std::io;

use quick_xml::{
    Reader, XmlVersion,
    escape::{EscapeError, resolve_xml_entity},
    events::{BytesRef, BytesStart, Event},
};
use tokio::io::{AsyncRead, BufReader};

/// What holds everything else, and is opened anew after each log-in.
const STREAM: &[u8] = b"stream:stream";

/// One element with all that is in it. Names are without their prefixes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
    pub(super) text: String,
}

impl Element {
    /// The value of an attribute, empty where it is absent.
    pub(super) fn attribute(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|(one, _)| one == name);
        found.map_or("", |(_, value)| value)
    }

    /// The first child of this name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The element that this path of names leads to.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter()
            .try_fold(self, |element, name| element.child(name))
    }

    fn started(start: &BytesStart<'_>) -> quick_xml::Result<Self> {
        let attributes = start.attributes().map(|attribute| {
            let attribute = attribute?;
            let name = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
            let value = attribute.normalized_value(XmlVersion::Implicit1_0)?;
            Ok((name, value.into_owned()))
        });
        Ok(Self {
            name: String::from_utf8_lossy(start.local_name().as_ref()).into_owned(),
            attributes: attributes.collect::<quick_xml::Result<_>>()?,
            ..Self::default()
        })
    }
}

/// Reads one element after the other.
#[derive(Debug)]
pub(super) struct Elements<R> {
    reader: Reader<BufReader<R>>,
    buffer: Vec<u8>,
    /// Those that have begun and not ended, the outermost first.
    open: Vec<Element>,
}

impl<R: AsyncRead + Unpin> Elements<R> {
    pub(super) fn of(source: R) -> Self {
        Self {
            reader: Reader::from_reader(BufReader::new(source)),
            buffer: Vec::new(),
            open: Vec::new(),
        }
    }

    /// The next one that stands directly in the stream; `None` when the stream has ended.
    pub(super) async fn next(&mut self) -> quick_xml::Result<Option<Element>> {
        loop {
            self.buffer.clear();
            let event = self.reader.read_event_into_async(&mut self.buffer).await?;
            let ended = match event {
                Event::Start(start) if start.name().as_ref() == STREAM => continue,
                Event::Start(start) => {
                    self.open.push(Element::started(&start)?);
                    continue;
                }
                Event::Empty(start) => Some(Element::started(&start)?),
                Event::End(end) if end.name().as_ref() == STREAM => return Ok(None),
                Event::End(_) => self.open.pop(),
                Event::Eof => return Ok(None),
                Event::Text(text) => {
                    if let Some(innermost) = self.open.last_mut() {
                        innermost.text.push_str(&text.xml10_content()?);
                    }
                    continue;
                }
                Event::CData(text) => {
                    if let Some(innermost) = self.open.last_mut() {
                        innermost.text.push_str(&text.xml10_content()?);
                    }
                    continue;
                }
                Event::GeneralRef(reference) => {
                    if let Some(innermost) = self.open.last_mut() {
                        resolve(&reference, &mut innermost.text)?;
                    }
                    continue;
                }
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_) => continue,
            };
            let Some(ended) = ended else { continue };
            match self.open.last_mut() {
                Some(parent) => parent.children.push(ended),
                None => return Ok(Some(ended)),
            }
        }
    }
}

/// Writes the character that a reference stands for.
fn resolve(reference: &BytesRef<'_>, into: &mut String) -> quick_xml::Result<()> {
    if let Some(character) = reference.resolve_char_ref()? {
        into.push(character);
        return Ok(());
    }
    let name = reference.decode()?;
    let unknown = || EscapeError::UnrecognizedEntity(0..name.len(), name.to_string());
    into.push_str(resolve_xml_entity(&name).ok_or_else(unknown)?);
    Ok(())
}

/// What a broken connection and a broken document have in common: nothing follows.
pub(super) fn as_io(error: quick_xml::Error) -> io::Error {
    match error {
        quick_xml::Error::Io(error) => io::Error::new(error.kind(), error.to_string()),
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    const HEAD: &str =
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' id='1' version='1.0'>";

    /// Everything that `text` says, in reads of `step` bytes.
    async fn elements(text: &str, step: usize) -> Vec<Element> {
        let (mut server, client) = duplex(step);
        let bytes = text.as_bytes().to_vec();
        tokio::spawn(async move { server.write_all(&bytes).await.unwrap() });
        let (mut elements, mut found) = (Elements::of(client), Vec::new());
        while let Some(element) = elements.next().await.unwrap() {
            found.push(element);
        }
        found
    }

    #[tokio::test]
    async fn a_stream_says_the_same_wherever_its_reads_are_cut() {
        let text = format!(
            "{HEAD}<stream:features><mechanisms><mechanism>PLAIN</mechanism></mechanisms></stream:features>\
             {HEAD}<message from='a@b/c' id='7.x'><body>1 &lt;b&gt;\n\t&amp;amp; &#252; „Zoë“ 🙂 </body>\
             <stanza-id xmlns='urn:xmpp:sid:0' by='a&apos;s' id='17'/></message><a xmlns='urn:xmpp:sm:3' h='2'/></stream:stream>"
        );
        for step in [1, 2, 3, 7, 64, 4096] {
            let found = elements(&text, step).await;
            let names: Vec<_> = found.iter().map(|one| one.name.as_str()).collect();
            assert_eq!(names, ["features", "message", "a"], "reads of {step}");
            let plain = found[0].at(&["mechanisms", "mechanism"]).unwrap();
            assert_eq!(plain.text, "PLAIN");
            let body = found[1].child("body").unwrap();
            assert_eq!(body.text, "1 <b>\n\t&amp; ü „Zoë“ 🙂 ");
            let archived = found[1].child("stanza-id").unwrap();
            assert_eq!(archived.attribute("by"), "a's");
            assert_eq!(found[2].attribute("h"), "2");
            assert_eq!(found[2].attribute("absent"), "");
        }
    }

    #[tokio::test]
    async fn an_element_is_there_when_its_last_byte_is() {
        let (mut server, client) = duplex(1024);
        let mut elements = Elements::of(client);
        let text = format!("{HEAD}<a h='1'/><message><body>x</body></message>");
        server.write_all(text.as_bytes()).await.unwrap();
        // The connection stays open, and nothing follows.
        for name in ["a", "message"] {
            assert_eq!(elements.next().await.unwrap().unwrap().name, name);
        }
    }

    #[tokio::test]
    async fn what_is_no_xml_is_an_error() {
        for wrong in ["<a></b>", "<a>&nothing;</a>", "<a h='&x;'/>"] {
            let mut elements = Elements::of(wrong.as_bytes());
            assert!(elements.next().await.is_err(), "{wrong}");
        }
    }
}
