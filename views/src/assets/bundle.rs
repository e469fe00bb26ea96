//! Joins modules into one script. Each file of its own would cost a request with its head, and small files compress badly: the
//! chat's two dozen modules would weigh half as much again.
//!
//! A module becomes a function that runs once and answers with what it exports. So names cannot clash, and modules run in the
//! order in which a browser would run them. It understands the few forms of `import` and `export` that the sources use, and
//! panics at any other: a test builds every script.

use std::fmt::Write as _;

/// What a browser fetches instead of `entry` and all that it imports. Modules in `apart` are fetched by themselves.
///
/// # Panics
/// At an import of an unknown module, at modules that import each other in a circle, and at forms it does not know.
pub(super) fn bundle(entry: &str, apart: &[&str], source_of: &dyn Fn(&str) -> String) -> String {
    let mut bundle = Bundle {
        apart,
        source_of,
        begun: Vec::new(),
        done: Vec::new(),
        script: String::new(),
    };
    let exports = bundle.add(entry);
    if !exports.is_empty() {
        let line = format!(
            "export const {{ {} }} = {};\n",
            exports.join(", "),
            holder(entry)
        );
        bundle.push(&line);
    }
    bundle.script
}

struct Bundle<'a> {
    apart: &'a [&'a str],
    source_of: &'a dyn Fn(&str) -> String,
    /// Modules whose imports are being added.
    begun: Vec<String>,
    done: Vec<String>,
    script: String,
}

impl Bundle<'_> {
    /// Answers what the module exports, when it was not added before.
    fn add(&mut self, name: &str) -> Vec<String> {
        if self.done.iter().any(|done| done == name) {
            return Vec::new();
        }
        assert!(
            !self.begun.iter().any(|begun| begun == name),
            "{name} imports itself by way of {:?}",
            self.begun
        );
        self.begun.push(name.into());
        let mut exports = Vec::new();
        if self.apart.contains(&name) {
            self.push(&format!(
                "import * as {} from \"./{name}\";\n",
                holder(name)
            ));
        } else {
            exports = self.add_function(name);
        }
        self.done.push(name.into());
        exports
    }

    fn add_function(&mut self, name: &str) -> Vec<String> {
        let source = (self.source_of)(name);
        let (mut body, mut exports) = (String::new(), Vec::new());
        for line in source.lines() {
            if let Some(import) = line.strip_prefix("import ") {
                let (what, from) = parse_import(import)
                    .unwrap_or_else(|| panic!("{name}: an import of another form: {line}"));
                self.add(from);
                let what = what.strip_prefix("* as ").unwrap_or(what);
                let what = what.replace(" as ", ": ");
                body += &format!("const {what} = {};\n", holder(from));
            } else if let Some(declared) = line.strip_prefix("export ") {
                let exported = exported_name(declared)
                    .unwrap_or_else(|| panic!("{name}: an export of another form: {line}"));
                exports.push(exported.to_owned());
                body += declared;
                body.push('\n');
            } else {
                body += line;
                body.push('\n');
            }
        }
        let (holder, listed) = (holder(name), exports.join(", "));
        self.push(&format!(
            "const {holder} = (() => {{\n{body}return {{ {listed} }};\n}})();\n"
        ));
        exports
    }

    fn push(&mut self, text: &str) {
        self.script
            .write_str(text)
            .expect("writing to a String cannot fail");
    }
}

/// `{ a, b } from "./c.js";` as `{ a, b }` and `c.js`.
fn parse_import(import: &str) -> Option<(&str, &str)> {
    let (what, from) = import.split_once(" from \"./")?;
    Some((what, from.strip_suffix("\";")?))
}

/// Functions and constants: what they are called by does not change after the module has run.
fn exported_name(declared: &str) -> Option<&str> {
    ["const ", "function ", "async function "]
        .iter()
        .find_map(|form| declared.strip_prefix(form))?
        .split([' ', '('])
        .next()
}

/// The name that holds what a module exports.
fn holder(module: &str) -> String {
    format!("${}", module.trim_end_matches(".js"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(name: &str) -> String {
        match name {
            "a.js" => "import { b as other } from \"./b.js\";\nimport * as t from \"./t.js\";\nother(t);\n",
            "b.js" => "const own = 1;\nexport function b() {\n  return own;\n}\nexport const c = 2;\n",
            "round.js" => "import { b } from \"./about.js\";\n",
            "about.js" => "import { b } from \"./round.js\";\n",
            _ => panic!("no {name}"),
        }
        .into()
    }

    #[test]
    fn modules_run_once_each_before_who_imports_them() {
        assert_eq!(
            bundle("a.js", &["t.js"], &sources),
            "const $b = (() => {\nconst own = 1;\nfunction b() {\n  return own;\n}\nconst c = 2;\nreturn { b, c };\n})();\n\
             import * as $t from \"./t.js\";\n\
             const $a = (() => {\nconst { b: other } = $b;\nconst t = $t;\nother(t);\nreturn {  };\n})();\n"
        );
    }

    #[test]
    fn what_an_entry_exports_its_importers_get() {
        assert!(bundle("b.js", &[], &sources).ends_with("export const { b, c } = $b;\n"));
    }

    #[test]
    #[should_panic(expected = "imports itself")]
    fn a_circle_is_refused() {
        bundle("round.js", &[], &sources);
    }
}
