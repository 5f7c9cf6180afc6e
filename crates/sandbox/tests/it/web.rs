use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::kit::{Kit, http, start};

/// Like a proof over HTTPS: the certificate does not matter.
#[derive(Debug)]
struct AnyCertificate;

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

async fn fetch(kit: &Kit, url: &str) -> (u16, String, String) {
    let (scheme, rest) = url.split_once("://").expect("a scheme");
    let (host, path) = rest.split_once('/').expect("a path");
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let [(_, plain), (_, tls)] = kit.at.dial_override();
    if scheme == "http" {
        return http(TcpStream::connect(plain).await.expect("HTTP"), &request).await;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate))
        .with_no_client_auth();
    let stream = TcpStream::connect(tls).await.expect("HTTPS");
    let name = ServerName::try_from("www.example.com").expect("a name");
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("TLS");
    http(stream, &request).await
}

#[tokio::test]
async fn files_are_served_by_scheme_host_and_path() {
    let kit = start();
    let file = json!({"scheme": "http", "host": "WWW.example.com.", "path": "/p.txt",
                      "content": "hash\nca.example"});
    kit.post("/add-file", file).await;
    let (status, _, body) = fetch(&kit, "http://www.example.com:80/p.txt?x=1").await;
    assert_eq!((status, body.as_str()), (200, "hash\nca.example"));
    for url in
        ["https://www.example.com/p.txt", "http://example.com/p.txt", "http://www.example.com/"]
    {
        assert_eq!(fetch(&kit, url).await.0, 404, "{url}");
    }
    let both = json!({"scheme": "both", "host": "example.com", "path": "/r", "content": "",
                      "status": 301, "location": "https://www.example.com/p.txt"});
    kit.post("/add-file", both).await;
    for url in ["https://example.com/r", "http://example.com/r"] {
        let (status, head, _) = fetch(&kit, url).await;
        assert_eq!(status, 301);
        assert!(head.contains("location: https://www.example.com/p.txt"), "{head}");
    }
    let seen = kit.post("/http-request-history", json!({"host": "example.com"})).await;
    assert_eq!(seen[0], json!({"URL": "/p.txt", "Host": "example.com", "HTTPS": false}));
    let gone = json!({"scheme": "https", "host": "example.com", "path": "/r"});
    assert_eq!(kit.post("/del-file", gone).await, json!({"deleted": true}));
    assert_eq!(fetch(&kit, "https://example.com/r").await.0, 404);
    assert_eq!(fetch(&kit, "http://example.com/r").await.0, 301);
    kit.post("/reset", json!({})).await;
    assert_eq!(fetch(&kit, "http://example.com/r").await.0, 404);
}

#[tokio::test]
async fn a_file_that_makes_no_sense_is_refused() {
    let kit = start();
    let good = json!({"scheme": "http", "host": "a.example", "path": "/", "content": ""});
    for (key, value) in [
        ("status", json!(99)),
        ("path", json!("no-slash")),
        ("path", json!("/q?x")),
        ("host", json!("http://a.example")),
        ("scheme", json!("ftp")),
        ("location", json!("a\nb")),
    ] {
        let mut file = good.clone();
        file[key] = value;
        let (status, reply) = kit.call("POST", "/add-file", &file.to_string()).await;
        assert_eq!(status, 400, "{file}");
        assert!(reply["error"].is_string(), "{reply}");
    }
}
