//! Minifies a script with oxc: comments and spaces go, names that nobody outside sees become short, and expressions are written the
//! short way. The names of properties, and those that a script imports or exports, stay.

use oxc_allocator::Allocator;
use oxc_codegen::{Codegen, CodegenOptions};
use oxc_minifier::{Minifier, MinifierOptions};
use oxc_parser::Parser;
use oxc_span::SourceType;

/// The same code gives the same bytes, or what is served could not be compared with a release.
///
/// # Panics
/// At code that is no module of JavaScript; `name` is said then.
pub(crate) fn minify(name: &str, code: &str) -> String {
    let short = once(name, code);
    assert_eq!(short, once(name, code), "{name} is minified in two ways");
    short
}

fn once(name: &str, code: &str) -> String {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, code, SourceType::mjs()).parse();
    assert!(
        parsed.diagnostics.is_empty(),
        "{name}: {:?}",
        parsed.diagnostics
    );
    let mut program = parsed.program;
    let minified = Minifier::new(MinifierOptions::default()).minify(&allocator, &mut program);
    Codegen::new()
        .with_options(CodegenOptions::minify())
        .with_scoping(minified.scoping)
        .with_private_member_mappings(minified.class_private_mappings)
        .build(&program)
        .code
}
