//! Who has outgrown the n8n that they share, and why.

use super::Candidate;

/// How urgent it is that a tenant gets an n8n of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    High,
    Medium,
    Low,
}

impl Urgency {
    /// The word in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }

    /// Of a score: one strong reason of each sort, load and rules, is high; one strong reason, or two weak ones, is medium.
    const fn of(score: u32) -> Self {
        match score {
            70.. => Self::High,
            30.. => Self::Medium,
            _ => Self::Low,
        }
    }
}

/// What speaks for it.
#[derive(Debug, PartialEq, Eq)]
pub struct Outgrown {
    /// 1 to 100.
    pub score: u32,
    pub urgency: Urgency,
    /// For people, the weightiest first.
    pub reasons: Vec<String>,
}

/// Half of the month of the plan `pro`.
const MANY_EXECUTIONS: i64 = 5_000;
const LONG_WAIT_SECONDS: f64 = 5.0;
const BUSY_PERCENT: f64 = 80.0;
const MANY_AT_ONCE: i64 = 5;

/// What each reason counts. Those of the contract's example (volume, wait, `enterprise`) are 85 together.
const VOLUME: u32 = 30;
const ENTERPRISE: u32 = 30;
const COMPLIANCE: u32 = 30;
const WAIT: u32 = 25;
const PROCESSOR: u32 = 20;
const AT_ONCE: u32 = 15;
const RESIDENCY: u32 = 10;
const DOMAIN: u32 = 10;

/// What speaks for giving this tenant an n8n of its own. `None`: nothing. What is not known speaks for nothing.
pub fn outgrown(tenant: &Candidate) -> Option<Outgrown> {
    let speaks = [
        (tenant.executions > MANY_EXECUTIONS)
            .then(|| (VOLUME, format!("High execution volume: {}/month", grouped(tenant.executions)))),
        over(tenant.queue_wait_p95_seconds, LONG_WAIT_SECONDS)
            .map(|wait| (WAIT, format!("High queue latency: {wait:.1}s p95"))),
        over(tenant.cpu_percent, BUSY_PERCENT)
            .map(|cpu| (PROCESSOR, format!("High processor use: {cpu:.0} %"))),
        tenant
            .concurrent_executions
            .filter(|at_once| *at_once > MANY_AT_ONCE)
            .map(|at_once| (AT_ONCE, format!("Many executions at once: {at_once}"))),
        (tenant.plan == "enterprise")
            .then(|| (ENTERPRISE, "Enterprise plan requires dedicated infrastructure".to_owned())),
        (!tenant.compliance.is_empty())
            .then(|| (COMPLIANCE, format!("Compliance: {}", tenant.compliance.join(", ")))),
        tenant.region.as_ref().map(|region| (RESIDENCY, format!("Data residency: {region}"))),
        tenant.custom_domain.as_ref().map(|domain| (DOMAIN, format!("Custom domain: {domain}"))),
    ];
    let mut speaks: Vec<_> = speaks.into_iter().flatten().collect();
    // Stable: among equals the order of the contract.
    speaks.sort_by_key(|(points, _)| std::cmp::Reverse(*points));
    let score = speaks.iter().map(|(points, _)| points).sum::<u32>().min(100);
    let reasons = speaks.into_iter().map(|(_, reason)| reason).collect();
    (score > 0).then(|| Outgrown { score, urgency: Urgency::of(score), reasons })
}

fn over(figure: Option<f64>, bound: f64) -> Option<f64> {
    figure.filter(|figure| *figure > bound)
}

/// With a comma between thousands.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let places = digits.len();
    let group = |(index, digit): (usize, char)| {
        let comma = index > 0 && (places - index).is_multiple_of(3);
        comma.then_some(',').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(group).collect()
}

#[cfg(test)]
mod tests {
    use common::id::TenantId;

    use super::*;

    fn quiet() -> Candidate {
        Candidate {
            id: TenantId::generate(),
            name: "Acme".into(),
            subdomain: "acme".into(),
            plan: "pro".into(),
            compliance: vec![],
            custom_domain: None,
            region: None,
            executions: 0,
            queue_wait_p95_seconds: None,
            cpu_percent: None,
            concurrent_executions: None,
        }
    }

    #[test]
    fn the_contracts_example_comes_out_as_it_says() {
        let tenant = Candidate {
            executions: 8_500,
            queue_wait_p95_seconds: Some(6.2),
            plan: "enterprise".into(),
            ..quiet()
        };
        let Outgrown { score, urgency, mut reasons } = outgrown(&tenant).unwrap();
        assert_eq!((score, urgency), (85, Urgency::High));
        reasons.sort();
        assert_eq!(
            reasons,
            [
                "Enterprise plan requires dedicated infrastructure",
                "High execution volume: 8,500/month",
                "High queue latency: 6.2s p95",
            ]
        );
    }

    #[test]
    fn what_is_at_its_bound_or_not_known_speaks_for_nothing() {
        assert_eq!(outgrown(&quiet()), None);
        let at_the_bounds = Candidate {
            executions: MANY_EXECUTIONS,
            queue_wait_p95_seconds: Some(LONG_WAIT_SECONDS),
            cpu_percent: Some(BUSY_PERCENT),
            concurrent_executions: Some(MANY_AT_ONCE),
            ..quiet()
        };
        assert_eq!(outgrown(&at_the_bounds), None);
        let not_a_number = Candidate { queue_wait_p95_seconds: Some(f64::NAN), ..quiet() };
        assert_eq!(outgrown(&not_a_number), None);
    }

    #[test]
    fn each_reason_counts_for_itself_and_all_together_for_no_more_than_a_hundred() {
        let all = Candidate {
            executions: 1_234_567,
            queue_wait_p95_seconds: Some(60.0),
            cpu_percent: Some(99.6),
            concurrent_executions: Some(6),
            plan: "enterprise".into(),
            compliance: vec!["gdpr".into(), "hipaa".into()],
            region: Some("eu-central".into()),
            custom_domain: Some("flows.acme.example".into()),
            ..quiet()
        };
        let Outgrown { score, urgency, reasons } = outgrown(&all).unwrap();
        assert_eq!((score, urgency, reasons.len()), (100, Urgency::High, 8));
        assert_eq!(reasons[0], "High execution volume: 1,234,567/month");
        for (one, score, urgency, reason) in [
            (
                Candidate { concurrent_executions: Some(6), ..quiet() },
                15,
                Urgency::Low,
                "Many executions at once: 6",
            ),
            (Candidate { cpu_percent: Some(99.6), ..quiet() }, 20, Urgency::Low, "High processor use: 100 %"),
            (
                Candidate { compliance: all.compliance.clone(), ..quiet() },
                30,
                Urgency::Medium,
                "Compliance: gdpr, hipaa",
            ),
            (
                Candidate { region: all.region.clone(), ..quiet() },
                10,
                Urgency::Low,
                "Data residency: eu-central",
            ),
            (
                Candidate { custom_domain: all.custom_domain.clone(), ..quiet() },
                10,
                Urgency::Low,
                "Custom domain: flows.acme.example",
            ),
        ] {
            assert_eq!(outgrown(&one), Some(Outgrown { score, urgency, reasons: vec![reason.to_owned()] }));
        }
    }

    #[test]
    fn thousands_are_told_apart() {
        let numbers = [0, 7, 999, 1_000, 12_345, 999_999, 1_000_000].map(grouped);
        assert_eq!(numbers, ["0", "7", "999", "1,000", "12,345", "999,999", "1,000,000"]);
    }
}
