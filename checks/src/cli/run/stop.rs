//! Ending a run before it is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use miette::{IntoDiagnostic, WrapErr};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The exit code of a run that was interrupted, as shells have it for Ctrl-C.
pub(in crate::cli) const INTERRUPTED: u8 = 130;

/// Whether a run is to end before it is done. Clones are one.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// One that is asked for by Ctrl-C and its like. The second time, or when
    /// the run has ended in another way, these end the program at once.
    ///
    /// # Errors
    /// When the system does not let signals be handled.
    pub(in crate::cli) fn on_signals() -> miette::Result<Stop> {
        let stop = Stop::default();
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first asks, and only the next finds it asked.
            flag::register_conditional_shutdown(signal, INTERRUPTED.into(), stop.0.clone())
                .and_then(|_| flag::register(signal, stop.0.clone()))
                .into_diagnostic()
                .wrap_err("cannot listen to signals")?;
        }
        Ok(stop)
    }

    /// Asks for it; returns whether it had been asked for before.
    pub(in crate::cli) fn ask(&self) -> bool {
        self.0.swap(true, Ordering::SeqCst)
    }

    /// Whether it was asked for.
    pub(in crate::cli) fn is_asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
