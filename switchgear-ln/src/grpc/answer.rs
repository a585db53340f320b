use switchgear_core::{
    Millisatoshi,
    backend::PublicKey,
    ln::{Invoice, LnError, LnErrorKind, Network, NodeStatus},
};

/// More than any invoice; a node that sends more is broken.
pub(crate) const LARGEST_ANSWER: usize = 1024 * 1024;

/// A channel takes half a kilobyte of LND's and up to two of Core Lightning's: thirty thousand channels
/// at the least.
pub(crate) const LARGEST_CHANNEL_LIST: usize = 64 * 1024 * 1024;

/// What a node made. Checked in full by [`Invoice::verify`]; here only its shape.
pub(crate) fn invoice(bolt11: String, payment_hash: Vec<u8>) -> Result<Invoice, LnError> {
    let payment_hash = payment_hash.try_into().map_err(|hash: Vec<u8>| {
        let message = format!("the node answered a payment hash of {} bytes", hash.len());
        LnError::new(LnErrorKind::Protocol, message)
    })?;
    Ok(Invoice {
        bolt11,
        payment_hash,
    })
}

/// How a node is, as it says itself.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    /// In hex.
    pub(crate) public_key: &'a str,
    pub(crate) network: Option<&'a str>,
    pub(crate) synced_to_chain: bool,
}

impl Told<'_> {
    /// Its status, with what it can receive, where that is known.
    pub(crate) fn status(&self, inbound: Option<Millisatoshi>) -> Result<NodeStatus, LnError> {
        let public_key: PublicKey = self.public_key.parse().map_err(|error| {
            LnError::new(LnErrorKind::Protocol, "the node answered no public key")
                .with_source(error)
        })?;
        // A network without a name of its own in invoices is none that can be checked.
        let network = self
            .network
            .and_then(|network| network.parse::<Network>().ok());
        Ok(NodeStatus {
            synced_to_chain: self.synced_to_chain,
            inbound,
            public_key: Some(public_key),
            network,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

    #[test]
    fn refuses_a_payment_hash_of_another_length() {
        for (bytes, words) in [
            (0, "the node answered a payment hash of 0 bytes"),
            (33, "the node answered a payment hash of 33 bytes"),
        ] {
            let error = invoice(String::new(), vec![0; bytes]).unwrap_err();
            assert_eq!(error.kind(), LnErrorKind::Protocol);
            assert_eq!(error.to_string(), words);
        }
    }

    #[test]
    fn takes_an_unknown_network_for_none_and_a_missing_key_for_an_error() {
        let mut told = Told {
            public_key: KEY,
            network: Some("signet"),
            synced_to_chain: true,
        };
        let status = told.status(Some(Millisatoshi::new(5))).unwrap();
        assert_eq!(status.public_key.unwrap().to_string(), KEY);
        assert_eq!(status.network, Some(Network::Signet));
        assert_eq!(status.inbound, Some(Millisatoshi::new(5)));
        assert!(status.synced_to_chain);

        told.network = Some("simnet");
        told.synced_to_chain = false;
        let status = told.status(None).unwrap();
        assert_eq!((status.network, status.inbound), (None, None));
        assert!(!status.synced_to_chain);

        told.public_key = &KEY[2..];
        let error = told.status(None).unwrap_err();
        assert_eq!(error.kind(), LnErrorKind::Protocol);
        assert_eq!(error.to_string(), "the node answered no public key");
    }
}
