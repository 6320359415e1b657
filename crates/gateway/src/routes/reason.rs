//! Bodies that say why, and nothing else.

use crate::{http::request::request, tenants::words::Reason};

request! {
    /// Why something is done.
    pub struct ReasonBody: Request {
        /// For those who read the audit log; 1 to 500 characters.
        #[example = "The customer asked for it."]
        reason: Reason,
    }
}

request! {
    /// The same where nobody has to say.
    pub struct OptionalReasonBody: Request {
        /// For those who read the audit log; 1 to 500 characters.
        #[example = "The customer asked for it."]
        reason: Option<Reason>,
    }
}
