//! The numbers of executions, which one n8n draws for everybody in it.

use sqlx::postgres::PgConnection;

use crate::{
    copies::CopyError,
    databases::{Name, identifier, run},
};

/// Nobody's come along above this: whoever made up a number near the end of what a column holds would leave none to draw for everybody else.
const MOST: i32 = 2_000_000_000;

/// In the n8n of this database no execution that begins from now on has this number, or an earlier one. This holds at once, whatever becomes of the rest.
pub async fn go_on_after(inside: &mut PgConnection, of: &Name, number: i32) -> Result<(), CopyError> {
    if number > MOST {
        return Err(CopyError::NotWhole(format!(
            "an execution of it has the number {number}, and a shared n8n keeps those above {MOST}: without executions it can be brought"
        )));
    }
    let counter = "pg_get_serial_sequence('public.execution_entity', 'id')";
    let role = identifier(&of.to_string());
    let after = format!(
        "BEGIN; SET LOCAL ROLE {role}; SELECT setval({counter}, greatest(nextval({counter}), {number})); COMMIT"
    );
    Ok(run(inside, "number executions", after).await?)
}
