use super::*;

fn sources(name: &str) -> String {
    match name {
        "a.js" => "import { b as other, c } from \"./b.js\";\nimport * as t from \"./t.js\";\nother(t, c);\n",
        "b.js" => "const own = 1;\nexport function b() {\n  return own;\n}\nexport const c = 2;\nexport const d = 3;\n",
        "t.js" => "export const start = 3;\n",
        "door.js" => "export { b } from \"./b.js\";\nexport { other } from \"./same.js\";\n",
        "same.js" => "import { c } from \"./b.js\";\nexport const other = c;\n",
        "clash.js" => "import { c } from \"./b.js\";\nimport { c as mine } from \"./also.js\";\nc(mine);\n",
        "also.js" => "export const c = 4;\n",
        "round.js" => "import { b } from \"./about.js\";\n",
        "about.js" => "import { b } from \"./round.js\";\n",
        "late.js" => "import { c } from \"./b.js\";\nvoid import(\"./door.js\").then((door) => door.b(c));\n",
        "wrong.js" => "import { nothing } from \"./b.js\";\n",
        _ => panic!("no {name}"),
    }
    .into()
}

fn alone(name: &str) -> String {
    join(&[(name, &[])], &sources).remove(0).code
}

#[test]
fn modules_run_once_each_before_who_imports_them_and_keep_what_nobody_imports() {
    assert_eq!(
        alone("a.js"),
        "const { b, c } = (() => {\nconst own = 1;\nfunction b() {\n  return own;\n}\nconst c = 2;\nconst d = 3;\nreturn { b, c };\n})();\n\
         const $t = (() => {\nconst start = 3;\nreturn { start };\n})();\n\
         (() => {\nconst other = b;\nconst t = $t;\nother(t, c);\n})();\n"
    );
}

#[test]
fn what_an_entry_exports_or_passes_on_its_importers_get() {
    assert!(alone("b.js").ends_with("export { b, c, d };\n"));
    assert!(alone("door.js").ends_with("export { b, other };\n"));
}

#[test]
fn a_name_that_two_modules_export_is_asked_of_each() {
    let code = alone("clash.js");
    let end = "(() => {\nconst { c: c } = $b;\nconst { c: mine } = $also;\nc(mine);\n})();\n";
    assert!(code.ends_with(end), "{code}");
}

#[test]
fn what_another_script_has_is_imported_from_it() {
    let scripts = join(&[("door.js", &[]), ("a.js", &["door.js"])], &sources);
    assert_eq!(
        [0, 1].map(|at| scripts[at].name.as_str()),
        ["door.js", "a.js"]
    );
    let [base, script] = [0, 1].map(|at| scripts[at].code.as_str());
    assert!(base.ends_with("export { b as a, c as b };\n"), "{base}");
    assert!(
        script.starts_with("import { a as b, b as c } from \"./door.js\";\nconst $t = "),
        "{script}"
    );
    assert_eq!(scripts[1].modules, ["t.js", "a.js"]);
}

#[test]
fn what_is_fetched_when_it_is_wanted_keeps_its_names() {
    let scripts = join(&[("door.js", &[]), ("late.js", &["door.js"])], &sources);
    let base = &scripts[0].code;
    assert!(base.ends_with("export { b, other, c as a };\n"), "{base}");
}

#[test]
fn letters_are_as_many_as_it_takes() {
    assert_eq!([0, 25, 26, 675].map(letters), ["a", "z", "ba", "zz"]);
}

#[test]
#[should_panic(expected = "imports itself")]
fn a_circle_is_refused() {
    alone("round.js");
}

#[test]
#[should_panic(expected = "exports no nothing")]
fn a_name_that_nobody_exports_is_refused() {
    alone("wrong.js");
}
