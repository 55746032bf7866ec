//! `--resume`: whatever happens to a run or to its journal, nothing that was
//! finished is lost, and nothing is taken for finished that was not.

#![cfg(target_os = "linux")]

mod damage;
#[path = "../processes/mod.rs"]
mod processes;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use processes::{SHORT_AND_ENDLESS, children, run, send, start, text, until, until_ended, values};
use serde_json::Value;
use stalewake::scenario::find_shipped;

/// A few cells, of which some reach something.
const CELLS: [&str; 3] = ["check", "writeback-reuse/v5.9", "shmem-tail"];

/// How many they are.
const COUNT: usize = 16;

/// Seven cells, of which some take a moment.
const SEVEN: [&str; 2] = ["check", "killable-lock/signal=early"];

/// A file that is this test's alone, and not there.
fn file(test: &str) -> String {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("journal");
    fs::create_dir_all(&directory).expect("the target directory is writable");
    let file = directory.join(test);
    let _ = fs::remove_file(&file);
    file.display().to_string()
}

/// What was printed, without what differs from run to run.
fn timeless(output: &Output) -> Vec<Value> {
    let mut values = values(output);
    for value in &mut values {
        value["elapsed_ms"] = Value::Null;
    }
    values
}

/// How many lines a journal has, the first one included.
fn lines(journal: &str) -> usize {
    fs::read_to_string(journal).map_or(0, |text| text.lines().count())
}

/// Why a run was refused, on one line.
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let words: Vec<String> = text(&output.stderr)
        .replace("│", "")
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    words.join(" ")
}

