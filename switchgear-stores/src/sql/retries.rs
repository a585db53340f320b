use std::time::Duration;

use tokio::time::sleep;
use uuid::Uuid;

/// How often a transaction is begun again that lost to another one.
const MOST: u32 = 10;

/// The longest pause before the first repetition; it doubles with each, up to 32 times of this.
const FIRST_PAUSE_MICROS: u128 = 4_000;

/// Counts the repetitions of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Retries(u32);

impl Retries {
    /// Pauses before another try; false when there were enough.
    pub(crate) async fn pause(&mut self) -> bool {
        if self.0 == MOST {
            return false;
        }
        let longest = FIRST_PAUSE_MICROS << self.0.min(5);
        self.0 += 1;
        // Two that met once must not meet again, so the pause is drawn.
        let micros = Uuid::new_v4().as_u128() % longest;
        sleep(Duration::from_micros(
            u64::try_from(micros).expect("below a second"),
        ))
        .await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn come_to_an_end() {
        let mut retries = Retries::default();
        let mut count = 0;
        while retries.pause().await {
            count += 1;
        }
        assert_eq!(count, MOST);
    }
}
