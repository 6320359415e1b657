use common::config::Env;
use http::{HeaderName, HeaderValue};
use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-08-01 12:00 UTC);
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const PREVIOUS: &str = "fedcba9876543210fedcba9876543210";

fn rules(variables: &[(&str, &str)]) -> SignatureRules {
    let usual = [("HMAC_SECRET", SECRET)];
    Env::of(usual.into_iter().chain(variables.iter().copied())).load().unwrap()
}

struct Sample {
    method: Method,
    uri: Uri,
    body: Vec<u8>,
    key: Option<&'static str>,
}

impl Sample {
    fn new() -> Self {
        let uri = "/tenants/acme?a=1".parse().unwrap();
        Self { method: Method::POST, uri, body: b"{\"a\":1}".to_vec(), key: Some("k") }
    }

    fn signed(&self) -> Signed<'_> {
        Signed { method: &self.method, uri: &self.uri, body: &self.body, idempotency_key: self.key }
    }
}

/// The bytes as another program would put them together, from the contract alone.
fn v2(timestamp: i64, secret: &str, sample: &Sample) -> String {
    let body = hex::encode(Sha256::digest(&sample.body));
    let key = sample.key.unwrap_or("");
    let message = format!("{timestamp}\n{}\n{}\n{body}\n{key}", sample.method, sample.uri);
    format!("v2={}", code(secret, message.as_bytes()))
}

fn v1(timestamp: i64, secret: &str, sample: &Sample) -> String {
    code(secret, &[format!("{timestamp}\n").as_bytes(), &sample.body].concat())
}

fn code(secret: &str, message: &[u8]) -> String {
    hex::encode(keyed(&secret.to_owned().into()).unwrap().chain_update(message).finalize().into_bytes())
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect()
}

fn check(rules: &SignatureRules, timestamp: &str, signature: &str, sample: &Sample) -> Result<Proof, Code> {
    let headers = headers(&[(TIMESTAMP, timestamp), (SIGNATURE, signature)]);
    let proof = rules.check(&headers, &sample.signed(), Role::Service, NOW);
    proof.map(|proof| proof.expect("it is signed")).map_err(|problem| problem.code())
}

#[test]
fn a_known_signature_is_what_it_always_was() {
    let sample = Sample::new();
    assert_eq!(
        v2(1_785_585_600, SECRET, &sample),
        "v2=75d56bb51a8da84585834beacc94b4fa753bc841ff13f237bcb6fa22f572b4cd",
        "clients compute this: the form must not change"
    );
}

#[test]
fn rules_can_be_shown_and_keep_their_secret() {
    let shown = format!("{:?}", rules(&[]));
    assert!(shown.starts_with("SignatureRules { roles: [Admin"), "{shown}");
    assert!(!shown.contains(SECRET) && !shown.contains("Hmac"), "{shown}");
}

#[test]
fn times_up_to_300_seconds_off_are_accepted_and_no_further() {
    let (rules, sample) = (rules(&[]), Sample::new());
    for (off, expected) in [(-301, false), (-300, true), (-299, true), (0, true), (300, true), (301, false)] {
        let at = NOW.unix_timestamp() + off;
        for signature in [v1(at, SECRET, &sample), v2(at, SECRET, &sample)] {
            let result = check(&rules, &at.to_string(), &signature, &sample);
            assert_eq!(result.is_ok(), expected, "{off}: {result:?}");
        }
    }
}

#[test]
fn times_that_are_no_plain_number_are_refused() {
    let (rules, sample) = (rules(&[]), Sample::new());
    let now = NOW.unix_timestamp();
    let odd = [
        "",
        " ",
        "-1",
        "+1",
        "1.0",
        "1e9",
        "0x1",
        "99999999999999999999",
        &format!("{now} "),
        &format!("{now}\t"),
    ];
    for timestamp in odd {
        let signature = code(SECRET, &[timestamp.as_bytes(), b"\n", &sample.body].concat());
        assert_eq!(
            check(&rules, timestamp, &signature, &sample),
            Err(Code::SignatureInvalid),
            "{timestamp:?}"
        );
    }
}

#[test]
fn every_byte_of_the_body_is_signed() {
    let (rules, now) = (rules(&[]), NOW.unix_timestamp());
    let original = Sample::new();
    for signature in [v1(now, SECRET, &original), v2(now, SECRET, &original)] {
        for position in 0..original.body.len() {
            let mut altered = Sample::new();
            altered.body[position] ^= 1;
            let result = check(&rules, &now.to_string(), &signature, &altered);
            assert_eq!(result, Err(Code::SignatureInvalid), "byte {position}");
        }
    }
}

#[test]
fn the_second_form_binds_everything_else_too() {
    let (rules, now) = (rules(&[]), NOW.unix_timestamp());
    let signature = v2(now, SECRET, &Sample::new());
    let altered = [
        Sample { method: Method::DELETE, ..Sample::new() },
        Sample { uri: "/tenants/bolt?a=1".parse().unwrap(), ..Sample::new() },
        Sample { uri: "/tenants/acme?a=2".parse().unwrap(), ..Sample::new() },
        Sample { uri: "/tenants/acme".parse().unwrap(), ..Sample::new() },
        Sample { key: Some("l"), ..Sample::new() },
        Sample { key: None, ..Sample::new() },
    ];
    for sample in altered {
        let result = check(&rules, &now.to_string(), &signature, &sample);
        assert_eq!(result, Err(Code::SignatureInvalid), "{:?} {}", sample.method, sample.uri);
    }
    let another_time = check(&rules, &(now + 1).to_string(), &signature, &Sample::new());
    assert_eq!(another_time, Err(Code::SignatureInvalid));
}

