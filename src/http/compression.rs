//! Compresses pages, each as a whole and before it is sent: a compressor at work takes more memory than most pages, and
//! would wait with the page for a client that reads nothing. So what is made while it is sent, such as a download, is
//! not compressed. On the arbiter, one page at a time: as tasks of other threads, pages that are requested together would
//! each have a compressor of a megabyte.

use std::io::Write as _;

use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{
        AcceptEncoding, CONTENT_ENCODING, CONTENT_TYPE, ContentEncoding, Encoding, Header as _,
        HeaderMap, HeaderValue, VARY,
    },
    middleware::Next,
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

/// Shorter bodies hardly become shorter.
const BYTES_MIN: usize = 512;
/// The kinds of content that become shorter.
const KINDS: [&str; 3] = ["text/", "application/", "image/svg"];
/// Brotli's effort for a page, of 11.
const PAGE_QUALITY: u32 = 5;

type Encode = fn(&[u8]) -> Bytes;

/// The middleware of pages: compresses what a client accepts compressed.
pub async fn compress(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let accepted = accepted(&request);
    let response = next.call(request).await?.map_into_boxed_body();
    let Some((encoding, encode)) = accepted.filter(|_| is_shrinkable(response.headers())) else {
        return Ok(response);
    };
    let (request, response) = response.into_parts();
    let (mut response, body) = response.into_parts();
    let body = match body.try_into_bytes() {
        Ok(bytes) if bytes.len() >= BYTES_MIN => {
            let headers = response.headers_mut();
            headers.insert(CONTENT_ENCODING, encoding.to_header_value());
            headers.append(VARY, HeaderValue::from_static("accept-encoding"));
            BoxBody::new(encode(&bytes))
        }
        Ok(bytes) => BoxBody::new(bytes),
        // It is made while it is sent.
        Err(body) => body,
    };
    Ok(ServiceResponse::new(request, response.set_body(body)))
}

/// How to compress for the client of a request. A client that accepts nothing that we offer gets the page as it is, rather
/// than a 406 (RFC 9110, 12.5.3).
fn accepted(request: &ServiceRequest) -> Option<(ContentEncoding, Encode)> {
    let offered = [Encoding::identity(), Encoding::brotli(), Encoding::gzip()];
    let accepted = AcceptEncoding::parse(request.request()).ok()?;
    match accepted.negotiate(offered.iter())? {
        Encoding::Known(ContentEncoding::Brotli) => {
            Some((ContentEncoding::Brotli, |page| brotli(page, PAGE_QUALITY)))
        }
        Encoding::Known(ContentEncoding::Gzip) => Some((ContentEncoding::Gzip, gzip)),
        _ => None,
    }
}

fn is_shrinkable(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .map_or(&b""[..], HeaderValue::as_bytes);
    let mut kinds = KINDS.iter();
    kinds.any(|known| kind.starts_with(known.as_bytes())) && !headers.contains_key(CONTENT_ENCODING)
}

/// Compresses with brotli; 11 is the highest quality.
pub fn brotli(bytes: &[u8], quality: u32) -> Bytes {
    const BUFFER_LEN: usize = 4096;
    const WINDOW_BITS: u32 = 18;
    let mut writer = ::brotli::CompressorWriter::new(Vec::new(), BUFFER_LEN, quality, WINDOW_BITS);
    writer
        .write_all(bytes)
        .expect("memory takes what is written");
    writer.into_inner().into()
}

fn gzip(bytes: &[u8]) -> Bytes {
    let mut writer = GzEncoder::new(Vec::new(), Compression::default());
    writer
        .write_all(bytes)
        .and_then(|()| writer.finish())
        .expect("memory takes what is written")
        .into()
}
