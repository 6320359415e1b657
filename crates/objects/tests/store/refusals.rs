//! Stores that are away, full, confused, or break off.

use common::error::{Classify as _, Kind};
use objects::{Key, ObjectError, Objects as _, StoreLogin, StoreSettings};
use tokio::io::AsyncReadExt as _;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

use crate::support::{s3, stream};

fn at(server: &str) -> StoreSettings {
    let login = StoreLogin { access_key_id: "id".into(), secret_access_key: "key".into() };
    let endpoint = Some(server.parse().unwrap());
    StoreSettings { endpoint, region: "r".into(), bucket: "bucket".into(), path_style: true, login }
}

fn key() -> Key {
    "a/b".parse().unwrap()
}

async fn answers(status: u16, code: &str) -> ObjectError {
    let server = MockServer::start().await;
    let body = format!("<Error><Code>{code}</Code><Message>m</Message></Error>");
    Mock::given(method("PUT"))
        .respond_with(ResponseTemplate::new(status).set_body_string(body))
        .mount(&server)
        .await;
    s3(at(&server.uri())).put(&key(), stream("x")).await.unwrap_err()
}

#[tokio::test]
async fn a_refusal_is_told_by_what_it_is() {
    for (status, code, kind) in [
        (507, "InsufficientStorage", Kind::Upstream),
        (400, "QuotaExceeded", Kind::Upstream),
        (403, "InvalidAccessKeyId", Kind::Internal),
        (403, "SignatureDoesNotMatch", Kind::Internal),
        (418, "Teapot", Kind::Upstream),
        (500, "InternalError", Kind::Unavailable),
        (503, "SlowDown", Kind::Unavailable),
    ] {
        let error = answers(status, code).await;
        assert_eq!(error.kind(), kind, "{status} {code}: {error:?}");
    }
    assert!(matches!(answers(507, "InsufficientStorage").await, ObjectError::Full(_)));
}

#[tokio::test]
async fn one_that_is_not_there_is_worth_another_try() {
    let error = s3(at("http://127.0.0.1:1")).put(&key(), stream("x")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{error:?}");
}

#[tokio::test]
async fn what_breaks_off_goes_on_where_it_broke() {
    let server = raw::serve(vec![
        "HTTP/1.1 200 OK\r\netag: \"one\"\r\ncontent-length: 10\r\n\r\n01234",
        "HTTP/1.1 206 Partial Content\r\netag: \"one\"\r\ncontent-range: bytes 5-9/10\r\ncontent-length: 5\r\n\r\n567",
        "HTTP/1.1 206 Partial Content\r\netag: \"one\"\r\ncontent-range: bytes 8-9/10\r\ncontent-length: 2\r\n\r\n89",
    ])
    .await;
    let mut text = String::new();
    let mut found = s3(at(&server.address)).get(&key()).await.unwrap();
    found.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "0123456789");
    let asked = server.asked.lock().unwrap().clone();
    assert!(asked[1].contains("range: bytes=5-") && asked[1].contains("if-match: \"one\""), "{}", asked[1]);
    assert!(asked[2].contains("range: bytes=8-"), "{}", asked[2]);
}

#[tokio::test]
async fn it_is_asked_for_in_pieces_of_one_and_the_same_object() {
    let server = raw::serve(vec![
        "HTTP/1.1 206 Partial Content\r\netag: \"one\"\r\ncontent-range: bytes 0-5/10\r\ncontent-length: 6\r\n\r\n012345",
        "HTTP/1.1 206 Partial Content\r\netag: \"one\"\r\ncontent-range: bytes 6-9/10\r\ncontent-length: 4\r\n\r\n6789",
    ])
    .await;
    let mut text = String::new();
    s3(at(&server.address)).get(&key()).await.unwrap().read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "0123456789");
    let asked = server.asked.lock().unwrap().clone();
    assert!(asked[0].contains("range: bytes=0-16777215"), "{}", asked[0]);
    assert!(asked[1].contains("range: bytes=6-") && asked[1].contains("if-match: \"one\""), "{}", asked[1]);
}

#[tokio::test]
async fn a_store_that_keeps_its_rest_to_itself_is_not_asked_for_ever() {
    let nothing = "HTTP/1.1 206 Partial Content\r\netag: \"one\"\r\ncontent-range: bytes 5-5/10\r\ncontent-length: 0\r\n\r\n";
    let server = raw::serve(vec![
        "HTTP/1.1 206 Partial Content\r\netag: \"one\"\r\ncontent-range: bytes 0-4/10\r\ncontent-length: 5\r\n\r\n01234",
        nothing,
    ])
    .await;
    let mut found = s3(at(&server.address)).get(&key()).await.unwrap();
    let error = found.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert!(format!("{error:?}").contains("nothing of the rest"), "{error:?}");
}

#[tokio::test]
async fn another_object_is_not_gone_on_with() {
    let server = raw::serve(vec![
        "HTTP/1.1 200 OK\r\netag: \"one\"\r\ncontent-length: 10\r\n\r\n01234",
        "HTTP/1.1 412 Precondition Failed\r\ncontent-length: 0\r\n\r\n",
    ])
    .await;
    let mut found = s3(at(&server.address)).get(&key()).await.unwrap();
    let error = found.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert!(format!("{error:?}").contains("Replaced"), "{error:?}");
}

/// A server whose answers break off, which no library's does.
mod raw {
    use std::sync::{Arc, Mutex};

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    pub struct Served {
        pub address: String,
        pub asked: Arc<Mutex<Vec<String>>>,
    }

    /// One answer for each connection, after which it is closed.
    pub async fn serve(answers: Vec<&'static str>) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let told = asked.clone();
        #[expect(clippy::disallowed_methods, reason = "a server of a test ends with its runtime")]
        tokio::spawn(async move {
            for answer in answers {
                let (mut connection, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 16 << 10];
                let read = connection.read(&mut request).await.unwrap();
                told.lock().unwrap().push(String::from_utf8_lossy(&request[..read]).to_lowercase());
                connection.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Served { address, asked }
    }
}
