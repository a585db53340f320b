use std::{future::Future, sync::Arc};

use http::request::Parts;
use switchgear_core::store::{StoreError, StoreErrorKind};

use crate::{auth::Claims, escape::Escaped};

/// Does an administrative write, and leaves one line: who, what, and how it went.
///
/// A caller that goes away while the store still works leaves its line too: the write may be done.
pub(crate) async fn audited<T>(
    head: &Parts,
    what: String,
    write: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let claims = head.extensions.get::<Arc<Claims>>();
    let mut line = Line {
        who: claims.and_then(|claims| claims.sub.as_deref()),
        what,
        result: Written::Unknown,
    };
    let outcome = write.await;
    line.result = match &outcome {
        Ok(_) => Written::Done,
        Err(error) => Written::Refused(error.kind()),
    };
    outcome
}

/// The line, which is written when it is dropped.
struct Line<'a> {
    who: Option<&'a str>,
    what: String,
    result: Written,
}

enum Written {
    Unknown,
    Done,
    Refused(StoreErrorKind),
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let (what, who) = (&self.what, Escaped(self.who.unwrap_or("-")));
        match self.result {
            Written::Unknown => tracing::info!("{what} by {who}: result unknown"),
            Written::Done => tracing::info!("{what} by {who}: done"),
            Written::Refused(kind) => tracing::info!("{what} by {who}: refused, {kind:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::testing::Recorder;

    #[tokio::test]
    async fn leaves_one_line_for_each_write_also_when_nobody_waits_for_it() {
        let recorder = Recorder::default();
        let _guard = tracing::subscriber::set_default(recorder.clone());
        let (mut head, ()) = Request::new(()).into_parts();
        let claims = r#"{"aud":"offer","exp":1,"sub":"alice"}"#;
        let claims: Claims = serde_json::from_str(claims).unwrap();
        head.extensions.insert(Arc::new(claims));

        let done = async { Ok(()) };
        audited(&head, "put offer 1".to_owned(), done)
            .await
            .unwrap();
        let refused = async { Err::<(), _>(StoreError::new(StoreErrorKind::Conflict, "x")) };
        audited(&head, "post offer 2".to_owned(), refused)
            .await
            .unwrap_err();
        let mut dropped = Box::pin(audited(
            &head,
            "delete offer 3".to_owned(),
            std::future::pending::<Result<(), _>>(),
        ));
        assert!(futures::poll!(dropped.as_mut()).is_pending());
        drop(dropped);

        let lines: Vec<_> = recorder.take().into_iter().map(|logged| logged.2).collect();
        assert_eq!(
            lines,
            [
                "put offer 1 by alice: done",
                "post offer 2 by alice: refused, Conflict",
                "delete offer 3 by alice: result unknown",
            ]
        );
    }
}
