//! Customers' own domains, from a claim to what the edge serves, on a real record and name servers of our own.

use std::{net::SocketAddr, sync::Arc};

use common::{
    database::MIGRATOR,
    id::TenantId,
    operations::{End, Wake},
};
use dns::fake::DnsWorld;
use provisioner::{CreateTenant, Domains, RerouteTenant, ResumeTenant, SuspendTenant};
use serde_json::Value;
use sqlx::PgPool;
use wire::kinds::{TenantResume, TenantSuspend};

use crate::{scene::Scene, support::site};

const DOMAIN: &str = "flows.acme.example";
const CHALLENGE: &str = "_rp9-challenge.flows.acme.example";

/// A world with tenants, their claims, and what name servers say of them.
struct Claims {
    scene: Scene,
    dns: DnsWorld,
    domains: Domains,
}

impl Claims {
    async fn with_tenant(pool: &PgPool) -> (Self, TenantId) {
        let (scene, tenant) = Scene::with_tenant(pool).await;
        let dns = DnsWorld::default();
        let domains = Domains::new(pool.clone(), Arc::new(dns.clone()), &site(), Wake::default());
        (Self { scene, dns, domains }, tenant)
    }

    /// As a gateway accepts it.
    async fn claim(&self, tenant: TenantId, domain: &str) -> String {
        let claim = "insert into custom_domains as d (tenant_id, domain) values ($1, $2)
            on conflict (tenant_id) do update set domain = excluded.domain, token = excluded.token, state = 'pending', looks = 0,
                served_until = null, reason = null, look_after = now()
            returning token";
        sqlx::query_scalar(claim).bind(tenant).bind(domain).fetch_one(&self.scene.fakes.pool).await.unwrap()
    }

    /// One round, with every claim due.
    async fn look(&self) {
        self.scene
            .execute(
                "update custom_domains set looked_at = null, look_after = now() where state <> 'removed'",
            )
            .await;
        self.domains.look().await.unwrap();
    }

    async fn rerouted(&self) {
        assert_eq!(self.scene.run(&RerouteTenant).await, End::Succeeded);
    }

    async fn state(&self, tenant: TenantId) -> (String, Option<String>) {
        let state = "select state, reason from custom_domains where tenant_id = $1";
        sqlx::query_as(state).bind(tenant).fetch_one(&self.scene.fakes.pool).await.unwrap()
    }

    /// Whose the domain is, for the edge.
    async fn served(&self) -> Option<TenantId> {
        let served = sqlx::query_scalar("select tenant_id from routes where host = $1").bind(DOMAIN);
        served.fetch_optional(&self.scene.fakes.pool).await.unwrap()
    }

    async fn reroutes(&self) -> i64 {
        let count = "select count(*) from operations where kind = 'tenant.reroute' and status = 'queued'";
        sqlx::query_scalar(count).fetch_one(&self.scene.fakes.pool).await.unwrap()
    }

