//! Tokens that somebody has tampered with, beyond what the sum at their end
//! would notice.

use stalewake_model::mechanism::EndRef;

use super::*;
use crate::explore::{Options, Progress, explore};
use crate::report::fixture::{cell, witness};

/// A real witness of the cell, and its token.
fn real() -> (Cell, Token) {
    let cell = cell();
    let verdict = explore(&cell, &Options::default(), &Arc::new(Progress::default()));
    let token = Token::new(&cell, Search::Reduced, &verdict.reachable[0].witness);
    (cell, token)
}

/// The text with another sum at its end, over what it is now.
fn resealed(text: &str) -> String {
    let (summed, _) = text.rsplit_once('.').expect("there is a sum");
    format!("{summed}.{}", check_sum(summed))
}

/// Everything that is done with a token.
fn read(text: &str, cell: &Cell) -> Result<Replayed, TokenError> {
    let token = Token::parse(text)?;
    token.replay(&token.cell(&cell.scenario)?)
}

#[test]
fn a_token_is_short_and_comes_back() {
    let token = Token::new(&cell(), Search::Reduced, &witness());
    let text = token.to_string();
    assert!(
        text.starts_with("writeback-reuse/truncate=wait/v5.9@2:sc.1.39j.."),
        "{text}"
    );
    assert_eq!(Token::parse(&text).expect("it is a token"), token);
}

#[test]
fn a_changed_mechanism_is_part_of_it() {
    let mut cell = cell();
    cell.kernel.kernel.end_ref = EndRef::GetPage;
    let text = token(&cell, Search::Reduced, &witness());
    assert!(
        text.starts_with("writeback-reuse/truncate=wait/v5.9+end-ref=get-page@2:"),
        "{text}"
    );
    let again = Token::parse(&text).expect("it is a token");
    let again = again.cell(&cell.scenario).expect("there is such a cell");
    assert_eq!(again.kernel, cell.kernel);
}

#[test]
fn every_reason_has_its_own_words() {
    let (cell, token) = real();
    let text = token.to_string();
    let with = |change: fn(&mut Token)| {
        let mut changed = token.clone();
        change(&mut changed);
        changed.to_string()
    };
    let refused = |text: &str| read(text, &cell).expect_err(text);
    type E = TokenError;
    assert!(matches!(refused("what?"), E::Malformed { .. }));
    assert!(matches!(
        refused("a/v5.9@1:0*12.1*3.0"),
        E::Format { found: 1 }
    ));
    assert!(matches!(
        refused(&text.replace("@2:", "@3:")),
        E::Format { found: 3 }
    ));
    assert!(matches!(
        refused(&text.replace(":sc.", ":sc.1")),
        E::Damaged
    ));
    let other_mode = resealed(&text.replace(":sc.", ":c11."));
    assert!(matches!(refused(&other_mode), E::Mode { .. }));
    for change in [
        (|token| token.kernel = "v5.99".to_owned()) as fn(&mut Token),
        |token| token.parameters.clear(),
        |token| token.changes = vec![("end-ref".to_owned(), "never".to_owned())],
    ] {
        assert!(matches!(refused(&with(change)), E::NoCell { .. }));
    }
    for change in [
        (|token| token.kernel = "v5.10".to_owned()) as fn(&mut Token),
        |token| token.changes = vec![("end-ref".to_owned(), "get-page".to_owned())],
        |token| token.cell_sum = "000000".to_owned(),
    ] {
        assert!(matches!(refused(&with(change)), E::OtherCell { .. }));
    }
    for change in [
        (|token| token.rest.push(ThreadId(3))) as fn(&mut Token),
        |token| token.witness.schedule.clear(),
    ] {
        assert!(matches!(refused(&with(change)), E::CannotFollow(_)));
    }
    assert!(matches!(
        refused(&with(|token| token.execution_sum = "000000".to_owned())),
        E::OtherExecution
    ));
    // One step less belongs to the witness, and nothing happens after that.
    let earlier = with(|token| {
        let last = token.witness.schedule.pop();
        token.rest.splice(0..0, last);
    });
    assert!(matches!(refused(&earlier), E::Harmless));
}

#[test]
fn without_the_sum_at_its_end_a_token_is_not_misread_either() {
    let (cell, token) = real();
    let text = token.to_string();
    let shown = token.replay(&cell).expect("it is a real one").recording;
    for place in 0..text.len() {
        for digit in ["", "0", "8", "z", ".", "/", "="] {
            let mut changed = text.clone();
            changed.replace_range(place..=place, digit);
            if !changed.contains('.') {
                continue;
            }
            if let Ok(replayed) = read(&resealed(&changed), &cell) {
                assert_eq!(replayed.recording, shown, "{changed}");
            }
        }
    }
}
