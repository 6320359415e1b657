//! Lists, page by page, kept as they came.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Api, Request, with_query};
use crate::failure::Failure;

/// The API gives no more at once.
const LARGEST_PAGE: usize = 200;
/// A list for people, where nobody says how long.
const USUAL: usize = 50;

/// How much of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageLimit {
    /// What fits on a screen or two.
    Usual,
    First(usize),
    All,
}

/// A list, or its beginning: the API's own document, whatever is in its entries.
#[derive(Debug, Serialize, Deserialize)]
pub struct Page {
    pub data: Vec<Box<RawValue>>,
    /// Where the rest begins, if there is one.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

impl PageLimit {
    fn most(self) -> usize {
        match self {
            Self::Usual => USUAL,
            Self::First(count) => count,
            Self::All => usize::MAX,
        }
    }
}

impl Api {
    /// Reads as much of a list as is wanted, as one document.
    pub async fn list(
        &self,
        path: &str,
        filters: &[(&str, Option<String>)],
        limit: PageLimit,
    ) -> Result<Page, Failure> {
        let mut whole = Page { data: Vec::new(), next_cursor: None };
        loop {
            let wanted = limit.most() - whole.data.len();
            let mut query = filters.to_vec();
            query.push(("limit", Some(wanted.min(LARGEST_PAGE).to_string())));
            query.push(("cursor", whole.next_cursor.take()));
            let answer = self.send(&Request::get(with_query(path, &query))).await?;
            let page: Page = serde_json::from_slice(&answer.body)?;
            // What ends without entries would otherwise never end.
            let exhausted = page.data.is_empty() || page.next_cursor.is_none();
            whole.data.extend(page.data);
            whole.next_cursor = page.next_cursor;
            if exhausted || whole.data.len() >= limit.most() {
                return Ok(whole);
            }
        }
    }
}
