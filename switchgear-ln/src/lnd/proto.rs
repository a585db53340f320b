//! The part of LND's `lnrpc` that is used, generated from `proto/lnrpc.proto`.
#![expect(unreachable_pub, reason = "generated code is public throughout")]

tonic::include_proto!("lnrpc");
