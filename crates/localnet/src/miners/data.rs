//! The digits that the miners train on, and who holds which of them.

use std::io::Read;

use flate2::read::GzDecoder;

use super::random::{below, gamma, shuffle, stream, uniform};

/// Pixels of one image (8 x 8, row-major).
pub const PIXELS: usize = 64;
/// Digits 0 to 9.
pub const CLASSES: usize = 10;
/// The largest number of miners.
pub const MAX_MINERS: usize = 64;

/// One row in so many is held back to measure accuracy.
const HELD_BACK_SHARE: usize = 5;
/// Rows of the smallest share, and the bound below which all shares stay.
const SHARE_ROWS: std::ops::Range<usize> = 300..600;

const DIGITS: &[u8] = include_bytes!("../../data/digits.csv.gz");

/// The rows of `digits.csv.gz` (UCI *Optical Recognition of Handwritten Digits*, CC BY 4.0).
#[derive(Debug, Clone)]
pub struct Digits {
    /// Row-major, `PIXELS` a row, scaled to 0..=1.
    pixels: Vec<f32>,
    labels: Vec<u8>,
}

/// Which rows are held back, and which rows each miner holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Rows that no miner trains on, in ascending order.
    pub held_back: Vec<usize>,
    /// One list of rows for each miner, ascending. No row twice in a share, but shares overlap.
    pub shares: Vec<Vec<usize>>,
}

/// Why the data could not be read or shared out.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The embedded file does not decompress.
    #[error("decompress the embedded digits: {0}")]
    Decompress(#[from] std::io::Error),
    /// A row is not 64 pixels and a digit.
    #[error(
        "read row {row} of the embedded digits: expected 64 pixels of 0..=16 and a digit, found {found:?}"
    )]
    Row {
        /// Zero-based.
        row: usize,
        /// The line.
        found: String,
    },
    /// No miners, or more than the data feeds.
    #[error("share the digits out: expected 1 to {MAX_MINERS} miners, found {0}")]
    Miners(usize),
    /// Alpha must be a positive number.
    #[error("share the digits out: expected a label skew above 0, found {0}")]
    LabelSkew(f64),
}

