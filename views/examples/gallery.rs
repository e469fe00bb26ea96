//! Writes every sample page as a static file, to be looked at: `cargo run -p views --example gallery -- FOLDER`.

use std::{env, error::Error, fs, path::Path};

use views::{assets, page::Theme, samples, text};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("usage: gallery FOLDER")?;
    let folder = Path::new(&folder);
    let assets_folder = folder.join("assets");
    fs::create_dir_all(&assets_folder)?;
    for (name, asset) in assets::all() {
        fs::write(assets_folder.join(name), asset.bytes)?;
    }
    let here = format!("{}/assets/{}/", views::address::BASE, assets::digest());
    for text in text::ALL {
        for theme in Theme::ALL {
            let sub = folder.join(format!("{}-{}", text.tag, theme.word()));
            fs::create_dir_all(&sub)?;
            for (name, page) in samples::all(&samples::frame(text, theme)) {
                fs::write(
                    sub.join(format!("{name}.html")),
                    page.into_string().replace(&here, "../assets/"),
                )?;
            }
        }
    }
    Ok(())
}
