//! The table of routes on a real PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use common::error::{Classify as _, Kind};
use common::id::{RecordId, TenantId};
use common::public_address::{PublicAddress, Scheme};
use common::tenant::{Color, Purpose};
use edge::routes::{Ensured, RoutesError, differ, ensure, remove, remove_others};
use edge::{Formerly, Host, Route, Snapshot, StandIn, Target, Workspace};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

/// A connection whose table of routes, and identity, is its own and goes with it.
async fn table() -> PgConnection {
    #[expect(clippy::disallowed_methods, reason = "a test's configuration")]
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL names the server to test against");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let create = "CREATE TEMPORARY TABLE routes (host text PRIMARY KEY, tenant_id uuid NOT NULL, targets jsonb NOT NULL,
                  generation bigint NOT NULL, updated_at timestamptz NOT NULL, stand_in text);
                  CREATE TEMPORARY TABLE tenants (id uuid NOT NULL, cluster_id text, purpose text NOT NULL DEFAULT 'customer',
                      shared_instance text, shared_project text, shared_user uuid,
                      former_instance uuid, former_project text, former_waiting integer[]);
                  CREATE TEMPORARY TABLE tenant_limits (tenant_id uuid NOT NULL, api_calls_per_hour integer NOT NULL);
                  CREATE TEMPORARY TABLE record_identity (id uuid NOT NULL);
                  INSERT INTO record_identity VALUES (gen_random_uuid())";
    sqlx::raw_sql(create).execute(&mut connection).await.unwrap();
    connection
}

/// How the outside reaches hosts.
fn public() -> PublicAddress {
    PublicAddress { scheme: Scheme::Http, domain: "localhost".parse().unwrap(), port: 8000 }
}

async fn snapshot(db: &mut PgConnection, cluster: Option<&str>) -> Result<Snapshot, RoutesError> {
    edge::routes::snapshot(db, cluster, &public()).await
}

async fn find(db: &mut PgConnection, host: &Host) -> Result<Option<Route>, RoutesError> {
    edge::routes::find(db, host, &public()).await
}

async fn all(db: &mut PgConnection) -> Vec<Route> {
    snapshot(db, None).await.unwrap().routes
}

