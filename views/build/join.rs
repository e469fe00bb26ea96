//! Joins modules into scripts. Each file of its own would cost a request with its head, and small files compress badly: the
//! chat's two dozen modules would weigh half as much again.
//!
//! A module becomes a function that runs once and answers with what it exports. So what it keeps to itself cannot clash, and
//! modules run in the order in which a browser would run them. What one module alone exports goes by that name in the whole
//! script, which saves a line wherever it is imported. It understands the few forms of `import` and `export` that the sources
//! use, and panics at any other.

#[cfg(test)]
#[path = "join/tests.rs"]
mod tests;

use super::module::{Import, Module, What};

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
/// At an import of an unknown module, at modules that import each other in a circle, and at forms of `import` and `export` that it does not
/// know.
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
                let What::Names(asked) = &import.what else {
                    panic!("all of {}, which another script has", import.from);
                };
                for (name, _) in asked {
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

    /// What other scripts import from this one. Among themselves they call each of these by a letter, since names are not minified there.
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
        for (base, names) in self.bases.iter().filter(|(_, names)| !names.is_empty()) {
            let script = scripts.iter().find(|script| script.entry().name == *base);
            let all = script.map(|script| script.wanted(scripts));
            let all = all.expect("a base is one of the scripts");
            let place = |name: &String| all.iter().position(|one| one == name);
            let import = |name: &String| {
                let place = place(name).expect("what is imported is wanted");
                format!("{} as {name}", letters(place))
            };
            let imports: Vec<_> = names.iter().map(import).collect();
            code += &format!("import {{ {} }} from \"./{base}\";\n", imports.join(", "));
        }
        for module in &self.modules {
            code += &self.function(module, &exports);
        }
        let short = wanted.iter().enumerate();
        let short = short.map(|(place, name)| format!("{name} as {}", letters(place)));
        let exports: Vec<_> = named.iter().map(ToString::to_string).chain(short).collect();
        if !exports.is_empty() {
            code += &format!("export {{ {} }};\n", exports.join(", "));
        }
        code
    }

    /// A module as the function that runs it.
    fn function(&self, module: &Module, exports: &[&str]) -> String {
        let imports = module.imports.iter();
        let mut body: String = imports.map(|import| self.lines(import)).collect();
        body += &module.body;
        if body.is_empty() {
            return body;
        }
        let of_it: Vec<_> = self
            .imports()
            .filter(|import| import.from == module.name)
            .collect();
        let is_known =
            |name: &str| exports.contains(&name) || of_it.iter().any(|import| import.names(name));
        let sole: Vec<_> = module
            .exports
            .iter()
            .map(String::as_str)
            .filter(|name| self.is_sole(name) && is_known(name))
            .collect();
        let is_held = of_it.iter().any(|import| match &import.what {
            What::All(_) => true,
            What::Names(names) => names.iter().any(|(name, _)| !self.is_sole(name)),
        });
        let (sole, holder) = (sole.join(", "), holder(&module.name));
        let answer = match is_held {
            true => module.exports.join(", "),
            false => sole.clone(),
        };
        if !answer.is_empty() {
            body += &format!("return {{ {answer} }};\n");
        }
        let function = format!("(() => {{\n{body}}})();\n");
        match (is_held, sole.is_empty()) {
            (true, true) => format!("const {holder} = {function}"),
            (true, false) => format!("const {holder} = {function}const {{ {sole} }} = {holder};\n"),
            (false, true) => function,
            (false, false) => format!("const {{ {sole} }} = {function}"),
        }
    }

    /// What a module has to say of an import: nothing where the name is known in the whole script.
    fn lines(&self, import: &Import) -> String {
        let names = match &import.what {
            What::All(local) => return format!("const {local} = {};\n", holder(&import.from)),
            What::Names(names) => names,
        };
        let line = |(name, local): &(String, String)| {
            let exported = match self.module(&import.from) {
                Some(module) => module.exports.contains(name),
                None => true,
            };
            assert!(exported, "{} exports no {name}", import.from);
            if !self.is_sole(name) {
                return format!("const {{ {name}: {local} }} = {};\n", holder(&import.from));
            }
            match name == local {
                true => String::new(),
                false => format!("const {local} = {name};\n"),
            }
        };
        names.iter().map(line).collect()
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

/// `a` to `z`, `ba` to `zz`, `baa` …
fn letters(number: usize) -> String {
    let (more, last) = (number / 26, u8::try_from(number % 26).unwrap_or_default());
    let ahead = if more > 0 {
        letters(more)
    } else {
        String::new()
    };
    ahead + &char::from(b'a' + last).to_string()
}

/// The name that holds what a module exports.
fn holder(module: &str) -> String {
    format!("${}", module.trim_end_matches(".js"))
}
