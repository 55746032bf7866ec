//! The tree of executions, drawn for Graphviz.

use assert_cmd::Command;

fn tree(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("stalewake").expect("the binary is built with this");
    let output = command
        .arg("tree")
        .args(arguments)
        .output()
        .expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("it is text");
    let code = output.status.code().expect("it ends by itself");
    (code, text(output.stdout), text(output.stderr))
}

/// The figures that `check` has for a cell: executions and redundant ones.
fn figures(cell: &str) -> (usize, usize) {
    let mut command = Command::cargo_bin("stalewake").expect("the binary is built with this");
    command.args(["check", cell, "--format", "json", "--jobs", "1"]);
    let output = command.output().expect("it starts");
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
    let figure = |name: &str| line[name].as_u64().expect("a number") as usize;
    (figure("executions"), figure("redundant"))
}

#[test]
fn every_execution_is_a_way_through_it() {
    for cell in ["reclaim/v5.10", "shmem-tail/truncate=wait/v5.9"] {
        let (executions, redundant) = figures(cell);
        let (code, dot, _) = tree(&[cell]);
        assert_eq!(code, 0);
        let nodes = dot
            .lines()
            .filter(|line| line.starts_with("  n") && line.contains(" ["));
        let nodes = nodes.filter(|line| !line.contains(" -> ") && !line.starts_with("  node "));
        let leaves: Vec<&str> = dot
            .lines()
            .filter(|line| line.contains("shape=ellipse"))
            .collect();
        assert_eq!(leaves.len(), executions, "{cell}");
        let dashed = leaves.iter().filter(|leaf| leaf.contains("dashed"));
        assert_eq!(dashed.count(), redundant, "{cell}");
        // It is a tree: one edge to every box and ellipse but the first.
        let edges = dot.lines().filter(|line| line.contains(" -> ")).count();
        assert_eq!(edges + 1, nodes.count(), "{cell}");
    }
}

#[test]
fn what_goes_wrong_is_named() {
    let (_, dot, _) = tree(&["shmem-tail/truncate=wait/v5.9"]);
    assert!(
        dot.contains("color=red3") && dot.contains("bug-on-tail"),
        "{dot}"
    );
    let (_, dot, _) = tree(&["reclaim/v5.10"]);
    assert!(
        !dot.contains("red3") && dot.contains("nothing wrong"),
        "{dot}"
    );
}

#[test]
fn what_nobody_could_read_is_not_drawn() {
    let (code, dot, error) = tree(&["writeback-reuse/truncate=wait/v5.9"]);
    assert_eq!((code, dot.as_str()), (2, ""));
    assert!(error.contains("more than 300 executions"), "{error}");
}
