//! Every broken scenario file is told what is wrong with it, and where.

mod scenario_errors;

#[test]
fn every_broken_file_gets_the_error_it_is_about() {
    scenario_errors::check_all();
}
