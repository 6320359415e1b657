//! The pages, each in the forms that browsers, programs and everybody else read.

use edge::{
    StandIn,
    document::{STAND_IN_HEADER, WAITING_HEADER},
};

pub(super) struct Page {
    /// Seconds.
    pub retry_after: &'static str,
    /// The header that tells it from an answer of the tenant's, and from the other pages.
    pub named: (&'static str, &'static str),
    html: &'static str,
    json: &'static str,
    text: &'static str,
}

/// An n8n is back after 4 to 20 seconds.
const STARTING: Page = Page {
    retry_after: "5",
    named: (WAITING_HEADER, "not-ready"),
    html: "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"5\">\
<title>Back in a moment</title><h1>Back in a moment</h1><p>This address is starting. The page tries again by itself.</p></html>\n",
    json: "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\
\"detail\":\"This address is starting. Try again in a moment.\"}\n",
    text: "This address is starting. Try again in a moment.\n",
};

/// The same because somebody wants it so: whoever put it there looks for its name.
const AWAITED: Page = Page { named: (STAND_IN_HEADER, StandIn::Waiting.as_str()), ..STARTING };

/// A person decides when it ends, so senders need not hurry; five minutes later nobody who has paid waits for long.
const SUSPENDED: Page = Page {
    retry_after: "300",
    named: (STAND_IN_HEADER, StandIn::Suspended.as_str()),
    html: "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Suspended</title><h1>Suspended</h1>\
<p>This address is suspended. Whoever runs it can have it resumed.</p></html>\n",
    json: "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\
\"detail\":\"This address is suspended. Try again later.\"}\n",
    text: "This address is suspended. Try again later.\n",
};

/// How long it lasts is a matter of how much there is; most take less than a minute.
const RESTORING: Page = Page {
    retry_after: "30",
    named: (STAND_IN_HEADER, StandIn::Restoring.as_str()),
    html: "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"30\">\
<title>Being restored</title><h1>Being restored</h1><p>This address is being restored from a backup. The page tries again by itself.</p></html>\n",
    json: "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\
\"detail\":\"This address is being restored from a backup. Try again in a while.\"}\n",
    text: "This address is being restored from a backup. Try again in a while.\n",
};

impl Page {
    /// The one for this stand-in, or for a tenant that is not ready.
    pub(super) fn of(stand_in: Option<StandIn>) -> &'static Self {
        match stand_in {
            None => &STARTING,
            Some(StandIn::Waiting) => &AWAITED,
            Some(StandIn::Suspended) => &SUSPENDED,
            Some(StandIn::Restoring) => &RESTORING,
        }
    }

    /// Content type and text, for what the caller accepts. Browsers name HTML; programs name JSON or nothing.
    pub(super) fn form(&self, accepted: &str) -> (&'static str, &'static str) {
        if accepted.contains("text/html") {
            ("text/html; charset=utf-8", self.html)
        } else if accepted.contains("json") {
            ("application/problem+json", self.json)
        } else {
            ("text/plain; charset=utf-8", self.text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_json_is_json() {
        for page in [&STARTING, &SUSPENDED, &RESTORING] {
            let problem: serde_json::Value = serde_json::from_str(page.form("application/json").1).unwrap();
            assert_eq!(problem["status"], 503);
        }
    }
}
