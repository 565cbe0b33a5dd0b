//! TOML text to dotted keys with their lines, and edits of single keys that leave the rest as it stands.

use toml_edit::{Document, DocumentMut, Item, Table, TableLike};

use crate::error::SyntaxError;
use crate::value::Value;

/// A dotted key with its value and line.
#[derive(Debug)]
pub(crate) struct Leaf {
    pub(crate) key: String,
    pub(crate) line: usize,
    /// The value, or why it cannot be one.
    pub(crate) value: Result<Value, String>,
}

/// All leaves of a document, in its order. A table without any key counts as one.
pub(crate) fn leaves(text: &str) -> Result<Vec<Leaf>, SyntaxError> {
    let document = Document::parse(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let message = error.message().trim().replace('\n', ", ");
        let (line, column) = position(text, start);
        SyntaxError { line, column, message }
    })?;
    let mut leaves = Vec::new();
    walk(text, "", document.as_table(), &mut leaves);
    leaves.sort_by_key(|leaf| leaf.line);
    Ok(leaves)
}

fn walk(text: &str, prefix: &str, table: &dyn TableLike, leaves: &mut Vec<Leaf>) {
    for (name, item) in table.iter() {
        let key = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        let span = table.get_key_value(name).and_then(|(key, _)| key.span()).or_else(|| item.span());
        let line = position(text, span.map_or(0, |span| span.start)).0;
        match (item.as_table_like(), item) {
            (Some(table), _) if !table.is_empty() => walk(text, &key, table, leaves),
            (Some(_), _) => leaves.push(Leaf { key, line, value: Err("holds nothing".to_owned()) }),
            (None, Item::Value(value)) => leaves.push(Leaf { key, line, value: Value::from_toml(value) }),
            (None, _) => {
                leaves.push(Leaf { key, line, value: Err("must not be a list of tables".to_owned()) })
            }
        }
    }
}

/// Line and column of an offset, both from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// The text with one key set, or taken out. Comments and all other keys stay.
pub(crate) fn edit(text: &str, key: &str, value: Option<&Value>) -> Result<String, SyntaxError> {
    leaves(text)?;
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| SyntaxError {
        line: 1,
        column: 1,
        message: error.message().to_owned(),
    })?;
    let (sections, name) = match key.rsplit_once('.') {
        Some((sections, name)) => (sections.split('.').collect(), name),
        None => (Vec::new(), key),
    };
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for section in sections {
        if value.is_none() && !table.contains_key(section) {
            return Ok(text.to_owned());
        }
        let item = table.entry(section).or_insert_with(|| Item::Table(Table::new()));
        if !item.is_table_like() {
            // `network = "remes-1"` becomes `[network] profile = "remes-1"`; nothing else is a
            // section and a value at once.
            let mut section_table = Table::new();
            section_table.insert("profile", std::mem::take(item));
            *item = Item::Table(section_table);
        }
        let Some(below) = item.as_table_like_mut() else { return Ok(text.to_owned()) };
        table = below;
    }
    match value {
        None => drop(table.remove(name)),
        Some(value) => {
            let mut new = value.to_toml();
            match table.get_mut(name) {
                Some(item) => {
                    if let Some(old) = item.as_value() {
                        *new.decor_mut() = old.decor().clone();
                    }
                    *item = Item::Value(new);
                }
                None => drop(table.insert(name, Item::Value(new))),
            }
        }
    }
    Ok(document.to_string())
}
