//! Makes the scripts of the pages out of the modules in `assets/`: joins them and minifies the whole. `src/assets.rs` embeds them; the
//! minifier is no part of the program.

mod join;
mod minify;
mod module;

use std::{env, fmt::Write as _, fs, path::Path};

use join::Script;

/// The scripts that browsers fetch, and those whose modules each of them uses, which are fetched ahead of it. `every.js` comes with
/// every page, ahead of its first paint; `vault.js` and what builds upon it where a chat is, or is to be, encrypted; `making.js`,
/// `qr.js`, `save.js`, `ask.js`, `notice.js`, `asks.js`, `older.js` and `chime.js` when they are wanted.
const SCRIPTS: [(&str, &[&str]); 12] = [
    (EVERY, &[]),
    (CHAT, &[EVERY]),
    ("page.js", &[EVERY]),
    (VAULT, &[EVERY]),
    ("making.js", &[EVERY, VAULT]),
    ("qr.js", &[]),
    ("save.js", &[EVERY, VAULT]),
    ("ask.js", &[EVERY]),
    ("notice.js", &[EVERY]),
    ("asks.js", &[EVERY, CHAT]),
    ("older.js", &[EVERY, CHAT]),
    ("chime.js", &[]),
];
const EVERY: &str = "every.js";
const CHAT: &str = "chat.js";
const VAULT: &str = "vault.js";
/// The work of others, served as it came.
const VENDORED: &str = "lean-qr.js";

fn main() {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=assets");
    let assets = Path::new("assets");
    let read = |name: &str| {
        fs::read_to_string(assets.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let scripts = join::join(&SCRIPTS, &read);
    check(assets, &scripts);
    let out = env::var_os("OUT_DIR").expect("cargo names the folder");
    let mut list = String::new();
    for Script { name, code, .. } in &scripts {
        let short = minify::minify(name, code);
        fs::write(Path::new(&out).join(name), short).expect("the folder takes files");
        writeln!(
            list,
            "({name:?}, include_str!(concat!(env!(\"OUT_DIR\"), \"/{name}\"))),"
        )
        .expect("writing to a String cannot fail");
    }
    let list = format!("&[\n{list}]\n");
    fs::write(Path::new(&out).join("scripts.rs"), list).expect("the folder takes files");
}

/// A module that two scripts hold would run twice on a page, each time with a state of its own; one that none holds is forgotten.
fn check(assets: &Path, scripts: &[Script]) {
    for entry in fs::read_dir(assets).expect("the modules are there") {
        let file = entry.expect("the folder can be read").file_name();
        let name = file.to_string_lossy();
        if !name.ends_with(".js") || name == VENDORED {
            continue;
        }
        let holds = |script: &&Script| script.modules.iter().any(|module| *module == name);
        let holders: Vec<_> = scripts.iter().filter(holds).collect();
        let names: Vec<_> = holders.iter().map(|script| &script.name).collect();
        assert!(names.len() == 1, "{name} is in {names:?}");
    }
}
