//! Requests that say their length in two ways, or in one that can be read in two.

/// How many there are.
pub(crate) const PAIRS: usize = 24;

/// Number `index` of the pairs: a request for `/pair-…`, and one for `/health?hidden-…`, which everybody may have, that
/// some would see behind it, and some in its body.
pub(crate) fn pair(index: usize, host: &str) -> Option<Vec<u8>> {
    let hidden = format!("GET /health?hidden-{index} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let whole = format!("0\r\n\r\n{hidden}");
    let all = whole.len();
    let chunk = format!("{:x}\r\n{hidden}\r\n0\r\n\r\n", hidden.len());
    // The length fields as they are sent, and what follows the head.
    let (fields, body) = match index {
        // Both, in either order.
        0 => (
            format!("Content-Length: {all}\r\nTransfer-Encoding: chunked\r\n"),
            whole,
        ),
        1 => (
            format!("Transfer-Encoding: chunked\r\nContent-Length: {all}\r\n"),
            whole,
        ),
        2 => (
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n".to_owned(),
            chunk,
        ),
        3 => (
            "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n".to_owned(),
            chunk,
        ),
        // A coding that some overlook.
        4 => (
            format!("Content-Length: {all}\r\nTransfer-Encoding : chunked\r\n"),
            whole,
        ),
        5 => (
            format!("Content-Length: {all}\r\nTransfer-Encoding: xchunked\r\n"),
            whole,
        ),
        6 => (
            format!("Content-Length: {all}\r\nTransfer-Encoding: chunked, identity\r\n"),
            whole,
        ),
        7 => (
            format!("Content-Length: {all}\r\nTransfer-Encoding: identity, chunked\r\n"),
            whole,
        ),
        8 => (
            format!("Content-Length: {all}\r\nTransfer-Encoding:\tchunked\r\n"),
            whole,
        ),
        9 => (
            format!("Content-Length: {all}\r\nTransfer-Encoding: \x0bchunked\r\n"),
            whole,
        ),
        10 => (
            format!("Content-Length: {all}\r\nTransfer-Encoding: \"chunked\"\r\n"),
            whole,
        ),
        11 => (
            format!("Content-Length: {all}\r\nTransfer-Encoding:\r\n chunked\r\n"),
            whole,
        ),
        12 => (
            format!("Content-Length: {all}\r\nX: y\nTransfer-Encoding: chunked\r\n"),
            whole,
        ),
        13 => (
            format!(
                "Content-Length: {all}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"
            ),
            whole,
        ),
        // Two lengths, or one that is none.
        14 => (
            format!("Content-Length: 0\r\nContent-Length: {}\r\n", hidden.len()),
            hidden,
        ),
        15 => (
            format!("Content-Length: {}\r\nContent-Length: 0\r\n", hidden.len()),
            hidden,
        ),
        16 => ("Content-Length: +0\r\n".to_owned(), hidden),
        17 => ("Content-Length: 0, 0\r\n".to_owned(), hidden),
        // Chunks whose sizes can be read in two ways.
        18 => (
            "Transfer-Encoding: chunked\r\n".to_owned(),
            format!("0x{chunk}"),
        ),
        19 => (
            "Transfer-Encoding: chunked\r\n".to_owned(),
            format!("1;\nx\r\n\r\n{whole}"),
        ),
        // Nothing wrong, but for whoever leaves a body that it does not want on the connection.
        20 => (format!("Content-Length: {}\r\n", hidden.len()), hidden),
        21 => ("Transfer-Encoding: chunked\r\n".to_owned(), chunk),
        22 => (
            "Transfer-Encoding: chunked\r\n".to_owned(),
            chunk.replacen("\r\n", ";x=\"y\"\r\n", 1),
        ),
        23 => (
            "Transfer-Encoding: chunked\r\n".to_owned(),
            chunk.replacen("\r\n", "\n", 1),
        ),
        _ => return None,
    };
    let head = format!("POST /pair-{index} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n");
    Some([head, body].concat().into_bytes())
}
