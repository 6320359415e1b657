//! A tenant that shared an n8n before it had one of its own: what its callers wrote down is as good as before.

use edge::StandIn;

use crate::shared::{A, BASE, KINDS, MOVED, World};
use crate::support::Ports;

const HOSTS: [&str; 2] = ["moved.localhost", "flows.moved.example"];

/// What callers write behind the kind of a webhook, with `<P>` for what it began with, and what n8n hears there.
const PATHS: &[(&str, &str)] = &[
    // As the editor showed it in the n8n that it shared.
    ("/<P>/orders", "/orders"),
    ("/<P>/a/b?a=%2F&b=/webhook/<P>/q", "/a/b?a=%2F&b=/webhook/<P>/q"),
    ("/<P>/a%2Fb%3Bc%25", "/a%2Fb%3Bc%25"),
    ("/<P>/%C3%A4/", "/%C3%A4/"),
    ("/<P>/0d4c0ab2-6a0a-4d9c-9a0d-0b6b1c2d3e4f/chat", "/0d4c0ab2-6a0a-4d9c-9a0d-0b6b1c2d3e4f/chat"),
    ("//<P>//orders", "/orders"),
    ("/x/../<P>/orders", "/orders"),
    // With parameters.
    ("/<P>/<P>/users/5", "/<P>-own/users/5"),
    ("/<P>/<P>/5?id=<P>", "/<P>-own/5?id=<P>"),
    ("/<P>/<P>/a%2Fb/<P>/x", "/<P>-own/a%2Fb/<P>/x"),
    // A path that is called like the part.
    ("/<P>/<P>", "/<P>"),
    // What it never was, or is only now.
    ("/orders", "/orders"),
    ("/<P>", "/<P>"),
    ("/<P>-own/users/5", "/<P>-own/users/5"),
    ("/<P>x/orders", "/<P>x/orders"),
    ("/<p>/orders", "/<p>/orders"),
    ("/x/<P>/orders", "/x/<P>/orders"),
    ("/<A>/orders", "/<A>/orders"),
    ("", ""),
];

fn spelled(path: &str) -> String {
    path.replace("<P>", MOVED).replace("<p>", &MOVED.to_lowercase()).replace("<A>", A)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn a_tenant_that_moved_out_of_a_shared_n8n_is_called_as_before() {
    let world = World::start(Ports::from(28_050)).await;
    for kind in KINDS {
        for (path, heard) in PATHS {
            let heard = Some(("moved".to_owned(), format!("/{kind}{}", spelled(heard))));
            for host in HOSTS {
                let path = format!("/{kind}{}", spelled(path));
                assert_eq!(world.reaches(host, &path).await, heard, "{host}{path}");
            }
        }
        let upper = kind.to_uppercase();
        let heard = Some(("moved".to_owned(), format!("/{upper}/orders")));
        assert_eq!(world.reaches(HOSTS[0], &format!("/{upper}/{MOVED}/orders")).await, heard);
    }
    // Only of webhooks, and of nobody else's.
    for path in ["/rest/<P>/x", "/<P>/x", "/webhook-waiting/<P>/x", "/webhooks/<P>/x", "/api/v1/workflows"] {
        let path = spelled(path);
        assert_eq!(world.reaches(HOSTS[0], &path).await, Some(("moved".to_owned(), path)));
    }
    let other = format!("/webhook/{MOVED}/x");
    assert_eq!(world.reaches("own.localhost", &other).await, Some(("own".to_owned(), other.clone())));
    let within = format!("/webhook/{A}/{MOVED}/x");
    assert_eq!(world.reaches("a.localhost", &other).await, Some(("shared".to_owned(), within)));

    it_is_called_on_the_n8ns_host_too(&world).await;
    its_n8n_hears_nothing_of_what_was_taken_away(&world).await;
    behind_a_stand_in_its_calls_are_as_they_came(&world).await;
    world.had_no_trouble();
}

async fn it_is_called_on_the_n8ns_host_too(world: &World) {
    for kind in KINDS {
        for (path, heard) in [("/<P>/orders", "/orders"), ("/<P>/<P>/users/5", "/<P>-own/users/5")] {
            let call = world.call(BASE, &format!("/{kind}{}", spelled(path))).await.unwrap();
            assert_eq!((call.by, call.path), ("moved".to_owned(), format!("/{kind}{}", spelled(heard))));
        }
    }
    for path in [
        "/webhook/<P>",
        "/webhook/<P>-own/users/5",
        "/webhook/<p>/x",
        "/WEBHOOK/<P>/x",
        "/webhook/orders",
        "/webhook/<P>/../../rest/login",
        "/webhook/<P>/..%2f..%2frest/login",
        "/rest/login",
    ] {
        assert_eq!(world.call(BASE, &spelled(path)).await.unwrap_err(), "404", "{path}");
    }
    let heard = world.reaches(BASE, &format!("/webhook/{A}/x")).await;
    assert_eq!(heard, Some(("shared".to_owned(), format!("/webhook/{A}/x"))));
}

/// It is called as if it had been by its own address.
async fn its_n8n_hears_nothing_of_what_was_taken_away(world: &World) {
    let forged = "Connection: close\r\nX-Replaced-Path: /x\r\nX-Rp9-Shared-Tenant: x\r\n";
    for (host, path, called) in [
        (HOSTS[0], "/webhook/<P>/x", HOSTS[0]),
        (HOSTS[1], "/webhook/<P>/<P>/x", HOSTS[1]),
        (HOSTS[1], "/webhook/x", HOSTS[1]),
        // The first of its hosts speaks for it.
        (BASE, "/webhook/<P>/x", HOSTS[0]),
    ] {
        let heard = world.call_with(host, &spelled(path), forged).await.unwrap();
        assert_eq!(heard.header("host"), [called], "{host}{path}");
        for taken in ["x-replaced-path", "x-rp9-shared-tenant"] {
            assert!(heard.header(taken).is_empty(), "{heard:?}");
        }
    }
}

async fn behind_a_stand_in_its_calls_are_as_they_came(world: &World) {
    for host in HOSTS {
        world.change(host, |route| route.stand_in = Some(StandIn::Waiting)).await;
    }
    for (host, called) in [(HOSTS[0], HOSTS[0]), (HOSTS[1], HOSTS[1]), (BASE, HOSTS[0])] {
        for path in ["/webhook/<P>/orders", "/webhook/<P>/<P>/users/5"].map(spelled) {
            let heard = world.call(host, &path).await.unwrap();
            assert_eq!((heard.by.as_str(), heard.path.as_str()), ("page", path.as_str()), "{host}");
            assert_eq!(heard.header("host"), [called]);
            assert_eq!(heard.header("x-rp9-stand-in"), ["waiting"]);
        }
    }
}
