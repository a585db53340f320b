use std::{
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    process::{Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::Process;

const SOON: Duration = Duration::from_secs(20);

fn shell(script: &str, folder: &TempDir) -> Process {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    Process::spawn("a shell", command, &folder.path().join("log")).unwrap()
}

fn id(process: &Process) -> Pid {
    Pid::from_raw(process.id().cast_signed()).unwrap()
}

/// Whether the kernel runs it still: whoever inherits an orphan may leave it a zombie for ever.
fn runs(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    stat.is_ok_and(|stat| !stat.contains(") Z ") && !stat.contains(") X "))
}

#[tokio::test]
async fn finds_a_line_of_its_own_run_only() {
    let folder = TempDir::new().unwrap();
    let mut first = shell("echo ready one >&2; exit 3", &folder);
    assert_eq!(
        first.wait_for_line("ready", SOON).await.unwrap(),
        "ready one"
    );
    assert_eq!(first.wait(SOON).await.unwrap().code(), Some(3));

    let mut second = shell("echo ready two; exec sleep 60", &folder);
    assert_eq!(
        second.wait_for_line("ready", SOON).await.unwrap(),
        "ready two"
    );
    assert!(second.is_running().unwrap());
}

#[tokio::test]
async fn says_why_the_awaited_line_cannot_come() {
    let folder = TempDir::new().unwrap();
    let mut process = shell("echo no port left; exit 4", &folder);

    let error = format!(
        "{:#}",
        process.wait_for_line("ready", SOON).await.unwrap_err()
    );
    assert!(error.contains("no port left"), "{error}");
    assert!(
        error.contains("ended (exit status: 4) before the line `ready`"),
        "{error}"
    );

    let mut process = shell("echo slow start; exec sleep 60", &folder);
    process.wait_for_line("slow", SOON).await.unwrap();
    let limit = Duration::from_millis(50);
    let error = format!(
        "{:#}",
        process.wait_for_line("ready", limit).await.unwrap_err()
    );
    assert!(error.contains("slow start"), "{error}");
    assert!(
        error.contains("waited 50ms in vain for the line `ready`"),
        "{error}"
    );
}

#[tokio::test]
async fn signals_reach_it_until_it_ended() {
    let folder = TempDir::new().unwrap();
    let mut process = shell(
        "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done",
        &folder,
    );
    process.wait_for_line("ready", SOON).await.unwrap();

    process.signal(Signal::TERM).unwrap();
    assert_eq!(process.wait(SOON).await.unwrap().code(), Some(7));

    let error = process.signal(Signal::TERM).unwrap_err();
    assert!(
        error.to_string().contains("has ended (exit status: 7)"),
        "{error}"
    );
    assert_eq!(process.kill().unwrap().code(), Some(7));
}

#[tokio::test]
async fn a_frozen_process_writes_nothing_until_it_is_thawed() {
    let folder = TempDir::new().unwrap();
    let mut process = shell("while :; do echo tick; sleep 0.01; done", &folder);
    process.wait_for_line("tick", SOON).await.unwrap();

    process.freeze().unwrap();
    let frozen = process.log().text().unwrap().len();
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(process.log().text().unwrap().len(), frozen);

    process.thaw().unwrap();
    let log = process.log().clone();
    process
        .wait_for("more ticks", SOON, async || {
            Ok((log.text()?.len() > frozen).then_some(()))
        })
        .await
        .unwrap();

    process.freeze().unwrap();
    assert_eq!(
        process.kill().unwrap().signal(),
        Some(Signal::KILL.as_raw())
    );
}

#[tokio::test]
async fn dies_with_its_owner() {
    let folder = TempDir::new().unwrap();
    let process = shell("exec sleep 60", &folder);
    let pid = id(&process);
    assert!(runs(pid));

    drop(process);
    assert!(!runs(pid), "it outlived its owner");
}

/// The owner here is a process of its own, because SIGKILL must end it: this test binary with another test.
#[test]
fn dies_when_its_owner_is_killed() {
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "process::tests::owns_a_child_until_it_is_killed",
            "--ignored",
            "--nocapture",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let told = BufReader::new(owner.stdout.take().unwrap())
        .lines()
        .find_map(|line| {
            line.unwrap()
                .split_once("child ")
                .map(|(_, id)| id.parse().unwrap())
        });
    let child = Pid::from_raw(told.unwrap()).unwrap();
    assert!(runs(child));

    kill_process(Pid::from_child(&owner), Signal::KILL).unwrap();
    owner.wait().unwrap();

    let deadline = std::time::Instant::now() + SOON;
    while runs(child) {
        assert!(
            std::time::Instant::now() < deadline,
            "it outlived its owner"
        );
        std::thread::yield_now();
    }
}

#[test]
#[ignore = "the owner in `dies_when_its_owner_is_killed`, which runs it"]
fn owns_a_child_until_it_is_killed() {
    let folder = TempDir::new().unwrap();
    let process = shell("exec sleep 60", &folder);
    println!("child {}", process.id());
    std::thread::sleep(Duration::from_secs(60));
}
