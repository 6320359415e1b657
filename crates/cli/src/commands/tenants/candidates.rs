//! `rp9 tenants candidates`

use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    api::Request,
    commands::listing,
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
        let answer = setting.api()?.send(&request).await?;
        if setting.output.json {
            setting.output.document(&answer.body)?;
            return Ok(Exit::Done);
        }
        let document: Value = serde_json::from_slice(&answer.body)?;
        let candidates = document["candidates"].as_array().map(Vec::as_slice).unwrap_or_default();
        listing::show(&setting.output, COLUMNS, "/subdomain", "tenants that should be promoted", candidates)?;
        Ok(Exit::Done)
    }
}
