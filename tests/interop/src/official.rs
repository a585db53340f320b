//! Generated from the official `node.proto` and `primitives.proto`.
#![expect(missing_docs, reason = "the official files document themselves")]
#![expect(clippy::all, reason = "generated")]

tonic::include_proto!("cln");
