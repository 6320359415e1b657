//! `rp9 tenants promotions`

use clap::Args;

use crate::{
    api::{Request, path},
    commands::listing::Whole,
    exit::Exit,
    failure::Failure,
    output::{Column, id, made, moment, seconds, status, text},
    setting::Setting,
};

pub(in crate::commands) const COLUMNS: &[Column] = &[
    id("ID", "/promotion_id"),
    status("STATUS", "/status"),
    moment("ASKED FOR", "/asked_at"),
    text("WINDOW", "/window").wide(),
    moment("ENDED", "/ended_at"),
    made("CALLERS WAITED", |promotion| seconds(promotion.get("freeze_seconds"))),
    moment("FORMER KEPT UNTIL", "/retire_at"),
    moment("REMOVED", "/retired_at"),
    text("BACKUP", "/backup_id").wide(),
    text("OPERATION", "/operation_id").wide(),
];

#[derive(Debug, Args)]
pub struct Promotions {
    /// Its id or subdomain
    tenant: String,
}

impl Promotions {
    /// Shows them.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let request = Request::get(path(&["tenants", &self.tenant, "promotions"]));
        let list = Whole { at: "/data", columns: COLUMNS, id: "/promotion_id", things: "promotions" };
        list.show(setting, &request).await?;
        Ok(Exit::Done)
    }
}
