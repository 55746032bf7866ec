//! What if: every combination of some mechanisms over some scenarios, and
//! what that says about the changes.
//!
//! | module | what it knows |
//! |---|---|
//! | [`axis`] | what is varied: mechanisms, moved alone or together |
//! | [`combination`] | a choice on every axis, as a set of changes |
//! | [`plan`] | which combinations there are, and which cells decide them |
//! | [`answers`] | what the verdicts mean: a pure function of them |
//!
//! Nothing here explores and nothing prints.

pub mod answers;
pub mod axis;
pub mod combination;
pub mod plan;

pub use answers::{Answers, Fate, Finding};
pub use axis::{Axis, BadAxis};
pub use combination::{Change, Combination};
pub use plan::{BadPlan, Case, Plan};
