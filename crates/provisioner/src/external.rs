//! The n8n of somebody else's that tenants of this cluster share, as far as this process knows it (ADR 46).
//!
//! Nothing is done in it before it was recognised, and nothing once it is not any more: it might be another one's by then.

mod look;
mod obstacle;

use std::sync::{Arc, PoisonError, RwLock};

use common::{error::Kind, id::TenantId, operations::StepError};
use n8n::members::Main;
use secrecy::SecretString;

use crate::config::ExternalSettings;

pub use look::ExternalN8n;
pub use obstacle::Obstacle;

/// What is configured, and what was found there.
#[derive(Debug, Default)]
pub struct External(RwLock<State>);

#[derive(Debug, Default)]
struct State {
    settings: Option<Arc<ExternalSettings>>,
    admitted: Option<Arc<Admitted>>,
}

/// One that was recognised, and how it is worked in.
#[derive(Debug)]
pub struct Admitted {
    pub main: Main,
    /// What its keys are signed with.
    pub jwt_secret: SecretString,
}

impl External {
    /// Is configured like this from now on. One that is other than before has to be recognised anew.
    pub fn put(&self, settings: Option<ExternalSettings>) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_same = match (&state.settings, &settings) {
            (Some(former), Some(settings)) => former.is_same(settings),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !is_same {
            *state = State { settings: settings.map(Arc::new), admitted: None };
        }
    }

    /// Unless the settings have changed since.
    fn admit(&self, settings: &Arc<ExternalSettings>, admitted: Option<Admitted>) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if state.settings.as_ref().is_some_and(|now| Arc::ptr_eq(now, settings)) {
            state.admitted = admitted.map(Arc::new);
        }
    }

    fn settings(&self) -> Option<Arc<ExternalSettings>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).settings.clone()
    }

    /// This n8n, if it is the one that was recognised.
    pub fn find(&self, instance: TenantId) -> Option<Arc<Admitted>> {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        state.admitted.clone().filter(|admitted| admitted.main.instance.tenant() == instance)
    }

    /// The same for whoever cannot go on without it.
    pub fn get(&self, instance: TenantId) -> Result<Arc<Admitted>, StepError> {
        let absent = || {
            let detail = "The n8n that the tenant shares is not the platform's, and is not what its settings say at present.";
            StepError::failed(Kind::Unavailable, detail)
                .with_hint("GET /health/detailed tells what is in the way (`external_n8ns`).")
        };
        self.find(instance).ok_or_else(absent)
    }
}
