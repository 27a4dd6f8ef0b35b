//! JSON without what nobody reads.
//!
//! A document of small objects takes a hundred times its size when it is kept whole. Here members that mean
//! nothing to a reader of feeds are passed over, and so is whatever exceeds [`limits::JSON_VALUES`].

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::limits;

/// The members that are kept.
const KNOWN: &[&str] = &[
    "version",
    "title",
    "home_page_url",
    "language",
    "items",
    "id",
    "url",
    "external_url",
    "content_html",
    "content_text",
    "summary",
    "date_published",
    "date_modified",
    "author",
    "authors",
    "name",
    "tags",
];

/// Up to here a floating point number tells every whole number from the next: 2⁵³.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A value.
#[derive(Debug)]
pub(super) enum Json {
    Null,
    Text(String),
    /// As written, or nearly so.
    Number(String),
    /// At most [`limits::ENTRIES`] and one.
    List(Vec<Self>),
    Object(Object),
    /// A truth value, or what there was no room for.
    Other,
}

/// The members of an object that are kept; of one given twice the last.
#[derive(Debug, Default)]
pub(super) struct Object(Vec<(&'static str, Json)>);

impl Object {
    /// Takes a member out.
    pub(super) fn remove(&mut self, name: &str) -> Option<Json> {
        let at = self.0.iter().position(|(known, _)| *known == name)?;
        Some(self.0.swap_remove(at).1)
    }
}

/// Reads the first value of a text. What follows it is junk; `serde_json` bounds the nesting.
///
/// # Errors
/// When it is no JSON.
pub(super) fn read(text: &str) -> Result<Json, serde_json::Error> {
    let room = Cell::new(limits::JSON_VALUES);
    Pruned(&room).deserialize(&mut serde_json::Deserializer::from_str(text))
}

/// Reads a value, as long as there is room for so many more.
#[derive(Clone, Copy)]
struct Pruned<'r>(&'r Cell<usize>);

impl Pruned<'_> {
    /// Whether one more may be kept.
    fn has_room(self) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(1));
        left > 0
    }
}

impl<'de> DeserializeSeed<'de> for Pruned<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Pruned<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members: Vec<(&'static str, Json)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let known = KNOWN.iter().copied().find(|known| *known == name);
            match known.filter(|_| self.has_room()) {
                Some(known) => {
                    let value = map.next_value_seed(self)?;
                    members.retain(|(name, _)| *name != known);
                    members.push((known, value));
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        members.shrink_to_fit();
        Ok(Json::Object(Object(members)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while list.len() <= limits::ENTRIES && self.has_room() {
            let Some(value) = seq.next_element_seed(self)? else { return Ok(Json::List(list)) };
            list.push(value);
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Json::List(list))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        // Beyond this its last digits are lost, and two ids would look alike.
        let is_exact = number.abs() < EXACT;
        Ok(if is_exact { Json::Number(number.to_string()) } else { Json::Other })
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }
}
