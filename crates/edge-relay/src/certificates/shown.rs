//! Which certificate Traefik shows for a name: what callers see, whoever ordered it and wherever it is kept.

use std::{sync::Arc, time::Duration};

use edge::Certificate;
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use time::OffsetDateTime;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use x509_parser::{parse_x509_certificate, prelude::GeneralName};

const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// What is shown for a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// A certificate for it, which ends then.
    Until(OffsetDateTime),
    /// One for somebody else, because there is none for it.
    Other,
    /// Traefik did not say.
    Nothing,
}

/// Asks Traefik.
pub struct Looker {
    connector: TlsConnector,
    /// Of the entrypoint `websecure`, with its port.
    address: String,
}

impl Looker {
    pub fn at(address: String) -> Result<Self, rustls::Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Whoever(provider)))
            .with_no_client_auth();
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), address })
    }

    /// What is shown for the name of this certificate.
    pub async fn look(&self, certificate: &Certificate) -> Shown {
        let shown = tokio::time::timeout(ANSWERS_WITHIN, self.ask(certificate.example())).await;
        shown.ok().flatten().map_or(Shown::Nothing, |der| read(&der, &certificate.to_string()))
    }

    async fn ask(&self, name: String) -> Option<CertificateDer<'static>> {
        let stream = TcpStream::connect(&self.address).await.ok()?;
        let stream = self.connector.connect(ServerName::try_from(name).ok()?, stream).await.ok()?;
        stream.get_ref().1.peer_certificates()?.first().cloned().map(CertificateDer::into_owned)
    }
}

fn read(der: &[u8], name: &str) -> Shown {
    let Ok((_, shown)) = parse_x509_certificate(der) else { return Shown::Other };
    let names = shown.subject_alternative_name().ok().flatten();
    let mut names = names.iter().flat_map(|names| &names.value.general_names);
    let is_for = |told: &GeneralName<'_>| matches!(told, GeneralName::DNSName(told) if covers(told, name));
    match OffsetDateTime::from_unix_timestamp(shown.validity().not_after.timestamp()) {
        Ok(ends) if names.any(is_for) => Shown::Until(ends),
        Ok(_) | Err(_) => Shown::Other,
    }
}

/// Whether a certificate that says `told` is for this name.
fn covers(told: &str, name: &str) -> bool {
    let below =
        told.strip_prefix("*.").zip(name.split_once('.')).is_some_and(|(domain, (_, rest))| domain == rest);
    told == name || below
}

/// Takes any certificate: it is looked at, and nothing is said to whoever shows it.
#[derive(Debug)]
struct Whoever(Arc<CryptoProvider>);

impl ServerCertVerifier for Whoever {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_for_its_names_and_those_one_word_below_a_star() {
        for (told, name) in [("*.a.b", "*.a.b"), ("x.a.b", "x.a.b"), ("*.a.b", "x.a.b")] {
            assert!(covers(told, name), "{told} {name}");
        }
        for (told, name) in [("x.a.b", "*.a.b"), ("*.a.b", "a.b"), ("*.a.b", "x.y.a.b"), ("*.b", "*.a.b")] {
            assert!(!covers(told, name), "{told} {name}");
        }
    }

    #[test]
    fn what_does_not_read_is_nobodys() {
        assert_eq!(read(b"x", "a.b"), Shown::Other);
    }
}
