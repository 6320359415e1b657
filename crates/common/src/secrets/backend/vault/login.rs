//! What lets us in, and for how long.

use std::time::Duration;

use reqwest::RequestBuilder;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::Instant;

use super::super::{BackendError, http};
use crate::config::Given;

/// What a login, or its renewal, is answered with.
#[derive(Deserialize)]
pub struct Answer {
    pub auth: Auth,
}

#[derive(Deserialize)]
pub struct Auth {
    client_token: SecretString,
    /// Seconds; 0: it does not end.
    lease_duration: u64,
    renewable: bool,
}

/// A token, and its time.
pub struct Login {
    pub token: SecretString,
    /// How long it was given for at first.
    given: Duration,
    pub ends: bool,
    pub renew_at: Instant,
    pub ends_at: Instant,
}

impl Login {
    /// From now on.
    pub fn new(auth: Auth) -> Self {
        let (given, now) = (Duration::from_secs(auth.lease_duration), Instant::now());
        // What does not end is looked at again in a day.
        let ends = !given.is_zero();
        let lasts = if ends { given } else { Duration::from_secs(24 * 60 * 60) };
        // One that cannot be renewed has no other time: asking for its renewal is refused, and a new one is made.
        Self { token: auth.client_token, given, ends, renew_at: now + lasts * 2 / 3, ends_at: now + lasts }
    }

    /// After a renewal. `None`: it is given less and less, because its role lets it live no longer.
    pub fn renewed(&self, auth: Auth) -> Option<Self> {
        let worth_it = auth.renewable && Duration::from_secs(auth.lease_duration) * 2 >= self.given;
        worth_it.then(|| Self { given: self.given, ..Self::new(auth) })
    }
}

/// The secret half of the role's name and password.
pub struct SecretId {
    given: Given,
    wrapped: bool,
    /// What was unwrapped, with the token that it was in: that works once.
    unwrapped: Option<(SecretString, SecretString)>,
}

impl SecretId {
    /// As it is given; read anew at each login, because a file may have another one by then.
    pub fn new(given: Given, wrapped: bool) -> Self {
        Self { given, wrapped, unwrapped: None }
    }

    /// The secret id itself. `unwrap` is the request that unwraps, if need be.
    pub async fn read(&mut self, unwrap: RequestBuilder) -> Result<SecretString, BackendError> {
        let given = self.given.read().map_err(BackendError::Credential)?;
        if !self.wrapped {
            return Ok(given);
        }
        if let Some((token, secret_id)) = &self.unwrapped
            && token.expose_secret() == given.expose_secret()
        {
            return Ok(secret_id.clone());
        }
        let request = unwrap.header("X-Vault-Token", given.expose_secret());
        // Refused: somebody has unwrapped it before, which a person has to look into, or its time is over.
        let answer: Unwrapped = http::ask("unwrap the secret id", request).await?;
        self.unwrapped = Some((given, answer.data.secret_id.clone()));
        Ok(answer.data.secret_id)
    }
}

#[derive(Deserialize)]
struct Unwrapped {
    data: UnwrappedId,
}

#[derive(Deserialize)]
struct UnwrappedId {
    secret_id: SecretString,
}
