//! `rp9 tenants candidates`

use clap::Args;
use reqwest::Method;
use serde_json::json;

use crate::{
    api::Request,
    commands::listing::Whole,
    exit::Exit,
    failure::Failure,
    output::{Column, joined, made, status, text},
    setting::Setting,
};

pub(in crate::commands) const COLUMNS: &[Column] = &[
    text("TENANT", "/subdomain"),
    text("SCORE", "/score"),
    status("PRIORITY", "/priority"),
    text("PLAN", "/plan"),
    made("BECAUSE", |tenant| joined(tenant["reasons"].as_array().map(Vec::as_slice).unwrap_or_default())),
    text("NAME", "/name").wide(),
    text("ID", "/tenant_id").wide(),
];

#[derive(Debug, Args)]
pub struct Candidates;

impl Candidates {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let request = Request::change(Method::POST, "/promotions/scan", None).json(&json!({}))?;
        let list = Whole {
            at: "/candidates",
            columns: COLUMNS,
            id: "/subdomain",
            things: "tenants that should be promoted",
        };
        list.show(setting, &request).await?;
        Ok(Exit::Done)
    }
}
