//! The recipes of `ci/recipes` for a run on many machines: each is run here on
//! one, as far as that goes, and must come to what one run says.

#![cfg(not(packaged))]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The binary that the tests were built with.
const STALEWAKE: &str = env!("CARGO_BIN_EXE_stalewake");

/// A few cells, some of which reach something.
const CELLS: [&str; 2] = ["writeback-reuse/v5.9", "shmem-tail"];

/// Into how many parts they are split.
const SHARDS: usize = 3;

/// The file of that name among the recipes.
fn recipe(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../ci/recipes")
        .join(name)
}

/// An empty directory that is this test's alone.
fn directory(test: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("recipes")
        .join(test);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("the target directory is writable");
    directory
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

fn output(command: &mut Command) -> Output {
    command
        .env("STALEWAKE", STALEWAKE)
        .output()
        .expect("the command starts")
}

/// What it printed on both streams, to be shown when a test fails.
fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// The lines without what differs from run to run.
fn lines(text: &[u8]) -> Vec<Value> {
    let parse = |line: &str| {
        let mut line: Value = serde_json::from_str(line).expect("every line is an object");
        line["elapsed_ms"] = Value::Null;
        line
    };
    let text = str::from_utf8(text).expect("JSON is text");
    text.lines().map(parse).collect()
}

/// That a recipe has left in `directory` what one run says, and the reports.
fn assert_is_one_run(directory: &Path) {
    let whole = output(
        Command::new(STALEWAKE)
            .args(["check", "--format", "json"])
            .args(CELLS),
    );
    let merged = fs::read(directory.join("cells.jsonl")).expect("it was written");
    assert!(!merged.is_empty());
    assert_eq!(lines(&merged), lines(&whole.stdout));
    for report in ["junit.xml", "summary.md"] {
        assert!(directory.join(report).exists(), "{report} was not written");
    }
}

#[test]
fn parallel_makes_one_run() {
    if !is_installed("parallel") {
        let required = std::env::var_os("STALEWAKE_REQUIRE_PARALLEL").is_some();
        assert!(!required, "GNU parallel is not installed");
        eprintln!("skipped: GNU parallel is not installed");
        return;
    }
    let directory = directory("parallel");
    let run = |cells: &[&str]| {
        output(
            Command::new(recipe("parallel"))
                .args(["-n", &SHARDS.to_string(), "-o"])
                .arg(&directory)
                .args(cells)
                .env("HOME", &directory),
        )
    };
    // Twice: what the first has left is in nobody's way.
    for _ in 0..2 {
        let ran = run(&CELLS);
        assert_eq!(ran.status.code(), Some(0), "{}", shown(&ran));
        assert_is_one_run(&directory);
    }
    let broken = run(&["no-such-scenario"]);
    assert_eq!(broken.status.code(), Some(2), "{}", shown(&broken));
    assert!(shown(&broken).contains("no-such-scenario"));
}

/// As Slurm starts the tasks of an array, except that there is no Slurm.
#[test]
fn the_tasks_of_slurm_make_one_run() {
    let directory = directory("slurm");
    let task = |index: usize, cells: &[&str]| {
        output(
            Command::new(recipe("slurm.sbatch"))
                .args(cells)
                .current_dir(&directory)
                .env("SLURM_ARRAY_TASK_ID", index.to_string())
                .env("SLURM_ARRAY_TASK_MAX", SHARDS.to_string()),
        )
    };
    let merge = || output(Command::new(recipe("merge-shards")).arg(&directory));
    assert_eq!(
        task(1, &["no-such-scenario"]).status.code(),
        Some(2),
        "a failure must not look like a result"
    );
    for index in 2..=SHARDS {
        let ran = task(index, &CELLS);
        assert!(ran.status.success(), "{}", shown(&ran));
    }
    let missing = merge();
    assert_eq!(missing.status.code(), Some(2), "{}", shown(&missing));
    assert!(shown(&missing).contains("a shard is missing: 1/3"));
    assert!(!directory.join("cells.jsonl").exists());

    assert!(task(1, &CELLS).status.success());
    let merged = merge();
    assert_eq!(merged.status.code(), Some(0), "{}", shown(&merged));
    assert_is_one_run(&directory);
}

/// That something differs is an answer: the shard has not failed, and is not
/// tried again.
#[test]
fn a_shard_that_differs_is_a_result() {
    let directory = directory("differs");
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/missed-wakeup.toml");
    let shipped = fs::read_to_string(shipped).expect("it is shipped");
    let wrong = shipped.replace("kinds = []", "kinds = [\"bad-page\"]");
    fs::write(directory.join("wrong.toml"), wrong).expect("the directory is writable");
    let cell = ["./wrong.toml", "--kernel=v5.8", "--set=waiters=shared"];
    let differs = output(
        Command::new(STALEWAKE)
            .arg("check")
            .args(cell)
            .current_dir(&directory),
    );
    assert_eq!(differs.status.code(), Some(1), "{}", shown(&differs));

    let task = output(
        Command::new(recipe("slurm.sbatch"))
            .args(cell)
            .current_dir(&directory)
            .env("SLURM_ARRAY_TASK_ID", "1")
            .env("SLURM_ARRAY_TASK_MAX", "1"),
    );
    assert!(task.status.success(), "{}", shown(&task));
    assert!(directory.join("shard-1.jsonl").exists());

    let pod = output(pod(&directory, 0, 1).args(cell).current_dir(&directory));
    assert!(pod.status.success(), "{}", shown(&pod));
    assert!(!pod.stdout.is_empty());
}

/// The documents of `kubernetes.yaml`.
fn kubernetes() -> (Job, NetworkPolicy) {
    let text = fs::read_to_string(recipe("kubernetes.yaml")).expect("it is there");
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text).expect("it is YAML");
    let [job, policy] = documents.try_into().expect("it has two documents");
    (strictly(job), strictly(policy))
}

