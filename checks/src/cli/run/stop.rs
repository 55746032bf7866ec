//! Ending a run before it is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use miette::{IntoDiagnostic, WrapErr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use stalewake::ignores;

/// The exit code of a run that was interrupted, as shells have it for Ctrl-C.
pub(in crate::cli) const INTERRUPTED: u8 = 130;

/// A second signal within this time is the same request: `timeout` sends one to
/// the program and one to its group.
const SAME: Duration = Duration::from_millis(500);

/// From now on a file that becomes larger than the system lets it be is an error,
/// as a full disk is, and not the end of the program.
///
/// # Errors
/// When the system does not let signals be handled.
pub(in crate::cli) fn outlive_large_files() -> miette::Result<()> {
    let registered = flag::register(SIGXFSZ, Arc::default());
    registered
        .map(drop)
        .into_diagnostic()
        .wrap_err("cannot listen to signals")
}

/// Whether a run is to end before it is done. Clones are one.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Stop {
    asked: Arc<AtomicBool>,
    /// Whether the next signal ends the program at once.
    last: Arc<AtomicBool>,
}

impl Stop {
    /// One that is asked for by Ctrl-C and its like. The second time, or when
    /// the run has ended in another way, these end the program at once. What is
    /// ignored stays ignored: a run under `nohup` outlives its terminal.
    ///
    /// # Errors
    /// When the system does not let signals be handled.
    pub(in crate::cli) fn on_signals() -> miette::Result<Stop> {
        let stop = Stop::default();
        let heeded = [SIGINT, SIGTERM, SIGHUP]
            .into_iter()
            .filter(|s| !ignores(*s));
        for signal in heeded {
            flag::register_conditional_shutdown(signal, INTERRUPTED.into(), stop.last.clone())
                .and_then(|_| flag::register(signal, stop.asked.clone()))
                .into_diagnostic()
                .wrap_err("cannot listen to signals")?;
        }
        Ok(stop)
    }

    /// Asks for it; returns whether it had been asked for before.
    pub(in crate::cli) fn ask(&self) -> bool {
        self.asked.swap(true, Ordering::SeqCst)
    }

    /// Whether it was asked for.
    pub(in crate::cli) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// It was asked for so long ago.
    pub(super) fn was_asked(&self, ago: Duration) {
        if ago >= SAME {
            self.last.store(true, Ordering::SeqCst);
        }
    }

    /// The run is over: from now on a signal ends the program. Returns whether
    /// the end had been asked for.
    pub(in crate::cli) fn over(&self) -> bool {
        self.last.store(true, Ordering::SeqCst);
        self.ask()
    }
}
