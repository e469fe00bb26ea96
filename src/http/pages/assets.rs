//! Styles and scripts. Their addresses contain a digest of the content.

use std::collections::HashMap;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, AcceptEncoding, ContentEncoding, Encoding},
    web,
};
use bytes::Bytes;
use tokio::{sync::OnceCell, task::spawn_blocking};

use crate::http::{
    compression::brotli,
    problem::{Problem, Result},
};

/// Every asset compressed with brotli at its best level, once: they never change. On a thread of its own, since it takes a
/// tenth of a second.
async fn compressed() -> &'static HashMap<&'static str, Bytes> {
    static COMPRESSED: OnceCell<HashMap<&str, Bytes>> = OnceCell::const_new();
    let compress = || {
        let assets = views::assets::all();
        assets
            .map(|(name, asset)| (name, brotli(asset.bytes, QUALITY_MAX)))
            .collect()
    };
    let compressing = async || {
        spawn_blocking(compress)
            .await
            .expect("nothing in it panics")
    };
    COMPRESSED.get_or_init(compressing).await
}

const QUALITY_MAX: u32 = 11;

/// How often a request for another build's asset is sent on its way again.
const ATTEMPTS_MAX: u8 = 8;

/// Serves an asset, cacheable for ever. Clients without brotli get what the middleware compresses.
pub async fn show(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    accepted: Option<web::Header<AcceptEncoding>>,
) -> Result<HttpResponse> {
    let (digest, name) = path.into_inner();
    let Some(asset) = views::assets::find(&digest, &name) else {
        return elsewhere(&request, &digest);
    };
    let offered = [Encoding::brotli(), Encoding::identity()];
    let chosen = accepted.and_then(|accepted| accepted.negotiate(offered.iter()));
    let compressed = match chosen == Some(Encoding::brotli()) {
        true => compressed().await.get(name.as_str()),
        false => None,
    };
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

/// While instances are replaced by those of another build, a page may come from one and what it loads be asked of another.
/// So the client asks again, and the balancer chooses an instance again.
fn elsewhere(request: &HttpRequest, digest: &str) -> Result<HttpResponse> {
    let attempts = request.query_string().strip_prefix("attempt=");
    let attempts = attempts.map_or(Ok(0), str::parse);
    match attempts {
        Ok(attempts @ 0..ATTEMPTS_MAX) if views::assets::is_digest(digest) => {
            let again = format!("{}?attempt={}", request.path(), attempts + 1);
            Ok(HttpResponse::TemporaryRedirect()
                .insert_header((header::LOCATION, again))
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .finish())
        }
        _ => Err(Problem::NoSuchPage),
    }
}
