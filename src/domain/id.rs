//! Names of things.
//!
//! Ids the user writes ([`FeedId`], [`TopicId`], …) are short slugs from the configuration. Ids
//! wirewatch makes ([`ArticleKey`], [`AlertId`], …) are derived by hashing what they stand for,
//! never random: a database restored from yesterday repeats an alert under the same id.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use ring::digest;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Timestamp;
use super::silence::SilenceMatcher;

/// The longest id a user may choose, in characters.
pub const MAX_SLUG: usize = 64;

/// Why a text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id: use 1 to {MAX_SLUG} of A-Z a-z 0-9 - _")]
pub struct SlugError(String);

/// Whether `text` may be the id of a feed, topic, concept or webhook.
pub fn is_slug(text: &str) -> bool {
    (1..=MAX_SLUG).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

macro_rules! slug {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads an id as the user wrote it.
            ///
            /// # Errors
            /// When it is empty, longer than [`MAX_SLUG`], or holds another character than A-Z a-z 0-9 - _.
            pub fn parse(text: &str) -> Result<Self, SlugError> {
                if is_slug(text) { Ok(Self(text.into())) } else { Err(SlugError(text.to_owned())) }
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = SlugError;
            fn from_str(text: &str) -> Result<Self, SlugError> {
                Self::parse(text)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

slug!(
    /// The id of a feed, the key of its table in the configuration.
    FeedId
);
slug!(
    /// The id of a topic.
    TopicId
);
slug!(
    /// The id of a concept.
    ConceptId
);
slug!(
    /// The id of a webhook.
    WebhookId
);

/// Crockford's base 32 in lower case: no `i l o u`, so ids can be read aloud and typed.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Eighty bits of SHA-256: 16 characters of base 32. Among 10^9 ids of one kind the chance that
/// any two collide is below one in two million.
type Digest80 = [u8; 10];

fn digest(kind: &str, parts: &[&[u8]]) -> digest::Digest {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(kind.as_bytes());
    for part in parts {
        // The length goes first, so that no two lists of parts run together.
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    context.finish()
}

fn digest80(kind: &str, parts: &[&[u8]]) -> Digest80 {
    let mut out = [0; 10];
    out.copy_from_slice(&digest(kind, parts).as_ref()[..10]);
    out
}

macro_rules! derived {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Digest80);

        impl $name {
            /// What every id of this kind begins with.
            pub const PREFIX: &'static str = $prefix;

            /// The id as ten bytes, as it is stored.
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }

            /// Takes back what [`Self::as_bytes`] gave; `None` when it is not ten bytes.
            pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                for chunk in self.0.chunks_exact(5) {
                    let bits = chunk.iter().fold(0_u64, |bits, &b| bits << 8 | u64::from(b));
                    for place in (0..8).rev() {
                        let digit = usize::try_from(bits >> (place * 5) & 31).expect("five bits fit");
                        write!(f, "{}", char::from(ALPHABET[digit]))?;
                    }
                }
                Ok(())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let digits = text.strip_prefix($prefix).ok_or(IdError { prefix: $prefix })?;
                decode(digits).map(Self).ok_or(IdError { prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// Why a text is not one of wirewatch's own ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id of this kind is `{prefix}` and 16 letters or digits")]
pub struct IdError {
    prefix: &'static str,
}

fn decode(digits: &str) -> Option<Digest80> {
    if digits.len() != 16 {
        return None;
    }
    let mut out = [0; 10];
    for (chunk, place) in digits.as_bytes().chunks_exact(8).zip(out.chunks_exact_mut(5)) {
        let mut bits = 0_u64;
        for byte in chunk {
            let digit = ALPHABET.iter().position(|c| c == &byte.to_ascii_lowercase())?;
            bits = bits << 5 | digit as u64;
        }
        place.copy_from_slice(&bits.to_be_bytes()[3..]);
    }
    Some(out)
}

derived!(
    /// The identity of an article, the same in every database that ever stores it.
    ArticleKey,
    "art_"
);
derived!(
    /// The id of an alert: follows from topic and article.
    AlertId,
    "alt_"
);
derived!(
    /// The id of a delivery: follows from topic, article and webhook.
    DeliveryId,
    "dlv_"
);
derived!(
    /// The id of a message, its `webhook-id` on the wire.
    MessageId,
    "msg_"
);
derived!(
    /// The id of a silence: follows from what it mutes, when it was wanted, and by whom.
    SilenceId,
    "sil_"
);

impl ArticleKey {
    /// Derives the key from what identifies the article: its kind (`link`, `guid`, `content`) and parts.
    pub fn derive(kind: &str, parts: &[&[u8]]) -> Self {
        Self(digest80(kind, parts))
    }

    /// The identity of what the key was derived from: [`IdentityHash::of`] the same is its beginning.
    pub fn as_identity(&self) -> IdentityHash {
        let mut head = [0; 8];
        head.copy_from_slice(&self.0[..8]);
        IdentityHash(i64::from_be_bytes(head))
    }
}

impl AlertId {
    /// Derives the id of the alert of `topic` on `article`.
    pub fn derive(topic: &TopicId, article: ArticleKey) -> Self {
        Self(digest80("alert", &[topic.as_str().as_bytes(), article.as_bytes()]))
    }
}

impl DeliveryId {
    /// Derives the id of the delivery of `alert` to `webhook`.
    pub fn derive(alert: AlertId, webhook: &WebhookId) -> Self {
        Self(digest80("delivery", &[alert.as_bytes(), webhook.as_str().as_bytes()]))
    }

    /// Derives the id of the delivery of an operational event to `webhook`; `row` tells events of one
    /// millisecond apart.
    pub fn derive_event(kind: &str, subject: &str, at_millis: i64, row: i64, webhook: &WebhookId) -> Self {
        let (at, row) = (at_millis.to_be_bytes(), row.to_be_bytes());
        let parts = [kind.as_bytes(), subject.as_bytes(), &at, &row, webhook.as_str().as_bytes()];
        Self(digest80("event delivery", &parts))
    }
}

impl MessageId {
    /// Derives the id of the message that carries these deliveries, in this order.
    pub fn derive(deliveries: &[DeliveryId]) -> Self {
        let parts: Vec<&[u8]> = deliveries.iter().map(DeliveryId::as_bytes).collect();
        Self(digest80("message", &parts))
    }

    /// Derives the id of an operational message from its kind, subject and time.
    pub fn derive_event(kind: &str, subject: &str, at_millis: i64, webhook: &WebhookId) -> Self {
        Self(digest80(
            "event",
            &[kind.as_bytes(), subject.as_bytes(), &at_millis.to_be_bytes(), webhook.as_str().as_bytes()],
        ))
    }
}

impl SilenceId {
    /// Derives the id of a silence.
    pub fn derive(matcher: &SilenceMatcher, at: Timestamp, author: &str) -> Self {
        let at = at.as_millis().to_be_bytes();
        Self(digest80("silence", &[matcher.to_string().as_bytes(), &at, author.as_bytes()]))
    }
}

/// One way to recognise an entry: 64 bits of SHA-256 over a kind and what identifies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityHash(i64);

impl IdentityHash {
    /// Hashes `parts` under `kind`; different kinds never meet.
    pub fn of(kind: &str, parts: &[&[u8]]) -> Self {
        let digest = digest(kind, parts);
        let mut head = [0; 8];
        head.copy_from_slice(&digest.as_ref()[..8]);
        Self(i64::from_be_bytes(head))
    }

    /// The hash as SQLite stores it.
    pub const fn as_i64(self) -> i64 {
        self.0
    }

    /// Takes back what [`Self::as_i64`] gave.
    pub const fn from_i64(value: i64) -> Self {
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_id_reads_back() {
        let key = ArticleKey::derive("link", &[b"https://example.com/a"]);
        let text = key.to_string();
        assert_eq!(text.len(), 20);
        assert_eq!(text.parse::<ArticleKey>(), Ok(key));
        assert_eq!(text.to_uppercase().replace("ART_", "art_").parse::<ArticleKey>(), Ok(key));
    }

    #[test]
    fn ids_are_the_same_on_every_day() {
        let key = ArticleKey::derive("guid", &[b"bbc", b"urn:1"]);
        assert_ne!(key, ArticleKey::derive("guid", &[b"bbcu", b"rn:1"]));
        assert_eq!(key.as_identity(), IdentityHash::of("guid", &[b"bbc", b"urn:1"]));
        let topic = TopicId::parse("t").expect("a slug");
        let alert = AlertId::derive(&topic, key);
        assert_eq!(alert.to_string(), AlertId::derive(&topic, key).to_string());
    }

    #[test]
    fn slugs_are_plain() {
        assert!(FeedId::parse("bbc-world_2").is_ok());
        for bad in ["", "a b", "ü", "a.b", &"x".repeat(65)] {
            assert!(FeedId::parse(bad).is_err(), "{bad}");
        }
    }
}
