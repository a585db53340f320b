use std::time::Duration;

use super::{
    reader::Section,
    scalar::{integer, seconds},
};

/// `limits` of a service: what one listener takes on before it refuses or closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitsSection {
    /// `connections`, by default 10,000; also how many requests are served at once, which over HTTP/2 a
    /// few connections can bring. Beyond that a request is answered 503 at once.
    pub connections: usize,
    /// `header-timeout-secs`, by default 10.
    pub header_timeout: Duration,
    /// `idle-timeout-secs`, by default 60.
    pub idle_timeout: Duration,
    /// `request-timeout-secs`, by default 30.
    pub request_timeout: Duration,
    /// `write-timeout-secs`, by default 30.
    pub write_timeout: Duration,
    /// `header-bytes`, by default 16,384.
    pub header_bytes: usize,
    /// `headers`, by default 100.
    pub headers: usize,
    /// `h2-streams`, by default 256.
    pub h2_streams: u32,
}

impl Default for LimitsSection {
    fn default() -> Self {
        Self {
            connections: 10_000,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            header_bytes: 16_384,
            headers: 100,
            h2_streams: 256,
        }
    }
}

pub(super) fn read(mut section: Section<'_>) -> LimitsSection {
    let default = LimitsSection::default();
    let connections = section.leaf("connections", integer(1..=1_000_000));
    let header_timeout = section.leaf("header-timeout-secs", seconds);
    let idle_timeout = section.leaf("idle-timeout-secs", seconds);
    let request_timeout = section.leaf("request-timeout-secs", seconds);
    let write_timeout = section.leaf("write-timeout-secs", seconds);
    // Below 8 KiB the HTTP/1 parser has no room to work in.
    let header_bytes = section.leaf("header-bytes", integer(8_192..=1_048_576));
    let headers = section.leaf("headers", integer(1..=1_000));
    let h2_streams = section.leaf("h2-streams", integer(1..=65_536));
    section.finish();
    LimitsSection {
        connections: connections.unwrap_or(default.connections),
        header_timeout: header_timeout.unwrap_or(default.header_timeout),
        idle_timeout: idle_timeout.unwrap_or(default.idle_timeout),
        request_timeout: request_timeout.unwrap_or(default.request_timeout),
        write_timeout: write_timeout.unwrap_or(default.write_timeout),
        header_bytes: header_bytes.unwrap_or(default.header_bytes),
        headers: headers.unwrap_or(default.headers),
        h2_streams: h2_streams.unwrap_or(default.h2_streams),
    }
}
