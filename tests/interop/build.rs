//! Makes a server of Core Lightning's own protos, which are downloaded with the crate that holds them.

use std::{
    env,
    error::Error,
    path::{Path, PathBuf},
    process::Command,
};

use tonic_prost_build::FileDescriptorSet;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Names only the crate that the protos are taken out of; compiling it needs more than this project wants.
const OFFICIAL: &str = "official/Cargo.toml";

/// The calls that the client makes, and how the names of their messages begin.
const CALLS: [(&str, &str); 3] = [
    ("Getinfo", "Getinfo"),
    ("Invoice", "Invoice"),
    ("ListPeerChannels", "Listpeerchannels"),
];

fn main() -> Outcome<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=official");
    let directory = official_protos()?;
    let mut files = protox::compile(["node.proto"], [directory])?;
    keep_what_is_called(&mut files);
    tonic_prost_build::configure()
        .build_client(false)
        .build_transport(false)
        .compile_fds(files)?;
    Ok(())
}

/// Where cargo put them.
fn official_protos() -> Outcome<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let metadata = Command::new(cargo)
        .args(["metadata", "--locked", "--format-version", "1"])
        .args(["--filter-platform", &env::var("HOST")?])
        .args(["--manifest-path", OFFICIAL])
        .output()?;
    if !metadata.status.success() {
        let told = String::from_utf8_lossy(&metadata.stderr);
        return Err(format!("cargo cannot download Core Lightning's protos: {told}").into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout)?;
    let manifest = metadata["packages"]
        .as_array()
        .and_then(|packages| {
            packages
                .iter()
                .find(|package| package["name"] == "cln-grpc")
        })
        .and_then(|package| package["manifest_path"].as_str())
        .ok_or("cargo knows no package cln-grpc")?;
    Ok(Path::new(manifest).with_file_name("proto"))
}

/// All fields of the messages that are used; without the 177 calls and their messages that are not.
fn keep_what_is_called(files: &mut FileDescriptorSet) {
    let called = |name: &str| CALLS.iter().any(|(call, _)| name == *call);
    let used = |name: &str| CALLS.iter().any(|(_, message)| name.starts_with(message));
    for file in &mut files.file {
        for service in &mut file.service {
            service.method.retain(|method| called(method.name()));
        }
        if file.name() == "node.proto" {
            file.message_type.retain(|message| used(message.name()));
            // The comments are found by numbers, which are others now.
            file.source_code_info = None;
        }
    }
}
