//! Doppler's answers, as its reference of the API documents them.

use secrecy::ExposeSecret;

use crate::recorded::{Recorded, problem, read};

const DOWNLOADED: &str = r#"{
  "DOPPLER_CONFIG": "prd_gateway",
  "DOPPLER_ENVIRONMENT": "prd",
  "DOPPLER_PROJECT": "rp9",
  "JWT_SECRET": "hunter2-jwt",
  "EMPTY": ""
}"#;
const REFUSED: &str = r#"{"messages":["Invalid Service token"],"success":false}"#;

fn settings(address: &str) -> [(&str, &str); 3] {
    [("SECRETS_BACKEND", "doppler"), ("DOPPLER_API", address), ("DOPPLER_TOKEN", "dp.st.prd.hunter2")]
}

#[tokio::test]
async fn a_service_token_is_enough_to_download_its_config() {
    let (recorded, address) = Recorded::start(|_| (200, DOWNLOADED.to_owned())).await;
    let secrets = read(&settings(&address)).await.unwrap();
    assert_eq!(secrets.get("JWT_SECRET").unwrap().expose_secret(), "hunter2-jwt");
    assert!(secrets.get("EMPTY").is_none());
    let expected = "/v3/configs/config/secrets/download?format=json";
    assert_eq!(recorded.asked(), [(expected.to_owned(), "Bearer dp.st.prd.hunter2".to_owned())]);
}

#[tokio::test]
async fn other_tokens_are_told_the_config() {
    let (recorded, address) = Recorded::start(|_| (200, DOWNLOADED.to_owned())).await;
    let [backend, api, token] = settings(&address);
    let config = [("DOPPLER_PROJECT", "rp9"), ("DOPPLER_CONFIG", "prd gateway")];
    read(&[backend, api, token, config[0], config[1]]).await.unwrap();
    assert!(
        recorded.asked()[0].0.ends_with("?format=json&project=rp9&config=prd+gateway"),
        "{:?}",
        recorded.asked()
    );
    assert!(problem(&[backend, api, token, config[0]]).contains("DOPPLER_CONFIG"));
    assert!(problem(&[backend, api]).contains("DOPPLER_TOKEN_FILE"));
    assert!(
        problem(&[backend, token, ("DOPPLER_API", "https://user:hunter2@host")]).contains("without a login")
    );
}

#[tokio::test]
async fn what_is_no_answer_is_told_without_what_it_says() {
    let cases = [
        (401, REFUSED, "refused to download the secrets (401)"),
        (429, r#"{"messages":["hunter2"],"success":false}"#, "answered 429"),
        (500, "hunter2", "answered 500"),
        (302, "", "answered 302"),
        (200, r#"{"A": {"raw": "hunter2"}}"#, "cannot be read"),
        (200, "<html>hunter2", "cannot be read"),
    ];
    for (status, body, expected) in cases {
        let (_, address) = Recorded::start(move |_| (status, body.to_owned())).await;
        let error = read(&settings(&address)).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(expected) && !text.contains("hunter2"), "{text}");
    }
    let (_, address) = Recorded::start(|_| (200, format!("{{\"A\":\"{}\"}}", "x".repeat(2 << 20)))).await;
    assert!(read(&settings(&address)).await.unwrap_err().to_string().contains("cannot be read"));
}
