//! Styles and scripts. Their addresses contain a digest of the content.

use std::{collections::HashMap, io::Write as _, sync::LazyLock};

use actix_web::{
    HttpResponse,
    http::header::{self, AcceptEncoding, ContentEncoding, Encoding},
    web,
};
use bytes::Bytes;

use crate::http::problem::{Problem, Result};

/// Every asset compressed with brotli at its best level, once: they never change.
static COMPRESSED: LazyLock<HashMap<&str, Bytes>> = LazyLock::new(|| {
    views::assets::all()
        .map(|(name, asset)| (name, brotli(asset.bytes)))
        .collect()
});

/// Serves an asset, cacheable for ever. Clients without brotli get what the middleware compresses.
pub async fn show(
    path: web::Path<(String, String)>,
    accepted: Option<web::Header<AcceptEncoding>>,
) -> Result<HttpResponse> {
    let (digest, name) = path.into_inner();
    let asset = views::assets::find(&digest, &name).ok_or(Problem::NoSuchPage)?;
    let offered = [Encoding::brotli(), Encoding::identity()];
    let chosen = accepted.and_then(|accepted| accepted.negotiate(offered.iter()));
    let compressed = COMPRESSED
        .get(name.as_str())
        .filter(|_| chosen == Some(Encoding::brotli()));
    let mut response = HttpResponse::Ok();
    response
        .content_type(asset.mime)
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"));
    Ok(match compressed {
        Some(bytes) => response
            .insert_header(ContentEncoding::Brotli)
            .insert_header((header::VARY, "accept-encoding"))
            .body(bytes.clone()),
        None => response.body(asset.bytes),
    })
}

fn brotli(bytes: &[u8]) -> Bytes {
    const BUFFER_LEN: usize = 4096;
    const QUALITY: u32 = 11;
    const WINDOW_BITS: u32 = 22;
    let mut writer = ::brotli::CompressorWriter::new(Vec::new(), BUFFER_LEN, QUALITY, WINDOW_BITS);
    writer
        .write_all(bytes)
        .expect("memory takes what is written");
    writer.into_inner().into()
}
