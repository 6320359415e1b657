//! The request with which an owner who is locked out gets in again.

use common::{
    bus::{Malformed, Request},
    cluster::ClusterId,
    id::{ResetId, TenantId},
};
use prost::Message as _;

use crate::{InitialLogin, proto};

/// Asks the provisioner for a new password. Safe to ask again: a reset is known by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResetLogin {
    pub tenant: TenantId,
    /// Whose provisioner is asked: that of the tenant's home. It is in the subject and not in the message.
    pub cluster: Option<ClusterId>,
    pub reset: ResetId,
    /// Also forget the owner's second factor.
    pub disable_mfa: bool,
    /// The record says which reset was accepted last. One that was accepted by a former release is not noted there.
    pub recorded: bool,
}

impl Request for ResetLogin {
    type Reply = InitialLogin;
    const SUBJECT: &'static str = "rp9.req.v1.provisioner.reset_login";

    fn place(&self) -> Option<&str> {
        self.cluster.as_ref().map(ClusterId::as_str)
    }

    fn encode(&self) -> Vec<u8> {
        proto::ResetLoginRequest {
            tenant_id: self.tenant.to_string(),
            reset_id: self.reset.to_string(),
            disable_mfa: self.disable_mfa,
            recorded: self.recorded,
        }
        .encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let malformed = |reason: String| Malformed { message: "ResetLoginRequest", reason };
        let message = proto::ResetLoginRequest::decode(bytes).map_err(|e| malformed(e.to_string()))?;
        Ok(Self {
            tenant: message.tenant_id.parse().map_err(|e| malformed(format!("tenant_id: {e}")))?,
            cluster: None,
            reset: message.reset_id.parse().map_err(|e| malformed(format!("reset_id: {e}")))?,
            disable_mfa: message.disable_mfa,
            recorded: message.recorded,
        })
    }

    fn encode_reply(reply: &InitialLogin) -> Vec<u8> {
        reply.encode()
    }

    fn decode_reply(bytes: &[u8]) -> Result<InitialLogin, Malformed> {
        InitialLogin::decode(bytes)
    }
}
