//! A model file taken apart, leniently, and put together again with a digest that fits.

use std::collections::BTreeMap;

use ferroflow_frozen::{Tensor, Type, write};
use serde_json::Value;

#[derive(Clone)]
pub struct Parts {
    pub document: Value,
    pub tensors: BTreeMap<String, Tensor>,
}

impl Parts {
    /// `None` for bytes that are no model file at all.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let length = usize::try_from(u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?)).ok()?;
        let header: Value = serde_json::from_slice(bytes.get(8..)?.get(..length)?).ok()?;
        let data = bytes.get(8 + length..)?;
        let mut document: Value =
            serde_json::from_str(header.get("__metadata__")?.get("ferroflow")?.as_str()?).ok()?;
        document.as_object_mut()?.remove("sha256");
        let mut tensors = BTreeMap::new();
        for (name, entry) in header.as_object()?.iter().filter(|(name, _)| *name != "__metadata__") {
            let kind = Type::parse(entry.get("dtype")?.as_str()?)?;
            let sizes = |key: &str| -> Option<Vec<usize>> {
                entry.get(key)?.as_array()?.iter().map(|v| usize::try_from(v.as_u64()?).ok()).collect()
            };
            let (shape, offsets) = (sizes("shape")?, sizes("data_offsets")?);
            let bytes = data.get(*offsets.first()?..*offsets.get(1)?)?.to_vec();
            tensors.insert(name.clone(), Tensor { kind, shape, bytes });
        }
        Some(Self { document, tensors })
    }

    /// `None` if the parts cannot be written.
    pub fn seal(&self) -> Option<Vec<u8>> {
        write(&self.document.to_string(), &self.tensors).ok()
    }
}
