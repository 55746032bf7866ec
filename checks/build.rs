//! Embeds the scenarios anew whenever one of them changes, and tells tests of
//! the repository where there is none.

fn main() {
    // A link to the folder beside this crate; what it links to is watched, too.
    println!("cargo::rerun-if-changed=scenarios");
    println!("cargo::rerun-if-changed=../scenarios");

    // Cargo puts this file into a package, and nothing beside the package.
    println!("cargo::rustc-check-cfg=cfg(packaged)");
    if std::path::Path::new("Cargo.toml.orig").exists() {
        println!("cargo::rustc-cfg=packaged");
    }
}
