//! Routing over the raw path: matched as it came, and only then decoded, segment by segment.

use std::borrow::Cow;

use http::{HeaderValue, Method};
use percent_encoding::percent_decode_str;

use super::Resource;

/// The paths of a service, each with its methods.
#[derive(Debug)]
pub(super) struct Router<A>(matchit::Router<Methods<A>>);

#[derive(Debug)]
struct Methods<A> {
    actions: Vec<(Method, A)>,
    allow: HeaderValue,
}

impl<A: Copy> Router<A> {
    pub(super) fn new(resources: &[Resource<A>]) -> Self {
        let mut table = matchit::Router::new();
        for resource in resources {
            let operations = resource.operations.iter();
            let methods = Methods {
                actions: operations
                    .map(|operation| (operation.method.clone(), operation.action))
                    .collect(),
                allow: resource.allow(),
            };
            table
                .insert(resource.path, methods)
                .expect("the paths of a service do not clash");
        }
        Self(table)
    }

    /// A segment that is no UTF-8 once decoded leads nowhere; an encoded slash stays inside its
    /// segment, where no identifier allows it. HEAD is answered wherever GET is.
    pub(super) fn find<'p>(&self, method: &Method, path: &'p str) -> Result<Found<'p, A>, Miss> {
        let found = self.0.at(path).map_err(|_| Miss::Path)?;
        let segments = found
            .params
            .iter()
            .map(|(_, raw)| percent_decode_str(raw).decode_utf8().ok())
            .collect::<Option<_>>()
            .ok_or(Miss::Path)?;
        let asked = match *method {
            Method::HEAD => &Method::GET,
            _ => method,
        };
        let Methods { actions, allow } = found.value;
        match actions.iter().find(|(method, _)| method == asked) {
            Some((_, action)) => Ok(Found {
                action: *action,
                segments,
            }),
            None => Err(Miss::Method {
                allow: allow.clone(),
            }),
        }
    }
}

/// An operation, and the decoded segments that stand for the parameters of its path.
#[derive(Debug)]
pub(crate) struct Found<'p, A> {
    pub(crate) action: A,
    segments: Vec<Cow<'p, str>>,
}

impl<A> Found<'_, A> {
    /// The parameter at `position`; empty where the path has none.
    pub(crate) fn segment(&self, position: usize) -> &str {
        self.segments
            .get(position)
            .map_or("", |segment| segment.as_ref())
    }
}

/// Why a request asks for no operation.
#[derive(Debug)]
pub(crate) enum Miss {
    /// There is nothing at its path.
    Path,
    /// Its path has other methods.
    Method {
        /// Which ones, as `Allow` names them.
        allow: HeaderValue,
    },
}

#[cfg(test)]
mod tests {
    use super::{super::Operation, *};

    fn router() -> Router<u8> {
        let get = |action| Operation::new(Method::GET, "get", "", action);
        let put = |action| Operation::new(Method::PUT, "put", "", action);
        Router::new(&[
            Resource::new("/a", [get(0)]),
            Resource::new("/a/{x}/{y}", [get(1), put(2)]),
        ])
    }

    #[test]
    fn decodes_segments_once_and_after_matching() {
        let router = router();
        let found = router.find(&Method::GET, "/a/%64%2Fe/%2561").unwrap();
        assert_eq!(
            (found.action, found.segment(0), found.segment(1)),
            (1, "d/e", "%61")
        );
        assert_eq!(found.segment(2), "");
        for path in ["/a/%c0%ae/b", "/a/b", "/a/", "/a/b/c/", "a", "", "*"] {
            let miss = router.find(&Method::GET, path).unwrap_err();
            assert!(matches!(miss, Miss::Path), "{path}");
        }
    }

    #[test]
    fn finds_head_where_get_is_and_names_the_methods_of_a_path() {
        let router = router();
        for (method, action) in [(Method::HEAD, 1), (Method::PUT, 2)] {
            assert_eq!(router.find(&method, "/a/b/c").unwrap().action, action);
        }
        for (method, path, allowed) in [
            (Method::POST, "/a/b/c", "GET, HEAD, PUT"),
            (Method::PUT, "/a", "GET, HEAD"),
        ] {
            match router.find(&method, path) {
                Err(Miss::Method { allow }) => assert_eq!(allow, allowed),
                other => panic!("{method} {path}: {other:?}"),
            }
        }
    }
}
