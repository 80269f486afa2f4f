//! What was taken apart, put together again.

use super::apart::{BITS, Kind, REFERENCE};
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Tensors by name.
pub(super) type Tensors<'a> = BTreeMap<String, Numbers<'a>>;

/// The numbers of a tensor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers<'a> {
    pub(super) kind: Kind,
    /// Little-endian.
    pub(super) bytes: &'a [u8],
}

/// The value that was taken apart.
///
/// # Errors
/// JSON or tensors that are not of this type.
pub(super) fn put_together<T: DeserializeOwned>(
    rest: &Value,
    tensors: &Tensors<'_>,
) -> Result<T, Unreadable> {
    T::deserialize(Part { value: rest, tensors })
}

/// Why parts do not make a value.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl de::Error for Unreadable {
    fn custom<T: std::fmt::Display>(what: T) -> Self {
        Self(what.to_string())
    }
}

#[derive(Clone, Copy)]
struct Part<'a> {
    value: &'a Value,
    tensors: &'a Tensors<'a>,
}

impl<'a> Part<'a> {
    fn of(self, value: &'a Value) -> Self {
        Self { value, ..self }
    }

    /// The tensor it refers to.
    fn tensor(self) -> Option<Result<Numbers<'a>, Unreadable>> {
        let name = self.value.get(REFERENCE)?.as_str()?;
        let found = self.tensors.get(name).copied();
        Some(found.ok_or_else(|| Unreadable(format!("no tensor is called {name:?}"))))
    }
}

impl<'de> Deserializer<'de> for Part<'_> {
    type Error = Unreadable;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if let Some(tensor) = self.tensor() {
            return visitor.visit_seq(Elements { numbers: tensor?, place: 0 });
        }
        if let Some(bits) = self.value.get(BITS).and_then(Value::as_u64) {
            return visitor.visit_f64(f64::from_bits(bits));
        }
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::String(text) => visitor.visit_str(text),
            Value::Array(values) => visitor.visit_seq(Sequence { part: self, values: values.iter() }),
            Value::Object(fields) => {
                visitor.visit_map(Fields { part: self, fields: fields.iter(), value: &Value::Null })
            }
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), _, _) => visitor.visit_u64(number),
                (_, Some(number), _) => visitor.visit_i64(number),
                (_, _, Some(number)) => visitor.visit_f64(number),
                _ => Err(Unreadable(format!("{number}: not a number of 64 bits"))),
            },
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        match self.value {
            Value::String(name) => visitor.visit_enum(Variant { name, content: None }),
            Value::Object(fields) if fields.len() == 1 => {
                let content = fields.iter().next().map(|(name, value)| (name, self.of(value)));
                let (name, content) = content.ok_or_else(|| Unreadable("no variant".to_owned()))?;
                visitor.visit_enum(Variant { name, content: Some(content) })
            }
            _ => Err(Unreadable("expected a variant".to_owned())),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// The numbers of a tensor, one after another.
struct Elements<'a> {
    numbers: Numbers<'a>,
    place: usize,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Unreadable;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unreadable> {
        let Numbers { kind, bytes } = self.numbers;
        let size = kind.size();
        let Some(bytes) = bytes.get(self.place * size..(self.place + 1) * size) else { return Ok(None) };
        self.place += 1;
        let mut wide = [0; 8];
        wide[..size].copy_from_slice(bytes);
        seed.deserialize(Element { kind, wide }).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.numbers.bytes.len() / self.numbers.kind.size() - self.place)
    }
}

/// A number of a tensor.
struct Element {
    kind: Kind,
    wide: [u8; 8],
}

impl<'de> Deserializer<'de> for Element {
    type Error = Unreadable;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let [a, b, c, d, ..] = self.wide;
        match self.kind {
            Kind::Bool => visitor.visit_bool(a != 0),
            Kind::U32 => visitor.visit_u32(u32::from_le_bytes([a, b, c, d])),
            Kind::U64 => visitor.visit_u64(u64::from_le_bytes(self.wide)),
            Kind::I64 => visitor.visit_i64(i64::from_le_bytes(self.wide)),
            Kind::F32 => visitor.visit_f32(f32::from_le_bytes([a, b, c, d])),
            Kind::F64 => visitor.visit_f64(f64::from_le_bytes(self.wide)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

struct Sequence<'a> {
    part: Part<'a>,
    values: std::slice::Iter<'a, Value>,
}

impl<'de> SeqAccess<'de> for Sequence<'_> {
    type Error = Unreadable;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unreadable> {
        self.values.next().map(|value| seed.deserialize(self.part.of(value))).transpose()
    }
}

struct Fields<'a> {
    part: Part<'a>,
    fields: serde_json::map::Iter<'a>,
    value: &'a Value,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Unreadable;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Unreadable> {
        let Some((name, value)) = self.fields.next() else { return Ok(None) };
        self.value = value;
        seed.deserialize(StrDeserializer::<Unreadable>::new(name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Unreadable> {
        seed.deserialize(self.part.of(self.value))
    }
}

struct Variant<'a> {
    name: &'a str,
    content: Option<Part<'a>>,
}

impl<'a, 'de> EnumAccess<'de> for Variant<'a> {
    type Error = Unreadable;
    type Variant = Content<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Content<'a>), Unreadable> {
        let name = seed.deserialize(StrDeserializer::<Unreadable>::new(self.name))?;
        Ok((name, Content(self.content)))
    }
}

struct Content<'a>(Option<Part<'a>>);

impl<'a> Content<'a> {
    fn part(self) -> Result<Part<'a>, Unreadable> {
        self.0.ok_or_else(|| Unreadable("a variant without its content".to_owned()))
    }
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = Unreadable;

    fn unit_variant(self) -> Result<(), Unreadable> {
        match self.0 {
            None => Ok(()),
            Some(_) => Err(Unreadable("a variant with more than its name".to_owned())),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Unreadable> {
        seed.deserialize(self.part()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unreadable> {
        self.part()?.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.part()?.deserialize_any(visitor)
    }
}