/// The object, of which no field was ignored: what was read is written again,
/// and must be what there was.
fn strictly<T: DeserializeOwned + Serialize>(document: Value) -> T {
    let object: T = serde_json::from_value(document.clone()).expect("it is of that type");
    let again = serde_json::to_value(&object).expect("it can be written");
    assert_eq!(without_empty(again), without_empty(document));
    object
}

/// An empty list or object, and one that is not there, are the same.
fn without_empty(value: Value) -> Value {
    let is_empty = |value: &Value| {
        value.is_null()
            || value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(serde_json::Map::is_empty)
    };
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, without_empty(value)))
            .filter(|(_, value)| !is_empty(value))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_empty).collect(),
        value => value,
    }
}

#[test]
fn the_job_of_kubernetes_has_no_privileges() {
    let (job, policy) = kubernetes();
    let job = job.spec.expect("it says what to do");
    let pod = job.template.spec.expect("it has pods");
    assert_eq!(pod.automount_service_account_token, Some(false));
    assert_eq!(pod.host_network, None);
    let context = pod.security_context.expect("it has one");
    assert_eq!(context.run_as_non_root, Some(true));
    assert_eq!(
        context.seccomp_profile.expect("it has one").type_,
        "RuntimeDefault"
    );
    for container in &pod.containers {
        let context = container.security_context.as_ref().expect("it has one");
        assert_eq!(context.allow_privilege_escalation, Some(false));
        assert_eq!(context.read_only_root_filesystem, Some(true));
        let dropped = context.capabilities.as_ref().and_then(|c| c.drop.clone());
        assert_eq!(dropped, Some(vec!["ALL".to_owned()]));
        let resources = container.resources.as_ref().expect("they are limited");
        let limits = resources.limits.as_ref().expect("they are limited");
        assert!(limits.contains_key("cpu") && limits.contains_key("memory"));
    }
    // Both directions are restricted, and nothing is allowed.
    let policy = policy.spec.expect("it says what is allowed");
    let both = ["Ingress".to_owned(), "Egress".to_owned()];
    assert_eq!(policy.policy_types.as_deref(), Some(&both[..]));
    assert!(policy.ingress.is_none() && policy.egress.is_none());
    let labels = job.template.metadata.and_then(|metadata| metadata.labels);
    let selected = policy.pod_selector.and_then(|pods| pods.match_labels);
    assert_eq!(selected, labels);
}