fn route(host: &str, tenant: TenantId, generation: i64, color: Color) -> Route {
    let url = "http://10.201.0.3:5678".parse().unwrap();
    let targets = vec![Target { color, url, weight: 1, webhook_weight: None }];
    let purpose = Purpose::Customer;
    Route {
        host: host.parse().unwrap(),
        tenant,
        purpose,
        targets,
        workspace: None,
        formerly: None,
        stand_in: None,
        generation,
    }
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn an_older_generation_never_overwrites_a_newer_one() {
    let (mut db, tenant) = (table().await, TenantId::generate());
    let [first, second] =
        [(1, Color::Blue), (2, Color::Green)].map(|(g, c)| route("acme.localhost", tenant, g, c));
    for route in [&first, &first, &second, &second] {
        assert_eq!(ensure(&mut db, route).await.unwrap(), Ensured::Stored);
    }
    assert_eq!(ensure(&mut db, &first).await.unwrap(), Ensured::Superseded { by: 2 });
    let other = route("acme.localhost", tenant, 2, Color::Blue);
    assert_eq!(ensure(&mut db, &other).await.unwrap(), Ensured::Superseded { by: 2 });
    assert_eq!(all(&mut db).await, [second]);
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_host_stays_with_its_tenant_until_that_one_gives_it_up() {
    let (mut db, a, b) = (table().await, TenantId::generate(), TenantId::generate());
    for host in ["b.localhost", "a.localhost"] {
        let _ = ensure(&mut db, &route(host, a, 1, Color::Blue)).await.unwrap();
    }
    let theft = ensure(&mut db, &route("a.localhost", b, 9, Color::Blue)).await.unwrap_err();
    assert!(matches!(theft, RoutesError::HostTaken(_)));
    assert_eq!(theft.kind(), Kind::Conflict);
    let hosts: Vec<_> = all(&mut db).await.iter().map(|route| route.host.to_string()).collect();
    assert_eq!(hosts, ["a.localhost", "b.localhost"]);
    remove(&mut db, a).await.unwrap();
    remove(&mut db, a).await.unwrap();
    assert_eq!(ensure(&mut db, &route("a.localhost", b, 1, Color::Blue)).await.unwrap(), Ensured::Stored);
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn one_bad_row_does_not_take_the_others_off_the_edge() {
    let (mut db, tenant) = (table().await, TenantId::generate());
    let good = route("acme.localhost", tenant, 1, Color::Blue);
    let _ = ensure(&mut db, &good).await.unwrap();
    let bad = "INSERT INTO routes VALUES ('a`b', gen_random_uuid(), '[]', 1, now(), null),
               ('b.localhost', gen_random_uuid(), '[{\"color\": \"red\"}]', 1, now(), null)";
    sqlx::raw_sql(bad).execute(&mut db).await.unwrap();
    assert_eq!(all(&mut db).await, [good]);
}

/// A release that knows a stand-in more than this one may have been here.
#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_stand_in_that_only_a_later_release_knows_is_the_page_for_whoever_waits() {
    let (mut db, tenant) = (table().await, TenantId::generate());
    let route = route("acme.localhost", tenant, 1, Color::Blue);
    let _ = ensure(&mut db, &route).await.unwrap();
    sqlx::raw_sql("UPDATE routes SET stand_in = 'asleep'").execute(&mut db).await.unwrap();
    assert_eq!(all(&mut db).await, [Route { stand_in: Some(StandIn::Waiting), ..route }]);
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_route_differs_when_it_leads_elsewhere_and_hosts_that_were_given_up_go() {
    let (mut db, tenant) = (table().await, TenantId::generate());
    let first = route("acme.localhost", tenant, 1, Color::Blue);
    let own = Route { host: "acme.example".parse().unwrap(), ..first.clone() };
    assert!(!differ(&mut db, std::slice::from_ref(&first)).await.unwrap(), "there is none yet");
    for route in [&first, &own] {
        let _ = ensure(&mut db, route).await.unwrap();
    }
    assert!(!differ(&mut db, &[first.clone(), own.clone()]).await.unwrap());
    let green = Route { targets: route("x.localhost", tenant, 1, Color::Green).targets, ..own.clone() };
    let heavier = Route { targets: vec![Target { weight: 9, ..own.targets[0].clone() }], ..own.clone() };
    let suspended = Route { stand_in: Some(StandIn::Suspended), ..own.clone() };
    for changed in [green, heavier, suspended] {
        assert!(differ(&mut db, &[first.clone(), changed.clone()]).await.unwrap(), "{changed:?}");
    }
    remove_others(&mut db, tenant, std::slice::from_ref(&first)).await.unwrap();
    assert_eq!(find(&mut db, &own.host).await.unwrap(), None);
    assert_eq!(find(&mut db, &first.host).await.unwrap(), Some(first));
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_stand_in_is_a_change_of_its_route_like_any_other_and_keeps_the_sides() {
    let (mut db, tenant) = (table().await, TenantId::generate());
    let active = route("acme.localhost", tenant, 1, Color::Blue);
    let suspended = Route { stand_in: Some(StandIn::Suspended), generation: 2, ..active.clone() };
    let resumed = Route { generation: 3, ..active.clone() };
    for route in [&active, &suspended, &suspended, &resumed] {
        assert_eq!(ensure(&mut db, route).await.unwrap(), Ensured::Stored);
        assert_eq!(all(&mut db).await, std::slice::from_ref(route));
    }
    let late = Route { stand_in: Some(StandIn::Suspended), ..resumed.clone() };
    assert_eq!(ensure(&mut db, &late).await.unwrap(), Ensured::Superseded { by: 3 });
    assert_eq!(all(&mut db).await, [resumed]);
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_clusters_edge_is_told_of_its_own_tenants_and_of_whose_record_they_are() {
    let mut db = table().await;
    let [east, west, nowhere] = [(); 3].map(|()| TenantId::generate());
    let routes = [(east, "a"), (west, "b"), (nowhere, "c")]
        .map(|(tenant, name)| route(&format!("{name}.localhost"), tenant, 1, Color::Blue));
    for route in &routes {
        let _ = ensure(&mut db, route).await.unwrap();
    }
    let place = "INSERT INTO tenants VALUES ($1, 'east'), ($2, 'west'), ($3, NULL)";
    sqlx::query(place).bind(east).bind(west).bind(nowhere).execute(&mut db).await.unwrap();
    let whole = snapshot(&mut db, None).await.unwrap();
    assert_eq!(whole.routes, routes);
    let of_east = snapshot(&mut db, Some("east")).await.unwrap();
    assert_eq!((of_east.record, of_east.routes.as_slice()), (whole.record, &routes[..1]));
    let of_north = snapshot(&mut db, Some("north")).await.unwrap();
    assert_eq!((of_north.record, of_north.routes.len()), (whole.record, 0));
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_route_says_what_its_tenant_is_there_for() {
    let (mut db, tenant) = (table().await, TenantId::generate());
    let own = route("shared-1.localhost", tenant, 1, Color::Blue);
    let _ = ensure(&mut db, &own).await.unwrap();
    let tenants = sqlx::query("INSERT INTO tenants VALUES ($1, 'east', 'shared')").bind(tenant);
    tenants.execute(&mut db).await.unwrap();
    let told = Route { purpose: Purpose::Shared, ..own };
    assert_eq!(find(&mut db, &told.host).await.unwrap().as_ref(), Some(&told));
    assert_eq!(all(&mut db).await, [told]);
}

/// A tenant of this n8n, whose id, user and limits are in its own rows.
async fn settle(db: &mut PgConnection, tenant: TenantId, instance: TenantId, user: Uuid) {
    let settle =
        sqlx::query("INSERT INTO tenants VALUES ($1, 'east', 'customer', $2::text, 'aB3dE6gH9jK2mN5p', $3)");
    settle.bind(tenant).bind(instance.uuid().to_string()).bind(user).execute(&mut *db).await.unwrap();
    let limits = sqlx::query("INSERT INTO tenant_limits VALUES ($1, 1000)").bind(tenant);
    limits.execute(db).await.unwrap();
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_route_without_sides_leads_to_what_its_tenant_shares() {
    let (mut db, user) = (table().await, Uuid::from_u128(7));
    let [tenant, instance] = [(); 2].map(|()| TenantId::generate());
    let own = route("acme.localhost", tenant, 1, Color::Blue);
    let shares = Route { targets: Vec::new(), generation: 2, ..own.clone() };
    let _ = ensure(&mut db, &shares).await.unwrap();
    settle(&mut db, tenant, instance, user).await;
    let (prefix, address) =
        ("aB3dE6gH9jK2mN5p".parse().unwrap(), "http://acme.localhost:8000".parse().unwrap());
    let calls_per_hour = 1000.try_into().unwrap();
    let told =
        Route { workspace: Some(Workspace { instance, prefix, user, address, calls_per_hour }), ..shares };
    assert_eq!(find(&mut db, &told.host).await.unwrap().as_ref(), Some(&told));
    assert_eq!(all(&mut db).await, [told]);
    // It is about to have an n8n of its own, and its row still says where it was.
    let moved = Route { generation: 3, ..own };
    assert!(differ(&mut db, std::slice::from_ref(&moved)).await.unwrap());
    let _ = ensure(&mut db, &moved).await.unwrap();
    assert_eq!(all(&mut db).await, [moved]);
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_workspace_that_does_not_read_is_left_out_and_leads_nobody_into_the_n8n_unannounced() {
    let (mut db, user) = (table().await, Uuid::from_u128(7));
    let [tenant, instance] = [(); 2].map(|()| TenantId::generate());
    let own = route("acme.localhost", tenant, 1, Color::Blue);
    let _ = ensure(&mut db, &Route { targets: Vec::new(), ..own }).await.unwrap();
    settle(&mut db, tenant, instance, user).await;
    assert_eq!(all(&mut db).await.len(), 1);
    for wrong in [
        "UPDATE tenants SET shared_project = 'a`)'",
        "UPDATE tenants SET shared_project = NULL",
        "UPDATE tenants SET shared_user = NULL",
        "UPDATE tenants SET shared_instance = 'n8n'",
        "UPDATE tenant_limits SET api_calls_per_hour = 0",
    ] {
        let mut change = db.begin().await.unwrap();
        sqlx::raw_sql(wrong).execute(&mut *change).await.unwrap();
        assert_eq!(all(&mut change).await, [], "{wrong}");
        change.rollback().await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_route_says_what_its_tenant_shared_before_it_had_sides_and_is_none_the_worse_if_that_does_not_read()
{
    let mut db = table().await;
    let [tenant, instance] = [(); 2].map(|()| TenantId::generate());
    let own = route("acme.localhost", tenant, 1, Color::Blue);
    let _ = ensure(&mut db, &own).await.unwrap();
    let moved = "INSERT INTO tenants (id, former_instance, former_project, former_waiting) VALUES ($1, $2, 'aB3dE6gH9jK2mN5p', '{7, 12}')";
    sqlx::query(moved).bind(tenant).bind(instance).execute(&mut db).await.unwrap();
    let formerly =
        Some(Formerly { instance, prefix: "aB3dE6gH9jK2mN5p".parse().unwrap(), waiting: vec![7, 12] });
    let told = Route { formerly, ..own.clone() };
    assert_eq!(find(&mut db, &told.host).await.unwrap().as_ref(), Some(&told));
    assert_eq!(all(&mut db).await, [told]);
    sqlx::raw_sql("UPDATE tenants SET former_project = 'a`)'").execute(&mut db).await.unwrap();
    assert_eq!(all(&mut db).await, [own]);
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn an_empty_table_still_says_whose_it_is() {
    let mut db = table().await;
    let record: RecordId =
        sqlx::query_scalar("SELECT id FROM record_identity").fetch_one(&mut db).await.unwrap();
    let told = snapshot(&mut db, None).await.unwrap();
    assert_eq!((told.record, told.routes.len()), (record, 0));
    sqlx::query("DELETE FROM record_identity").execute(&mut db).await.unwrap();
    assert_eq!(snapshot(&mut db, None).await.unwrap_err().kind(), Kind::Internal);
}
