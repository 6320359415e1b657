//! Words of closed sets in columns.

/// A word of a closed set, read from a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<T>(pub T);

impl<T: std::str::FromStr> TryFrom<String> for Word<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    type Error = T::Err;

    fn try_from(text: String) -> Result<Self, T::Err> {
        text.parse().map(Self)
    }
}
