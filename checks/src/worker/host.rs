//! The asking side.

use std::io::{self, BufRead, BufReader, Write};
#[cfg(target_os = "linux")]
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use super::complaint::Complaint;
use super::contact::{Contact, Leash};
use super::protocol::{Reply, Request};
use crate::cell::Cell;
use crate::coverage::Coverage;
use crate::explore::{Findings, Options, Progress};

/// The subcommand that makes the binary a worker.
pub const COMMAND: &str = "worker";

/// This very binary, also where its file has been replaced since it was started:
/// workers of another version would say something else, or nothing.
fn this_binary() -> io::Result<Command> {
    let file = std::env::current_exe()?;
    #[cfg(target_os = "linux")]
    if Path::new("/proc/self/exe").exists() {
        let mut command = Command::new("/proc/self/exe");
        std::os::unix::process::CommandExt::arg0(&mut command, file);
        return Ok(command);
    }
    Ok(Command::new(file))
}

/// A process that explores. It ends with the thread that has started it.
#[derive(Debug)]
pub struct Worker {
    leash: Leash,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    complaint: Option<Complaint>,
    dead: bool,
}

impl Worker {
    /// Starts one.
    ///
    /// # Errors
    /// When this binary cannot be started once more.
    pub fn start() -> io::Result<Worker> {
        let mut command = this_binary()?;
        command
            .arg(COMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Ctrl-C is for the run, which ends its workers in order.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (stdin, stdout) = stdin.zip(stdout).ok_or(io::ErrorKind::BrokenPipe)?;
        let complaint = child.stderr.take().map(Complaint::of).transpose()?;
        Ok(Worker {
            leash: Leash::new(child),
            stdin,
            stdout: BufReader::new(stdout),
            complaint,
            dead: false,
        })
    }

    /// Whether it can do nothing more.
    pub fn is_dead(&self) -> bool {
        self.dead || !matches!(self.leash.child().try_wait(), Ok(None))
    }

    /// The most memory that it has ever had at once, in bytes; nothing where the
    /// system does not tell.
    pub fn peak_memory(&self) -> Option<u64> {
        self.leash.peak_memory()
    }

    /// Has it explore its part of a cell. One that gave no findings is dead.
    ///
    /// # Errors
    /// Why there are no findings: mostly because it died over it.
    pub fn explore(
        &mut self,
        cell: &Cell,
        options: &Options,
        progress: &Progress,
        contact: &Contact,
    ) -> Result<(Findings, Coverage), String> {
        if !contact.begin(&self.leash) {
            return Err("it was not wanted any more".to_owned());
        }
        let found = self.ask(cell, options, progress, contact);
        let survived = contact.end();
        if found.is_err() || !survived {
            // What it may still have to say would be taken for something else.
            self.end();
        }
        found
    }

    fn ask(
        &mut self,
        cell: &Cell,
        options: &Options,
        progress: &Progress,
        contact: &Contact,
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
            contact.hear();
            match reply {
                Reply::Claim(way) => {
                    let owned = options.split.claim(&way);
                    self.say(&owned).map_err(|_| self.died())?;
                }
                Reply::Progress(latest) => progress.store(latest.snapshot()?),
                Reply::Done(found) => return found.findings(),
                // A panic says where, too.
                Reply::Refused(reason) => return Err(self.end().1.unwrap_or(reason)),
            }
        }
    }

    fn say(&mut self, message: &impl serde::Serialize) -> io::Result<()> {
        let line = serde_json::to_string(message)? + "\n";
        self.stdin.write_all(line.as_bytes())?;
        self.stdin.flush()
    }

    /// Ends it, and says how it has ended, and why if it has said so.
    fn end(&mut self) -> (String, Option<String>) {
        self.dead = true;
        let mut child = self.leash.child();
        // It may only have closed its pipes; it is of no use then, either.
        let _ = child.kill();
        let how = match child.wait() {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        (how, self.complaint.take().and_then(Complaint::reason))
    }

    fn died(&mut self) -> String {
        match self.end() {
            (how, Some(why)) => format!("the worker process died: {how}: {why}"),
            (how, None) => format!("the worker process died: {how}"),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
    }
}
