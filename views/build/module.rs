//! A module, cut into what it imports, what it does and what it exports.

pub(crate) struct Module {
    pub(crate) name: String,
    pub(crate) imports: Vec<Import>,
    /// Its code, without `import` and `export`.
    pub(crate) body: String,
    pub(crate) exports: Vec<String>,
    /// What it exports of others: `export { a } from "./b.js";`.
    pub(crate) passed_on: Vec<String>,
}

pub(crate) struct Import {
    pub(crate) from: String,
    /// `{ name as local }`
    pub(crate) names: Vec<(String, String)>,
}

impl Module {
    /// # Panics
    /// At a form of `import` or `export` that it does not know.
    pub(crate) fn of(name: &str, source: &str) -> Self {
        let mut module = Self {
            name: name.into(),
            imports: Vec::new(),
            body: String::new(),
            exports: Vec::new(),
            passed_on: Vec::new(),
        };
        for line in source.lines() {
            if let Some(import) = line.strip_prefix("import ") {
                let import = parse_import(import)
                    .unwrap_or_else(|| panic!("{name}: an import of another form: {line}"));
                module.imports.push(import);
            } else if let Some(exported) = line.strip_prefix("export ") {
                module
                    .export(exported)
                    .unwrap_or_else(|| panic!("{name}: an export of another form: {line}"));
            } else {
                module.push(line);
            }
        }
        module
    }

    fn export(&mut self, exported: &str) -> Option<()> {
        if exported.starts_with('{') {
            let import = parse_import(exported)?;
            let names = import.names.iter().map(|(name, _)| name.clone());
            self.passed_on.extend(names);
            self.imports.push(import);
        } else {
            self.exports.push(exported_name(exported)?.into());
            self.push(exported);
        }
        Some(())
    }

    fn push(&mut self, line: &str) {
        self.body += line;
        self.body.push('\n');
    }
}

/// `{ a, b as c } from "./d.js";`
fn parse_import(import: &str) -> Option<Import> {
    let (what, from) = import.split_once(" from \"./")?;
    let from = from.strip_suffix("\";")?.into();
    let names = what.strip_prefix("{ ")?.strip_suffix(" }")?;
    let names = names.split(", ").map(|name| {
        let (name, local) = name.split_once(" as ").unwrap_or((name, name));
        (name.into(), local.into())
    });
    let names = names.collect();
    Some(Import { from, names })
}

/// Functions and constants: what they are called by does not change after the module has run.
fn exported_name(declared: &str) -> Option<&str> {
    ["const ", "function ", "async function "]
        .iter()
        .find_map(|form| declared.strip_prefix(form))?
        .split([' ', '('])
        .next()
}