#[test]
fn a_resumed_run_is_the_whole_run() {
    let (journal, reports) = (file("whole"), [file("whole.xml"), file("resumed.xml")]);
    let whole = run(&CELLS, &["--junit", &reports[0]]);
    let resuming = ["--resume", &journal, "--junit", &reports[1]];
    let first = run(&CELLS, &resuming);
    assert_eq!(timeless(&first), timeless(&whole));
    assert_eq!(text(&first.stderr), "");
    let written = fs::read_to_string(&journal).expect("it was written");
    let ends: Vec<usize> = written.match_indices('\n').map(|(at, _)| at + 1).collect();
    assert_eq!(ends.len(), COUNT + 1);
    // Some cells, all, and none; then cut within a line, and before its end.
    for (cut, kept) in [
        (ends[0], 0),
        (ends[8], 8),
        (ends[COUNT], COUNT),
        (ends[8] + 100, 8),
        (ends[8] - 1, 7),
    ] {
        fs::write(&journal, &written[..cut]).expect("it is writable");
        let again = run(&CELLS, &resuming);
        assert_eq!(timeless(&again), timeless(&whole));
        assert_eq!(again.status, whole.status);
        let complaint = text(&again.stderr);
        let note = format!("note: {kept} of {COUNT} cells were in {journal}");
        assert!(complaint.contains(&note), "{complaint}");
        assert_eq!(complaint.contains("was cut off"), !ends.contains(&cut));
        assert_eq!(lines(&journal), COUNT + 1);
        let untimed = |file: &String| {
            let text = fs::read_to_string(file).expect("it was written");
            let words = text.split([' ', '>']).filter(|word| {
                !["time=", "timestamp=", "uuid="]
                    .iter()
                    .any(|name| word.starts_with(name))
            });
            words.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(untimed(&reports[0]), untimed(&reports[1]));
    }
    // Nothing at all, and not even all of the first line.
    for cut in [0, ends[0] / 2, ends[0] - 1] {
        fs::write(&journal, &written[..cut]).expect("it is writable");
        assert_eq!(timeless(&run(&CELLS, &resuming)), timeless(&whole));
        assert_eq!(lines(&journal), COUNT + 1);
    }
}

/// A difference is one also if it comes from a journal.
#[test]
fn the_exit_code_is_that_of_the_whole_run() {
    let (journal, scenario) = (file("code"), file("code.toml"));
    let shipped = find_shipped("shmem-tail").expect("it is shipped");
    let wrong = shipped.text.replace("\"bug-on-tail\"", "\"bad-page\"");
    assert_ne!(wrong, shipped.text);
    fs::write(&scenario, wrong).expect("it is writable");
    for _ in 0..2 {
        let output = run(&["check", &scenario], &["--resume", &journal]);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    }
}

#[test]
fn shards_are_gone_on_with_too() {
    let journal = file("shard");
    let shard = ["--shard", "1/2", "--resume", &journal];
    let whole = run(&CELLS, &["--shard", "1/2", "--jobs", "1"]);
    let mut first = timeless(&run(&CELLS, &shard));
    let mut again = timeless(&run(&CELLS, &shard));
    assert_eq!(first, again);
    let mut whole = timeless(&whole);
    // How often workers meet what others explore depends on how many there are.
    for cells in [&mut first, &mut again, &mut whole] {
        for cell in cells {
            cell["foreign"] = 0.into();
            cell["sum"] = "".into();
        }
    }
    assert_eq!(first, whole);
    let other = run(&CELLS, &["--shard", "2/2", "--resume", &journal]);
    assert!(refused(&other).contains("with --shard 1/2, and this run is with --shard 2/2"));
}

/// As often as somebody kills it, it comes to its end, and never loses a line.
#[test]
fn a_run_that_is_killed_again_and_again_ends() {
    let journal = file("killed");
    let whole = timeless(&run(&SEVEN, &[]));
    let mut before = Vec::new();
    for kill in 1.. {
        let mut run = start(&SEVEN, &["--resume", &journal, "--jobs", "2"]);
        // At a moment that is another one each time.
        until(|| {
            let ended = run.try_wait().expect("it can be waited for").is_some();
            (ended || lines(&journal) > kill).then_some(())
        });
        let workers = children(run.id());
        let _ = run.kill();
        let ended = run.wait().expect("it was killed").code().is_some();
        until_ended(&workers);
        let now = fs::read(&journal).expect("it is there");
        let torn = now.iter().rposition(|byte| *byte == b'\n');
        let now = now[..torn.map_or(0, |at| at + 1)].to_vec();
        assert!(now.starts_with(&before), "what was finished stays");
        before = now;
        if ended {
            break;
        }
        assert!(kill < 20, "every time some cell is finished");
    }
    let output = run(&SEVEN, &["--resume", &journal]);
    assert_eq!(timeless(&output), whole);
    assert!(text(&output.stderr).contains("7 of 7"));
}

#[test]
fn an_interrupted_run_is_gone_on_with() {
    let journal = file("interrupted");
    let resume = ["--jobs", "1", "--resume", &journal];
    for kept in ["", "1 of 2 cells were in"] {
        let run = start(&SHORT_AND_ENDLESS, &resume);
        until(|| (lines(&journal) > 1).then_some(()));
        until(|| (!children(run.id()).is_empty()).then_some(()));
        send("-INT", run.id());
        let output = run.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(130));
        let complaint = text(&output.stderr);
        assert!(complaint.contains(kept), "{complaint}");
        assert!(
            complaint.contains("1 of 2 cells were finished"),
            "{complaint}"
        );
        assert!(
            complaint.contains("the same command goes on"),
            "{complaint}"
        );
        let statuses: Vec<_> = values(&output)
            .iter()
            .map(|c| c["status"].clone())
            .collect();
        assert_eq!(statuses, ["complete", "incomplete"]);
        assert_eq!(lines(&journal), 2);
    }
}

#[test]
fn only_finished_cells_are_kept() {
    let journal = file("finished");
    let resume = ["--resume", &journal];
    let errors = run(&CELLS, &[&resume[..], &["--cell-memory", "1M"]].concat());
    assert_eq!(errors.status.code(), Some(1));
    assert_eq!(lines(&journal), 1);
    let cut_short = run(&CELLS, &[&resume[..], &["--max-executions", "25"]].concat());
    assert_eq!(cut_short.status.code(), Some(3));
    let complete = values(&cut_short);
    let complete = complete.iter().filter(|cell| cell["status"] == "complete");
    assert_eq!(lines(&journal), complete.count() + 1);
    assert_eq!(timeless(&run(&CELLS, &resume)), timeless(&run(&CELLS, &[])));
}

