//! Bytes once written are read for ever: each message against the file kept of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

use common::{
    bus::{Message, Request, Undecodable},
    id::{BackupId, OperationId, ResetId, TenantId},
    operations::Priority,
};
use secrecy::ExposeSecret;
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

use wire::{
    AskContainerUsage, AskContents, AskExtract, AskInitialLogin, AskLogs, BackupContents, ContainerUsage,
    CountUsage, EVENTS, Event, Extracted, Figures, InitialLogin, Kept, Listing, LogLine, LoggedRole, Logs,
    OperationQueued, Order, PROVISIONER, ProvisionerCommand, ResetLogin, SAMPLES, Sample, SubmitOperation,
};

const SAMPLE: Uuid = Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001);

fn golden(name: &str, bytes: &[u8]) -> Vec<u8> {
    let path = format!("{}/tests/golden/{name}.hex", env!("CARGO_MANIFEST_DIR"));
    let kept = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let encoded: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(encoded, kept.trim(), "{name} is written differently than before");
    bytes.to_vec()
}

fn queued(priority: Priority) -> ProvisionerCommand {
    let queued = OperationQueued {
        service: "provisioner".into(),
        operation: OperationId::from_uuid(SAMPLE),
        kind: "tenant.create".into(),
        because_of: None,
    };
    ProvisionerCommand { priority, order: Order::Wake(queued) }
}

fn submitted(priority: Priority) -> ProvisionerCommand {
    let submitted = SubmitOperation {
        operation: OperationId::from_uuid(SAMPLE),
        kind: "tenant.heal".into(),
        tenant: TenantId::from_uuid(SAMPLE),
        not_before: OffsetDateTime::from_unix_timestamp(1_800_000_000).ok(),
        request: serde_json::json!({}),
        reason: Some("It looks ill.".into()),
    };
    ProvisionerCommand { priority, order: Order::Submit(submitted) }
}

fn read(name: &str, command: &ProvisionerCommand) -> ProvisionerCommand {
    ProvisionerCommand::decode(&command.subject(), &golden(name, &command.encode())).unwrap()
}

#[test]
fn operation_queued() {
    assert_eq!(read("operation_queued", &queued(Priority::Normal)), queued(Priority::Normal));
}

#[test]
fn whoever_does_a_kind_is_woken_as_the_provisioner_always_was() {
    let ProvisionerCommand { order: Order::Wake(queued), .. } = queued(Priority::Normal) else { panic!() };
    let as_before = ProvisionerCommand { priority: Priority::Normal, order: Order::Wake(queued.clone()) };
    assert_eq!((queued.subject(), queued.encode()), (as_before.subject(), as_before.encode()));
    let other = OperationQueued { service: "backup".into(), ..queued };
    assert_eq!(other.subject(), "rp9.cmd.v1.backup.normal.operation_queued");
    assert_eq!(OperationQueued::decode(&other.subject(), &other.encode()).unwrap(), other);
    let again = OperationQueued { because_of: Some(other.operation), ..other.clone() };
    assert_ne!(again.dedup_id(), other.dedup_id(), "the stream takes it although it took the first");
}

#[test]
fn submit_operation() {
    assert_eq!(read("submit_operation", &submitted(Priority::High)), submitted(Priority::High));
    let mut least = submitted(Priority::Low);
    if let Order::Submit(submitted) = &mut least.order {
        (submitted.not_before, submitted.reason) = (None, None);
    }
    assert_eq!(ProvisionerCommand::decode(&least.subject(), &least.encode()).unwrap(), least);
}

#[test]
fn initial_login_request() {
    let request = AskInitialLogin { tenant: TenantId::from_uuid(SAMPLE), cluster: None };
    assert_eq!(
        AskInitialLogin::decode(&golden("initial_login_request", &request.encode())).unwrap(),
        request
    );
}

#[test]
fn initial_login_reply() {
    let reply = InitialLogin {
        email: "owner@example.com".into(),
        password: "Example1".to_owned().into(),
        stale: false,
    };
    let bytes = golden("initial_login_reply", &AskInitialLogin::encode_reply(&reply));
    let read = AskInitialLogin::decode_reply(&bytes).unwrap();
    assert_eq!((read.email.as_str(), read.password.expose_secret()), ("owner@example.com", "Example1"));
    assert!(!read.stale);
    let stale = AskInitialLogin::encode_reply(&InitialLogin { stale: true, ..read });
    assert!(AskInitialLogin::decode_reply(&golden("initial_login_reply_stale", &stale)).unwrap().stale);
}

