use std::{fmt, sync::Arc};

use arc_swap::ArcSwapOption;
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};

use super::Claims;

/// How many tokens are remembered; an administrative service has a handful.
const SLOTS: usize = 1_024;

/// The tokens whose signatures were found good, since looking twice costs most of a request. Their
/// times and audience are judged anew each time, and whoever signs them is of one authority: when it
/// is replaced, so is this. Bad tokens are not remembered, so that nobody can fill it.
///
/// Each token has one slot, and the latest of those that share it stays.
pub(super) struct Verdicts(Box<[ArcSwapOption<Verdict>]>);

struct Verdict {
    token: Digest,
    claims: Arc<Claims>,
}

/// The SHA-256 of a token, so that no token is kept.
type Digest = [u8; SHA256_OUTPUT_LEN];

impl Verdicts {
    /// The claims of a token that was found good, or else what `check` finds.
    pub(super) fn get_or_check<E>(
        &self,
        token: &str,
        check: impl FnOnce() -> Result<Claims, E>,
    ) -> Result<Arc<Claims>, E> {
        let Some((slot, token)) = self.slot(token) else {
            return check().map(Arc::new);
        };
        if let Some(verdict) = &*slot.load()
            && verdict.token == token
        {
            return Ok(Arc::clone(&verdict.claims));
        }
        let claims = Arc::new(check()?);
        slot.store(Some(Arc::new(Verdict {
            token,
            claims: Arc::clone(&claims),
        })));
        Ok(claims)
    }

    fn slot(&self, token: &str) -> Option<(&ArcSwapOption<Verdict>, Digest)> {
        let token = Digest::try_from(digest(&SHA256, token.as_bytes()).as_ref()).ok()?;
        let [high, low, ..] = token;
        let index = usize::from(u16::from_be_bytes([high, low])) % SLOTS;
        Some((self.0.get(index)?, token))
    }
}

impl Default for Verdicts {
    fn default() -> Self {
        Self((0..SLOTS).map(|_| ArcSwapOption::empty()).collect())
    }
}

impl fmt::Debug for Verdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verdicts").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(exp: u64) -> Claims {
        serde_json::from_value(json!({"aud": "discovery", "exp": exp})).unwrap()
    }

    #[test]
    fn checks_a_good_token_once_and_a_bad_one_each_time() {
        let verdicts = Verdicts::default();
        let mut checks = 0;
        for _ in 0..3 {
            let good = verdicts.get_or_check("good", || {
                checks += 1;
                Ok::<_, ()>(claims(1))
            });
            assert_eq!(good.unwrap().exp, 1);
        }
        assert_eq!(checks, 1);
        for _ in 0..3 {
            let bad = verdicts.get_or_check("bad", || {
                checks += 1;
                Err::<Claims, _>("no")
            });
            assert_eq!(bad.unwrap_err(), "no");
        }
        assert_eq!(checks, 4);
    }

    #[test]
    fn never_takes_one_token_for_another_however_many_share_its_slots() {
        let verdicts = Verdicts::default();
        for round in 0..2 {
            for exp in 0..4_096 {
                let found =
                    verdicts.get_or_check(&format!("token {exp}"), || Ok::<_, ()>(claims(exp)));
                assert_eq!(found.unwrap().exp, exp, "in round {round}");
            }
        }
        assert_eq!(verdicts.0.len(), SLOTS);
    }
}
