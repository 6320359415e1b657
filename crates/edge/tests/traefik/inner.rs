//! The platform's own way into an n8n that tenants share.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use edge::StandIn;

use crate::shared::{A, BASE, Heard, World};
use crate::support::Ports;

/// In the network that tenants' containers are in.
const TENANT: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 201, 0, 5));

/// Not there.
const PLATFORM: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

const CLOSE: &str = "Connection: close\r\n";

/// On the entrypoint `inner`, from this address.
async fn ask(world: &World, from: IpAddr, host: &str, path: &str, lines: &str) -> Result<Heard, String> {
    world.call_from(from, world.ports.inner, host, path, &format!("{lines}{CLOSE}")).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn the_platform_reaches_the_api_of_a_shared_n8n_and_nothing_else_and_nobody_else_does() {
    let world = World::start(Ports::from(28_030)).await;
    the_api_is_reached_for_nobody_and_as_it_was_asked_for(&world).await;
    nothing_else_is_there(&world).await;
    nobody_from_a_tenants_network_is_answered(&world).await;
    of_an_n8n_that_rests_or_is_away_nothing_is_reached(&world).await;
    world.had_no_trouble();
}

async fn the_api_is_reached_for_nobody_and_as_it_was_asked_for(world: &World) {
    let id = world.instance;
    let forged = "X-Rp9-Shared-Tenant: x https://a.localhost\r\nX-N8N-API-KEY: ours\r\n";
    for path in [
        "/api/v1/workflows?limit=1",
        "/api/v1/workflows/a%2F..%2Fb%3Fc%25/activate",
        "/api/v1/users/x",
        "/api/v1/executions/7/stop",
    ] {
        // Whatever host it was asked of.
        for host in ["traefik:8002", BASE, "a.localhost", "own.localhost"] {
            let heard = ask(world, PLATFORM, host, &format!("/{id}{path}"), forged).await.unwrap();
            assert_eq!((heard.by.as_str(), heard.path.as_str()), ("shared", path), "{host}");
            assert!(heard.header("x-rp9-shared-tenant").is_empty(), "{heard:?}");
            assert_eq!(heard.header("x-n8n-api-key"), ["ours"]);
        }
    }
}

async fn nothing_else_is_there(world: &World) {
    let id = world.instance;
    for path in [
        "/",
        "/api/v1/workflows",
        "/webhook/x",
        "/healthz/readiness",
        &format!("/{id}"),
        &format!("/{id}/"),
        &format!("/{id}/api/v1"),
        &format!("/{id}/api/v10/workflows"),
        &format!("/{id}/rest/login"),
        &format!("/{id}/metrics"),
        &format!("/{id}/webhook/{A}/x"),
        &format!("/{id}/api/v1/../../rest/login"),
        &format!("/{id}/api/v1/%2e%2e/%2e%2e/rest/login"),
        &format!("/{}/api/v1/workflows", id.digits()),
        &format!("/{}/api/v1/workflows", id.to_string().to_uppercase()),
        &format!("/{}/api/v1/workflows", common::id::TenantId::generate()),
        &format!("/x/{id}/api/v1/workflows"),
    ] {
        for host in ["traefik:8002", BASE, "a.localhost", "own.localhost"] {
            let heard = ask(world, PLATFORM, host, path, "").await;
            assert_eq!(heard.unwrap_err(), "404", "{host}{path}");
        }
    }
    // Nor is it anywhere else.
    for port in [world.ports.web, world.ports.probe] {
        for host in ["traefik:8002", BASE] {
            let path = format!("/{id}/api/v1/workflows");
            let heard = world.call_from(PLATFORM, port, host, &path, CLOSE).await;
            assert_eq!(heard.unwrap_err(), "404", "{host}:{port}");
        }
    }
}

async fn nobody_from_a_tenants_network_is_answered(world: &World) {
    let path = format!("/{}/api/v1/workflows", world.instance);
    for lines in [
        "",
        "X-Forwarded-For: 127.0.0.1\r\n",
        "X-Real-Ip: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\n",
        "Connection: X-Forwarded-For\r\nX-Forwarded-For: 10.0.0.1\r\n",
    ] {
        assert_eq!(ask(world, TENANT, "traefik:8002", &path, lines).await.unwrap_err(), "404", "{lines}");
    }
    // Over IP 6 nobody is, whether the machine has it or not.
    let link = ask(world, Ipv6Addr::LOCALHOST.into(), "traefik:8002", &path, "").await.unwrap_err();
    assert!(["404", ""].contains(&link.as_str()), "{link}");
    // Who calls an address that anybody may call is.
    let public = world.call_from(TENANT, world.ports.web, "a.localhost", "/api/v1/workflows", CLOSE).await;
    assert_eq!(public.unwrap().by, "shared");
}

async fn of_an_n8n_that_rests_or_is_away_nothing_is_reached(world: &World) {
    let path = format!("/{}/api/v1/workflows", world.instance);
    for stand_in in StandIn::ALL {
        world.change(BASE, |route| route.stand_in = Some(stand_in)).await;
        let heard = ask(world, PLATFORM, "traefik:8002", &path, "").await.unwrap();
        let told = (heard.by.as_str(), heard.header("x-rp9-stand-in"));
        assert_eq!(told, ("page", vec![stand_in.as_str()]));
    }
    world.change(BASE, |route| route.stand_in = None).await;
    let heard = ask(world, PLATFORM, "traefik:8002", &path, "").await;
    assert_eq!(heard.unwrap().by, "shared");
}
