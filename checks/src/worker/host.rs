//! The asking side.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::protocol::{Reply, Request};
use crate::cell::Cell;
use crate::coverage::Coverage;
use crate::explore::{Findings, Options, Progress};

/// The subcommand that makes the binary a worker.
pub const COMMAND: &str = "worker";

/// A process that explores.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    dead: bool,
}

impl Worker {
    /// Starts one.
    ///
    /// # Errors
    /// When this binary cannot be started once more.
    pub fn start() -> io::Result<Worker> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(COMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (stdin, stdout) = stdin.zip(stdout).ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Worker {
            child,
            stdin,
            stdout: BufReader::new(stdout),
            dead: false,
        })
    }

    /// Whether it can do nothing more.
    pub fn is_dead(&self) -> bool {
        self.dead
    }

    /// Has it explore its part of a cell.
    ///
    /// # Errors
    /// Why there are no findings: mostly because it died over it.
    pub fn explore(
        &mut self,
        cell: &Cell,
        options: &Options,
        progress: &Progress,
    ) -> Result<(Findings, Coverage), String> {
        self.say(&Request::new(cell, options))
            .map_err(|_| self.died())?;
        loop {
            let mut line = String::new();
            match self.stdout.read_line(&mut line) {
                Ok(read) if read > 0 => {}
                _ => return Err(self.died()),
            }
            let Ok(reply) = serde_json::from_str(&line) else {
                return Err(self.died());
            };
            match reply {
                Reply::Claim(way) => {
                    let owned = options.split.claim(&way);
                    self.say(&owned).map_err(|_| self.died())?;
                }
                Reply::Progress(latest) => progress.store(latest.snapshot()?),
                Reply::Done(found) => return found.findings(),
                Reply::Refused(reason) => return Err(reason),
            }
        }
    }

    fn say(&mut self, message: &impl serde::Serialize) -> io::Result<()> {
        let line = serde_json::to_string(message)? + "\n";
        self.stdin.write_all(line.as_bytes())?;
        self.stdin.flush()
    }

    /// Why it does not answer.
    fn died(&mut self) -> String {
        // It may only have closed its pipes; it is of no use then, either.
        let _ = self.child.kill();
        self.dead = true;
        match self.child.wait() {
            Ok(status) => format!("the worker process died: {status}"),
            Err(error) => format!("the worker process died: {error}"),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
