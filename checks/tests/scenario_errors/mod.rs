//! Broken scenario files, each of which says in its first line which error it
//! is about, and in which line of the file the caret is to be.

use std::fs;
use std::path::Path;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use stalewake::scenario;

/// Reads every broken file of this directory, and panics with the list of
/// those whose error is another, or in another place, than they say.
pub fn check_all() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenario_errors");
    let mut differences = Vec::new();
    let mut checked = 0;
    for entry in fs::read_dir(&directory).expect("the broken files are beside this module") {
        let path = entry.expect("the directory can be listed").path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        checked += 1;
        let text = fs::read_to_string(&path).expect("the file is UTF-8");
        let expected = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# expect: "))
            .unwrap_or_else(|| panic!("{} begins with `# expect: CODE LINE`", path.display()));
        let found = match scenario::read(&path) {
            Ok(_) => "no error".to_owned(),
            Err(error) => {
                let mut shown = String::new();
                GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
                    .render_report(&mut shown, &error)
                    .expect("every error can be printed");
                let code = error.code().expect("every error has a code");
                let line = error.line().expect("every error is at a line");
                let found = format!("{code} {line}");
                match found == expected {
                    true => found,
                    false => format!("{found}\n{shown}"),
                }
            }
        };
        if found != expected {
            differences.push(format!(
                "{}: expected {expected}, found {found}",
                path.display()
            ));
        }
    }
    assert!(checked >= 20, "only {checked} broken files were found");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
