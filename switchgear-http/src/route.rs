//! Routing over the raw path: matched as it came, and only then decoded, segment by segment.

use percent_encoding::percent_decode_str;

/// A table of paths.
#[derive(Debug)]
pub(crate) struct Routes<R>(matchit::Router<R>);

impl<R: Copy> Routes<R> {
    pub(crate) fn new<const N: usize>(routes: [(&'static str, R); N]) -> Self {
        let mut table = matchit::Router::new();
        for (path, route) in routes {
            table
                .insert(path, route)
                .expect("the routes of a service do not clash");
        }
        Self(table)
    }

    /// The route of `path`; none when a segment is no UTF-8 once decoded.
    ///
    /// An encoded slash stays inside its segment, where no identifier allows it.
    pub(crate) fn find(&self, path: &str) -> Option<Found<R>> {
        let found = self.0.at(path).ok()?;
        let segments = found
            .params
            .iter()
            .map(|(_, raw)| Some(percent_decode_str(raw).decode_utf8().ok()?.into_owned()))
            .collect::<Option<_>>()?;
        Some(Found {
            route: *found.value,
            segments,
        })
    }
}

/// A route and the decoded segments that stand for its parameters.
#[derive(Debug)]
pub(crate) struct Found<R> {
    pub(crate) route: R,
    segments: Vec<String>,
}

impl<R> Found<R> {
    /// The parameter at `position`; empty where the route has none.
    pub(crate) fn segment(&self, position: usize) -> &str {
        self.segments.get(position).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_segments_once_and_after_matching() {
        let routes = Routes::new([("/a", 0), ("/a/{x}/{y}", 1)]);
        let found = routes.find("/a/%64%2Fe/%2561").unwrap();
        assert_eq!(
            (found.route, found.segment(0), found.segment(1)),
            (1, "d/e", "%61")
        );
        assert_eq!(found.segment(2), "");
        for path in ["/a/%c0%ae/b", "/a/b", "/a/", "/a/b/c/", "a", "", "*"] {
            assert!(routes.find(path).is_none(), "{path}");
        }
    }
}
