//! A serialisable value taken apart: sequences of numbers become tensors, named after where they stand; the rest is JSON.
//!
//! A struct of `rows`, `cols` and `data`, which is what a matrix is written as, makes a tensor of two dimensions. In the JSON
//! a tensor stands as `{"$tensor": name}`.

use serde::ser::{self, Serialize};
use serde_json::{Map, Value};

/// What stands for a tensor in the JSON.
pub(super) const REFERENCE: &str = "$tensor";

/// What stands for a number in the JSON that JSON cannot hold to the bit.
pub(super) const BITS: &str = "$bits";

/// A value taken apart.
#[derive(Debug, Default)]
pub(super) struct Apart {
    pub(super) rest: Value,
    pub(super) tensors: Vec<Tensor>,
}

/// Numbers of one type.
#[derive(Debug)]
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) kind: Kind,
    /// Little-endian.
    pub(super) bytes: Vec<u8>,
}

/// The types of numbers that make tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    U32,
    U64,
    I64,
    F32,
    F64,
}

impl Kind {
    pub(super) fn size(self) -> usize {
        match self {
            Kind::Bool => 1,
            Kind::U32 | Kind::F32 => 4,
            Kind::U64 | Kind::I64 | Kind::F64 => 8,
        }
    }
}

/// Takes `value` apart.
///
/// # Errors
/// What cannot be written so: a sequence of several types, a map whose keys are not text or would be mistaken, and bytes.
pub(super) fn take_apart(value: &impl Serialize) -> Result<Apart, Unwritable> {
    let mut tensors = Vec::new();
    let rest = value.serialize(Taker { path: String::new(), tensors: &mut tensors })?.into_value()?;
    Ok(Apart { rest, tensors })
}

/// Why a value cannot be taken apart.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unwritable(String);

impl ser::Error for Unwritable {
    fn custom<T: std::fmt::Display>(what: T) -> Self {
        Self(what.to_string())
    }
}

/// A part of a value: a number that a sequence may collect, or what it is in JSON.
enum Part {
    Number(Kind, [u8; 8]),
    Value(Value),
}

impl Part {
    fn into_value(self) -> Result<Value, Unwritable> {
        let (kind, bytes) = match self {
            Part::Value(value) => return Ok(value),
            Part::Number(kind, bytes) => (kind, bytes),
        };
        let [a, b, c, d, ..] = bytes;
        let float = |number: f64| {
            let text = serde_json::Number::from_f64(number).map(Value::Number);
            // What JSON has no word for, or reads as another number, stands as its bits.
            let is_exact = |text: &Value| {
                serde_json::from_str::<f64>(&text.to_string())
                    .is_ok_and(|read| read.to_bits() == number.to_bits())
            };
            let bits = || Value::Object(Map::from_iter([(BITS.to_owned(), number.to_bits().into())]));
            Ok(text.filter(is_exact).unwrap_or_else(bits))
        };
        match kind {
            Kind::Bool => Ok(Value::Bool(a != 0)),
            Kind::U32 => Ok(u32::from_le_bytes([a, b, c, d]).into()),
            Kind::U64 => Ok(u64::from_le_bytes(bytes).into()),
            Kind::I64 => Ok(i64::from_le_bytes(bytes).into()),
            Kind::F32 => float(f32::from_le_bytes([a, b, c, d]).into()),
            Kind::F64 => float(f64::from_le_bytes(bytes)),
        }
    }
}

fn number<const N: usize>(kind: Kind, bytes: [u8; N]) -> Part {
    let mut wide = [0; 8];
    wide[..N].copy_from_slice(&bytes);
    Part::Number(kind, wide)
}

struct Taker<'a> {
    /// Where the value stands, as `users.data`.
    path: String,
    tensors: &'a mut Vec<Tensor>,
}