    async fn told(&self) -> Vec<String> {
        let told = "select substr(kind, 15) from event_outbox where kind like 'tenant.domain%' order by seq";
        sqlx::query_scalar(told).fetch_all(&self.scene.fakes.pool).await.unwrap()
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_domain_is_served_once_it_is_proven_and_not_before(pool: PgPool) {
    let (claims, tenant) = Claims::with_tenant(&pool).await;
    let token = claims.claim(tenant, DOMAIN).await;
    claims.look().await;
    assert_eq!(
        claims.state(tenant).await,
        ("pending".into(), Some(format!("{CHALLENGE} has no TXT record")))
    );
    claims.dns.set(CHALLENGE, &["v=spf1", "somebody else's"]);
    claims.look().await;
    assert_eq!((claims.state(tenant).await.0.as_str(), claims.served().await), ("pending", None));
    assert_eq!(claims.reroutes().await, 0);

    claims.dns.set(CHALLENGE, &["v=spf1", &token]);
    claims.look().await;
    assert_eq!(claims.state(tenant).await, ("proven".into(), None));
    assert_eq!(claims.served().await, None, "the operation does it");
    claims.rerouted().await;
    assert_eq!(claims.served().await, Some(tenant));
    claims.look().await;
    assert_eq!(claims.reroutes().await, 0, "it is so");
    assert_eq!(claims.told().await, ["claimed", "proven"]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_that_rests_is_served_its_page_there_and_n8n_once_it_is_resumed(pool: PgPool) {
    let (claims, tenant) = Claims::with_tenant(&pool).await;
    let token = claims.claim(tenant, DOMAIN).await;
    claims.dns.set(CHALLENGE, &[&token]);
    claims.scene.fakes.operate(tenant, &TenantSuspend::default()).await;
    assert_eq!(claims.scene.run(&SuspendTenant).await, End::Succeeded);
    claims.look().await;
    claims.rerouted().await;
    assert_eq!(claims.scene.fakes.stand_ins(tenant).await, vec![Some("suspended".to_owned()); 2]);
    claims.scene.fakes.operate(tenant, &TenantResume::default()).await;
    assert_eq!(claims.scene.run(&ResumeTenant).await, End::Succeeded);
    assert_eq!(claims.scene.fakes.stand_ins(tenant).await, vec![None; 2]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_claim_without_a_proof_keeps_nobody_from_proving(pool: PgPool) {
    let (claims, squatter) = Claims::with_tenant(&pool).await;
    claims.claim(squatter, DOMAIN).await;
    let owner = claims.scene.create().await;
    let token = claims.claim(owner, DOMAIN).await;
    claims.dns.set(CHALLENGE, &[&token]);
    claims.look().await;
    claims.rerouted().await;
    assert_eq!(claims.served().await, Some(owner));
    assert_eq!(claims.state(squatter).await.0, "pending");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_second_proof_waits_until_the_first_is_gone_and_then_has_it_at_once(pool: PgPool) {
    let (claims, first) = Claims::with_tenant(&pool).await;
    let second = claims.scene.create().await;
    let tokens = [claims.claim(first, DOMAIN).await, claims.claim(second, DOMAIN).await];
    claims.dns.set(CHALLENGE, &[&tokens[0]]);
    claims.look().await;
    claims.rerouted().await;

    claims.dns.set(CHALLENGE, &[&tokens[0], &tokens[1]]);
    claims.look().await;
    let (state, reason) = claims.state(second).await;
    assert_eq!(state, "pending");
    assert!(reason.unwrap().contains("another tenant"));
    assert_eq!(claims.served().await, Some(first));

    // The first one's proof goes: once that is seen, the second one's counts.
    claims.dns.set(CHALLENGE, &[&tokens[1]]);
    claims.look().await;
    claims.look().await;
    assert_eq!(
        (claims.state(first).await.0, claims.state(second).await.0),
        ("lapsed".into(), "proven".into())
    );
    assert_ne!(claims.served().await, Some(first), "from here on nobody is led to the first one");
    claims.domains.look().await.unwrap();
    claims.rerouted().await;
    assert_eq!(claims.served().await, Some(second));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_proof_that_is_lost_is_told_and_forgiven_for_a_week(pool: PgPool) {
    let (claims, tenant) = Claims::with_tenant(&pool).await;
    let token = claims.claim(tenant, DOMAIN).await;
    claims.dns.set(CHALLENGE, &[&token]);
    claims.look().await;
    claims.rerouted().await;

    claims.dns.set(CHALLENGE, &[]);
    claims.look().await;
    assert_eq!((claims.state(tenant).await.0.as_str(), claims.served().await), ("proven", Some(tenant)));
    let until = "select served_until between now() + interval '6 days 23 hours' and now() + interval '7 days' from custom_domains";
    assert!(sqlx::query_scalar::<_, bool>(until).fetch_one(&pool).await.unwrap());
    claims.dns.set(CHALLENGE, &[&token]);
    claims.look().await;

    claims.dns.set(CHALLENGE, &[]);
    claims.look().await;
    claims.scene.execute("update custom_domains set served_until = now() - interval '1 second'").await;
    claims.dns.set_away(true);
    claims.look().await;
    assert_eq!(
        (claims.state(tenant).await.0.as_str(), claims.served().await),
        ("proven", Some(tenant)),
        "nobody said so"
    );
    claims.dns.set_away(false);
    claims.look().await;
    assert_eq!((claims.state(tenant).await.0.as_str(), claims.served().await), ("lapsed", None));
    claims.dns.set(CHALLENGE, &[&token]);
    claims.look().await;
    claims.rerouted().await;
    assert_eq!(claims.served().await, Some(tenant));
    assert_eq!(
        claims.told().await,
        ["claimed", "proven", "unproven", "found", "unproven", "lapsed", "proven"]
    );
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn of_many_who_lapse_a_few_do_at_once(pool: PgPool) {
    let (claims, first) = Claims::with_tenant(&pool).await;
    let mut tenants = vec![first];
    for _ in 0..3 {
        tenants.push(claims.scene.create().await);
    }
    for (n, tenant) in tenants.iter().enumerate() {
        claims.claim(*tenant, &format!("flows{n}.acme.example")).await;
    }
    claims
        .scene
        .execute(
            "update tenants t set custom_domain = d.domain from custom_domains d where d.tenant_id = t.id",
        )
        .await;
    let overdue = "update custom_domains set state = 'proven', served_until = now() - interval '1 second'";
    claims.scene.execute(overdue).await;
    for left in [2_i64, 0] {
        claims.look().await;
        let served = sqlx::query_scalar::<_, i64>("select count(custom_domain) from tenants");
        assert_eq!(served.fetch_one(&pool).await.unwrap(), left);
    }
}

/// The same part of the same n8n as its own host, by another name.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_that_shares_an_n8n_is_reached_by_its_domain_as_by_its_own_host(pool: PgPool) {
    let scene = Scene::new(&pool);
    let instance = scene.fakes.accept("shared").await;
    assert_eq!(scene.run(&CreateTenant).await, End::Succeeded);
    let tenant = scene.fakes.accept_in(instance).await;
    assert_eq!(scene.run(&CreateTenant).await, End::Succeeded);
    let dns = DnsWorld::default();
    let domains = Domains::new(pool.clone(), Arc::new(dns.clone()), &site(), Wake::default());
    let claims = Claims { scene, dns, domains };
    let token = claims.claim(tenant, DOMAIN).await;
    claims.dns.set(CHALLENGE, &[&token]);
    claims.look().await;
    claims.rerouted().await;
    let public = site().public;
    let route = async |host: &str| {
        edge::routes::find(&pool, &host.parse().unwrap(), &public).await.unwrap().unwrap().workspace.unwrap()
    };
    let own = route(&public.host(&format!("t{}", &tenant.digits()[16..]))).await;
    let custom = route(DOMAIN).await;
    assert_eq!(custom.address.as_str(), format!("https://{DOMAIN}"));
    assert_eq!(edge::Workspace { address: own.address.clone(), ..custom }, own);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn nobody_is_looked_for_twice_within_ten_seconds_nor_by_two_at_once(pool: PgPool) {
    let (claims, tenant) = Claims::with_tenant(&pool).await;
    claims.claim(tenant, DOMAIN).await;
    claims.domains.look().await.unwrap();
    for _ in 0..5 {
        // Whatever a tenant claims, or asks for, in between.
        claims.claim(tenant, "other.example").await;
        claims.domains.look().await.unwrap();
    }
    assert_eq!(claims.dns.asked(), [CHALLENGE]);
    claims
        .scene
        .execute("update custom_domains set looked_at = now() - interval '11 seconds', look_after = now()")
        .await;
    tokio::join!(async { claims.domains.look().await.unwrap() }, async {
        claims.domains.look().await.unwrap()
    });
    assert_eq!(claims.dns.asked(), [CHALLENGE, "_rp9-challenge.other.example"]);
    claims.scene.execute("update tenants set status = 'deleting'").await;
    claims.look().await;
    assert_eq!(claims.dns.asked().len(), 2, "of one that goes nobody asks");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_is_seen_of_a_claim_that_is_another_one_by_now_does_not_count(pool: PgPool) {
    /// Says that it is there, and changes the claim before it does.
    struct Late(PgPool);
    #[async_trait::async_trait]
    impl dns::Dns for Late {
        async fn texts(&self, _: &str) -> Result<Vec<String>, dns::Unanswered> {
            let token = "with former as (select token from custom_domains)
                update custom_domains d set token = 'another', domain = 'stranger.example' from former returning former.token";
            Ok(vec![sqlx::query_scalar(token).fetch_one(&self.0).await.unwrap()])
        }
    }
    let (claims, tenant) = Claims::with_tenant(&pool).await;
    claims.claim(tenant, DOMAIN).await;
    let domains = Domains::new(pool.clone(), Arc::new(Late(pool.clone())), &site(), Wake::default());
    domains.look().await.unwrap();
    assert_eq!(claims.state(tenant).await, ("pending".into(), None));
    let served: Option<String> =
        sqlx::query_scalar("select custom_domain from tenants").fetch_one(&pool).await.unwrap();
    assert_eq!(served, None);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_tenant_made_with_a_domain_claims_it_whoever_has_it(pool: PgPool) {
    let (claims, first) = Claims::with_tenant(&pool).await;
    sqlx::query("update tenants set custom_domain = $1").bind(DOMAIN).execute(&pool).await.unwrap();
    // As gateways of the release before write it, too.
    let insert =
        "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version, custom_domain)
        select $1, name, email, 'other', mode, 'provisioning', plan, n8n_version, custom_domain from tenants";
    let second = TenantId::generate();
    sqlx::query(insert).bind(second).execute(&pool).await.unwrap();
    let rows = "select t.custom_domain, d.domain, d.state, length(d.token) from tenants t join custom_domains d on d.tenant_id = t.id";
    let rows: Vec<(Option<String>, String, String, i32)> =
        sqlx::query_as(rows).fetch_all(&pool).await.unwrap();
    assert_eq!(rows, [(None, DOMAIN.to_owned(), "pending".to_owned(), 32)]);
    assert_eq!(claims.served().await, None);
    assert_ne!(first, second);
}

/// The same by the resolver that is deployed, from a name server that is told what to say.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn name_servers_that_say_nothing_leave_everything_as_it_is(pool: PgPool) {
    let (claims, tenant) = Claims::with_tenant(&pool).await;
    claims.claim(tenant, DOMAIN).await;
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let servers: Vec<SocketAddr> = vec![silent.local_addr().unwrap()];
    let resolver = dns::Resolver::new(&servers.into()).unwrap();
    let domains = Domains::new(pool.clone(), Arc::new(resolver), &site(), Wake::default());
    domains.look().await.unwrap();
    let (state, reason) = claims.state(tenant).await;
    assert_eq!(state, "pending");
    assert!(reason.unwrap().contains("name servers"));
    let told: Vec<Value> = claims.scene.told("tenant.domain_claimed").await;
    assert_eq!(told.len(), 1);
}
