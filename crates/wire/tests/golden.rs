//! Bytes once written are read for ever: each message against the file kept of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

use common::{
    bus::{Message, Request},
    id::{OperationId, TenantId},
};
use secrecy::ExposeSecret;
use uuid::Uuid;
use wire::{AskInitialLogin, EVENTS, Event, InitialLogin, OperationQueued, PROVISIONER_COMMANDS, Priority};

const SAMPLE: Uuid = Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001);

fn golden(name: &str, bytes: &[u8]) -> Vec<u8> {
    let path = format!("{}/tests/golden/{name}.hex", env!("CARGO_MANIFEST_DIR"));
    let kept = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let encoded: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(encoded, kept.trim(), "{name} is written differently than before");
    bytes.to_vec()
}

fn queued(priority: Priority) -> OperationQueued {
    OperationQueued { operation: OperationId::from_uuid(SAMPLE), kind: "tenant.create".into(), priority }
}

#[test]
fn operation_queued() {
    let message = queued(Priority::Normal);
    assert_eq!(OperationQueued::decode(&golden("operation_queued", &message.encode())).unwrap(), message);
}

#[test]
fn initial_login_request() {
    let request = AskInitialLogin { tenant: TenantId::from_uuid(SAMPLE) };
    assert_eq!(
        AskInitialLogin::decode(&golden("initial_login_request", &request.encode())).unwrap(),
        request
    );
}

#[test]
fn initial_login_reply() {
    let reply = InitialLogin { email: "owner@example.com".into(), password: "Example1".to_owned().into() };
    let bytes = golden("initial_login_reply", &AskInitialLogin::encode_reply(&reply));
    let read = AskInitialLogin::decode_reply(&bytes).unwrap();
    assert_eq!((read.email.as_str(), read.password.expose_secret()), ("owner@example.com", "Example1"));
}

fn event() -> Event {
    Event {
        id: 42,
        at_unix_micros: 1_785_586_200_123_456,
        kind: "step.succeeded".into(),
        tenant: Some(TenantId::from_uuid(SAMPLE)),
        operation: Some(OperationId::from_uuid(SAMPLE)),
        data_json: r#"{"step":"reserve"}"#.into(),
    }
}

#[test]
fn an_event() {
    assert_eq!(Event::decode(&golden("event", &event().encode())).unwrap(), event());
    let of_nobody = Event { tenant: None, operation: None, ..event() };
    assert_eq!(Event::decode(&of_nobody.encode()).unwrap(), of_nobody);
}

#[test]
fn an_event_goes_where_its_kind_and_tenant_say_and_its_stream_takes_it() {
    let tenant = TenantId::from_uuid(SAMPLE);
    assert_eq!(event().subject(), format!("rp9.evt.v1.step.succeeded.{tenant}"));
    let of_nobody = Event { tenant: None, ..event() };
    assert_eq!(of_nobody.subject(), "rp9.evt.v1.step.succeeded.none");
    assert!(of_nobody.subject().starts_with(EVENTS.subjects[0].trim_end_matches('>')));
}

#[test]
fn what_is_no_event_is_refused() {
    for bytes in [&b""[..], b"\xff\xff\xff", b"\x22\x03abc"] {
        assert!(Event::decode(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn a_field_of_a_later_version_is_passed_over() {
    let mut bytes = queued(Priority::Normal).encode();
    bytes.extend([0xfa, 0x01, 0x03, b'n', b'e', b'w']); // field 31, three bytes
    assert_eq!(OperationQueued::decode(&bytes).unwrap(), queued(Priority::Normal));
}

#[test]
fn what_is_no_message_is_refused() {
    for bytes in [&b""[..], b"\xff\xff\xff", b"\x0a\x03abc"] {
        assert!(OperationQueued::decode(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn every_priority_has_a_subject_of_its_own_that_the_provisioner_and_its_stream_take() {
    let all = [Priority::High, Priority::Normal, Priority::Low].map(|p| queued(p).subject());
    let different: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len());
    for subject in &all {
        for pattern in [PROVISIONER_COMMANDS, OperationQueued::STREAM.subjects[0]] {
            assert!(subject.starts_with(pattern.trim_end_matches('>')), "{subject} is not in {pattern}");
        }
    }
}
