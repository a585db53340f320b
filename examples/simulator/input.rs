use std::{
    io::{self, BufRead},
    thread,
};

use tokio::sync::mpsc;

use crate::tell;

/// Passes on the lines of standard input. A thread of its own, which ends with the program: nothing
/// can take a pending read of a terminal back. The end of the input ends nothing: nodes that are
/// started in the background have none.
pub(crate) fn listen(commands: mpsc::UnboundedSender<String>) {
    thread::spawn(move || {
        if let Err(error) = pass_on(io::stdin().lock(), &commands) {
            tell(&format!("cannot read standard input any more: {error}"));
        }
    });
}

/// A byte that is not UTF-8 spoils no line but its own.
fn pass_on(mut input: impl BufRead, commands: &mpsc::UnboundedSender<String>) -> io::Result<()> {
    let mut bytes = Vec::new();
    while input.read_until(b'\n', &mut bytes)? > 0 {
        let line = String::from_utf8_lossy(&bytes);
        let line = line.trim();
        if !line.is_empty() && commands.send(line.to_owned()).is_err() {
            break;
        }
        bytes.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use super::*;

    /// Breaks where its text ends.
    struct Broken(&'static [u8]);

    impl Read for Broken {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buf)? {
                0 => Err(io::Error::other("broken")),
                some => Ok(some),
            }
        }
    }

    #[test]
    fn passes_on_what_follows_a_byte_that_is_no_text() {
        let (commands, mut said) = mpsc::unbounded_channel();
        pass_on(&b"list\n\n n1 \xff\r\nhelp"[..], &commands).unwrap();
        for line in ["list", "n1 \u{fffd}", "help"] {
            assert_eq!(said.try_recv().unwrap(), line);
        }
        assert!(said.is_empty());
    }

    #[test]
    fn tells_the_end_of_the_input_from_an_error() {
        let (commands, mut said) = mpsc::unbounded_channel();
        let input = BufReader::new(Broken(b"list\n"));
        let error = pass_on(input, &commands).unwrap_err();
        assert_eq!(error.to_string(), "broken");
        assert_eq!(said.try_recv().unwrap(), "list");
    }
}
