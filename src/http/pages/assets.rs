//! Styles and scripts, under a name that changes with them.

use actix_web::{HttpResponse, http::header, web};

use crate::http::envelope::Problem;

/// One of them; it may be kept for ever.
pub async fn show(path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (digest, name) = path.into_inner();
    let asset = views::assets::find(&digest, &name).ok_or_else(Problem::no_such_page)?;
    Ok(HttpResponse::Ok()
        .content_type(asset.mime)
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(asset.bytes))
}
