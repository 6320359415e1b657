//! The way to an engine on another machine: it is known by one authority's certificate, and knows us by ours. Who else the world trusts does
//! not matter here.

use std::path::Path;
use std::sync::Arc;

use bollard::BollardRequest;
use bollard::errors::Error as Fault;
use futures::future::BoxFuture;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::error::ContainerError;

/// What the client hands a request to, and gets the answer from.
type Answer = BoxFuture<'static, Result<http::Response<hyper::body::Incoming>, Fault>>;

/// Reads `ca.pem`, `cert.pem` and `key.pem` of this folder, as Docker's own client has them.
pub(super) fn transport(
    folder: &Path,
) -> Result<impl Fn(BollardRequest) -> Answer + Send + Sync + use<>, ContainerError> {
    let tls = HttpsConnectorBuilder::new().with_tls_config(config(folder)?).https_only().enable_http1();
    // A connection for each request, as on the socket: none outlives its engine.
    let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(tls.build());
    Ok(move |request| -> Answer {
        let answer = client.request(request);
        Box::pin(async move { answer.await.map_err(Fault::from) })
    })
}

fn config(folder: &Path) -> Result<ClientConfig, ContainerError> {
    let mut known = RootCertStore::empty();
    for authority in certificates(&folder.join("ca.pem"))? {
        known.add(authority).map_err(|error| unusable(&folder.join("ca.pem"), &error))?;
    }
    let key = folder.join("key.pem");
    let ours = PrivateKeyDer::from_pem_file(&key).map_err(|error| unusable(&key, &error))?;
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| unusable(folder, &error))?;
    let config = builder.with_root_certificates(known);
    let certificates = certificates(&folder.join("cert.pem"))?;
    config.with_client_auth_cert(certificates, ours).map_err(|error| unusable(folder, &error))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ContainerError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, pem::Error>>);
    read.map_err(|error| unusable(path, &error))
}

fn unusable(path: &Path, error: &dyn std::error::Error) -> ContainerError {
    ContainerError::invalid(path.display().to_string(), format!("it cannot be used for TLS: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_is_not_there_is_named() {
        let refused = transport(Path::new("/nowhere")).err().unwrap().to_string();
        assert!(refused.starts_with("/nowhere/ca.pem: "), "{refused}");
    }
}
