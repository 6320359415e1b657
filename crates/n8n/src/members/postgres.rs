//! The members of real shared n8ns: rows where n8n has no API that would do, its public API where it keeps something in memory too.

use std::collections::BTreeSet;

use async_trait::async_trait;
use reqwest::Client;
use secrecy::SecretString;
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnection;

use super::{
    ActiveWorkflow, Checked, ExecutionId, Expected, Leftover, Main, Member, MemberError, MemberLimits,
    Members, Place, ProjectId, Recognised, Skipped, Unfit, Usage, WorkflowId, api,
};
use crate::account::is_signed_with;
use crate::databases::{Counts, Name, OwnerLogin, PostgresDatabases, TenantDatabases as _, family};

/// Of a row of users `u`: it is the one at this place (`$1` the user, `$2` the project), and one that a tenant signs in as.
macro_rules! is_at {
    () => {
        r#"u.id = $1 AND u."roleSlug" = 'global:tenant'
           AND EXISTS (SELECT FROM project_relation r WHERE r."userId" = u.id AND r."projectId" = $2)"#
    };
}

mod activation;
mod check;
mod ensure;
mod left;
mod marks;
mod observe;
mod recognise;
mod removal;
mod waiting;

pub(crate) use waiting::PUT_BACK;

/// The real thing. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PostgresMembers {
    databases: PostgresDatabases,
    client: Client,
}