#[test]
fn of_two_runs_at_once_the_second_is_refused() {
    let journal = file("twice");
    let resume = ["--resume", &journal];
    let mut first = start(&SHORT_AND_ENDLESS, &resume);
    until(|| (lines(&journal) > 1).then_some(()));
    let before = fs::read(&journal).expect("it is there");
    let second = run(&SHORT_AND_ENDLESS, &resume);
    assert!(refused(&second).contains("another run is writing to it"));
    assert!(second.stdout.is_empty());
    assert_eq!(fs::read(&journal).expect("it is there"), before);
    let workers = children(first.id());
    first.kill().expect("it runs");
    first.wait().expect("it was killed");
    until_ended(&workers);
    // Whoever is killed leaves no lock behind.
    let third = run(
        &SHORT_AND_ENDLESS,
        &[&resume[..], &["--cell-timeout", "1ms"]].concat(),
    );
    assert!(text(&third.stderr).contains("1 of 2 cells were in"));
}

/// A limit on the size of files does as a full disk does: a part of a line is
/// written, and then no more.
#[test]
fn a_full_disk_ends_the_run_and_loses_nothing() {
    let journal = file("full");
    let program = env!("CARGO_BIN_EXE_stalewake");
    let script = format!(
        "trap '' XFSZ; ulimit -f 8; exec {program} {} --resume {journal} --format json",
        CELLS.join(" ")
    );
    let output = Command::new("sh").args(["-c", &script]).output();
    let output = output.expect("there is a shell");
    let complaint = refused(&output);
    let kept = lines(&journal) - 1;
    assert!(kept > 0 && kept < COUNT);
    assert!(
        complaint.contains(&format!("{kept} of {COUNT} cells are in journal")),
        "{complaint}"
    );
    assert!(
        complaint.contains("finished, but not in it: "),
        "{complaint}"
    );
    assert_eq!(values(&output).len(), COUNT, "what it has is said");
    // Not a byte of the line that did not fit is left.
    let written = fs::read(&journal).expect("it is there");
    assert_eq!(written.last(), Some(&b'\n'));
    let output = run(&CELLS, &["--resume", &journal]);
    assert_eq!(timeless(&output), timeless(&run(&CELLS, &[])));
    assert!(text(&output.stderr).contains(&format!("{kept} of {COUNT} cells were in")));
}

/// Nobody would find the lines that come after the cut, or in a file that has
/// another name by now.
#[test]
fn a_journal_that_is_cut_or_moved_ends_the_run() {
    for what in ["cut", "moved"] {
        let journal = file(what);
        let run = start(&SEVEN, &["--resume", &journal]);
        until(|| (!children(run.id()).is_empty()).then_some(()));
        let done = match what {
            "cut" => fs::write(&journal, ""),
            _ => fs::rename(&journal, file("elsewhere")),
        };
        done.expect("it is there");
        let complaint = refused(&run.wait_with_output().expect("it ends"));
        let reason = "was removed, replaced or cut";
        assert!(complaint.contains(reason), "{what}: {complaint}");
    }
}

/// What is written into a file without a name is lost: nobody is told that it
/// is kept.
#[test]
fn a_journal_that_is_removed_ends_the_run() {
    let journal = file("removed");
    let run = start(&SEVEN, &["--resume", &journal]);
    until(|| (!children(run.id()).is_empty()).then_some(()));
    fs::remove_file(&journal).expect("it is there");
    let complaint = refused(&run.wait_with_output().expect("it ends"));
    assert!(
        complaint.contains("was removed, replaced or cut"),
        "{complaint}"
    );
    let kept = "what was finished is where that file is now";
    assert!(complaint.contains(kept), "{complaint}");
    assert!(!Path::new(&journal).exists());
}

#[test]
fn what_cannot_be_a_journal_is_refused_at_once() {
    let no_directory = file("there/is/none");
    let directory = env!("CARGO_TARGET_TMPDIR");
    for (file, reason) in [
        ("-", "it is no regular file"),
        ("/dev/full", "it is no regular file"),
        ("/dev/zero", "it is no regular file"),
        ("/proc/journal", "it cannot be opened"),
        (no_directory.as_str(), "it cannot be opened"),
        (directory, "it cannot be opened"),
    ] {
        let output = run(&CELLS, &["--resume", file]);
        let complaint = refused(&output);
        assert!(complaint.contains(reason), "{file}: {complaint}");
        assert!(complaint.contains(file), "{file}: {complaint}");
        assert!(output.stdout.is_empty());
    }
    assert!(!Path::new("-").exists());
    let large = file("large");
    let made = fs::File::create(&large).and_then(|file| file.set_len(1 << 30));
    made.expect("it takes no room");
    let complaint = refused(&run(&CELLS, &["--resume", &large]));
    assert!(
        complaint.contains("it is larger than 64 MiB"),
        "{complaint}"
    );
    fs::remove_file(&large).expect("it is there");
    let notes = file("notes");
    for text in ["remember the milk", "{\"schema\":1}\n", "\0\0\0\0"] {
        fs::write(&notes, text).expect("it is writable");
        let complaint = refused(&run(&CELLS, &["--resume", &notes]));
        assert!(complaint.contains("it is no journal"), "{complaint}");
        let after = fs::read_to_string(&notes).expect("it is there");
        assert_eq!(after, text, "it is as it was");
    }
}

