//! What is varied.

use std::fmt;

use miette::Diagnostic;
use stalewake_model::mechanism::{Alternative, Kernel, Mechanism, UnknownMechanism};

/// Mechanisms that are changed together, mostly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// The mechanisms.
    pub mechanisms: Vec<&'static Mechanism>,
    /// What they can be: in each entry one alternative of each mechanism. The
    /// first is what they are before anything is changed.
    pub alternatives: Vec<Vec<&'static Alternative>>,
}

/// What cannot be varied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum BadAxis {
    /// A name that means nothing.
    #[error(transparent)]
    Unknown(#[from] UnknownMechanism),
    /// Mechanisms whose alternatives do not pair up.
    #[error("`{axis}` cannot be moved together as they are: {counts} alternatives")]
    #[diagnostic(help(
        "say which belong together, such as `end-ref+wait-on-writeback=get-page+while`"
    ))]
    Uneven {
        /// The mechanisms.
        axis: String,
        /// How many alternatives each has.
        counts: String,
    },
    /// Not one alternative for each mechanism.
    #[error("`{alternative}` is not one alternative for each of `{axis}`")]
    #[diagnostic(help("join as many with `+` as there are mechanisms, in the same order"))]
    Length {
        /// The mechanisms.
        axis: String,
        /// As typed.
        alternative: String,
    },
    /// There is only what the kernel has.
    #[error("there is nothing to vary in `{axis}`: the kernel has `{alternative}` already")]
    #[diagnostic(help(
        "name another alternative, or none for all of them; `stalewake kernels` lists them"
    ))]
    Single {
        /// The mechanisms.
        axis: String,
        /// The only alternative.
        alternative: String,
    },
}

impl Axis {
    /// Understands `end-ref`, `end-ref=get-page`, `end-ref=none:get-page` and
    /// `wake-shared-if-set+wait-shared`. What the kernel has itself need not
    /// be named. Without any name every alternative is meant; of mechanisms
    /// that are moved together the first with the first, and so on.
    ///
    /// # Errors
    /// When a name means nothing, or when nothing would vary.
    pub fn parse(text: &str, from: &Kernel) -> Result<Axis, BadAxis> {
        let (names, wanted) = match text.split_once('=') {
            Some((names, wanted)) => (names, Some(wanted)),
            None => (text, None),
        };
        let mechanisms: Vec<&'static Mechanism> = names
            .split('+')
            .map(|name| {
                Kernel::mechanism(name).ok_or_else(|| UnknownMechanism::Mechanism {
                    name: name.to_owned(),
                })
            })
            .collect::<Result<_, _>>()?;
        let axis = Axis {
            alternatives: vec![mechanisms.iter().map(|m| chosen(m, from)).collect()],
            mechanisms,
        };
        let others = match wanted {
            // `|` is what people think of first, and what a shell takes away.
            Some(wanted) => wanted
                .split([':', '|'])
                .map(|alternative| axis.alternative(alternative))
                .collect::<Result<_, _>>()?,
            None => axis.every_alternative()?,
        };
        axis.with(others)
    }

    fn with(mut self, others: Vec<Vec<&'static Alternative>>) -> Result<Axis, BadAxis> {
        for other in others {
            if !self.alternatives.contains(&other) {
                self.alternatives.push(other);
            }
        }
        if self.alternatives.len() > 1 {
            return Ok(self);
        }
        Err(BadAxis::Single {
            axis: self.to_string(),
            alternative: self.name_of(0),
        })
    }

