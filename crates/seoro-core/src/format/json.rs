//! One JSON object a line; of its keys only those asked for are read.

use super::error::{Fault, FaultKind};
use super::ids::{Ids, Kind, Kinds};
use super::number::{moment, value};
use super::reader::{Batch, Columns, LogReader};
use super::source::Blocks;
use super::{Encoding, Keyed, ReadError};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;
use std::path::Path;

/// Reads the file into columns.
pub(super) fn read(reader: &mut LogReader, path: &Path, format: &Keyed) -> Result<Columns, ReadError> {
    let mut blocks = Blocks::open(path, reader.block_bytes(), false)?;
    let kinds = reader.kinds();
    reader.drive(&mut blocks, format.value.is_some(), format.time.is_some(), |block| {
        parse(block, format, kinds)
    })
}

fn parse(block: &[u8], format: &Keyed, kinds: Kinds) -> Result<Batch, Fault> {
    let mut batch = Batch::default();
    let mut at = 0;
    for line in block.split(|&byte| byte == b'\n') {
        if !line.trim_ascii().is_empty() {
            parse_line(line, at, format, kinds, &mut batch)?;
        }
        at += line.len() + 1;
    }
    Ok(batch)
}

fn parse_line(line: &[u8], at: usize, format: &Keyed, kinds: Kinds, batch: &mut Batch) -> Result<(), Fault> {
    let mut json = serde_json::Deserializer::from_slice(line);
    let fields = Keys(format).deserialize(&mut json).and_then(|fields| json.end().map(|()| fields));
    let fields = fields.map_err(|error| {
        let column = error.column().saturating_sub(1);
        let rest = line.get(column.min(line.len())..).unwrap_or_default();
        Fault::field(at, column, rest.trim_ascii_end(), "one JSON object a line")
    })?;
    let missing = |key: &str| Fault { at, column: 0, kind: FaultKind::Key { key: key.to_owned() } };
    fields.user.ok_or_else(|| missing(&format.user))?.push_id(&mut batch.users, kinds.users, at)?;
    fields.item.ok_or_else(|| missing(&format.item))?.push_id(&mut batch.items, kinds.items, at)?;
    if let Some(key) = &format.value {
        batch.values.push(fields.value.ok_or_else(|| missing(key))?.value(at)?);
    }
    if let Some(key) = &format.time {
        batch
            .times
            .push(fields.time.ok_or_else(|| missing(key))?.moment(format.time_unit.milliseconds(), at)?);
    }
    Ok(())
}

/// A value that is neither an object nor a list.
enum Scalar<'a> {
    Text(Cow<'a, str>),
    Whole(i64),
    Large(u64),
    Float(f64),
    Other(&'static str),
}

impl Scalar<'_> {
    fn push_id(&self, ids: &mut Ids, kind: Kind, at: usize) -> Result<(), Fault> {
        match self {
            Self::Text(text) => ids.push(text.as_bytes(), kind, Encoding::Utf8, at, 0),
            Self::Whole(number) => ids.push(number.to_string().as_bytes(), kind, Encoding::Utf8, at, 0),
            Self::Large(number) => ids.push(number.to_string().as_bytes(), kind, Encoding::Utf8, at, 0),
            Self::Float(_) | Self::Other(_) => Err(self.fault(at, "an id: a text or a whole number")),
        }
    }

    fn value(&self, at: usize) -> Result<f32, Fault> {
        let value = match self {
            Self::Text(text) => value(text.as_bytes()),
            Self::Whole(number) => Some(*number as f32),
            Self::Large(number) => Some(*number as f32),
            Self::Float(number) => Some(*number as f32).filter(|value| value.is_finite()),
            Self::Other(_) => None,
        };
        value.ok_or_else(|| self.fault(at, "a finite number"))
    }

    fn moment(&self, unit: i64, at: usize) -> Result<i64, Fault> {
        let time = match self {
            Self::Text(text) => moment(text.as_bytes(), unit),
            Self::Whole(number) => number.checked_mul(unit),
            Self::Float(number) => {
                Some(number * unit as f64).filter(|time| time.abs() < 9e18).map(|time| time.round() as i64)
            }
            Self::Large(_) | Self::Other(_) => None,
        };
        time.ok_or_else(|| self.fault(at, "a time since 1970"))
    }

    fn fault(&self, at: usize, expected: &'static str) -> Fault {
        let found = match self {
            Self::Text(text) => text.to_string(),
            Self::Whole(number) => number.to_string(),
            Self::Large(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Other(what) => (*what).to_owned(),
        };
        Fault::field(at, 0, found.as_bytes(), expected)
    }
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Scalar<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a number")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Scalar::Whole(number))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(i64::try_from(number).map_or(Scalar::Large(number), Scalar::Whole))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Scalar::Float(number))
            }

            fn visit_bool<E>(self, truth: bool) -> Result<Self::Value, E> {
                Ok(Scalar::Other(if truth { "true" } else { "false" }))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Scalar::Other("null"))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// What a line has under the keys of the format.
#[derive(Default)]
struct Fields<'a> {
    user: Option<Scalar<'a>>,
    item: Option<Scalar<'a>>,
    value: Option<Scalar<'a>>,
    time: Option<Scalar<'a>>,
}

/// Reads a line's object.
struct Keys<'k>(&'k Keyed);

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = Fields<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            let key = Some(&*key);
            if key == Some(&*self.0.user) {
                fields.user = Some(map.next_value()?);
            } else if key == Some(&*self.0.item) {
                fields.item = Some(map.next_value()?);
            } else if key == self.0.value.as_deref() {
                fields.value = Some(map.next_value()?);
            } else if key == self.0.time.as_deref() {
                fields.time = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(fields)
    }
}
