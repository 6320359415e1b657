//! An engine on another machine: here it is the local one, behind a door that opens to one certificate.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use common::error::{Classify as _, Kind};
use common::id::OperationId;
use engine::Containers as _;
use engine::docker::{Docker, DockerOptions};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, UnixStream};
use tokio_rustls::TlsAcceptor;

use crate::outside::host;

/// A certificate authority with a folder of certificates for one side each, gone with the test.
struct Authority(PathBuf);

impl Authority {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("rp9-tls-{}", OperationId::generate().digits()));
        std::fs::create_dir(&folder).unwrap();
        let authority = Self(folder);
        authority.openssl("req -x509 -subj /CN=engine-test -keyout ca.key -out ca.pem -addext basicConstraints=critical,CA:TRUE");
        authority
    }

    /// A folder with `ca.pem`, `cert.pem` and `key.pem`, as an operator gives it to the provisioner.
    fn issue(&self, name: &str) -> PathBuf {
        let folder = self.0.join(name);
        std::fs::create_dir(&folder).unwrap();
        let signed = "-CA ca.pem -CAkey ca.key -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE";
        self.openssl(&format!(
            "req -x509 -subj /CN={name} {signed} -keyout {name}/key.pem -out {name}/cert.pem"
        ));
        std::fs::copy(self.0.join("ca.pem"), folder.join("ca.pem")).unwrap();
        folder
    }

    fn openssl(&self, arguments: &str) {
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
        let mut command = Command::new("openssl");
        let output = command.current_dir(&self.0).args(arguments.split(' ')).args(key).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Passes whoever has a certificate of this authority on to the engine. Returns where it listens.
async fn door(certificates: &Path) -> String {
    let read =
        |name: &str| CertificateDer::pem_file_iter(certificates.join(name)).unwrap().map(Result::unwrap);
    let mut known = RootCertStore::empty();
    read("ca.pem").for_each(|authority| known.add(authority).unwrap());
    let verifier = WebPkiClientVerifier::builder(Arc::new(known)).build().unwrap();
    let key = PrivateKeyDer::from_pem_file(certificates.join("key.pem")).unwrap();
    let config = ServerConfig::builder().with_client_cert_verifier(verifier);
    let acceptor =
        TlsAcceptor::from(Arc::new(config.with_single_cert(read("cert.pem").collect(), key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut client) = acceptor.accept(client).await else { return };
                let mut engine = UnixStream::connect(host().trim_start_matches("unix://")).await.unwrap();
                drop(copy_bidirectional(&mut client, &mut engine).await);
            });
        }
    });
    format!("tcp://{address}")
}

fn connect(host: &str, certificates: PathBuf) -> Docker {
    let options = DockerOptions { certificates: Some(certificates), ..DockerOptions::default() };
    Docker::connect_with(host, options).unwrap()
}

#[tokio::test]
#[ignore = "needs a Docker engine: deploy/test"]
async fn an_engine_elsewhere_is_reached_with_a_certificate_and_not_without() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (ours, theirs) = (Authority::new(), Authority::new());
    let host = door(&ours.issue("engine")).await;
    let docker = connect(&host, ours.issue("provisioner"));
    docker.ping().await.unwrap();
    assert!(docker.capacity().await.unwrap().memory_mb > 0);

    // Neither side takes the other for one of its own.
    let stranger = connect(&host, theirs.issue("provisioner"));
    assert_eq!(stranger.ping().await.unwrap_err().kind(), Kind::Unavailable);
    let mixed = theirs.issue("mixed");
    std::fs::copy(ours.0.join("ca.pem"), mixed.join("ca.pem")).unwrap();
    assert_eq!(connect(&host, mixed).ping().await.unwrap_err().kind(), Kind::Unavailable);
    let refused = Docker::connect(&host).err().unwrap();
    assert_eq!(refused.kind(), Kind::Invalid);
}
