//! What was measured, round after round; told as medians.

use std::collections::BTreeMap;

/// Every figure of every cell.
#[derive(Default)]
pub struct Figures(BTreeMap<(String, &'static str), Vec<f64>>);

impl Figures {
    /// Adds what a round showed.
    pub fn note(&mut self, cell: &str, figure: &'static str, value: f64) {
        self.0.entry((cell.to_owned(), figure)).or_default().push(value);
    }

    /// What this figure was in each round.
    pub fn all(&self, cell: &str, figure: &'static str) -> &[f64] {
        self.0.get(&(cell.to_owned(), figure)).map_or(&[], Vec::as_slice)
    }

    /// The middle one; of an even number, the lower of the two.
    pub fn median(&self, cell: &str, figure: &'static str) -> Option<f64> {
        let mut values = self.all(cell, figure).to_vec();
        values.sort_by(f64::total_cmp);
        values.get(values.len().saturating_sub(1) / 2).copied()
    }

    /// The quotient of two cells of one round, in the middle: a disk that is slow in one round is slow for both.
    pub fn ratio(&self, cell: &str, peer: &str, figure: &'static str) -> Option<f64> {
        let pairs = self.all(cell, figure).iter().zip(self.all(peer, figure));
        let mut ratios = Self::default();
        pairs.for_each(|(ours, theirs)| ratios.note(cell, figure, ours / theirs));
        ratios.median(cell, figure)
    }

    /// The cells, in the order of their names.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        let mut names: Vec<_> = self.0.keys().map(|(cell, _)| cell.as_str()).collect();
        names.dedup();
        names.into_iter()
    }

    /// Each figure on a line of its own.
    pub fn list(&self) -> String {
        let line = |(cell, figure): &(String, &'static str)| {
            format!("{cell}: {figure} {}\n", self.text(cell, figure))
        };
        self.0.keys().map(line).collect()
    }

    /// The median as text.
    pub fn text(&self, cell: &str, figure: &'static str) -> String {
        self.median(cell, figure).map_or("–".to_owned(), short)
    }
}

/// Three digits, which is more than is repeatable.
pub fn short(value: f64) -> String {
    match value {
        v if v >= 1000.0 => format!("{}", (v / 10.0).round() * 10.0),
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_taken_within_a_round_and_its_median_over_all() {
        let mut figures = Figures::default();
        for (ours, theirs) in [(50.0, 100.0), (80.0, 100.0), (10.0, 100.0)] {
            figures.note("ours", "req/s", ours);
            figures.note("theirs", "req/s", theirs);
        }
        assert_eq!(figures.median("ours", "req/s"), Some(50.0));
        assert_eq!(figures.ratio("ours", "theirs", "req/s"), Some(0.5));
        assert_eq!(figures.ratio("ours", "nobody", "req/s"), None);
    }

    #[test]
    fn figures_have_no_more_digits_than_mean_anything() {
        assert_eq!([12_345.6, 123.4, 12.34, 1.234].map(short), ["12350", "123", "12.3", "1.23"]);
    }
}
