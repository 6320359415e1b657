//! Commands that were refused are part of the audit trail too, as soon as it is known who gave them.

use crate::{
    app::App,
    audit::{Entry, REFUSED},
    exchange::Exchange,
    problem::Code,
};

/// Notes a refused command. Beside the answer, not before it: refusing costs no write.
/// Whoever asks too often is not even that: they would write as often as they ask.
pub fn audit(app: &App, exchange: &Exchange, problem: Option<Code>) {
    let problem = problem.filter(|code| *code != Code::Throttled);
    if let (Some(code), Some(identity), Some(action)) = (problem, exchange.identity(), exchange.action()) {
        app.trail.note(Entry::new(exchange, identity, action, format!("{REFUSED}{}", code.as_str())));
    }
}
