use std::fmt;

use r3mes_aggregate::DType;
use serde::{Deserialize, Serialize};

use crate::error::Quoted;

/// Names, shapes and dtypes of a file's tensors, in name order. Two updates can be aggregated when their
/// layouts are equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Layout {
    pub(crate) tensors: Vec<TensorLayout>,
}

/// One tensor's part of a [`Layout`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TensorLayout {
    /// The parameter's name.
    pub name: String,
    /// The length of each dimension; empty for a scalar.
    pub shape: Vec<u64>,
    /// The format of the values.
    pub dtype: DType,
}

impl Layout {
    /// The tensors, in name order.
    pub fn tensors(&self) -> &[TensorLayout] {
        &self.tensors
    }

    /// Number of values of all tensors together: the `d` of R^d.
    pub fn elements(&self) -> u64 {
        self.tensors.iter().map(|tensor| tensor.shape.iter().product::<u64>()).sum()
    }

    /// The first tensor, in name order, in which `self` differs from `expected`.
    pub fn difference(&self, expected: &Layout) -> Option<LayoutDifference> {
        let (mut found, mut wanted) = (self.tensors.iter(), expected.tensors.iter());
        loop {
            let (f, w) = match (found.next(), wanted.next()) {
                (None, None) => return None,
                (Some(f), None) => return Some(LayoutDifference::Unexpected { name: f.name.clone() }),
                (None, Some(w)) => return Some(LayoutDifference::Missing { name: w.name.clone() }),
                (Some(f), Some(w)) => (f, w),
            };
            if f.name < w.name {
                return Some(LayoutDifference::Unexpected { name: f.name.clone() });
            } else if f.name > w.name {
                return Some(LayoutDifference::Missing { name: w.name.clone() });
            } else if f.shape != w.shape {
                return Some(LayoutDifference::Shape {
                    name: f.name.clone(),
                    found: f.shape.clone(),
                    expected: w.shape.clone(),
                });
            } else if f.dtype != w.dtype {
                return Some(LayoutDifference::DType {
                    name: f.name.clone(),
                    found: f.dtype,
                    expected: w.dtype,
                });
            }
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tensors = self.tensors.len();
        let s = if tensors == 1 { "" } else { "s" };
        write!(f, "{tensors} tensor{s}, {} values", self.elements())
    }
}

/// How one layout differs from the one expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "difference", rename_all = "kebab-case")]
pub enum LayoutDifference {
    /// A tensor is not there.
    Missing {
        /// Its name.
        name: String,
    },
    /// A tensor is there that should not be.
    Unexpected {
        /// Its name.
        name: String,
    },
    /// A tensor has another shape.
    Shape {
        /// Its name.
        name: String,
        /// Its shape.
        found: Vec<u64>,
        /// The shape it should have.
        expected: Vec<u64>,
    },
    /// A tensor has another dtype.
    #[serde(rename = "dtype")]
    DType {
        /// Its name.
        name: String,
        /// Its dtype.
        found: DType,
        /// The dtype it should have.
        expected: DType,
    },
}

impl fmt::Display for LayoutDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LayoutDifference::Missing { name } => write!(f, "tensor {} is missing", Quoted(name)),
            LayoutDifference::Unexpected { name } => write!(f, "tensor {} is not expected", Quoted(name)),
            LayoutDifference::Shape { name, found, expected } => {
                write!(f, "tensor {} has shape {found:?}, expected {expected:?}", Quoted(name))
            }
            LayoutDifference::DType { name, found, expected } => {
                write!(f, "tensor {} has dtype {found}, expected {expected}", Quoted(name))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(tensors: &[(&str, &[u64], DType)]) -> Layout {
        let tensors = tensors
            .iter()
            .map(|(name, shape, dtype)| TensorLayout {
                name: (*name).to_owned(),
                shape: shape.to_vec(),
                dtype: *dtype,
            })
            .collect();
        Layout { tensors }
    }

    #[test]
    fn the_first_difference_is_named() {
        let expected = layout(&[("a", &[2, 3], DType::F32), ("b", &[4], DType::F32)]);
        let text = |other: Layout| other.difference(&expected).map(|difference| difference.to_string());
        assert_eq!(text(expected.clone()), None);
        assert_eq!(text(layout(&[("a", &[2, 3], DType::F32)])).unwrap(), "tensor `b` is missing");
        assert_eq!(text(layout(&[("b", &[4], DType::F32)])).unwrap(), "tensor `a` is missing");
        assert_eq!(
            text(layout(&[("a", &[2, 3], DType::F32), ("aa", &[], DType::F32), ("b", &[4], DType::F32)]))
                .unwrap(),
            "tensor `aa` is not expected"
        );
        assert_eq!(
            text(layout(&[("a", &[3, 2], DType::F32), ("b", &[4], DType::F32)])).unwrap(),
            "tensor `a` has shape [3, 2], expected [2, 3]"
        );
        assert_eq!(
            text(layout(&[("a", &[2, 3], DType::F16), ("b", &[4], DType::F32)])).unwrap(),
            "tensor `a` has dtype F16, expected F32"
        );
        assert_eq!(expected.to_string(), "2 tensors, 10 values");
    }
}
