//! What Byzantine miners do.
//!
//! An attack has two sides. A [`Forgery`] makes the values that the miner sends; it may see the honest
//! updates of the round, as the literature's strongest attackers do. A [`Delivery`] is how they are sent:
//! the localnet's miners also lie about CIDs, break files or skip their registration. [`Attack`] names the
//! attacks that the command line offers.

use std::fmt;
use std::str::FromStr;

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::model::l2_norm;
use super::random::normal;

/// What an attacker knows when it makes its update.
#[derive(Debug, Clone, Copy)]
pub struct RoundView<'a> {
    /// The round, as miners write it on chain.
    pub training_round_id: u64,
    /// What the miner's own training gave.
    pub own: &'a [f32],
    /// The updates of the round's honest miners, in order of their index.
    pub honest: &'a [&'a [f32]],
    /// Number of Byzantine miners, this one included.
    pub byzantine: usize,
}

/// Makes the values that a Byzantine miner sends.
pub trait Forgery: fmt::Debug + Send + Sync {
    /// An update of the length of `view.own`. `rng` is the miner's own stream for the round.
    fn forge(&self, view: &RoundView<'_>, rng: &mut ChaCha8Rng) -> Vec<f32>;

    /// How it is sent.
    fn delivery(&self) -> Delivery {
        Delivery::Proper
    }

    /// Whether the miner trains on wrong labels, 9 - y for every digit y, before it forges.
    fn flips_labels(&self) -> bool {
        false
    }
}

/// How an update reaches the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// As a good miner does it.
    Proper,
    /// The announced CID does not stand for the update.
    WrongCid,
    /// From an account that holds the balance which the chain asks for but is registered as no node.
    Unregistered,
    /// The file's container is broken; its CID is right.
    Malformed,
}

/// The attacks that localnet's miners can be told to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attack {
    /// The honest update times -4.
    SignFlip,
    /// Gaussian noise with ten times the norm of the honest update.
    ScaledNoise,
    /// The honest update with a NaN and an infinity in it.
    Nan,
    /// See [`Delivery::WrongCid`].
    WrongCid,
    /// See [`Delivery::Unregistered`].
    Unregistered,
    /// See [`Delivery::Malformed`].
    Malformed,
}

/// The name of an attack is not known.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("read the attack {0:?}: expected one of {names}", names = Attack::ALL.map(Attack::name).join(", "))]
pub struct UnknownAttack(String);

const SIGN_FLIP_FACTOR: f32 = -4.0;
const NOISE_NORM_FACTOR: f32 = 10.0;

impl Attack {
    /// Every attack.
    pub const ALL: [Self; 6] =
        [Self::SignFlip, Self::ScaledNoise, Self::Nan, Self::WrongCid, Self::Unregistered, Self::Malformed];

    /// The name in kebab case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignFlip => "sign-flip",
            Self::ScaledNoise => "scaled-noise",
            Self::Nan => "nan",
            Self::WrongCid => "wrong-cid",
            Self::Unregistered => "unregistered",
            Self::Malformed => "malformed",
        }
    }
}

impl Forgery for Attack {
    fn delivery(&self) -> Delivery {
        match self {
            Self::SignFlip | Self::ScaledNoise | Self::Nan => Delivery::Proper,
            Self::WrongCid => Delivery::WrongCid,
            Self::Unregistered => Delivery::Unregistered,
            Self::Malformed => Delivery::Malformed,
        }
    }

    fn forge(&self, view: &RoundView<'_>, rng: &mut ChaCha8Rng) -> Vec<f32> {
        let mut values = view.own.to_vec();
        match self {
            Self::SignFlip => values.iter_mut().for_each(|value| *value *= SIGN_FLIP_FACTOR),
            Self::ScaledNoise => {
                let noise: Vec<f32> = values.iter().map(|_| normal(rng) as f32).collect();
                let factor = NOISE_NORM_FACTOR * l2_norm(&values) / l2_norm(&noise);
                values = noise.iter().map(|value| value * factor).collect();
            }
            Self::Nan => {
                let middle = values.len() / 2;
                values[0] = f32::NAN;
                values[middle] = f32::INFINITY;
            }
            Self::WrongCid | Self::Unregistered | Self::Malformed => {}
        }
        values
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Attack {
    type Err = UnknownAttack;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|attack| attack.name() == text)
            .ok_or_else(|| UnknownAttack(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::stream;
    use super::*;

    fn forge(attack: Attack, own: &[f32]) -> Vec<f32> {
        let view = RoundView { training_round_id: 1, own, honest: &[own], byzantine: 1 };
        attack.forge(&view, &mut stream(1, "test", &[]))
    }

    #[test]
    fn names_are_read_back() {
        for attack in Attack::ALL {
            assert_eq!(attack.to_string().parse(), Ok(attack));
            assert_eq!(serde_json::to_string(&attack).unwrap(), format!("{:?}", attack.name()));
        }
        assert_eq!(
            "flip".parse::<Attack>().unwrap_err().to_string(),
            "read the attack \"flip\": expected one of sign-flip, scaled-noise, nan, wrong-cid, unregistered, malformed"
        );
    }

    #[test]
    fn forged_values_are_what_the_names_say() {
        let own: Vec<f32> = (0..100_u8).map(|index| f32::from(index) - 40.0).collect();
        assert!(forge(Attack::SignFlip, &own).iter().zip(&own).all(|(sent, own)| *sent == -4.0 * own));
        let noise = forge(Attack::ScaledNoise, &own);
        assert!((l2_norm(&noise) / l2_norm(&own) - 10.0).abs() < 1e-3);
        let non_finite = forge(Attack::Nan, &own).iter().filter(|value| !value.is_finite()).count();
        assert_eq!(non_finite, 2);
        assert_eq!(forge(Attack::WrongCid, &own), own);
    }
}
