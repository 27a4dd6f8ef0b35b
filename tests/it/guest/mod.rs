//! Is wirewatch a good guest? A server that tries its guests' patience judges them request by request.
//!
//! Each scenario has a host of its own, whose answers are scripted. A guest gets one chance every twelve
//! minutes, on a clock moved by hand, to visit what it thinks is due; what it asked for in which round is
//! the evidence. The same judge that must find nothing against wirewatch must condemn a rude client.

mod court;
mod guests;
mod malice;
mod manners;
mod menace;

use court::{Court, Scenario};
use guests::{Rude, Wirewatch};

fn scenarios() -> Vec<Scenario> {
    let all: Vec<Scenario> =
        [manners::scenarios(), menace::scenarios(), malice::scenarios()].into_iter().flatten().collect();
    for scenario in &all {
        assert_eq!(all.iter().filter(|other| other.name == scenario.name).count(), 1, "{}", scenario.name);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn wirewatch_is_a_good_guest() {
    let court = Court::open(scenarios()).await;
    let mut guest = Wirewatch::new(&court).await;
    let charges = court.try_guest(&mut guest).await;
    assert!(charges.is_empty(), "{}", charges.join("\n"));
}

/// The judge is worth nothing that lets everybody pass.
#[tokio::test(flavor = "multi_thread")]
async fn a_rude_client_is_condemned() {
    let court = Court::open(scenarios()).await;
    let charges = court.try_guest(&mut Rude).await;
    insta::assert_snapshot!(charges.join("\n"));
}
