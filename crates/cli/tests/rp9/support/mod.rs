//! A gateway to speak to, and the program that speaks.

mod gateway;
mod program;
mod terminal;

pub use gateway::{Gateway, Turn};
pub use program::{Ended, Rp9};
pub use terminal::Terminal;

pub const JWT_SECRET: &str = "jwt-secret-of-the-tests-0123456789";
pub const HMAC_SECRET: &str = "hmac-secret-of-the-tests-012345678";

/// An operation as the API shows it, with so many of its three steps done.
pub fn operation(status: &str, done: usize) -> String {
    let steps: Vec<_> = ["reserve", "containers", "activate"]
        .iter()
        .take(done)
        .map(|name| {
            let (from, to) = ("2026-08-01T12:00:00Z", "2026-08-01T12:00:01Z");
            format!(r#"{{"name":"{name}","status":"succeeded","attempts":1,"started_at":"{from}","finished_at":"{to}"}}"#)
        })
        .collect();
    format!(
        r#"{{"data":{{"id":"op_1","kind":"tenant.create","status":"{status}","cancelled":false,"tenant_id":"ten_1","created_at":"2026-08-01T12:00:00Z","steps":[{}]}}}}"#,
        steps.join(",")
    )
}
