//! The questions for what a backup has, and for one thing out of it.

use common::{
    bus::{Malformed, Request},
    cluster::ClusterId,
    id::BackupId,
};
use prost::Message as _;

use crate::proto;

/// So much text of one workflow or credential, in bytes: below the 8 MB that the bus carries.
pub const MOST_EXTRACTED: usize = 6 << 20;

/// Asks what can be taken out of a backup one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskContents {
    pub backup: BackupId,
    /// Whose backup service is asked. It is in the subject and not in the message.
    pub cluster: Option<ClusterId>,
}

/// What there is. `None`: the backup was made without them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BackupContents {
    pub workflows: Option<Listing>,
    pub credentials: Option<Listing>,
}

/// Some of one sort, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    pub kept: Vec<Kept>,
    /// There are more than are told.
    pub truncated: bool,
}

/// A workflow or a credential in a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub id: String,
    pub name: String,
    /// What a credential is for; nothing of a workflow.
    pub credential_type: String,
    /// Of a workflow.
    pub active: bool,
}

/// Asks for one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskExtract {
    pub backup: BackupId,
    /// As [`AskContents::cluster`].
    pub cluster: Option<ClusterId>,
    pub what: Extracted,
    /// n8n's.
    pub id: String,
}

/// What is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extracted {
    Workflow,
    Credential,
}

impl Extracted {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Credential => "credential",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        [Self::Workflow, Self::Credential].into_iter().find(|what| what.as_str() == word)
    }
}

impl Request for AskContents {
    type Reply = BackupContents;
    const SUBJECT: &'static str = "rp9.req.v1.backup.contents";

    fn place(&self) -> Option<&str> {
        self.cluster.as_ref().map(ClusterId::as_str)
    }

    fn encode(&self) -> Vec<u8> {
        proto::ContentsRequest { backup_id: self.backup.to_string() }.encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let malformed = malformed("ContentsRequest");
        let message = proto::ContentsRequest::decode(bytes).map_err(|e| malformed(e.to_string()))?;
        let backup = message.backup_id.parse().map_err(|e| malformed(format!("backup_id: {e}")))?;
        Ok(Self { backup, cluster: None })
    }

    fn encode_reply(contents: &BackupContents) -> Vec<u8> {
        let listing = |listing: &Listing| proto::Listing {
            kept: listing.kept.iter().map(to_proto).collect(),
            truncated: listing.truncated,
        };
        let (workflows, credentials) = (contents.workflows.as_ref(), contents.credentials.as_ref());
        proto::ContentsReply { workflows: workflows.map(listing), credentials: credentials.map(listing) }
            .encode_to_vec()
    }

    fn decode_reply(bytes: &[u8]) -> Result<BackupContents, Malformed> {
        let malformed = malformed("ContentsReply");
        let reply = proto::ContentsReply::decode(bytes).map_err(|e| malformed(e.to_string()))?;
        let listing = |listing: proto::Listing| Listing {
            kept: listing.kept.into_iter().map(of_proto).collect(),
            truncated: listing.truncated,
        };
        Ok(BackupContents {
            workflows: reply.workflows.map(listing),
            credentials: reply.credentials.map(listing),
        })
    }
}

impl Request for AskExtract {
    type Reply = String;
    const SUBJECT: &'static str = "rp9.req.v1.backup.extract";

    fn place(&self) -> Option<&str> {
        self.cluster.as_ref().map(ClusterId::as_str)
    }

    fn encode(&self) -> Vec<u8> {
        let what = self.what.as_str().to_owned();
        proto::ExtractRequest { backup_id: self.backup.to_string(), what, id: self.id.clone() }
            .encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let malformed = malformed("ExtractRequest");
        let message = proto::ExtractRequest::decode(bytes).map_err(|e| malformed(e.to_string()))?;
        let backup = message.backup_id.parse().map_err(|e| malformed(format!("backup_id: {e}")))?;
        let unknown = || malformed(format!("what: {:?}", message.what));
        let what = Extracted::of_word(&message.what).ok_or_else(unknown)?;
        Ok(Self { backup, cluster: None, what, id: message.id })
    }

    fn encode_reply(json: &String) -> Vec<u8> {
        proto::ExtractReply { json: json.clone() }.encode_to_vec()
    }

    fn decode_reply(bytes: &[u8]) -> Result<String, Malformed> {
        let malformed = malformed("ExtractReply");
        Ok(proto::ExtractReply::decode(bytes).map_err(|e| malformed(e.to_string()))?.json)
    }
}

fn malformed(message: &'static str) -> impl Fn(String) -> Malformed {
    move |reason| Malformed { message, reason }
}

fn to_proto(kept: &Kept) -> proto::Kept {
    let Kept { id, name, credential_type, active } = kept.clone();
    proto::Kept { id, name, r#type: credential_type, active }
}

fn of_proto(kept: proto::Kept) -> Kept {
    let proto::Kept { id, name, r#type: credential_type, active } = kept;
    Kept { id, name, credential_type, active }
}