    fn alternative(&self, text: &str) -> Result<Vec<&'static Alternative>, BadAxis> {
        let names: Vec<&str> = text.split('+').collect();
        if names.len() != self.mechanisms.len() {
            return Err(BadAxis::Length {
                axis: self.to_string(),
                alternative: text.to_owned(),
            });
        }
        let both = self.mechanisms.iter().zip(names);
        let found = both.map(|(mechanism, name)| {
            let mut alternatives = mechanism.alternatives.iter();
            let found = alternatives.find(|alternative| alternative.name == name);
            found.ok_or_else(|| {
                BadAxis::Unknown(UnknownMechanism::Alternative {
                    mechanism: mechanism.name,
                    name: name.to_owned(),
                })
            })
        });
        found.collect()
    }

    fn every_alternative(&self) -> Result<Vec<Vec<&'static Alternative>>, BadAxis> {
        let counts = self.mechanisms.iter().map(|m| m.alternatives.len());
        let counts: Vec<usize> = counts.collect();
        if counts.iter().any(|count| *count != counts[0]) {
            let counts: Vec<String> = counts.iter().map(usize::to_string).collect();
            return Err(BadAxis::Uneven {
                axis: self.to_string(),
                counts: counts.join(" and "),
            });
        }
        let place = |place: usize| self.mechanisms.iter().map(move |m| &m.alternatives[place]);
        Ok((0..counts[0]).map(|n| place(n).collect()).collect())
    }

    /// The names of an alternative, joined by `+`.
    pub fn name_of(&self, alternative: usize) -> String {
        let names = self.alternatives[alternative].iter().map(|one| one.name);
        names.collect::<Vec<_>>().join("+")
    }

    /// The commits or mails of an alternative, each once.
    pub fn source_of(&self, alternative: usize) -> String {
        let mut sources: Vec<&str> = Vec::new();
        for one in &self.alternatives[alternative] {
            if !sources.contains(&one.source) {
                sources.push(one.source);
            }
        }
        sources.join(", ")
    }

    /// Each mechanism with its part of an alternative.
    pub fn settings(
        &self,
        alternative: usize,
    ) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        let both = self.mechanisms.iter().zip(&self.alternatives[alternative]);
        both.map(|(mechanism, one)| (mechanism.name, one.name))
    }
}

/// What the kernel has of a mechanism.
fn chosen(mechanism: &'static Mechanism, kernel: &Kernel) -> &'static Alternative {
    let name = kernel.choices().find(|(name, _)| *name == mechanism.name);
    let mut alternatives = mechanism.alternatives.iter();
    name.and_then(|(_, name)| alternatives.find(|alternative| alternative.name == name))
        .expect("a kernel has an alternative of every mechanism")
}

/// `wake-shared-if-set+wait-shared`.
impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.mechanisms.iter().map(|m| m.name).collect();
        f.write_str(&names.join("+"))
    }
}

#[cfg(test)]
mod tests {
    use stalewake_model::release::Release;

    use super::*;

    fn parse(text: &str) -> Result<Axis, BadAxis> {
        let v5_9 = Release::resolve("v5.9").expect("it is a row");
        Axis::parse(text, &v5_9.kernel)
    }

    fn names(text: &str) -> Vec<String> {
        let axis = parse(text).expect(text);
        (0..axis.alternatives.len())
            .map(|n| axis.name_of(n))
            .collect()
    }

    #[test]
    fn what_the_kernel_has_comes_first_and_need_not_be_named() {
        for text in [
            "end-ref=get-page",
            "end-ref=none:get-page",
            "end-ref=get-page|none",
        ] {
            assert_eq!(names(text), ["none", "get-page"], "{text}");
        }
        assert_eq!(
            names("lock-handoff"),
            ["after-budget", "never", "always"],
            "v5.9 has the last of them"
        );
    }

    #[test]
    fn mechanisms_move_together() {
        assert_eq!(
            names("wake-shared-if-set+wait-shared"),
            ["wake+once", "stop+retest"]
        );
        assert_eq!(
            names("end-ref+wait-on-writeback=get-page+while"),
            ["none+if", "get-page+while"]
        );
        let axis = parse("wake-shared-if-set+wait-shared").expect("it is one");
        assert_eq!(axis.source_of(0), "2a9127fcf229");
        let settings: Vec<_> = axis.settings(1).collect();
        assert_eq!(
            settings,
            [("wake-shared-if-set", "stop"), ("wait-shared", "retest")]
        );
    }

    #[test]
    fn what_does_not_vary_is_refused() {
        type E = BadAxis;
        type U = UnknownMechanism;
        let refused = |text: &str| parse(text).expect_err(text);
        assert!(matches!(refused("end-ref=none"), E::Single { .. }));
        assert!(matches!(refused("endref"), E::Unknown(U::Mechanism { .. })));
        assert!(matches!(
            refused("end-ref="),
            E::Unknown(U::Alternative { .. })
        ));
        assert!(matches!(refused("end-ref+bookmark"), E::Uneven { .. }));
        assert!(matches!(
            refused("end-ref+bookmark=get-page"),
            E::Length { .. }
        ));
    }
}