/// As many pods as shards, and the number of shards is what the pods are told.
#[test]
fn the_job_of_kubernetes_has_a_pod_for_each_shard() {
    let job = kubernetes().0.spec.expect("it says what to do");
    assert_eq!(job.completion_mode.as_deref(), Some("Indexed"));
    assert_eq!(job.parallelism, job.completions);
    let pod = job.template.spec.expect("it has pods");
    let variables = pod.containers[0].env.iter().flatten();
    let shards = variables
        .filter(|variable| variable.name == "SHARDS")
        .find_map(|variable| variable.value.clone());
    assert_eq!(shards, job.completions.map(|number| number.to_string()));
}

/// `kubectl` as the recipe calls it, of a cluster in which each pod has ended
/// and its log is a file. Pods come in no order.
const KUBECTL: &str = r#"#!/usr/bin/env bash
set -euo pipefail
case "$1 $2" in
"delete --ignore-not-found" | "apply --filename") ;;
"get job/stalewake") printf 'SuccessCriteriaMet Complete' ;;
"get pods") for log in $(ls -r "$CLUSTER"/pod-*); do echo "${log##*-} ${log##*/}"; done ;;
"logs pod-"*) cat "$CLUSTER/$2" ;;
*) exit 64 ;;
esac
"#;

#[test]
fn the_pods_of_kubernetes_make_one_run() {
    let directory = directory("kubernetes");
    for index in 0..SHARDS {
        let ran = output(pod(&directory, index, SHARDS).args(CELLS));
        assert!(ran.status.success(), "{}", shown(&ran));
        fs::write(directory.join(format!("pod-{index}")), ran.stdout).expect("it is writable");
    }

    let kubectl = directory.join("kubectl");
    fs::write(&kubectl, KUBECTL).expect("the directory is writable");
    fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let collected = output(
        Command::new(recipe("kubernetes"))
            .arg("-o")
            .arg(&directory)
            .env("PATH", search_path(&directory))
            .env("CLUSTER", &directory),
    );
    assert_eq!(collected.status.code(), Some(0), "{}", shown(&collected));
    assert_is_one_run(&directory);
}

/// What a pod of the job runs, except that its message has another place.
fn pod(directory: &Path, index: usize, shards: usize) -> Command {
    let pod = kubernetes().0.spec.and_then(|job| job.template.spec);
    let container = &pod.expect("it has pods").containers[0];
    let message = directory.join("termination-log").display().to_string();
    let words = container.command.iter().flatten();
    let words: Vec<String> = words
        .map(|word| word.replace("/dev/termination-log", &message))
        .collect();
    let binaries = Path::new(STALEWAKE).parent().expect("it is in a directory");
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .env("PATH", search_path(binaries))
        .env("SHARDS", shards.to_string())
        .env("JOB_COMPLETION_INDEX", index.to_string());
    command
}

/// The search path with `first` before all else.
fn search_path(first: &Path) -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(first.to_owned()).chain(std::env::split_paths(&path));
    std::env::join_paths(all).expect("the paths were in PATH before")
}

/// Each file, with what it is: bash, YAML, or instructions for an image.
#[test]
fn every_recipe_can_be_read() {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in fs::read_dir(recipe("")).expect("it is there") {
        let path = entry.expect("it can be listed").path();
        let text = fs::read_to_string(&path).expect("recipes are text");
        let kind = if text.starts_with("#!/usr/bin/env bash\n") {
            bash_reads(&path);
            "bash"
        } else if path.extension().is_some_and(|end| end == "yaml") {
            serde_saphyr::from_multiple::<Value>(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            "yaml"
        } else {
            assert!(path.ends_with("Dockerfile"), "what is {}?", path.display());
            "image"
        };
        *kinds.entry(kind).or_default() += 1;
    }
    assert!(kinds.contains_key("bash") && kinds.contains_key("yaml"));
}

/// Bash, and shellcheck where it is installed, find nothing wrong.
fn bash_reads(script: &Path) {
    let mode = fs::metadata(script)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o111, 0o111, "{} cannot be run", script.display());
    let read = output(Command::new("bash").arg("-n").arg(script));
    assert!(read.status.success(), "{}", shown(&read));
    if is_installed("shellcheck") {
        let checked = output(Command::new("shellcheck").arg(script));
        assert!(checked.status.success(), "{}", shown(&checked));
    } else {
        eprintln!("skipped: shellcheck is not installed");
    }
}
