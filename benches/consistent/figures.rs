use std::{fmt, time::Duration};

/// What a scheme does with a number of nodes.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) name: &'static str,
    pub(crate) leave: Option<Movement>,
    pub(crate) join: Option<Movement>,
    pub(crate) grow: Option<Movement>,
    /// How many of the keys that a node's leaving concerns keep the order of the others.
    pub(crate) order: Option<f64>,
    /// The shares of nodes of one weight.
    pub(crate) equal: Option<Spread>,
    /// The shares of nodes of weights 1, 2 and 7 in turn.
    pub(crate) mixed: Option<Spread>,
    pub(crate) lookup: Duration,
    pub(crate) build: Duration,
    /// For each node, on the heap.
    pub(crate) bytes: f64,
}

/// How many keys moved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Movement {
    /// All that moved, for each that had to.
    pub(crate) multiple: f64,
    /// Those that moved between two nodes that had no part in it, as a share of all keys.
    pub(crate) innocent: f64,
}

/// How far shares are from what their weights say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    /// The standard deviation beyond what sampling explains.
    pub(crate) beyond: f64,
    pub(crate) largest: f64,
    /// About how large the largest would be by sampling alone.
    pub(crate) sampling: f64,
}

impl Figures {
    /// The head of the table whose rows are figures.
    pub(crate) const HEAD: &str = "\
        | scheme | leaves: moved (innocent) | joins | doubles | order kept \
        | shares: sd beyond sampling; largest (by sampling) | weights 1, 2, 7 \
        | lookup | build | bytes a node |\n\
        |---|---|---|---|---|---|---|---|---|---|";
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| {} ", self.name)?;
        for movement in [&self.leave, &self.join, &self.grow] {
            write!(f, "| {} ", told(movement))?;
        }
        let order = self.order.map(Percent);
        write!(
            f,
            "| {} | {} | {} ",
            told(&order),
            told(&self.equal),
            told(&self.mixed)
        )?;
        write!(f, "| {} ns ", self.lookup.as_nanos())?;
        write!(
            f,
            "| {:.2} ms | {:.0} |",
            self.build.as_secs_f64() * 1e3,
            self.bytes
        )
    }
}

fn told(figure: &Option<impl fmt::Display>) -> String {
    figure.as_ref().map_or("–".to_owned(), ToString::to_string)
}

impl fmt::Display for Movement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}× ({})", self.multiple, Percent(self.innocent))
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [beyond, largest, sampling] = [self.beyond, self.largest, self.sampling].map(Percent);
        write!(f, "{beyond}; {largest} ({sampling})")
    }
}

/// A share with two digits that say something.
struct Percent(f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = 100.0 * self.0;
        let digits = match percent {
            _ if percent == 0.0 || percent >= 10.0 => 0,
            _ if percent >= 1.0 => 1,
            _ => 2,
        };
        write!(f, "{percent:.digits$}%")
    }
}
