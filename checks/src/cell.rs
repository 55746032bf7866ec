//! What one exploration explores: a scenario, its parameters, a kernel.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use stalewake_model::mechanism::Kernel;
use stalewake_model::release::Release;

use crate::scenario::Scenario;

/// The value chosen for each parameter of a scenario.
pub type Parameters = BTreeMap<String, String>;

/// A kernel as a user named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelChoice {
    /// The name as typed.
    pub typed: String,
    /// The row it resolved to.
    pub release: &'static Release,
    /// The row's mechanisms, with the user's changes.
    pub kernel: Kernel,
}

impl KernelChoice {
    /// A release as it is.
    pub fn of(release: &'static Release) -> KernelChoice {
        KernelChoice {
            typed: release.name.to_owned(),
            release,
            kernel: release.kernel,
        }
    }

    /// The mechanisms that are not the release's, and what they are instead.
    pub fn changes(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let both = self.kernel.choices().zip(self.release.kernel.choices());
        both.filter(|(choice, released)| choice != released)
            .map(|(choice, _)| choice)
    }

    /// Whether it is no longer the release itself (`--with`).
    pub fn is_changed(&self) -> bool {
        self.kernel != self.release.kernel
    }

    /// The same without the user's changes.
    #[must_use]
    pub fn unchanged(&self) -> KernelChoice {
        KernelChoice {
            kernel: self.release.kernel,
            ..self.clone()
        }
    }
}

/// `v5.10+reference-drop=before-wake`: no changed kernel goes by the name of the
/// release that it was.
impl fmt::Display for KernelChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)?;
        let mut changes = self.changes();
        changes.try_for_each(|(mechanism, alternative)| write!(f, "+{mechanism}={alternative}"))
    }
}

/// One cell of the table: what is explored, and nothing of how.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// A value for each of its parameters.
    pub parameters: Parameters,
    /// The kernel.
    pub kernel: KernelChoice,
}

impl Cell {
    /// Every cell that a scenario expects something of.
    pub fn all_of(scenario: &Arc<Scenario>) -> Vec<Cell> {
        let mut cells = Vec::new();
        for parameters in scenario.combinations() {
            cells.extend(scenario.kernels().into_iter().map(|release| Cell {
                scenario: scenario.clone(),
                parameters: parameters.clone(),
                kernel: KernelChoice::of(release),
            }));
        }
        cells
    }
}

/// `writeback-reuse/truncate=wait/v5.9`: what tests and filters call it.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.scenario.name)?;
        for (name, value) in &self.parameters {
            write!(f, "/{name}={value}")?;
        }
        write!(f, "/{}", self.kernel)
    }
}
