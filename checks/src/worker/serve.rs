//! The worker's side.

use std::io::{self, BufRead, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::protocol::{Found, Reply, Request};
use crate::explore::{Claims, Options, Progress, Split, explore_part};
use crate::program::CellProgram;

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Serves requests from standard input until it is closed.
///
/// # Errors
/// When standard input or output break, as they do when the other side is
/// gone.
pub fn serve() -> io::Result<()> {
    end_with_parent();
    let pipe = Arc::new(Pipe::default());
    let mut line = String::new();
    loop {
        line.clear();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            return Ok(());
        }
        let reply = match serde_json::from_str(&line) {
            Ok(request) => explore(&request, &pipe).unwrap_or_else(Reply::Refused),
            Err(error) => Reply::Refused(error.to_string()),
        };
        pipe.say(&reply)?;
    }
}

/// A worker that is stopped would never notice that the other side is gone.
/// Where the system cannot end it, it ends at the next thing that it says.
fn end_with_parent() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
}

/// Does one request, and tells meanwhile how far it is.
fn explore(request: &Request, pipe: &Arc<Pipe>) -> Result<Reply, String> {
    let program = Arc::new(CellProgram::new(&request.cell()?));
    let options = Options {
        search: request.search(),
        max_executions: request.max_executions(),
        deadline: request.deadline(),
        split: Split::claimed_by(request.shard()?, pipe.clone()),
    };
    let progress = Arc::<Progress>::default();
    let (done, over) = mpsc::channel::<()>();
    let findings = std::thread::scope(|scope| {
        let latest = progress.clone();
        scope.spawn(move || {
            // Ends when the other end is dropped.
            while over.recv_timeout(TELL_EVERY) == Err(RecvTimeoutError::Timeout) {
                let told = pipe.say(&Reply::Progress((&*latest.load()).into()));
                if told.is_err() {
                    // Nobody listens any more, so nobody has use for the rest.
                    std::process::exit(1);
                }
            }
        });
        let findings = explore_part(&program, &options, &progress);
        drop(done);
        findings
    });
    Ok(Reply::Done(Box::new(Found::new(
        findings,
        &program.coverage(),
    ))))
}

/// Standard output, and the answers that come on standard input.
#[derive(Debug, Default)]
struct Pipe {
    /// One line at a time: progress is told by a thread of its own.
    writing: Mutex<()>,
}

impl Pipe {
    fn say(&self, reply: &Reply) -> io::Result<()> {
        let line = serde_json::to_string(reply)? + "\n";
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stdout = io::stdout().lock();
        stdout.write_all(line.as_bytes())?;
        stdout.flush()
    }
}

impl Claims for Pipe {
    fn claim(&self, way: &[u8]) -> bool {
        let mut answer = String::new();
        let asked = self.say(&Reply::Claim(way.to_vec()));
        let read = io::stdin().lock().read_line(&mut answer);
        // Nobody there: nothing more is to be explored.
        asked.is_ok() && read.is_ok() && answer.trim() == "true"
    }
}
