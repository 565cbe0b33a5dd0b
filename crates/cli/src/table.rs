//! Aligned columns for a terminal.

/// Lays rows out under a heading, each column as wide as its widest cell; figures stand right.
pub(crate) fn render(heading: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row.get(column).map_or(0, |cell| cell.chars().count()))
            .chain([heading[column].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let right: Vec<bool> = (0..heading.len())
        .map(|column| {
            !rows.is_empty() && rows.iter().all(|row| row.get(column).is_some_and(|cell| is_figure(cell)))
        })
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<String> = cells
            .zip(widths.iter().zip(&right))
            .map(
                |(cell, (width, right))| {
                    if *right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
                },
            )
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    let mut text = vec![line(&mut heading.iter().copied())];
    text.push(widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>().join("  "));
    for row in rows {
        text.push(line(&mut row.iter().map(String::as_str)));
    }
    text.join("\n")
}

fn is_figure(cell: &str) -> bool {
    cell.is_empty() || cell.chars().next().is_some_and(|first| first.is_ascii_digit() || first == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_right_and_words_left() {
        let rows = vec![vec!["a".into(), "7".into()], vec!["long".into(), "1234".into()]];
        assert_eq!(render(&["name", "n"], &rows), "name     n\n----  ----\na        7\nlong  1234");
    }
}
