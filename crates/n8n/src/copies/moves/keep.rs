//! Keeping what a member has in a database of their own, so that it can be put back.

use super::{alone::pour_alone, fill::is_whole};
use crate::{
    Version,
    copies::{CopyError, Including, Sharing, facts, member},
    databases::{BeingFilled, Beside, Counts, Name, PostgresDatabases},
};

pub async fn keep(
    databases: &PostgresDatabases,
    from: &Name,
    (name, release): (&Name, Version),
    sharing: &Sharing,
) -> Result<Counts, CopyError> {
    let moment = member::begin(databases, from, sharing.clone()).await?;
    let database = name.beside(Beside::Former);
    let filled = BeingFilled::begin_with_tables(databases, name, database.clone(), release).await?;
    let mut inside = databases.open_filled(name, &database).await?;
    let all = Including { executions: true, files: true };
    pour_alone(&mut inside, moment.dump(all).await?, name).await?;
    let now = facts::all(&mut inside).await?;
    is_whole(moment.facts(), &now, all)?;
    filled.finish().await?;
    Ok(now.counts)
}
