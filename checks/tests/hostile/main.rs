//! Inputs that somebody made to do harm: whatever they are, they are refused
//! with an error that can be read, or they are what they say.
//!
//! `ci/fuzz` looks for more of them, with the same checks.

#[cfg(not(packaged))]
mod corpus;
mod files;
mod inputs;
mod mutate;
mod seeds;
mod shards;

use mutate::mutated;

/// A kind of input, and what must be true of it.
type Kind = (&'static str, fn(&[u8]));

/// Everything that comes from outside.
const KINDS: [Kind; 5] = [
    ("scenario", inputs::scenario),
    ("token", inputs::token),
    ("shard", inputs::shard),
    ("journal", inputs::journal),
    ("baseline", inputs::baseline),
];

#[test]
fn seeds_are_what_they_are_called() {
    seeds::are_real();
    for (kind, check) in KINDS {
        for seed in seeds::of(kind) {
            check(&seed);
        }
    }
}

#[test]
fn mutated_scenarios() {
    mutated("scenario", inputs::scenario);
}

#[test]
fn mutated_tokens() {
    mutated("token", inputs::token);
}

#[test]
fn mutated_shards() {
    mutated("shard", inputs::shard);
}

#[test]
fn mutated_journals() {
    mutated("journal", inputs::journal);
}

#[test]
fn mutated_baselines() {
    mutated("baseline", inputs::baseline);
}
