//! The creation of tenants with one step made cheaper: no password is hashed for the owner.
//!
//! A hash takes some fifty milliseconds of a core on purpose; at twenty operations a second that would be most of a small
//! machine, spent on what no storm can break. The step has the same name, the same effects and the same order of them.

use std::sync::LazyLock;

use async_trait::async_trait;
use common::{
    operations::{Context, Saga, Step, StepError},
    tenant::Mode,
};
use n8n::databases::{ApiKeyRow, Name, Owner};
use provisioner::{CreateTenant, World};
use wire::kinds::TenantCreate;

/// The step that hashes.
const OWNER: &str = "owner";

type State = <CreateTenant as Saga>::State;

/// [`CreateTenant`], but for the hash.
pub struct CheapOwner;

static CREATE: CreateTenant = CreateTenant;
static STEPS: LazyLock<Vec<AsBefore>> = LazyLock::new(|| {
    let dedicated = TenantCreate::empty(Mode::Dedicated, String::new());
    CREATE.steps(&dedicated).into_iter().map(AsBefore).collect()
});

impl Saga for CheapOwner {
    type World = World;
    type State = State;
    type Request = TenantCreate;

    fn steps(&self, _: &TenantCreate) -> Vec<&dyn Step<Self>> {
        STEPS.iter().map(|step| step as &dyn Step<Self>).collect()
    }
}

struct AsBefore(&'static dyn Step<CreateTenant>);

#[async_trait]
impl Step<CheapOwner> for AsBefore {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    async fn run(
        &self,
        context: &Context<'_, World, TenantCreate>,
        state: &mut State,
    ) -> Result<(), StepError> {
        if self.name() == OWNER { seed(context).await } else { self.0.run(context, state).await }
    }

    async fn undo(&self, context: &Context<'_, World, TenantCreate>, state: &State) -> Result<(), StepError> {
        self.0.undo(context, state).await
    }
}

async fn seed(context: &Context<'_, World, TenantCreate>) -> Result<(), StepError> {
    let name = Name::of(context.tenant());
    let owner = Owner {
        email: "ada@acme.example".into(),
        first_name: "Ada".into(),
        last_name: "Owner".into(),
        password_hash: "not hashed".into(),
    };
    context.fenced().await?.databases.seed_owner(&name, &owner).await?;
    let key = ApiKeyRow { label: "rp9 control plane".into(), token: "made up".into() };
    Ok(context.fenced().await?.databases.seed_api_key(&name, &key).await?)
}
