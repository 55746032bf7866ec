//! The bar that is shown while cells are explored.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::style::grouped;

/// A bar on standard error: how many cells are done, what is being explored.
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// A bar for so many cells; an invisible one prints nothing at all.
    pub fn new(cells: usize, visible: bool) -> Bar {
        let target = if visible {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(cells as u64), target);
        let style = ProgressStyle::with_template(
            "{bar:20} {pos}/{len} cells  {prefix} executions  {elapsed}  {wide_msg}",
        )
        .expect("the template is well-formed");
        bar.set_style(style.progress_chars("━╸─"));
        bar.set_prefix("0");
        Bar { bar }
    }

    /// Shows the latest figures.
    pub fn show(&self, done: usize, executions: u64, current: &[String]) {
        self.bar.set_position(done as u64);
        self.bar.set_prefix(grouped(executions));
        self.bar.set_message(current.join(", "));
    }

    /// Prints something else without the bar getting in the way.
    pub fn beside<R>(&self, print: impl FnOnce() -> R) -> R {
        self.bar.suspend(print)
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
