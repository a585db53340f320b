use std::{collections::BTreeSet, num::NonZeroU8, time::Duration};

use switchgear_core::{Partition, lnurl::CommentLimit};

use super::CallbackBase;
use crate::host::Scheme;

/// What an [`LnurlService`](super::LnurlService) serves, and how.
#[derive(Debug, Clone)]
pub struct LnurlConfig {
    /// The partitions that this instance serves; offers of others are not found.
    pub partitions: BTreeSet<Partition>,
    /// What callbacks begin with, and which hosts are answered.
    pub authority: CallbackBase,
    /// The longest comment, or none while comments are off.
    pub comments: Option<CommentLimit>,
    /// How long an invoice can be paid, to the second.
    pub invoice_expiry: Duration,
    /// The scheme of this service's listener; a [`Client`](crate::client::Client)'s goes before it.
    pub scheme: Scheme,
    /// How QR codes look.
    pub qr: QrConfig,
    /// Whether LNURL errors go out with status 200, for wallets that read no other body. Health
    /// checks keep their status.
    pub errors_as_200: bool,
}

/// How QR codes look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QrConfig {
    /// Pixels along one side of a module; 8 by default.
    pub scale: NonZeroU8,
    /// The grey of light modules and of the quiet zone: 0 (black) to 255 (white, the default).
    pub light: u8,
    /// The grey of dark modules; 0 by default.
    pub dark: u8,
}

impl Default for QrConfig {
    fn default() -> Self {
        Self {
            scale: const { NonZeroU8::new(8).expect("eight is not zero") },
            light: 255,
            dark: 0,
        }
    }
}