#[test]
fn a_journal_of_another_run_is_refused() {
    let (journal, scenario) = (file("other"), file("shmem-tail.toml"));
    let shipped = find_shipped("shmem-tail").expect("it is shipped");
    fs::write(&scenario, &shipped.text).expect("it is writable");
    let check = |more: &[&str]| run(&["check", &scenario, "--resume", &journal], more);
    assert!(check(&[]).status.success());
    for more in [
        &["--bound", "2"][..],
        &["--no-reduction"],
        &["--memory", "c11"],
    ] {
        let complaint = refused(&check(more));
        let asked = format!("this run is with {}", more.join(" "));
        assert!(complaint.contains(&asked), "{complaint}");
    }
    let written = fs::read(&journal).expect("it is there");
    let changed = shipped.text.replace("frames = 2", "frames = 3");
    assert_ne!(changed, shipped.text);
    fs::write(&scenario, changed).expect("it is writable");
    let complaint = refused(&check(&[]));
    assert!(
        complaint.contains("are not what they are here"),
        "{complaint}"
    );
    assert_eq!(fs::read(&journal).expect("it is there"), written);
    // Who asks for something else is not bothered, and both are kept.
    let others = run(&["check", "missed-wakeup", "--resume", &journal], &[]);
    assert!(others.status.success());
    assert!(text(&others.stderr).contains("are of other cells, and are kept"));
    fs::write(&scenario, &shipped.text).expect("it is writable");
    assert!(text(&check(&[]).stderr).contains("note: 14 of 14 cells were in"));
}

#[test]
fn what_if_goes_on_with_what_was_checked() {
    let journal = file("shared");
    assert!(run(&CELLS, &["--resume", &journal]).status.success());
    let question = ["whatif", "shmem-tail", "--vary", "end-ref=get-page"];
    let output = run(&question, &["--resume", &journal]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("note: 4 of 4 cells were in"));
}

/// A report written over the journal would lose what was finished, by whatever
/// name the one file goes.
#[test]
fn no_report_is_written_over_the_journal() {
    let (journal, link) = (file("both"), file("both-link"));
    assert!(run(&CELLS, &["--resume", &journal]).status.success());
    let before = fs::read(&journal).expect("it was written");
    std::os::unix::fs::symlink(&journal, &link).expect("a link can be made");
    let (directory, name) = journal.rsplit_once('/').expect("it is somewhere");
    let detour = format!("{directory}/./{name}");
    for report in [&journal, &link, &detour] {
        for option in ["--junit", "--markdown"] {
            let complaint = refused(&run(&CELLS, &["--resume", &journal, option, report]));
            assert!(
                complaint.contains("is another file of this run, too"),
                "{complaint}"
            );
        }
        let changes = [
            "whatif",
            "shmem-tail",
            "--resume",
            &journal,
            "--svg",
            report,
        ];
        assert_eq!(run(&changes, &[]).status.code(), Some(2));
    }
    // Not even begun.
    let neither = file("neither");
    refused(&run(&CELLS, &["--resume", &neither, "--junit", &neither]));
    assert!(!Path::new(&neither).exists());
    assert_eq!(fs::read(&journal).expect("it is there"), before);
}

/// The directory of a file is read-only for anybody but the superuser.
#[test]
fn a_read_only_directory_is_an_error() {
    use std::os::unix::fs::PermissionsExt;
    let directory = PathBuf::from(file("read-only"));
    let _ = fs::create_dir(&directory);
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o555)).expect("it is ours");
    if fs::write(directory.join("probe"), "").is_ok() {
        eprintln!("skipped: nothing is read-only for this user");
        return;
    }
    let journal = directory.join("journal").display().to_string();
    let complaint = refused(&run(&CELLS, &["--resume", &journal]));
    assert!(complaint.contains("it cannot be opened"), "{complaint}");
}
