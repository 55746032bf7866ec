//! A schedule in few characters.
//!
//! Schedules with few preemptions are few long runs of one thread. A run is
//! one base-32 digit: eight times the thread, and how many steps up to seven.
//! A run of more has none of these and says how many beyond eight in the
//! digits that follow, four bits in each and the lowest first, with the fifth
//! bit where more come.

use stalewake_model::sync::{MAX_STEPS, MAX_THREADS, ThreadId};

/// The digits of base 32, without those that are easily mistaken for others.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// As many steps as this no longer fit the digit of their thread.
const LONG: usize = 8;

const _: () = assert!(
    MAX_THREADS * LONG <= DIGITS.len(),
    "a thread and a number of steps must fit one digit"
);

/// The lowest digits of a number, so many, the highest of them first.
pub(super) fn digits(number: u64, length: usize) -> String {
    (0..length)
        .rev()
        .map(|place| digit((number >> (5 * place) & 31) as usize))
        .collect()
}

fn digit(value: usize) -> char {
    char::from(DIGITS[value])
}

/// A schedule as runs.
pub(super) fn encode(schedule: &[ThreadId]) -> String {
    let mut text = String::new();
    for run in schedule.chunk_by(|a, b| a == b) {
        let thread = run[0].index() * LONG;
        if run.len() < LONG {
            text.push(digit(thread + run.len()));
            continue;
        }
        text.push(digit(thread));
        let mut beyond = run.len() - LONG;
        while beyond > 15 {
            text.push(digit(16 + beyond % 16));
            beyond /= 16;
        }
        text.push(digit(beyond));
    }
    text
}

/// A schedule, if the text is one and no longer than any execution.
pub(super) fn decode(text: &str) -> Option<Vec<ThreadId>> {
    let mut schedule = Vec::new();
    let mut values = text
        .bytes()
        .map(|byte| DIGITS.iter().position(|digit| *digit == byte));
    while let Some(value) = values.next() {
        let value = value?;
        let thread = ThreadId((value / LONG) as u8);
        let mut steps = value % LONG;
        if steps == 0 {
            steps = LONG;
            let mut place = 1;
            loop {
                let value = values.next()??;
                steps += value % 16 * place;
                if value < 16 {
                    break;
                }
                place *= 16;
                if place > MAX_STEPS {
                    return None;
                }
            }
        }
        if schedule.len() + steps > MAX_STEPS {
            return None;
        }
        schedule.extend(std::iter::repeat_n(thread, steps));
    }
    Some(schedule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_of_a_run_comes_back() {
        for steps in 0..=MAX_STEPS {
            let thread = ThreadId((steps % MAX_THREADS) as u8);
            let schedule = vec![thread; steps];
            let text = encode(&schedule);
            assert!(text.len() <= 4, "{steps}: {text}");
            assert_eq!(decode(&text), Some(schedule), "{text}");
        }
    }

    #[test]
    fn runs_follow_each_other() {
        let schedule = [0, 0, 0, 3, 1, 1].map(ThreadId);
        assert_eq!(encode(&schedule), "3sa");
        assert_eq!(decode("3sa"), Some(schedule.to_vec()));
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in [
            "u",
            "A",
            "é",
            "8",
            "8z",
            "8zzzzzzzz",
            "8zzz1",
            "0000000x",
            " ",
        ] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_number_is_written_with_leading_zeros() {
        assert_eq!(digits(33, 4), "0011");
        assert_eq!(digits(u64::MAX, 3), "zzz");
    }
}
