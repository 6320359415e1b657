//! What every command stands on.

use crate::{api::Api, args::Options, environment::Environment, failure::Failure, output::Output, profile};

/// Options, environment, and where results go.
#[derive(Debug)]
pub struct Setting {
    pub options: Options,
    pub environment: Environment,
    pub output: Output,
}

impl Setting {
    /// Nothing is read from files yet: not every command needs a profile.
    pub fn new(options: Options, environment: Environment) -> Self {
        let output = Output::new(&options, &environment);
        Self { options, environment, output }
    }

    /// The API that the profile or the environment names.
    pub fn api(&self) -> Result<Api, Failure> {
        let notes = self.output.notes;
        let place = profile::choose(self.options.profile.as_deref(), &self.environment, &notes)?;
        let api = Api::new(place, self.options.patience(), notes)?;
        notes.detail(&format!("{} {}", api.base(), api.who()));
        Ok(api)
    }
}
