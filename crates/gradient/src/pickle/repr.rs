//! Numbers and small structures as Python writes them.

use std::fmt::Write;

use super::array::Number;
use super::heap::{Heap, Object, Value};

/// Characters of a nested metadata value; what goes beyond is cut.
const LONGEST: usize = 4096;
const DEEPEST: usize = 8;

/// `repr` of a Python float: the shortest digits that read back, in scientific notation from 1e16 on and
/// below 1e-4.
pub(crate) fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf".to_owned() } else { "-inf".to_owned() };
    }
    python(format!("{value:?}"))
}

fn float32(value: f32) -> String {
    if value.is_finite() { python(format!("{value:?}")) } else { float(f64::from(value)) }
}

/// Rust's `{:?}` of a float takes the same digits and the same notation as Python's `repr`, but writes
/// the exponent without sign and padding: `1e16` and `1e-5` for `1e+16` and `1e-05`.
fn python(debug: String) -> String {
    match debug.split_once('e') {
        None => debug,
        Some((digits, exponent)) => match exponent.strip_prefix('-') {
            Some(exponent) => format!("{digits}e-{exponent:0>2}"),
            None => format!("{digits}e+{exponent:0>2}"),
        },
    }
}

/// A metadata value: text as it is, anything else as `repr` has it; large structures are cut.
pub(super) fn metadata_value(heap: &Heap, value: Value) -> String {
    match heap.text(value) {
        Some(text) => text.to_owned(),
        None => {
            let mut out = String::new();
            write_value(heap, value, DEEPEST, &mut out);
            out
        }
    }
}

fn write_value(heap: &Heap, value: Value, depth: usize, out: &mut String) {
    if out.len() >= LONGEST || depth == 0 {
        out.push_str("...");
        return;
    }
    match value {
        Value::None => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(int) => out.push_str(&int.to_string()),
        Value::Float(value) => out.push_str(&float(value)),
        Value::Object(id) => match heap.get(id) {
            Object::Text(text) => quote(text, out),
            Object::Long(int) => out.push_str(&int.to_string()),
            Object::List(items) => {
                out.push('[');
                write_items(heap, items, depth, out);
                out.push(']');
            }
            Object::Tuple(items) => {
                out.push('(');
                write_items(heap, items, depth, out);
                out.push_str(if items.len() == 1 { ",)" } else { ")" });
            }
            Object::Dict(entries) => {
                out.push('{');
                for (i, &(key, value)) in entries.iter().enumerate() {
                    if i > 0 {
                        out.push_str(", ");
                    }
                    write_value(heap, key, depth - 1, out);
                    out.push_str(": ");
                    write_value(heap, value, depth - 1, out);
                    if out.len() >= LONGEST {
                        break;
                    }
                }
                out.push('}');
            }
            Object::Array(Some(array)) if array.shape.is_empty() => match array.number(0) {
                Some(Number::Bool(true)) => out.push_str("True"),
                Some(Number::Bool(false)) => out.push_str("False"),
                Some(Number::Int(int)) => out.push_str(&int.to_string()),
                Some(Number::Float(value)) => out.push_str(&float(value)),
                Some(Number::Float32(value)) => out.push_str(&float32(value)),
                None => {}
            },
            Object::Array(Some(array)) => {
                let _ = write!(out, "<{} array of shape {:?}>", array.dtype.name(), array.shape);
            }
            Object::Data(bytes) => {
                let _ = write!(out, "<{} bytes>", bytes.len());
            }
            other => {
                let _ = write!(out, "<{}>", other.type_name());
            }
        },
    }
}

fn write_items(heap: &Heap, items: &[Value], depth: usize, out: &mut String) {
    for (i, &item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_value(heap, item, depth - 1, out);
        if out.len() >= LONGEST {
            break;
        }
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('\'');
    for c in text.chars().take(LONGEST) {
        match c {
            '\'' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c => out.push(c),
        }
    }
    out.push('\'');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_as_python_writes_them() {
        // Each pair from Python 3.11.
        for (value, python) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (16.0, "16.0"),
            (0.05, "0.05"),
            (0.4176177680492401, "0.4176177680492401"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (123456789012345.6, "123456789012345.6"),
            (1e15, "1000000000000000.0"),
            (9999999999999998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1.25e+100, "1.25e+100"),
            (-2.5e-300, "-2.5e-300"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NAN, "nan"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(float(value), python);
        }
        assert_eq!(float32(0.1), "0.1");
        assert_eq!(float32(1e-7), "1e-07");
    }
}
