//! Compiles our own minimal protos without a system `protoc`.

use std::{env, error::Error};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    for (feature, proto) in [("LND", "lnrpc.proto"), ("CLN", "cln.proto")] {
        if is_on(feature) {
            tonic_prost_build::configure()
                .build_transport(false)
                .build_server(is_on("SIM"))
                .compile_fds(protox::compile([proto], ["proto"])?)?;
        }
    }
    Ok(())
}

fn is_on(feature: &str) -> bool {
    env::var_os(format!("CARGO_FEATURE_{feature}")).is_some()
}
