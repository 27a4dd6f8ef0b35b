//! Whether a feed's guids can be relied on.

use std::time::Duration;

use super::values::ReadDocument;
use crate::domain::feed::GuidTrust;
use crate::domain::{IdentityHash, Timestamp};

/// How many entries must speak against a feed's guids before they are distrusted.
const GUID_WITNESSES: usize = 3;

/// A headline that comes back sooner than this, in place of itself, was not written again: what has one headline every
/// day or every morning comes later.
const SAME_HEADLINE: Duration = Duration::from_secs(12 * 3600);

/// Judges whether a feed's guids identify anything: not if most known articles come with a guid never
/// seen, nor if guids come back with another link and another text.
///
/// Where they turn out to identify nothing, the document's entries are to be recognised anew without them: what a guid
/// took for one article may be another that is known.
pub fn judge_guids(document: &ReadDocument, now: Timestamp) -> GuidTrust {
    if document.guid_trust == GuidTrust::Distrusted {
        return GuidTrust::Distrusted;
    }
    let (mut renewed, mut reused, mut kept) = (0, 0, 0);
    for (identity, known) in document.identities.iter().zip(&document.known) {
        let (Some(guid), Some(known)) = (identity.guid, known) else { continue };
        let has = |hash: IdentityHash| known.identities.contains(&hash);
        if identity.is_only_headline_of(known) {
            let listed = document.identities.iter().filter_map(|other| other.guid).any(has);
            renewed += usize::from(!listed && now.since(known.first_seen_at) < SAME_HEADLINE);
        } else if !has(guid) {
            renewed += 1;
        } else if identity.link.is_some_and(|link| !has(link)) && !has(identity.content) {
            reused += 1;
        } else {
            kept += 1;
        }
    }
    if (renewed >= GUID_WITNESSES && renewed > kept) || (reused >= GUID_WITNESSES && reused > kept) {
        GuidTrust::Distrusted
    } else {
        GuidTrust::Trusted
    }
}

/// Where guids can be relied on, an old headline under a new guid is a new article: `Morning briefing`.
pub(super) fn forget_headlines(document: &mut ReadDocument) {
    for (identity, known) in document.identities.iter_mut().zip(&mut document.known) {
        if known.as_ref().is_some_and(|known| identity.is_only_headline_of(known)) {
            identity.headline = None;
            *known = None;
        }
    }
}