#[test]
fn logs_request() {
    let request = AskLogs {
        tenant: TenantId::from_uuid(SAMPLE),
        cluster: None,
        role: Some(LoggedRole::Worker),
        tail: 200,
        after: OffsetDateTime::from_unix_timestamp_nanos(1_785_586_200_123_456_789).ok(),
    };
    assert_eq!(AskLogs::decode(&golden("logs_request", &request.encode())).unwrap(), request);
    let least = AskLogs { role: None, after: None, ..request };
    assert_eq!(AskLogs::decode(&least.encode()).unwrap(), least);
}

#[test]
fn logs_reply() {
    let lines = vec![LogLine {
        instance: "rp9-main".into(),
        at: OffsetDateTime::from_unix_timestamp_nanos(1_785_586_200_123_456_789).unwrap(),
        stream: "stderr".into(),
        text: "Ready".into(),
    }];
    for (name, truncated) in [("logs_reply", false), ("logs_reply_truncated", true)] {
        let logs = Logs { lines: lines.clone(), truncated };
        assert_eq!(AskLogs::decode_reply(&golden(name, &AskLogs::encode_reply(&logs))).unwrap(), logs);
    }
}

#[test]
fn contents_of_a_backup() {
    let request = AskContents { backup: BackupId::from_uuid(SAMPLE), cluster: None };
    assert_eq!(AskContents::decode(&golden("contents_request", &request.encode())).unwrap(), request);
    let kept = |credential_type: &str, active| Kept {
        id: "tVFLTjgdV6Bmrqke".into(),
        name: "Orders".into(),
        credential_type: credential_type.into(),
        active,
    };
    let both = BackupContents {
        workflows: Some(Listing { kept: vec![kept("", true)], truncated: true }),
        credentials: Some(Listing { kept: vec![kept("httpBasicAuth", false)], truncated: false }),
    };
    let none = BackupContents { workflows: Some(Listing::default()), credentials: None };
    for (name, reply) in [("contents_reply", both), ("contents_reply_without_credentials", none)] {
        let encoded = golden(name, &AskContents::encode_reply(&reply));
        assert_eq!(AskContents::decode_reply(&encoded).unwrap(), reply);
    }
}

#[test]
fn one_thing_out_of_a_backup() {
    let request = AskExtract {
        backup: BackupId::from_uuid(SAMPLE),
        cluster: None,
        what: Extracted::Credential,
        id: "tVFLTjgdV6Bmrqke".into(),
    };
    assert_eq!(AskExtract::decode(&golden("extract_request", &request.encode())).unwrap(), request);
    let json = r#"{"id":"tVFLTjgdV6Bmrqke"}"#.to_owned();
    assert_eq!(
        AskExtract::decode_reply(&golden("extract_reply", &AskExtract::encode_reply(&json))).unwrap(),
        json
    );
    assert!(AskExtract::decode(&ask_for("user")).is_err(), "nothing else is taken out");
    assert!(AskExtract::decode(&ask_for("workflow")).is_ok());
}

/// Such a question, for whatever: the backup's id, the word, and the id, each as protobuf has a text.
fn ask_for(what: &str) -> Vec<u8> {
    let texts =
        [(0x0a, BackupId::from_uuid(SAMPLE).to_string()), (0x12, what.to_owned()), (0x1a, "x".to_owned())];
    let field = |(tag, text): (u8, String)| {
        [vec![tag, u8::try_from(text.len()).unwrap()], text.into_bytes()].concat()
    };
    texts.into_iter().flat_map(field).collect()
}

