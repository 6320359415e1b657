//! `rp9 api`

use std::{
    fs,
    io::{self, Read},
};

use clap::Args;
use reqwest::Method;

use crate::{
    api::Request, args::Sending, commands::accepted::send, exit::Exit, failure::Failure, setting::Setting,
};

#[derive(Debug, Args)]
pub struct Call {
    /// GET, POST, PATCH, DELETE …
    #[arg(value_parser = method)]
    method: Method,
    /// Path and query, such as /tenants?limit=1
    #[arg(value_parser = target)]
    path: String,
    /// JSON; `-` for standard input, `@FILE` for a file
    body: Option<String>,
    #[command(flatten)]
    sending: Sending,
}

fn method(text: &str) -> Result<Method, String> {
    text.to_ascii_uppercase().parse().map_err(|_| "must be a method of HTTP's".to_owned())
}

fn target(text: &str) -> Result<String, String> {
    if text.starts_with('/') { Ok(text.to_owned()) } else { Err("must begin with /".to_owned()) }
}

impl Call {
    /// Sends it as any other request, and shows the answer's body, a problem's too.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let mut request = if [Method::GET, Method::HEAD, Method::OPTIONS].contains(&self.method) {
            Request { method: self.method.clone(), ..Request::get(&self.path) }
        } else {
            Request::change(self.method.clone(), &self.path, self.sending.idempotency_key.clone())
        };
        request.body = self.body.as_deref().map(read).transpose()?;
        let sent = send(setting, &setting.api()?, &request).await;
        // With --json whoever tells failures shows it.
        if let (Err(failure), false) = (&sent, setting.output.json) {
            failure.document().map_or(Ok(()), |document| setting.output.document(document))?;
        }
        let answer = sent?;
        setting.output.notes.detail(&format!("HTTP {}", answer.status));
        if !answer.body.is_empty() {
            setting.output.document(&answer.body)?;
        }
        Ok(Exit::Done)
    }
}

fn read(body: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    match body.strip_prefix('@') {
        Some(path) => bytes = fs::read(path).map_err(Failure::local(path))?,
        None if body == "-" => {
            io::stdin().lock().read_to_end(&mut bytes).map_err(Failure::local("standard input"))?;
        }
        None => bytes = body.as_bytes().to_vec(),
    }
    Ok(bytes)
}
