//! The scenarios that are part of the binary.

use std::sync::Arc;

use include_dir::{Dir, include_dir};

use super::Scenario;
use super::error::Result;
use super::read::decode;

static SCENARIOS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/scenarios");

/// Every scenario that is shipped, in the order of their names. None of them
/// is broken in a release; each is a result so that a broken one is shown like
/// a user's own.
pub fn shipped() -> Vec<Result<Scenario>> {
    let mut files: Vec<_> = SCENARIOS
        .files()
        .filter(|file| {
            file.path()
                .extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    files.sort_by_key(|file| file.path().file_stem());
    let decode_file = |file: &include_dir::File<'_>| {
        decode(
            file.path(),
            &format!("scenarios/{}", file.path().display()),
            file.contents(),
        )
    };
    files.into_iter().map(decode_file).collect()
}

/// The shipped scenario of that name, if there is one and it is not broken.
pub fn find_shipped(name: &str) -> Option<Arc<Scenario>> {
    shipped()
        .into_iter()
        .flatten()
        .find(|scenario| scenario.name == name)
        .map(Arc::new)
}