impl Digits {
    /// Reads the data set that is embedded in the binary.
    ///
    /// # Errors
    /// When the embedded file is damaged.
    pub fn embedded() -> Result<Self, DataError> {
        let mut text = String::new();
        GzDecoder::new(DIGITS).read_to_string(&mut text)?;
        let mut digits = Self { pixels: Vec::new(), labels: Vec::new() };
        for (row, line) in text.lines().enumerate() {
            let values: Option<Vec<u8>> = line.split(',').map(|field| field.trim().parse().ok()).collect();
            match values.as_deref() {
                Some([pixels @ .., label])
                    if pixels.len() == PIXELS
                        && usize::from(*label) < CLASSES
                        && pixels.iter().all(|&pixel| pixel <= 16) =>
                {
                    digits.pixels.extend(pixels.iter().map(|&pixel| f32::from(pixel) / 16.0));
                    digits.labels.push(*label);
                }
                _ => return Err(DataError::Row { row, found: line.to_owned() }),
            }
        }
        Ok(digits)
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pixels of `row`, scaled to 0..=1.
    #[must_use]
    pub fn pixels(&self, row: usize) -> &[f32] {
        &self.pixels[row * PIXELS..(row + 1) * PIXELS]
    }

    /// The digit that `row` shows.
    #[must_use]
    pub fn label(&self, row: usize) -> usize {
        usize::from(self.labels[row])
    }

    /// The same images, each said to show the digit 9 - y where it shows y.
    #[must_use]
    pub fn with_flipped_labels(&self) -> Self {
        let labels = self.labels.iter().map(|label| CLASSES as u8 - 1 - label).collect();
        Self { pixels: self.pixels.clone(), labels }
    }

    /// Holds a fifth of the rows back and gives each of `miners` a share of the others.
    ///
    /// Each miner draws its mixture of digits from a symmetric Dirichlet distribution with concentration
    /// `alpha` (Hsu, Qi and Brown, 2019: small values leave a miner with few kinds of digits, large ones
    /// make all shares alike), and then 300 to 599 rows in that mixture, without replacement. Miners draw
    /// independently of each other, as if each had gathered its data from the same world: shares overlap.
    /// (Cut into twelve disjoint parts, the 1,438 rows leave a miner with too few to agree with others
    /// about much.)
    ///
    /// # Errors
    /// When `miners` is not in `1..=MAX_MINERS`, or `alpha` is not a positive finite number.
    pub fn split(&self, seed: u64, miners: usize, alpha: f64) -> Result<Split, DataError> {
        if !(1..=MAX_MINERS).contains(&miners) {
            return Err(DataError::Miners(miners));
        }
        if !(alpha.is_finite() && alpha > 0.0) {
            return Err(DataError::LabelSkew(alpha));
        }
        let mut rows: Vec<usize> = (0..self.len()).collect();
        shuffle(&mut stream(seed, "held-back", &[]), &mut rows);
        let train = rows.split_off(self.len() / HELD_BACK_SHARE);
        let mut held_back = rows;
        held_back.sort_unstable();

        let mut by_digit: [Vec<usize>; CLASSES] = Default::default();
        for row in train {
            by_digit[self.label(row)].push(row);
        }
        let share = |miner| {
            let mut rng = stream(seed, "share", &[miner]);
            let mixture: [f64; CLASSES] = std::array::from_fn(|_| gamma(&mut rng, alpha));
            let size = SHARE_ROWS.start + below(&mut rng, SHARE_ROWS.len());
            let mut left = by_digit.clone();
            let mut share: Vec<usize> =
                (0..size).filter_map(|_| draw_row(&mut rng, &mixture, &mut left)).collect();
            share.sort_unstable();
            share
        };
        let shares = (0..miners as u64).map(share).collect();
        Ok(Split { held_back, shares })
    }
}

/// Takes one row of a digit drawn from `mixture` among the digits that are left.
fn draw_row(
    rng: &mut impl rand::Rng,
    mixture: &[f64; CLASSES],
    pools: &mut [Vec<usize>; CLASSES],
) -> Option<usize> {
    let available = |class: &usize| !pools[*class].is_empty();
    let weight: f64 = (0..CLASSES).filter(available).map(|class| mixture[class]).sum();
    let mut mark = uniform(rng) * weight;
    let mut chosen = None;
    for class in (0..CLASSES).filter(available) {
        chosen = Some(class);
        mark -= mixture[class];
        if mark <= 0.0 {
            break;
        }
    }
    let pool = &mut pools[chosen?];
    let index = below(rng, pool.len());
    Some(pool.swap_remove(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_file_holds_every_row() {
        let digits = Digits::embedded().unwrap();
        assert_eq!(digits.len(), 1797);
        assert_eq!((digits.label(0), digits.label(1), digits.label(1796)), (0, 1, 8));
        assert_eq!(&digits.pixels(0)[..4], &[0.0, 0.0, 5.0 / 16.0, 13.0 / 16.0]);
    }

    #[test]
    fn flipped_labels_are_wrong_and_flip_back() {
        let digits = Digits::embedded().unwrap();
        let flipped = digits.with_flipped_labels();
        for row in 0..digits.len() {
            assert_eq!(flipped.label(row), 9 - digits.label(row));
            assert_eq!(flipped.pixels(row), digits.pixels(row));
        }
    }

    #[test]
    fn no_miner_holds_a_held_back_row_or_a_row_twice() {
        let digits = Digits::embedded().unwrap();
        for (seed, miners, alpha) in [(1, 1, 1.0), (2, 3, 0.05), (7, 12, 1.0), (9, 64, 0.1), (9, 64, 100.0)] {
            let split = digits.split(seed, miners, alpha).unwrap();
            assert_eq!(split.held_back.len(), 359);
            assert_eq!(split.shares.len(), miners);
            for share in &split.shares {
                assert!(SHARE_ROWS.contains(&share.len()), "{} rows", share.len());
                assert!(share.windows(2).all(|pair| pair[0] < pair[1]));
                assert!(share.iter().all(|row| *row < 1797 && split.held_back.binary_search(row).is_err()));
            }
        }
    }

    #[test]
    fn a_share_does_not_depend_on_how_many_miners_there_are() {
        let digits = Digits::embedded().unwrap();
        let (few, many) = (digits.split(7, 3, 1.0).unwrap(), digits.split(7, 12, 1.0).unwrap());
        assert_eq!(few.shares, many.shares[..3]);
    }

    #[test]
    fn a_split_follows_from_the_seed() {
        let digits = Digits::embedded().unwrap();
        assert_eq!(digits.split(7, 12, 1.0).unwrap(), digits.split(7, 12, 1.0).unwrap());
        assert_ne!(digits.split(7, 12, 1.0).unwrap(), digits.split(8, 12, 1.0).unwrap());
    }

    #[test]
    fn a_small_alpha_skews_the_labels() {
        let digits = Digits::embedded().unwrap();
        let largest_class = |alpha: f64| {
            let split = digits.split(5, 12, alpha).unwrap();
            let share_of_largest = split.shares.iter().map(|share| {
                let mut counts = [0_usize; CLASSES];
                share.iter().for_each(|&row| counts[digits.label(row)] += 1);
                *counts.iter().max().unwrap() as f64 / share.len() as f64
            });
            share_of_largest.sum::<f64>() / 12.0
        };
        let (skewed, even) = (largest_class(0.1), largest_class(100.0));
        assert!(skewed > 0.3, "alpha 0.1: the largest class holds {skewed} of a share");
        assert!(even < 0.2, "alpha 100: the largest class holds {even} of a share");
    }

    #[test]
    fn impossible_requests_are_refused() {
        let digits = Digits::embedded().unwrap();
        assert_eq!(
            digits.split(1, 65, 1.0).unwrap_err().to_string(),
            "share the digits out: expected 1 to 64 miners, found 65"
        );
        assert!(digits.split(1, 0, 1.0).is_err());
        assert!(digits.split(1, 4, 0.0).is_err());
        assert!(digits.split(1, 4, f64::NAN).is_err());
    }
}