#[test]
fn signatures_that_are_no_32_bytes_in_hexadecimal_are_refused() {
    let (rules, sample, now) = (rules(&[]), Sample::new(), NOW.unix_timestamp());
    let good = v1(now, SECRET, &sample);
    let odd = [
        "",
        "v2=",
        "v1=",
        "zz",
        &good[..62],
        &format!("{good}00"),
        &format!("v3={good}"),
        &format!("v2={good}"),
    ];
    for signature in odd {
        assert_eq!(
            check(&rules, &now.to_string(), signature, &sample),
            Err(Code::SignatureInvalid),
            "{signature:?}"
        );
    }
}

#[test]
fn a_header_given_twice_is_refused() {
    let (rules, sample, now) = (rules(&[]), Sample::new(), NOW.unix_timestamp().to_string());
    let signature = v1(NOW.unix_timestamp(), SECRET, &sample);
    for doubled in [(TIMESTAMP, now.as_str()), (SIGNATURE, signature.as_str())] {
        let headers = headers(&[(TIMESTAMP, &now), (SIGNATURE, &signature), doubled]);
        let problem = rules.check(&headers, &sample.signed(), Role::Service, NOW).unwrap_err();
        assert_eq!(problem.code(), Code::SignatureInvalid);
    }
}

#[test]
fn half_a_signature_is_none() {
    let (rules, sample) = (rules(&[("SIGNED_ROLES", "service,owner")]), Sample::new());
    for half in [(TIMESTAMP, "1"), (SIGNATURE, "v2=00")] {
        let problem = rules.check(&headers(&[half]), &sample.signed(), Role::Admin, NOW).unwrap_err();
        assert_eq!(problem.code(), Code::SignatureMissing);
    }
    assert_eq!(rules.check(&headers(&[]), &sample.signed(), Role::Admin, NOW).unwrap(), None);
    assert!(rules.check(&headers(&[]), &sample.signed(), Role::Owner, NOW).is_err());
}

#[test]
fn the_secret_before_a_rotation_is_good_as_long_as_it_is_configured() {
    let (sample, now) = (Sample::new(), NOW.unix_timestamp());
    let signature = v2(now, PREVIOUS, &sample);
    let rotating = rules(&[("HMAC_SECRET_PREVIOUS", PREVIOUS)]);
    assert!(check(&rotating, &now.to_string(), &signature, &sample).is_ok());
    assert!(check(&rules(&[]), &now.to_string(), &signature, &sample).is_err());
}

#[test]
fn one_signature_has_one_proof_however_it_is_spelled() {
    let (rules, now) = (rules(&[]), NOW.unix_timestamp());
    let sample = Sample::new();
    let signature = v1(now, SECRET, &sample);
    let proof = check(&rules, &now.to_string(), &signature, &sample).unwrap();
    assert_eq!(check(&rules, &now.to_string(), &signature.to_uppercase(), &sample).unwrap(), proof);
    let other_query = Sample { uri: "/tenants/acme?b".parse().unwrap(), ..Sample::new() };
    assert_eq!(check(&rules, &now.to_string(), &signature, &other_query).unwrap(), proof);
    let other_path = Sample { uri: "/tenants/bolt".parse().unwrap(), ..Sample::new() };
    assert_ne!(check(&rules, &now.to_string(), &signature, &other_path).unwrap(), proof);
}

proptest::proptest! {
    #[test]
    fn no_header_breaks_the_check(timestamp in "[ -~]{0,40}", signature in "[ -~]{0,90}") {
        let result = check(&rules(&[]), &timestamp, &signature, &Sample::new());
        proptest::prop_assert!(result.is_err());
    }
}

#[test]
fn a_signature_that_is_refused_is_told_why() {
    let (sample, now) = (Sample::new(), NOW.unix_timestamp());
    let good = v2(now, SECRET, &sample);
    let (milliseconds, early, late) =
        ((now * 1_000).to_string(), (now - 301).to_string(), (now + 301).to_string());
    let bound_only = [("HMAC_V1", "off")];
    let cases = [
        (&[][..], milliseconds.as_str(), good.as_str(), "not milliseconds"),
        (&[], &early, &good, "301 seconds behind our clock"),
        (&[], &late, &good, "301 seconds ahead of our clock"),
        (&[], &now.to_string(), "v2=abc", "64 hexadecimal digits"),
        (&[], &now.to_string(), &v2(now, PREVIOUS, &sample), "another secret"),
        (&[], &now.to_string(), good.trim_start_matches("v2="), "`v2=` is missing"),
        (&bound_only, &now.to_string(), &v1(now, SECRET, &sample), "begin with `v2=`"),
    ];
    for (variables, timestamp, signature, expected) in cases {
        let headers = headers(&[(TIMESTAMP, timestamp), (SIGNATURE, signature)]);
        let told =
            rules(variables).check(&headers, &sample.signed(), Role::Service, NOW).unwrap_err().to_string();
        assert!(told.contains(expected), "{expected}: {told}");
    }
    let half = headers(&[(TIMESTAMP, &now.to_string())]);
    let told = rules(&[]).check(&half, &sample.signed(), Role::Service, NOW).unwrap_err().to_string();
    assert!(told.contains("needs both"), "{told}");
}