impl<'a> Taker<'a> {
    fn below(&mut self, name: &str) -> Taker<'_> {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Taker { path, tensors: self.tensors }
    }

    fn sequence(self, variant: Option<&'static str>, is_tuple: bool) -> Sequence<'a> {
        Sequence { taker: self, variant, is_tuple, kind: None, bytes: Vec::new(), values: Vec::new(), len: 0 }
    }

    fn fields(self, variant: Option<&'static str>) -> Fields<'a> {
        Fields { taker: self, variant, fields: Map::new(), key: String::new() }
    }
}

/// `value` as the content of a variant, where it is one.
fn of_variant(variant: Option<&'static str>, value: Value) -> Part {
    Part::Value(match variant {
        Some(name) => Value::Object(Map::from_iter([(name.to_owned(), value)])),
        None => value,
    })
}

/// A sequence on its way: numbers as long as all are of one type.
struct Sequence<'a> {
    taker: Taker<'a>,
    variant: Option<&'static str>,
    /// A tuple is never a tensor.
    is_tuple: bool,
    kind: Option<Kind>,
    bytes: Vec<u8>,
    values: Vec<Value>,
    len: usize,
}

impl Sequence<'_> {
    fn push(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Unwritable> {
        let part = match self.kind {
            None => value.serialize(self.taker.below(&self.len.to_string()))?,
            // Among numbers nothing needs a name.
            Some(_) => value.serialize(Taker { path: String::new(), tensors: self.taker.tensors })?,
        };
        self.len += 1;
        match part {
            Part::Number(kind, bytes)
                if !self.is_tuple && self.values.is_empty() && self.kind.is_none_or(|k| k == kind) =>
            {
                self.kind = Some(kind);
                self.bytes.extend_from_slice(&bytes[..kind.size()]);
                Ok(())
            }
            part if self.kind.is_none() => {
                self.values.push(part.into_value()?);
                Ok(())
            }
            _ => Err(Unwritable(format!("{}: a sequence of several types", self.taker.path))),
        }
    }

    fn finish(self) -> Result<Part, Unwritable> {
        let value = match self.kind {
            None => Value::Array(self.values),
            Some(kind) => {
                let name = self.taker.path;
                let reference = Value::Object(Map::from_iter([(REFERENCE.to_owned(), name.clone().into())]));
                if self.taker.tensors.iter().any(|tensor| tensor.name == name) {
                    return Err(Unwritable(format!("{name}: a second tensor of this name")));
                }
                self.taker.tensors.push(Tensor { name, shape: vec![self.len], kind, bytes: self.bytes });
                reference
            }
        };
        Ok(of_variant(self.variant, value))
    }
}

/// A struct or a map on its way.
struct Fields<'a> {
    taker: Taker<'a>,
    variant: Option<&'static str>,
    fields: Map<String, Value>,
    /// The key of a map's next value.
    key: String,
}

impl Fields<'_> {
    fn put(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Unwritable> {
        if name == REFERENCE || name == BITS {
            return Err(Unwritable(format!("{}: a key that is called {name}", self.taker.path)));
        }
        let value = value.serialize(self.taker.below(name))?.into_value()?;
        self.fields.insert(name.to_owned(), value);
        Ok(())
    }

    fn finish(self) -> Result<Part, Unwritable> {
        let size = |name: &str| self.fields.get(name).and_then(Value::as_u64);
        if let (3, Some(rows), Some(cols)) = (self.fields.len(), size("rows"), size("cols"))
            && let Some(tensor) = self.taker.tensors.last_mut()
            && self.fields.get("data").and_then(|data| data.get(REFERENCE))
                == Some(&Value::from(&*tensor.name))
            && rows.checked_mul(cols) == Some(tensor.shape[0] as u64)
        {
            tensor.shape = vec![rows as usize, cols as usize];
        }
        Ok(of_variant(self.variant, Value::Object(self.fields)))
    }
}

macro_rules! numbers {
    ($($method:ident: $type:ty => $wide:ty, $kind:ident;)*) => {
        $(fn $method(self, value: $type) -> Result<Part, Unwritable> {
            Ok(number(Kind::$kind, <$wide>::from(value).to_le_bytes()))
        })*
    };
}

