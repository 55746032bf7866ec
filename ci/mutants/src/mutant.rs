//! A mutant, and how it is chosen.

use std::fmt;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::step::text;

/// What is done to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It does not happen.
    Drop,
    /// It happens twice.
    Double,
    /// It changes places with the next.
    Swap,
    /// A condition is not looked at, and taken to hold.
    AlwaysTrue,
    /// A condition is not looked at, and taken not to hold.
    AlwaysFalse,
    /// `==` and `!=` for each other, or no `!`.
    Negate,
    /// `&&` and `||` for each other.
    AndOr,
    /// `<` and `<=` for each other, `>` and `>=`.
    Boundary,
    /// `<` and `>` for each other, `<=` and `>=`.
    Reverse,
    /// `+` and `-` for each other.
    Arithmetic,
    /// `&` and `|` for each other, `<<` and `>>`.
    Bits,
    /// A function returns at once, with this value.
    Return,
    /// A number is one more, a flag the bit beside it, a variant the next one.
    Successor,
    /// An arm does what the next one does.
    NextArm,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Change::Drop => "drop",
            Change::Double => "double",
            Change::Swap => "swap",
            Change::AlwaysTrue => "always-true",
            Change::AlwaysFalse => "always-false",
            Change::Negate => "negate",
            Change::AndOr => "and-or",
            Change::Boundary => "boundary",
            Change::Reverse => "reverse",
            Change::Arithmetic => "arithmetic",
            Change::Bits => "bits",
            Change::Return => "return",
            Change::Successor => "successor",
            Change::NextArm => "next-arm",
        })
    }
}

/// One change of one step.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// The file, below the source directory.
    pub file: String,
    /// The line of the step, from 1.
    pub line: usize,
    /// The function that it is in.
    pub function: String,
    /// What is done to it.
    pub change: Change,
    /// The step, as it is written, on one line.
    pub step: String,
    /// Which of those it is that are the same but for the line, from 1.
    pub nth: usize,
}

impl Mutant {
    /// Whether it is in a function of the kernel.
    pub fn is_of_model(&self) -> bool {
        self.file.starts_with("model/") && !self.file.contains("/sync/")
    }

    /// What it is the same as, but for the line.
    fn name(&self) -> (&str, &str, Change, &str) {
        (&self.file, &self.function, self.change, &self.step)
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, line) = (&self.file, self.line);
        let (change, function, step) = (self.change, &self.function, &self.step);
        write!(f, "{file}:{line}: {function}: {change} `{step}`")?;
        match self.nth {
            1 => Ok(()),
            nth => write!(f, " (nth = {nth})"),
        }
    }
}

/// What kind of code it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Functions of the kernel.
    Model,
    /// What lies below them.
    Engine,
    /// What explores them.
    Explorer,
}

/// All mutants so far, and those of a file that are added to them.
pub struct Choices<'m> {
    file: &'m str,
    /// What kind of code is in the file.
    pub code: Code,
    mutants: &'m mut Vec<Mutant>,
}

impl Choices<'_> {
    /// Those of a file.
    pub fn new<'m>(file: &'m str, code: Code, mutants: &'m mut Vec<Mutant>) -> Choices<'m> {
        Choices {
            file,
            code,
            mutants,
        }
    }

    /// Adds a mutant: the condition under which it takes place.
    pub fn chosen(
        &mut self,
        function: &str,
        step: &impl ToTokens,
        line: usize,
        change: Change,
    ) -> TokenStream {
        let number = self.mutants.len();
        let mut mutant = Mutant {
            file: self.file.to_owned(),
            line,
            function: function.to_owned(),
            change,
            step: text(step),
            nth: 1,
        };
        let same = |one: &&Mutant| one.name() == mutant.name();
        mutant.nth += self.mutants.iter().filter(same).count();
        self.mutants.push(mutant);
        match self.code {
            Code::Explorer => quote!(stalewake_model::mutant::is(#number)),
            Code::Model | Code::Engine => quote!(crate::mutant::is(#number)),
        }
    }
}
