//! The part of Core Lightning's `cln` that is used, generated from `proto/cln.proto`.
#![expect(unreachable_pub, reason = "generated code is public throughout")]

tonic::include_proto!("cln");
