use super::*;

fn sources(name: &str) -> String {
    match name {
        "a.js" => "import { b as other, c } from \"./b.js\";\nimport { start as t } from \"./t.js\";\nother(t, c);\n",
        "b.js" => "const own = 1;\nexport function b() {\n  return own;\n}\nexport const c = 2;\nexport const d = 3;\n",
        "t.js" => "export const start = 3;\n",
        "door.js" => "export { b } from \"./b.js\";\nexport { other } from \"./same.js\";\n",
        "same.js" => "import { c } from \"./b.js\";\nexport const other = c;\n",
        "clash.js" => "import { c } from \"./b.js\";\nimport { c as mine } from \"./also.js\";\nc(mine);\n",
        "taken.js" => "import { b } from \"./b.js\";\nimport { c as b } from \"./also.js\";\nimport { c } from \"./b.js\";\n",
        "also.js" => "export const c = 4;\n",
        "round.js" => "import { b } from \"./about.js\";\n",
        "about.js" => "import { b } from \"./round.js\";\n",
        "late.js" => "import { c } from \"./b.js\";\nvoid import(\"./door.js\").then((door) => door.b(c));\n",
        "last.js" => "import { d } from \"./b.js\";\nd();\n",
        "wrong.js" => "import { nothing } from \"./b.js\";\n",
        "whole.js" => "import * as b from \"./b.js\";\n",
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
        "const [b, c] = (() => {\nconst own = 1;\nfunction b() {\n  return own;\n}\nconst c = 2;\nconst d = 3;\nreturn [b, c];\n})();\n\
         const start = (() => {\nconst start = 3;\nreturn start;\n})();\n\
         (() => {\nconst other = b;\nconst t = start;\nother(t, c);\n})();\n"
    );
}

#[test]
fn what_an_entry_exports_or_passes_on_its_importers_get() {
    assert!(alone("b.js").ends_with("export { b, c, d };\n"));
    assert!(alone("door.js").ends_with("export { b, other };\n"));
}

#[test]
fn a_name_that_two_modules_export_is_the_one_it_is_imported_by() {
    let code = alone("clash.js");
    let end = "const mine = (() => {\nconst c = 4;\nreturn c;\n})();\n(() => {\nc(mine);\n})();\n";
    assert!(code.ends_with(end), "{code}");
}

#[test]
fn what_another_script_has_is_imported_from_it() {
    let names = ["door.js", "a.js", "last.js"];
    let scripts = join(
        &[
            (names[0], &[]),
            (names[1], &[names[0]]),
            (names[2], &[names[0]]),
        ],
        &sources,
    );
    assert_eq!([0, 1, 2].map(|at| scripts[at].name.as_str()), names);
    let [base, script, last] = [0, 1, 2].map(|at| scripts[at].code.as_str());
    assert!(base.ends_with("export const $ = [b, c, d];\n"), "{base}");
    let start = "import { $ as $door } from \"./door.js\";\nconst [b, c] = $door;\nconst start = ";
    assert!(script.starts_with(start), "{script}");
    let start = "import { $ as $door } from \"./door.js\";\nconst [, , d] = $door;\n(() => ";
    assert!(last.starts_with(start), "{last}");
    assert_eq!(scripts[1].modules, ["t.js", "a.js"]);
}

#[test]
fn what_is_fetched_when_it_is_wanted_keeps_its_names() {
    let scripts = join(&[("door.js", &[]), ("late.js", &["door.js"])], &sources);
    let base = &scripts[0].code;
    let end = "export { b, other };\nexport const $ = [c];\n";
    assert!(base.ends_with(end), "{base}");
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

#[test]
#[should_panic(expected = "two are called b")]
fn one_name_for_two_exports_is_refused() {
    alone("taken.js");
}

#[test]
#[should_panic(expected = "an import of another form")]
fn a_module_as_a_whole_is_refused() {
    alone("whole.js");
}