/// Why there is nothing to ask n8n with.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be made")]
pub struct ClientError(#[source] reqwest::Error);

impl PostgresMembers {
    /// Members of the n8ns whose databases these are.
    pub fn new(databases: PostgresDatabases) -> Result<Self, ClientError> {
        Ok(Self { databases, client: api::client().map_err(ClientError)? })
    }

    /// A connection to tables that are understood, which others have before and after.
    async fn open(&self, instance: &Name) -> Result<PoolConnection<Postgres>, MemberError> {
        let mut connection = self.databases.borrow(instance).await?;
        family(&mut connection).await?;
        Ok(connection)
    }

    /// One of one's own, whose settings may be changed.
    async fn open_own(&self, instance: &Name) -> Result<PgConnection, MemberError> {
        let mut connection = self.databases.open(instance).await?;
        family(&mut connection).await?;
        Ok(connection)
    }
}

#[async_trait]
impl Members for PostgresMembers {
    async fn answers(&self, main: &Main) -> Result<(), Unfit> {
        recognise::answers(&self.client, main).await
    }

    async fn recognise(&self, main: &Main, jwt_secret: &SecretString) -> Result<Recognised, Unfit> {
        self.answers(main).await?;
        if is_signed_with(&main.key, jwt_secret) == Some(false) {
            return Err(Unfit::AnotherSecret);
        }
        let mut connection = self.databases.open(&main.instance).await?;
        let since = family(&mut connection).await?.since;
        let owner = recognise::owner(&mut connection, main).await?;
        recognise::same(&self.client, &mut connection, main, (owner, jwt_secret)).await?;
        if check::common_differs(&mut connection).await? {
            recognise::alone(&mut connection).await?;
            recognise::may_make_a_schema(&mut connection).await?;
            self.databases.ensure_shared_schema(&main.instance).await?;
        }
        recognise::hooks(&self.client, main).await?;
        Ok(Recognised { owner, since })
    }

    async fn ensure(&self, instance: &Name, member: &Member) -> Result<(), MemberError> {
        ensure::ensure(&mut *self.open(instance).await?, member).await
    }

    async fn check(&self, instance: &Name, expected: &[Expected]) -> Result<Checked, MemberError> {
        check::check(&mut *self.open(instance).await?, expected).await
    }

    async fn set_limits(
        &self,
        instance: &Name,
        project: &ProjectId,
        limits: MemberLimits,
    ) -> Result<bool, MemberError> {
        marks::limits(&mut *self.open(instance).await?, project, limits).await
    }

    async fn set_suspended(
        &self,
        instance: &Name,
        project: &ProjectId,
        suspended: bool,
    ) -> Result<bool, MemberError> {
        marks::suspended(&mut *self.open(instance).await?, project, suspended).await
    }

    async fn set_disabled(
        &self,
        instance: &Name,
        place: &Place,
        disabled: bool,
    ) -> Result<bool, MemberError> {
        marks::disabled(&mut *self.open(instance).await?, place, disabled).await
    }

    async fn login(&self, instance: &Name, place: &Place) -> Result<OwnerLogin, MemberError> {
        observe::login(&mut *self.open(instance).await?, place).await
    }

    async fn reset_password(
        &self,
        instance: &Name,
        place: &Place,
        password_hash: &str,
        disable_mfa: bool,
    ) -> Result<(), MemberError> {
        marks::password(&mut self.open_own(instance).await?, place, password_hash, disable_mfa).await
    }

    async fn counts(&self, instance: &Name, project: &ProjectId) -> Result<Counts, MemberError> {
        observe::counts(&mut *self.open(instance).await?, project).await
    }

    async fn active_workflows(
        &self,
        instance: &Name,
        project: &ProjectId,
    ) -> Result<Vec<ActiveWorkflow>, MemberError> {
        observe::active_workflows(&mut *self.open(instance).await?, project).await
    }

    async fn activate(&self, main: &Main, workflows: &[ActiveWorkflow]) -> Result<Vec<Skipped>, MemberError> {
        activation::activate(&self.client, main, workflows).await
    }

    async fn deactivate(&self, main: &Main, workflows: &[WorkflowId]) -> Result<Vec<Skipped>, MemberError> {
        activation::deactivate(&self.client, main, workflows).await
    }

    async fn webhooks(&self, instance: &Name, project: &ProjectId) -> Result<u64, MemberError> {
        observe::webhooks(&mut *self.open(instance).await?, project).await
    }

    async fn running(&self, instance: &Name, project: &ProjectId) -> Result<Vec<ExecutionId>, MemberError> {
        observe::running(&mut *self.open(instance).await?, project).await
    }

    async fn set_aside(
        &self,
        instance: &Name,
        project: &ProjectId,
    ) -> Result<BTreeSet<ExecutionId>, MemberError> {
        waiting::set_aside(&mut *self.open(instance).await?, project).await
    }

    async fn end_aside(&self, instance: &Name, project: &ProjectId) -> Result<(), MemberError> {
        waiting::end_aside(&mut *self.open(instance).await?, project).await
    }

    async fn put_back(
        &self,
        instance: &Name,
        project: &ProjectId,
        only: Option<&BTreeSet<ExecutionId>>,
    ) -> Result<u64, MemberError> {
        waiting::put_back(&mut *self.open(instance).await?, project, only).await
    }

    async fn stop(&self, main: &Main, executions: &[ExecutionId]) -> Result<(), MemberError> {
        activation::stop(&self.client, main, executions).await
    }

    async fn remove(&self, main: &Main, place: &Place) -> Result<(), MemberError> {
        let there = removal::note(&mut *self.open(&main.instance).await?, place).await?;
        if there {
            let deleted = removal::delete(&self.client, main, place).await;
            if let Err(MemberError::StillEnding(project)) = &deleted
                && !self.active_workflows(&main.instance, project).await?.is_empty()
            {
                return Err(MemberError::StillActive(project.clone()));
            }
            deleted?;
        }
        removal::sweep(&mut *self.open(&main.instance).await?, place).await?;
        tracing::info!(database.name = %main.instance, project = %place.project, "a member was removed");
        Ok(())
    }

    async fn left(&self, instance: &Name, place: &Place) -> Result<Vec<Leftover>, MemberError> {
        left::left(&mut *self.open(instance).await?, place).await
    }

    async fn forget(&self, instance: &Name, project: &ProjectId) -> Result<(), MemberError> {
        removal::forget(&mut *self.open(instance).await?, project).await
    }

    async fn usage(&self, instance: &Name, project: &ProjectId) -> Result<Usage, MemberError> {
        observe::usage(&mut *self.open(instance).await?, project).await
    }
}
