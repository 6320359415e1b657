//! What can be broken.

use std::{collections::BTreeSet, str::FromStr};

use strum::{EnumIter, EnumString, IntoEnumIterator, VariantNames};

/// A sort of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, EnumIter, EnumString, VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum Fault {
    Kill,
    Pause,
    Wipe,
    Cut,
    #[strum(serialize = "commit")]
    CommitCut,
    Postgres,
}

/// Which sorts there are in a storm: all, or words with commas between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(BTreeSet<Fault>);

impl Faults {
    /// Whether this is one of them.
    pub fn include(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self(Fault::iter().collect())
    }
}

impl FromStr for Faults {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = |word: &str| format!("`{word}` is none of {}", Fault::VARIANTS.join(", "));
        let parse = |word: &str| word.parse().map_err(|_| unknown(word));
        text.split(',').map(|word| parse(word.trim())).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_chosen_by_their_words() {
        let chosen: Faults = "wipe, kill".parse().unwrap();
        assert_eq!(chosen.0, BTreeSet::from([Fault::Kill, Fault::Wipe]));
        assert!("wipe,flood".parse::<Faults>().unwrap_err().contains("`flood` is none of kill, pause"));
    }
}
