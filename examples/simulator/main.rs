//! Simulated LND and Core Lightning nodes, to test a stack of your own against nodes that fail.
//!
//! Each node speaks the real gRPC over TLS and makes real signed invoices. On standard output stands
//! one JSON object for each, as `swgr discovery post` takes it; what happens is told on standard
//! error. Faults are read from standard input, or from a script; `help` lists them.
//!
//! ```text
//! cargo run --release --bin simulator -- --lnd 2 --cln 1 --directory nodes
//! n1 freeze
//! n2 status 14 try another
//! all heal
//! ```

mod arguments;
mod command;
mod fleet;
mod input;
mod register;
mod script;

use std::{
    io::{self, Write as _},
    pin::pin,
    process::ExitCode,
};

use anyhow::Context as _;
use clap::Parser as _;
use tokio::sync::mpsc;

use self::{
    arguments::Arguments,
    command::{Command, help},
    fleet::Fleet,
    script::Script,
};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut interrupted = pin!(interrupts()?);
    let script = arguments.script.as_deref().map(Script::read).transpose()?;
    let fleet = Fleet::start(&arguments).await?;
    let backends = fleet.backends(&arguments.partitions);
    for backend in &backends {
        let line = serde_json::to_string(backend)?;
        writeln!(io::stdout(), "{line}").context("cannot write to standard output")?;
    }
    if arguments.register {
        register::register(backends, &arguments).await?;
    }
    let names = fleet.names();
    tell(&format!(
        "up: {names}; help lists what they can do, quit or Ctrl-C ends"
    ));

    let (commands, mut said) = mpsc::unbounded_channel();
    input::listen(commands.clone());
    let script = script.map(|script| tokio::spawn(script.play(commands.clone())));
    loop {
        let line = tokio::select! {
            Some(line) = said.recv() => line,
            () = interrupted.as_mut() => break,
        };
        match line.parse() {
            Ok(Command::Quit) => break,
            Ok(Command::Help) => tell(&help()),
            Ok(Command::List) => tell(&fleet.list()),
            Ok(Command::Do(who, action)) => match fleet.act(&who, &action).await {
                Ok(done) => tell(&done),
                Err(error) => tell(&format!("{line}: {error:#}")),
            },
            Err(error) => tell(&format!("{line}: {error}; write help for what there is")),
        }
    }
    if let Some(script) = script {
        script.abort();
    }
    Ok(())
}

/// From when this returns on, Ctrl-C ends the program in order.
#[cfg(unix)]
fn interrupts() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut signal = signal(SignalKind::interrupt())?;
    Ok(async move {
        signal.recv().await;
    })
}

#[cfg(not(unix))]
fn interrupts() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without it the system ends the program by itself.
        let _ = tokio::signal::ctrl_c().await;
    })
}

fn tell(text: &str) {
    // Nobody is left to be told that nobody reads.
    let _ = writeln!(io::stderr(), "{text}");
}
