//! Embeds the scenarios anew whenever one of them changes, tells tests of the
//! repository where there is none, and sums up the sources: a verdict is of the
//! program that has found it, and of no other.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What decides verdicts: the explorer here, the model beside it, and which loom
/// explores it.
const SOURCES: [&str; 3] = ["src", "../model/src", "../Cargo.lock"];

fn main() -> io::Result<()> {
    // A link to the folder beside this crate; what it links to is watched, too.
    println!("cargo::rerun-if-changed=scenarios");
    println!("cargo::rerun-if-changed=../scenarios");
    println!("cargo::rerun-if-changed=build.rs");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }

    // Cargo puts this file into a package, and nothing beside the package.
    println!("cargo::rustc-check-cfg=cfg(packaged)");
    let packaged = Path::new("Cargo.toml.orig").exists();
    if packaged {
        println!("cargo::rustc-cfg=packaged");
    }

    // A package of one version is always the same; and what a fuzzer has learnt of
    // files is to be of use to its next build.
    let is_fixed = packaged || std::env::var_os("CARGO_CFG_FUZZING").is_some();
    let build = match is_fixed {
        true => String::new(),
        false => format!("+{:016x}", sum_of_sources()?),
    };
    println!("cargo::rustc-env=STALEWAKE_BUILD={build}");
    Ok(())
}

/// FNV-1a over the names and the texts of all sources.
fn sum_of_sources() -> io::Result<u64> {
    let mut files = Vec::new();
    for source in SOURCES {
        collect(Path::new(source), &mut files)?;
    }
    files.sort();
    let mut sum: u64 = 0xcbf2_9ce4_8422_2325;
    for file in files {
        let name = file.to_string_lossy().replace('\\', "/").into_bytes();
        // Git may have put other ends of lines there.
        let text = fs::read(file)?.into_iter().filter(|byte| *byte != b'\r');
        for byte in name.into_iter().chain(text) {
            sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    Ok(sum)
}

fn collect(source: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !source.is_dir() {
        files.push(source.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(source)? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}
