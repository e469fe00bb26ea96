//! Joins modules into scripts. Each file of its own would cost a request with its head, and small files compress badly: the
//! chat's two dozen modules would weigh half as much again.
//!
//! A module becomes a function that runs once and returns what other modules import of it. So what it keeps to itself cannot clash, and
//! modules run in the order in which a browser would run them. An export has one name in the whole script, which saves a line
//! wherever it is imported. Several are returned as an array, because names of properties would not be minified. It understands the few
//! forms of `import` and `export` that the sources use, and panics at any other.

#[cfg(test)]
#[path = "join/tests.rs"]
mod tests;

use super::module::{Import, Module};

/// What a browser fetches instead of a module and all that it imports.
pub(crate) struct Script {
    pub(crate) name: String,
    pub(crate) code: String,
    /// The modules that are in it.
    pub(crate) modules: Vec<String>,
}

/// Joins each of `scripts` with all that it imports. The modules of its bases, which stand ahead of it and are fetched ahead of it, are
/// imported from these. `source_of` reads a module.
///
/// # Panics
/// At an import of an unknown module, at modules that import each other in a circle, at one name for two exports, and at forms of `import`
/// and `export` that it does not know.
pub(crate) fn join(scripts: &[(&str, &[&str])], source_of: &dyn Fn(&str) -> String) -> Vec<Script> {
    let mut joined = Vec::<Joined>::new();
    for (entry, names) in scripts {
        let is_base = |one: &&Joined| names.contains(&one.entry().name.as_str());
        let bases: Vec<_> = joined.iter().filter(is_base).collect();
        let script = Joined::of(entry, &bases, source_of);
        joined.push(script);
    }
    let written = joined.iter().map(|script| Script {
        name: script.entry().name.clone(),
        code: script.written(&joined),
        modules: script.modules.iter().map(|one| one.name.clone()).collect(),
    });
    written.collect()
}

struct Joined {
    /// In the order in which they run; the entry is the last.
    modules: Vec<Module>,
    /// By script, what is imported from it.
    bases: Vec<(String, Vec<String>)>,
}

impl Joined {
    fn of(entry: &str, bases: &[&Self], source_of: &dyn Fn(&str) -> String) -> Self {
        let mut joining = Joining {
            bases,
            source_of,
            begun: Vec::new(),
            modules: Vec::new(),
        };
        joining.add(entry);
        let modules = joining.modules;
        let wanted = |base: &&Self| {
            let mut names = Vec::<String>::new();
            for import in modules.iter().flat_map(|module| &module.imports) {
                if base.module(&import.from).is_none() {
                    continue;
                }
                for (name, _) in &import.names {
                    if !names.contains(name) {
                        names.push(name.clone());
                    }
                }
            }
            (base.entry().name.clone(), names)
        };
        let bases = bases.iter().map(wanted).collect();
        Self { modules, bases }
    }

    fn entry(&self) -> &Module {
        self.modules.last().expect("the entry is a module")
    }

    fn module(&self, name: &str) -> Option<&Module> {
        self.modules.iter().find(|module| module.name == name)
    }

    fn imports(&self) -> impl Iterator<Item = &Import> {
        self.modules.iter().flat_map(|module| &module.imports)
    }

    /// Whether a name means one thing in the whole script.
    fn is_sole(&self, name: &str) -> bool {
        let here = self.modules.iter().flat_map(|module| &module.exports);
        let imported = self.bases.iter().flat_map(|(_, names)| names);
        here.chain(imported).filter(|one| *one == name).count() == 1
    }

    /// The name by which another module of this script imports an export; `None` where none does.
    fn imported_as(&self, module: &str, name: &str) -> Option<&str> {
        let imports = self.imports().filter(|import| import.from == module);
        let mut names = imports.flat_map(|import| &import.names);
        let found = names.find(|(one, _)| one == name);
        found.map(|(_, local)| local.as_str())
    }

    /// The name of an export in the whole script: its own, or where other modules export one of that name, the one it is imported by.
    fn name_of<'a>(&'a self, module: &str, name: &'a str) -> &'a str {
        match self.is_sole(name) {
            true => name,
            false => self.imported_as(module, name).unwrap_or(name),
        }
    }

