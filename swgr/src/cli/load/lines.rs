use std::{
    fs::File,
    io::{self, BufRead as _},
    path::Path,
};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// The longest line in bytes: what a service takes as a body.
pub(super) const LONGEST: usize = 2 * 1024 * 1024;

/// How much is read at once, in bytes.
const BUFFER: usize = 256 * 1024;

/// The lines of an input that is read as it comes, however long it is.
pub(super) struct Lines<R> {
    input: BufReader<R>,
    /// The line that is being read, without what is longer than [`LONGEST`].
    partial: Vec<u8>,
    is_too_long: bool,
    number: usize,
}

/// A line that is not blank.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: usize,
    /// Without its end. `None` for one that is longer than [`LONGEST`].
    pub(super) content: Option<Vec<u8>>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input: BufReader::with_capacity(BUFFER, input),
            partial: Vec::new(),
            is_too_long: false,
            number: 0,
        }
    }

    /// The next line that is not blank. Safe to cancel: what was read of a line is kept.
    pub(super) async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let available = self.input.fill_buf().await?;
            let end = available.iter().position(|byte| *byte == b'\n');
            let (part, used) = match end {
                Some(end) => (available.get(..end).unwrap_or_default(), end + 1),
                None => (available, available.len()),
            };
            let is_last = used == 0;
            match self.partial.len() + part.len() > LONGEST {
                true => self.is_too_long = true,
                false => self.partial.extend_from_slice(part),
            }
            self.input.consume(used);
            if (end.is_some() || is_last)
                && let Some(line) = self.finish()
            {
                return Ok(Some(line));
            }
            if is_last {
                return Ok(None);
            }
        }
    }

    /// The line that has ended here, unless it is blank.
    fn finish(&mut self) -> Option<Line> {
        self.number += 1;
        let content = std::mem::take(&mut self.partial);
        let is_too_long = std::mem::take(&mut self.is_too_long);
        if !is_too_long && content.trim_ascii().is_empty() {
            return None;
        }
        Some(Line {
            number: self.number,
            content: (!is_too_long).then_some(content),
        })
    }
}

/// How many lines of a file are not blank.
pub(super) fn count(path: &Path) -> io::Result<usize> {
    let mut input = io::BufReader::with_capacity(BUFFER, File::open(path)?);
    let mut count = 0;
    let mut is_blank = true;
    loop {
        let available = input.fill_buf()?;
        if available.is_empty() {
            return Ok(count + usize::from(!is_blank));
        }
        for byte in available {
            match byte {
                b'\n' => {
                    count += usize::from(!is_blank);
                    is_blank = true;
                }
                byte => is_blank &= byte.is_ascii_whitespace(),
            }
        }
        let used = available.len();
        input.consume(used);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &[u8]) -> Vec<Line> {
        let mut lines = Lines::new(text);
        let mut found = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            found.push(line);
        }
        assert_eq!(lines.next().await.unwrap(), None);
        found
    }

    fn counted(text: &[u8]) -> usize {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        count(file.path()).unwrap()
    }

    #[tokio::test]
    async fn numbers_lines_and_skips_blank_ones() {
        for text in [&b"a\n\n  \r\nb c\r\nd"[..], b"a\n\n\t\nb c\r\nd\n"] {
            let lines = read(text).await;
            let numbers: Vec<_> = lines.iter().map(|line| line.number).collect();
            assert_eq!(numbers, [1, 4, 5]);
            assert_eq!(lines[1].content.as_deref(), Some(&b"b c\r"[..]));
            assert_eq!(counted(text), 3);
        }
        assert_eq!(read(b"").await, []);
        assert_eq!(counted(b"\n \n"), 0);
    }

    #[tokio::test]
    async fn keeps_no_line_that_no_service_takes() {
        let long = vec![b'x'; LONGEST];
        let text = [&long[..], b"\n", &long[..], b"x\nshort\n", &long[..], b"xx"].concat();
        let lines = read(&text).await;
        let lengths: Vec<_> = lines
            .iter()
            .map(|line| (line.number, line.content.as_ref().map(Vec::len)))
            .collect();
        assert_eq!(
            lengths,
            [(1, Some(LONGEST)), (2, None), (3, Some(5)), (4, None)]
        );
        assert_eq!(counted(&text), 4);
    }
}