impl<'a> ser::Serializer for Taker<'a> {
    type Ok = Part;
    type Error = Unwritable;
    type SerializeSeq = Sequence<'a>;
    type SerializeTuple = Sequence<'a>;
    type SerializeTupleStruct = Sequence<'a>;
    type SerializeTupleVariant = Sequence<'a>;
    type SerializeMap = Fields<'a>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Fields<'a>;

    numbers! {
        serialize_bool: bool => u8, Bool;
        serialize_u8: u8 => u32, U32;
        serialize_u16: u16 => u32, U32;
        serialize_u32: u32 => u32, U32;
        serialize_u64: u64 => u64, U64;
        serialize_i8: i8 => i64, I64;
        serialize_i16: i16 => i64, I64;
        serialize_i32: i32 => i64, I64;
        serialize_i64: i64 => i64, I64;
        serialize_f32: f32 => f32, F32;
        serialize_f64: f64 => f64, F64;
    }

    fn serialize_char(self, value: char) -> Result<Part, Unwritable> {
        Ok(Part::Value(value.to_string().into()))
    }

    fn serialize_str(self, value: &str) -> Result<Part, Unwritable> {
        Ok(Part::Value(value.into()))
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Part, Unwritable> {
        Err(Unwritable(format!("{}: bytes", self.path)))
    }

    fn serialize_none(self) -> Result<Part, Unwritable> {
        Ok(Part::Value(Value::Null))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Part, Unwritable> {
        Ok(Part::Value(value.serialize(self)?.into_value()?))
    }

    fn serialize_unit(self) -> Result<Part, Unwritable> {
        Ok(Part::Value(Value::Null))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Part, Unwritable> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Part, Unwritable> {
        Ok(Part::Value(variant.into()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Part, Unwritable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Part, Unwritable> {
        let value = value.serialize(self.below(variant))?.into_value()?;
        Ok(of_variant(Some(variant), value))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Sequence<'a>, Unwritable> {
        Ok(self.sequence(None, false))
    }

    fn serialize_tuple(self, _: usize) -> Result<Sequence<'a>, Unwritable> {
        Ok(self.sequence(None, true))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Sequence<'a>, Unwritable> {
        Ok(self.sequence(None, true))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Sequence<'a>, Unwritable> {
        Ok(self.sequence(Some(variant), true))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Fields<'a>, Unwritable> {
        Ok(self.fields(None))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields<'a>, Unwritable> {
        Ok(self.fields(None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields<'a>, Unwritable> {
        Ok(self.fields(Some(variant)))
    }
}

macro_rules! sequences {
    ($($trait:ident $method:ident;)*) => {
        $(impl ser::$trait for Sequence<'_> {
            type Ok = Part;
            type Error = Unwritable;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
                self.push(value)
            }

            fn end(self) -> Result<Part, Unwritable> {
                self.finish()
            }
        })*
    };
}

sequences! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

macro_rules! structs {
    ($($trait:ident;)*) => {
        $(impl ser::$trait for Fields<'_> {
            type Ok = Part;
            type Error = Unwritable;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Unwritable> {
                self.put(name, value)
            }

            fn end(self) -> Result<Part, Unwritable> {
                self.finish()
            }
        })*
    };
}

structs! {
    SerializeStruct;
    SerializeStructVariant;
}

impl ser::SerializeMap for Fields<'_> {
    type Ok = Part;
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        match key.serialize(Taker { path: String::new(), tensors: &mut Vec::new() })? {
            Part::Value(Value::String(key)) => {
                self.key = key;
                Ok(())
            }
            _ => Err(Unwritable(format!("{}: a map whose keys are not text", self.taker.path))),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        let key = std::mem::take(&mut self.key);
        self.put(&key, value)
    }

    fn end(self) -> Result<Part, Unwritable> {
        self.finish()
    }
}