#[test]
fn reset_login_request() {
    let (tenant, reset) = (TenantId::from_uuid(SAMPLE), ResetId::from_uuid(SAMPLE));
    for (name, recorded) in [("reset_login_request", false), ("reset_login_request_recorded", true)] {
        let request = ResetLogin { tenant, cluster: None, reset, disable_mfa: true, recorded };
        assert_eq!(ResetLogin::decode(&golden(name, &request.encode())).unwrap(), request);
    }
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
    assert_eq!(Event::decode("", &golden("event", &event().encode())).unwrap(), event());
    let of_nobody = Event { tenant: None, operation: None, ..event() };
    assert_eq!(Event::decode("", &of_nobody.encode()).unwrap(), of_nobody);
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
        assert!(Event::decode("", bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn a_field_of_a_later_version_is_passed_over() {
    for command in [queued(Priority::Normal), submitted(Priority::Normal)] {
        let mut bytes = command.encode();
        bytes.extend([0xfa, 0x01, 0x03, b'n', b'e', b'w']); // field 31, three bytes
        assert_eq!(ProvisionerCommand::decode(&command.subject(), &bytes).unwrap(), command);
    }
}

#[test]
fn what_is_no_message_is_refused() {
    for bytes in [&b""[..], b"\xff\xff\xff", b"\x0a\x03abc"] {
        for command in [queued(Priority::Normal), submitted(Priority::Normal)] {
            let read = ProvisionerCommand::decode(&command.subject(), bytes);
            assert!(matches!(read, Err(Undecodable::Malformed(_))), "{bytes:?}: {read:?}");
        }
    }
}

#[test]
fn a_reason_nobody_could_print_is_refused() {
    for reason in ["a\nb".to_owned(), "\0".to_owned(), "x".repeat(501)] {
        let mut command = submitted(Priority::Normal);
        if let Order::Submit(submitted) = &mut command.order {
            submitted.reason = Some(reason);
        }
        assert!(ProvisionerCommand::decode(&command.subject(), &command.encode()).is_err());
    }
}

#[test]
fn a_command_of_another_version_or_verb_is_told_from_a_broken_one() {
    let bytes = queued(Priority::Normal).encode();
    for subject in [
        "rp9.cmd.v2.provisioner.normal.operation_queued",
        "rp9.cmd.v1.provisioner.normal.operation_quoted",
        "rp9.cmd.v1.provisioner.urgent.operation_queued",
        "rp9.cmd.v1.provisioner",
    ] {
        let read = ProvisionerCommand::decode(subject, &bytes);
        assert!(matches!(read, Err(Undecodable::Unknown(_))), "{subject}: {read:?}");
    }
}

#[test]
fn every_priority_has_a_lane_of_its_own_that_the_stream_takes() {
    for (priority, lane) in Priority::ALL.into_iter().zip(PROVISIONER.lanes) {
        for command in [queued(priority), submitted(priority)] {
            let subject = command.subject();
            let matching = PROVISIONER.lanes.iter().filter(|lane| matches(lane.filter, &subject));
            assert_eq!(matching.map(|lane| lane.name).collect::<Vec<_>>(), [lane.name], "{subject}");
            assert!(matches(ProvisionerCommand::STREAM.subjects[0], &subject), "{subject}");
        }
    }
}

/// As NATS does it.
fn matches(filter: &str, subject: &str) -> bool {
    let (mut filter, mut subject) = (filter.split('.'), subject.split('.'));
    loop {
        match (filter.next(), subject.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some(wanted), Some(word)) if wanted == "*" || wanted == word => {}
            _ => return false,
        }
    }
}

#[test]
fn container_usage() {
    let request = AskContainerUsage { cluster: None };
    assert_eq!(AskContainerUsage::decode(&golden("usage_request", &request.encode())).unwrap(), request);
    let used = vec![ContainerUsage {
        name: "rp9-0001-blue-main".into(),
        tenant: TenantId::from_uuid(SAMPLE),
        at: OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap(),
        cpu: Duration::from_millis(1_500),
        memory: 300 << 20,
    }];
    let bytes = golden("usage_reply", &AskContainerUsage::encode_reply(&used));
    assert_eq!(AskContainerUsage::decode_reply(&bytes).unwrap(), used);
}

#[test]
fn count_usage() {
    let request = CountUsage { instance: TenantId::from_uuid(SAMPLE), cluster: None };
    assert_eq!(CountUsage::decode(&golden("count_request", &request.encode())).unwrap(), request);
    CountUsage::decode_reply(&golden("count_reply", &CountUsage::encode_reply(&()))).unwrap();
}

#[test]
fn a_sample_tells_what_was_seen_and_nothing_of_what_was_not() {
    let whole = Figures {
        queue_wait_p95_seconds: Some(6.2),
        duration_p95_seconds: Some(0.4),
        cpu_percent: Some(81.5),
        memory_percent: Some(40.0),
        memory_bytes: Some(300 << 20),
        executions_min: Some(12.0),
        success_rate_percent: Some(99.5),
        concurrent_executions: Some(3),
        queue_depth: Some(0),
        oldest_waiting_seconds: Some(1.5),
        workers: Some(2),
        workers_idle_while_waiting: Some(false),
        storage_bytes: Some(12 << 20),
    };
    for (name, figures) in [("sample", whole), ("sample_of_nothing", Figures::default())] {
        let sample = Sample {
            tenant: TenantId::from_uuid(SAMPLE),
            cluster: "local".parse().unwrap(),
            at: OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap(),
            figures,
        };
        assert_eq!(Sample::decode(&sample.subject(), &golden(name, &sample.encode())).unwrap(), sample);
        assert!(matches(SAMPLES.subjects[0], &sample.subject()));
    }
}
