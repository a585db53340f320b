//! Compiles our own minimal protos without a system `protoc`.

use std::{env, error::Error};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    if env::var_os("CARGO_FEATURE_LND").is_some() {
        let files = protox::compile(["lnrpc.proto"], ["proto"])?;
        tonic_prost_build::configure()
            .build_transport(false)
            .build_server(env::var_os("CARGO_FEATURE_SIM").is_some())
            .compile_fds(files)?;
    }
    Ok(())
}