    /// What other scripts import from this one, by the array `$`, since names would not be minified.
    fn wanted<'a>(&self, scripts: &'a [Self]) -> Vec<&'a str> {
        let mut wanted: Vec<&str> = Vec::new();
        let bases = scripts.iter().flat_map(|script| &script.bases);
        for (_, names) in bases.filter(|(base, _)| *base == self.entry().name) {
            for name in names {
                if !wanted.contains(&name.as_str()) {
                    wanted.push(name);
                }
            }
        }
        wanted
    }

    /// What this one exports by its name: all that its entry does, unless nobody but other scripts imports it.
    fn named(&self, scripts: &[Self]) -> Vec<&str> {
        let entry = self.entry();
        let call = format!("import(\"./{}\")", entry.name);
        let mut modules = scripts.iter().flat_map(|script| &script.modules);
        let is_called = modules.any(|module| module.body.contains(&call));
        if !is_called && !self.wanted(scripts).is_empty() {
            return Vec::new();
        }
        let names = entry.passed_on.iter().chain(&entry.exports);
        names.map(String::as_str).collect()
    }

    fn written(&self, scripts: &[Self]) -> String {
        let (named, wanted) = (self.named(scripts), self.wanted(scripts));
        let exports: Vec<&str> = named.iter().chain(&wanted).copied().collect();
        for name in &exports {
            let entry = &self.entry().name;
            assert!(self.is_sole(name), "{entry} exports no {name}, or two");
        }
        let mut code = String::new();
        let mut taken: Vec<&str> = Vec::new();
        for (base, names) in self.bases.iter().filter(|(_, names)| !names.is_empty()) {
            let script = scripts.iter().find(|script| script.entry().name == *base);
            let all = script.map(|script| script.wanted(scripts));
            let all = all.expect("a base is one of the scripts");
            for name in names {
                assert!(
                    self.is_sole(name),
                    "{base} has a {name}, and another module too"
                );
            }
            let places = all.iter().map(|name| {
                let is_asked = names.iter().any(|asked| asked == name);
                if is_asked { *name } else { "" }
            });
            let places = places.collect::<Vec<_>>().join(", ");
            let places = places.trim_end_matches([',', ' ']);
            let array = format!("${}", base.trim_end_matches(".js"));
            code += &format!(
                "import {{ $ as {array} }} from \"./{base}\";\nconst [{places}] = {array};\n"
            );
            taken.extend(names.iter().map(String::as_str));
        }
        for module in &self.modules {
            let known = self.known(module, &exports);
            code += &self.function(module, &known);
            taken.extend(known.iter().map(|name| self.name_of(&module.name, name)));
        }
        for (at, name) in taken.iter().enumerate() {
            assert!(!taken[..at].contains(name), "two are called {name}");
        }
        if !named.is_empty() {
            code += &format!("export {{ {} }};\n", named.join(", "));
        }
        if !wanted.is_empty() {
            code += &format!("export const $ = [{}];\n", wanted.join(", "));
        }
        code
    }

    /// What others know of a module's exports: other modules of the script, or the script's own importers.
    fn known<'a>(&self, module: &'a Module, exports: &[&str]) -> Vec<&'a str> {
        let names = module.exports.iter().map(String::as_str);
        let is_known =
            |name: &&str| exports.contains(name) || self.imported_as(&module.name, name).is_some();
        names.filter(is_known).collect()
    }

    /// A module as the function that runs it, and returns what is known of it.
    fn function(&self, module: &Module, known: &[&str]) -> String {
        let imports = module.imports.iter();
        let mut body: String = imports.map(|import| self.lines(import)).collect();
        body += &module.body;
        if body.is_empty() {
            return body;
        }
        let names: Vec<_> = known
            .iter()
            .map(|name| self.name_of(&module.name, name))
            .collect();
        let run = |answer: &str| format!("(() => {{\n{body}{answer}}})();\n");
        match known {
            [] => run(""),
            [one] => format!("const {} = {}", names[0], run(&format!("return {one};\n"))),
            _ => {
                let answer = format!("return [{}];\n", known.join(", "));
                format!("const [{}] = {}", names.join(", "), run(&answer))
            }
        }
    }

    /// What a module has to say of an import: nothing where it calls it what the whole script does.
    fn lines(&self, import: &Import) -> String {
        let line = |(name, local): &(String, String)| {
            let exported = match self.module(&import.from) {
                Some(module) => module.exports.contains(name),
                None => true,
            };
            assert!(exported, "{} exports no {name}", import.from);
            match self.name_of(&import.from, name) {
                same if same == local => String::new(),
                other => format!("const {local} = {other};\n"),
            }
        };
        import.names.iter().map(line).collect()
    }
}

/// Looks for the modules of a script.
struct Joining<'a> {
    bases: &'a [&'a Joined],
    source_of: &'a dyn Fn(&str) -> String,
    /// Modules whose imports are being added.
    begun: Vec<String>,
    modules: Vec<Module>,
}

impl Joining<'_> {
    fn add(&mut self, name: &str) {
        let is_there = self.modules.iter().any(|module| module.name == name)
            || self.bases.iter().any(|base| base.module(name).is_some());
        if is_there {
            return;
        }
        assert!(
            !self.begun.iter().any(|begun| begun == name),
            "{name} imports itself by way of {:?}",
            self.begun
        );
        self.begun.push(name.into());
        let module = Module::of(name, &(self.source_of)(name));
        for import in &module.imports {
            self.add(&import.from);
        }
        self.modules.push(module);
        let entry = self.begun[0] == name;
        let passes_on = self
            .modules
            .last()
            .is_some_and(|one| !one.passed_on.is_empty());
        assert!(entry || !passes_on, "{name} is no entry and passes on");
    }
}
