//! `/held`: calls that came while their tenant could take none, by the receipts that their callers were given.

pub mod replay;
pub mod show;
