//! CometBFT's query language, as `tx_search` and `subscribe` take it:
//! `tm.event = 'Tx' AND commit_aggregation.proposer = 'remes1...' AND tx.height > 10`.

use thiserror::Error;

/// A query: all of its conditions hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EventQuery {
    text: String,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Equals(String),
    /// `<`, `<=`, `>` or `>=` with a number.
    Compares(Order, i128),
    Contains(String),
    Exists,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// Text that is no query.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("failed to parse query: expected {expected} at {rest:?}")]
pub(crate) struct QueryError {
    expected: &'static str,
    rest: String,
}

impl EventQuery {
    pub(crate) fn parse(text: &str) -> Result<Self, QueryError> {
        let mut conditions = Vec::new();
        let mut rest = text.trim_start();
        loop {
            let (condition, behind) = parse_condition(rest)?;
            conditions.push(condition);
            rest = behind.trim_start();
            if rest.is_empty() {
                return Ok(EventQuery { text: text.to_owned(), conditions });
            }
            rest = rest.strip_prefix("AND ").ok_or_else(|| error("AND", rest))?.trim_start();
        }
    }

    /// The text that was parsed.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether every condition holds for one of the values that `events` has under its key.
    pub(crate) fn matches(&self, events: &[(String, String)]) -> bool {
        self.conditions.iter().all(|condition| {
            events.iter().any(|(key, value)| *key == condition.key && condition.test.holds(value))
        })
    }

    /// The heights that `tx.height` conditions leave, inclusive.
    pub(crate) fn heights(&self) -> (i64, i64) {
        let (mut low, mut high) = (0, i64::MAX);
        for condition in self.conditions.iter().filter(|c| c.key == "tx.height") {
            let clamp = |n: i128| n.clamp(0, i128::from(i64::MAX)) as i64;
            match &condition.test {
                Test::Equals(text) => {
                    if let Ok(height) = text.parse::<i64>() {
                        (low, high) = (low.max(height), high.min(height));
                    }
                }
                Test::Compares(Order::Below, n) => high = high.min(clamp(n - 1)),
                Test::Compares(Order::AtMost, n) => high = high.min(clamp(*n)),
                Test::Compares(Order::Above, n) => low = low.max(clamp(n + 1)),
                Test::Compares(Order::AtLeast, n) => low = low.max(clamp(*n)),
                Test::Contains(_) | Test::Exists => {}
            }
        }
        (low, high)
    }
}

impl Test {
    fn holds(&self, value: &str) -> bool {
        match self {
            Test::Equals(expected) => value == expected,
            Test::Contains(part) => value.contains(part.as_str()),
            Test::Exists => true,
            Test::Compares(order, bound) => {
                // Amounts such as `5remes` count by their number, as CometBFT's index reads them.
                let digits = value.bytes().take_while(u8::is_ascii_digit).count();
                value[..digits].parse::<i128>().is_ok_and(|n| match order {
                    Order::Below => n < *bound,
                    Order::AtMost => n <= *bound,
                    Order::Above => n > *bound,
                    Order::AtLeast => n >= *bound,
                })
            }
        }
    }
}

fn error(expected: &'static str, rest: &str) -> QueryError {
    QueryError { expected, rest: rest.chars().take(40).collect() }
}

fn parse_condition(text: &str) -> Result<(Condition, &str), QueryError> {
    let is_key = |c: char| !c.is_whitespace() && !"=<>'\"()".contains(c);
    let end = text.find(|c| !is_key(c)).unwrap_or(text.len());
    let (key, rest) = text.split_at(end);
    if key.is_empty() {
        return Err(error("a key", text));
    }
    let rest = rest.trim_start();
    let orders = [("<=", Order::AtMost), (">=", Order::AtLeast), ("<", Order::Below), (">", Order::Above)];
    let (test, rest) = if let Some(rest) = rest.strip_prefix("EXISTS") {
        (Test::Exists, rest)
    } else if let Some(rest) = rest.strip_prefix("CONTAINS") {
        let (value, rest) = parse_quoted(rest.trim_start())?;
        (Test::Contains(value), rest)
    } else if let Some(rest) = rest.strip_prefix('=') {
        let rest = rest.trim_start();
        let (value, rest) =
            if rest.starts_with(['\'', '"']) { parse_quoted(rest)? } else { parse_number(rest)? };
        (Test::Equals(value), rest)
    } else if let Some((rest, order)) =
        orders.iter().find_map(|(sign, order)| rest.strip_prefix(sign).map(|rest| (rest, *order)))
    {
        let rest = rest.trim_start();
        let (number, behind) = parse_number(rest)?;
        let number = number.parse().map_err(|_| error("a number", rest))?;
        (Test::Compares(order, number), behind)
    } else {
        return Err(error("=, <, <=, >, >=, CONTAINS or EXISTS", rest));
    };
    Ok((Condition { key: key.to_owned(), test }, rest))
}

fn parse_quoted(text: &str) -> Result<(String, &str), QueryError> {
    let quote = text.chars().next().filter(|c| ['\'', '"'].contains(c));
    let quote = quote.ok_or_else(|| error("a quoted text", text))?;
    let (value, rest) = text[1..].split_once(quote).ok_or_else(|| error("a closing quote", text))?;
    Ok((value.to_owned(), rest))
}

fn parse_number(text: &str) -> Result<(String, &str), QueryError> {
    let sign = usize::from(text.starts_with('-'));
    let digits = text[sign..].bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return Err(error("a number or a quoted text", text));
    }
    let (number, rest) = text.split_at(sign + digits);
    Ok((number.to_owned(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
    }

    #[test]
    fn all_conditions_hold() {
        let query = EventQuery::parse("tm.event='Tx' AND a.proposer = 'remes1x' AND tx.height>10").unwrap();
        let matching = events(&[("tm.event", "Tx"), ("a.proposer", "remes1x"), ("tx.height", "11")]);
        assert!(query.matches(&matching));
        assert!(!query.matches(&events(&[
            ("tm.event", "Tx"),
            ("a.proposer", "remes1x"),
            ("tx.height", "10")
        ])));
        assert_eq!(query.heights(), (11, i64::MAX));
        let query = EventQuery::parse("a.b CONTAINS 'mes' AND a.c EXISTS AND tx.height=5").unwrap();
        assert!(query.matches(&events(&[("a.b", "remes"), ("a.c", ""), ("tx.height", "5")])));
        assert_eq!(query.heights(), (5, 5));
        assert!(EventQuery::parse("x.amount >= 5").unwrap().matches(&events(&[("x.amount", "7remes")])));
    }

    #[test]
    fn what_is_no_query_is_refused() {
        for bad in ["", "a", "a=", "a='x", "a='x' OR b='y'", "a<'x'", "='x'", "a='x' AND"] {
            assert!(EventQuery::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(
            EventQuery::parse("a='x' OR b=1").unwrap_err().to_string(),
            "failed to parse query: expected AND at \"OR b=1\""
        );
    }
}
