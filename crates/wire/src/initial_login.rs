//! The question with which a tenant's owner gets in for the first time.

use std::fmt;

use common::{
    bus::{Malformed, Request},
    cluster::ClusterId,
    id::TenantId,
};
use prost::Message as _;
use secrecy::{ExposeSecret, SecretString};

use crate::proto;

/// Asks the provisioner, which alone can open a tenant's secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskInitialLogin {
    pub tenant: TenantId,
    /// Whose provisioner is asked: that of the tenant's home. It is in the subject and not in the message.
    pub cluster: Option<ClusterId>,
}

/// The e-mail and password the owner was created with, or was given since.
pub struct InitialLogin {
    pub email: String,
    pub password: SecretString,
    /// The owner has changed one of the two: nobody gets in with them any more.
    pub stale: bool,
}

impl fmt::Debug for InitialLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InitialLogin").finish_non_exhaustive()
    }
}

impl Request for AskInitialLogin {
    type Reply = InitialLogin;
    const SUBJECT: &'static str = "rp9.req.v1.provisioner.initial_login";

    fn place(&self) -> Option<&str> {
        self.cluster.as_ref().map(ClusterId::as_str)
    }

    fn encode(&self) -> Vec<u8> {
        proto::InitialLoginRequest { tenant_id: self.tenant.to_string() }.encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let malformed = |reason: String| Malformed { message: "InitialLoginRequest", reason };
        let message = proto::InitialLoginRequest::decode(bytes).map_err(|e| malformed(e.to_string()))?;
        let tenant = message.tenant_id.parse().map_err(|e| malformed(format!("tenant_id: {e}")))?;
        Ok(Self { tenant, cluster: None })
    }

    fn encode_reply(reply: &InitialLogin) -> Vec<u8> {
        reply.encode()
    }

    fn decode_reply(bytes: &[u8]) -> Result<InitialLogin, Malformed> {
        InitialLogin::decode(bytes)
    }
}

impl InitialLogin {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let password = self.password.expose_secret().to_owned();
        proto::InitialLoginReply { email: self.email.clone(), password, stale: self.stale }.encode_to_vec()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let malformed =
            |e: prost::DecodeError| Malformed { message: "InitialLoginReply", reason: e.to_string() };
        let message = proto::InitialLoginReply::decode(bytes).map_err(malformed)?;
        Ok(Self { email: message.email, password: message.password.into(), stale: message.stale })
    }
}
