//! How nodes stop, and what becomes of their connections.

use switchgear_core::ln::LnErrorKind;
use switchgear_ln::sim::{Fault, FaultKind, SimNode, SimNodeKind};
use tokio::{io::AsyncReadExt as _, net::TcpStream};

use super::Sim;
use crate::common::{bounded, request, until};

/// What breaks the connections of a node that stops in order.
#[derive(Debug, Clone, Copy)]
enum Breaking {
    Die,
    Stop,
    Restart,
    Drop,
}

impl Breaking {
    const ALL: [Self; 4] = [Self::Die, Self::Stop, Self::Restart, Self::Drop];

    async fn befall(self, node: SimNode) -> Option<SimNode> {
        match self {
            Self::Die => node.set_fault(Some(Fault::Die)).await.unwrap(),
            Self::Stop => node.stop().await,
            Self::Restart => node.restart().await.unwrap(),
            Self::Drop => return None,
        }
        Some(node)
    }
}

#[tokio::test]
async fn breaks_what_still_drains() {
    for breaking in Breaking::ALL {
        for sim in Sim::both().await {
            sim.fail("hang").await;
            let Sim { node, client, .. } = sim;
            let call = tokio::spawn(async move { client.invoice(&request()).await });
            until("the call hangs", || node.calls() == 1).await;
            node.set_fault(Some(Fault::Refuse)).await.unwrap();
            assert!(!call.is_finished(), "{breaking:?}");
            let node = breaking.befall(node).await;
            let error = bounded(call).await.unwrap().unwrap_err();
            assert_eq!(error.kind(), LnErrorKind::Unreachable, "{breaking:?}");
            if let Some(node) = node {
                let counters = node.counters();
                assert_eq!(counters.of(FaultKind::Refuse), 1);
                assert_eq!(counters.of(FaultKind::Die), 1, "{breaking:?}");
            }
        }
    }
}

#[tokio::test]
async fn ends_a_handshake_when_it_stops_in_order() {
    for sim in Sim::both().await {
        let mut stream = TcpStream::connect(sim.node.address()).await.unwrap();
        until("it is accepted", || sim.node.connections() == 1).await;
        sim.fail("refuse").await;
        let read = bounded(stream.read(&mut [0])).await;
        assert!(!matches!(read, Ok(1..)), "{read:?}");
        assert_eq!(sim.node.counters().handshakes, 0);
    }
}

#[tokio::test]
async fn fails_as_before_when_a_change_fails() {
    for written in ["refuse", "die"] {
        let sim = Sim::start(SimNodeKind::Lnd).await;
        sim.fail(written).await;
        let before = sim.node.fault();
        let taken = std::net::TcpListener::bind(sim.node.address()).unwrap();
        let error = sim.node.set_fault(Some(Fault::Freeze)).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
        assert_eq!(sim.node.fault(), before);
        drop(taken);
        sim.heals().await;
        assert_eq!(sim.felt(FaultKind::Freeze), 0);
    }

    let sim = Sim::start(SimNodeKind::Lnd).await;
    sim.fail("locked").await;
    let path = sim.node.tls_cert_path();
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let expired = sim.node.set_fault(Some(Fault::ExpiredCertificate)).await;
    assert!(expired.is_err());
    assert_eq!(sim.node.fault(), Some(Fault::locked()));
    std::fs::remove_dir(&path).unwrap();
    sim.node.write_credentials().unwrap();
    let (kind, _) = sim.refused().await;
    assert_eq!(kind, LnErrorKind::NotReady);
}
