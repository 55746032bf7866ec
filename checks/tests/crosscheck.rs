//! The explorer against a brute-force enumerator, on random programs.

#[path = "crosscheck/mod.rs"]
mod crosscheck;

#[test]
fn reduction_agrees() {
    crosscheck::reduction_agrees();
}

#[test]
fn parts_add_up() {
    crosscheck::parts_add_up();
}

#[test]
fn plain_agrees() {
    crosscheck::plain_agrees();
}

#[test]
fn companions_close_looms_hole() {
    crosscheck::companions_close_looms_hole();
}

#[test]
fn witnesses_are_simplest() {
    crosscheck::witnesses_are_simplest();
}

#[test]
fn commuting_wipe_is_caught() {
    crosscheck::commuting_wipe_is_caught();
}

#[test]
fn life_that_ends_elsewhere_is_caught() {
    crosscheck::life_that_ends_elsewhere_is_caught();
}

#[test]
fn plain_loads_miss_outcomes() {
    crosscheck::plain_loads_miss_outcomes();
}
