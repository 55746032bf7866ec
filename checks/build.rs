//! Embeds the scenarios anew whenever one of them changes.

fn main() {
    // A link to the folder beside this crate; what it links to is watched, too.
    println!("cargo::rerun-if-changed=scenarios");
    println!("cargo::rerun-if-changed=../scenarios");
}
