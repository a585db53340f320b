use std::error::Error;

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

/// Reads a whole request body of at most `limit` bytes.
///
/// A body that announces more is refused before a byte of it is read.
///
/// # Errors
/// [`ReadError::TooLarge`] above the limit, [`ReadError::Broken`] when the body ends early.
pub async fn read<B>(body: B, limit: usize) -> Result<Bytes, ReadError>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let announced = body.size_hint().lower();
    if usize::try_from(announced).map_or(true, |announced| announced > limit) {
        return Err(ReadError::TooLarge { limit });
    }
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ReadError::TooLarge { limit }),
        Err(error) => Err(ReadError::Broken(error)),
    }
}

/// Why a request body could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is longer than allowed.
    #[error("the body must be at most {limit} bytes")]
    TooLarge {
        /// What is allowed, in bytes.
        limit: usize,
    },
    /// It ended early or was malformed on the wire.
    #[error("the body could not be read to its end")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
}

#[cfg(test)]
mod tests {
    use http_body_util::{Full, StreamBody};

    use super::*;

    #[tokio::test]
    async fn reads_up_to_the_limit_and_refuses_one_byte_more() {
        let read_full = |text: &'static str| read(Full::<Bytes>::from(text), 4);
        assert_eq!(read_full("1234").await.unwrap(), "1234");
        assert!(matches!(
            read_full("12345").await,
            Err(ReadError::TooLarge { limit: 4 })
        ));
    }

    #[tokio::test]
    async fn refuses_a_body_that_grows_above_the_limit_without_announcing_it() {
        let frames = ["123", "45"]
            .map(|part| Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from(part))));
        let body = StreamBody::new(futures::stream::iter(frames));
        assert!(matches!(
            read(body, 4).await,
            Err(ReadError::TooLarge { limit: 4 })
        ));
    }
}
