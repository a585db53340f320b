use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::body::{Body as _, Bytes, Frame};
use tokio::time::{Sleep, sleep};
use tonic::{Status, body::Body};

use crate::sim::wire::{Ending, Line};

/// Time for what was sent to leave, before the connection is reset.
const HALF_AN_ANSWER: Duration = Duration::from_millis(5);

/// How the body of an answer goes wrong; its headers are right.
#[derive(Debug)]
pub(super) enum Trouble {
    /// One byte at a time, that far apart.
    Trickle(Duration),
    /// Nothing comes.
    Stall,
    /// Half of it comes, then the connection is reset.
    Reset(Line),
}

/// A body in trouble.
#[derive(Debug)]
pub(super) struct Troubled {
    inner: Body,
    trouble: Trouble,
    /// What was taken from the inner body and not yet sent.
    rest: Bytes,
    pause: Option<Pin<Box<Sleep>>>,
}

type Polled = Poll<Option<Result<Frame<Bytes>, Status>>>;

impl Troubled {
    pub(super) fn new(inner: Body, trouble: Trouble) -> Self {
        Self {
            inner,
            trouble,
            rest: Bytes::new(),
            pause: None,
        }
    }

    fn trickle(&mut self, cx: &mut Context<'_>, apart: Duration) -> Polled {
        if self.rest.is_empty() {
            match ready!(self.poll_inner(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => return Poll::Ready(end),
            }
        }
        ready!(self.pause(cx, apart));
        let byte = self.rest.split_to(self.rest.len().min(1));
        Poll::Ready(Some(Ok(Frame::data(byte))))
    }

    fn reset(&mut self, cx: &mut Context<'_>, line: &Line) -> Polled {
        if self.rest.is_empty()
            && let Some(Ok(frame)) = ready!(self.poll_inner(cx))
            && let Ok(mut data) = frame.into_data()
        {
            let half = data.split_to(data.len() / 2);
            self.rest = data;
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        ready!(self.pause(cx, HALF_AN_ANSWER));
        line.end(Ending::Reset);
        Poll::Pending
    }

    fn pause(&mut self, cx: &mut Context<'_>, length: Duration) -> Poll<()> {
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(length)));
        ready!(pause.as_mut().poll(cx));
        self.pause = None;
        Poll::Ready(())
    }

    fn poll_inner(&mut self, cx: &mut Context<'_>) -> Polled {
        Pin::new(&mut self.inner).poll_frame(cx)
    }
}

impl hyper::body::Body for Troubled {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let body = self.get_mut();
        match &body.trouble {
            Trouble::Trickle(apart) => {
                let apart = *apart;
                body.trickle(cx, apart)
            }
            Trouble::Stall => Poll::Pending,
            Trouble::Reset(line) => {
                let line = line.clone();
                body.reset(cx, &line)
            }
        }
    }
}
