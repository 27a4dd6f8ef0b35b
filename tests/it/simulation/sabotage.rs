//! Defects planted where the store or the network hands something over: the checks must find each.

use fastrand::Rng;
use wirewatch::domain::delivery::{ClaimedDelivery, Settlement};
use wirewatch::domain::feed::{ClaimedFeed, Validators};
use wirewatch::domain::poll::PollPlan;
use wirewatch::domain::{AlertId, ArticleKey, DeliveryId, MessageId};
use wirewatch::ports::Claim;
use wirewatch::ports::outbox::{AttemptRecord, Permit};

use super::world::Sabotage;

pub(super) fn claims(sabotage: Sabotage, claims: &mut Vec<Claim<ClaimedFeed>>) {
    match sabotage {
        Sabotage::ForgetsLeases => {
            let twins: Vec<_> =
                claims.iter().map(|claim| Claim::new(claim.token(), claim.work().clone())).collect();
            claims.extend(twins);
        }
        Sabotage::StarvesAFeed => claims.retain(|claim| claim.work().id.as_str() != "f0"),
        Sabotage::ForgetsValidators => {
            for claim in claims.iter_mut() {
                let mut work = claim.work().clone();
                work.state.validators = Validators::default();
                *claim = Claim::new(claim.token(), work);
            }
        }
        _ => {}
    }
}

pub(super) fn plan(sabotage: Sabotage, plan: &mut PollPlan, rng: &mut Rng) {
    let alerts = plan.articles.iter_mut().flat_map(|article| &mut article.alerts);
    match sabotage {
        Sabotage::LosesAlerts => plan.articles.iter_mut().for_each(|article| article.alerts.clear()),
        Sabotage::KnowsNoNight => {
            alerts.flat_map(|alert| &mut alert.deliveries).for_each(|delivery| delivery.hold = None);
        }
        Sabotage::HearsNoSilence => alerts.for_each(|alert| alert.silence = None),
        Sabotage::LosesDeliveries => alerts.for_each(|alert| drop(alert.deliveries.pop())),
        Sabotage::ForgetsArticles => {
            for article in &mut plan.articles {
                article.key = ArticleKey::derive("forgotten", &[&rng.u64(..).to_be_bytes()]);
                article.identities.clear();
                for alert in &mut article.alerts {
                    let id = AlertId::derive(&alert.content.topic.id, article.key);
                    alert.content.alert.id = id;
                    for delivery in &mut alert.deliveries {
                        delivery.id = DeliveryId::derive(id, &delivery.webhook);
                        delivery.message = MessageId::derive(&[delivery.id]);
                    }
                }
            }
        }
        _ => {}
    }
}

pub(super) fn permits(sabotage: Sabotage, permits: &mut [Permit]) {
    if sabotage == Sabotage::Crowds {
        for permit in permits {
            permit.room += 5;
        }
    }
}

pub(super) fn deliveries(
    sabotage: Sabotage,
    claims: Vec<Claim<ClaimedDelivery>>,
) -> Vec<Claim<ClaimedDelivery>> {
    if sabotage != Sabotage::ChangesIds {
        return claims;
    }
    let change = |claim: Claim<ClaimedDelivery>| {
        let mut work = claim.work().clone();
        if work.attempt > 1 {
            let other = DeliveryId::derive_event("again", "", i64::from(work.attempt), 0, &work.webhook);
            work.message = MessageId::derive(&[work.id, other]);
        }
        Claim::new(claim.token(), work)
    };
    claims.into_iter().map(change).collect()
}

pub(super) fn record(sabotage: Sabotage, record: &mut AttemptRecord) {
    if sabotage == Sabotage::ClaimsSuccess {
        record.settlement = Settlement::Delivered;
    }
}
