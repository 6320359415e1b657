//! A key never may more than whoever made it.

use super::*;

async fn refused(platform: &Platform, call: Call) -> Vec<(String, String)> {
    let reply = platform.send(call).await;
    reply.assert_problem(422, "invalid_fields");
    reply.field_errors()
}

fn error(pointer: &str, code: &str) -> (String, String) {
    (pointer.to_owned(), code.to_owned())
}

fn in_days(days: i64) -> Value {
    let at = common::clock::now() + time::Duration::days(days);
    at.format(&time::format_description::well_known::Rfc3339).unwrap().into()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn nobody_grants_a_role_above_their_own(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let own = tenant_named(&platform, "mine").await;
    let roles = ["admin", "operator", "service", "owner"];
    for (index, maker) in roles.iter().enumerate() {
        for (granted, role) in roles.iter().enumerate() {
            let mut body = of_role(role);
            if *role == "owner" {
                body["tenants"] = json!([own]);
            }
            let claims =
                if *maker == "owner" { Claims::owner(&[&own.to_string()]) } else { Claims::of(maker) };
            let call = Call::post("/keys", &body).by(&claims).key(&unique()).signed();
            if granted >= index {
                make(&platform, call).await;
            } else {
                assert_eq!(
                    refused(&platform, call).await,
                    [error("/role", "exceeds_own")],
                    "{role} by {maker}"
                );
            }
        }
    }
    let made: i64 = sqlx::query_scalar("select count(*) from api_keys").fetch_one(&database).await.unwrap();
    assert_eq!(made, 10);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn an_owners_key_has_the_owners_tenants_and_no_others(database: PgPool) {
    let platform = Platform::on(database).await;
    let (own, foreign) = (tenant_named(&platform, "mine").await, tenant_named(&platform, "theirs").await);
    let absent = TenantId::generate();
    let owner = Claims::owner(&[&own.to_string()]);
    let asked = |tenants: Value| {
        let body = json!({ "name": "Scripts", "role": "owner", "tenants": tenants });
        Call::post("/keys", &body).by(&owner).signed()
    };
    // A foreign tenant is answered as one that is not there.
    for other in [foreign, absent] {
        let told = refused(&platform, asked(json!([own, other]))).await;
        assert_eq!(told, [error("/tenants/1", "unknown_tenant")]);
    }
    let by_admin = json!({ "name": "Scripts", "role": "owner", "tenants": [absent] });
    assert_eq!(refused(&platform, asking(&by_admin, "admin")).await, [error("/tenants/0", "unknown_tenant")]);
    assert_eq!(
        refused(&platform, asking(&of_role("owner"), "admin")).await,
        [error("/tenants", "tenants_required")]
    );
    let narrowed = json!({ "name": "Scripts", "role": "service", "tenants": [own] });
    assert_eq!(refused(&platform, asking(&narrowed, "admin")).await, [error("/tenants", "not_narrowed")]);

    let key = make(&platform, asked(json!([own]))).await;
    let seen = platform.send(Call::get("/tenants").bearing(&key.text)).await.json();
    assert_eq!((seen["data"].as_array().unwrap().len(), &seen["data"][0]["id"]), (1, &json!(own)));
    for path in [format!("/tenants/{foreign}"), "/tenants/theirs".to_owned(), format!("/tenants/{absent}")] {
        platform.send(Call::get(&path).bearing(&key.text)).await.assert_problem(404, "not_found");
        platform
            .send(Call::post(&format!("{path}/restart"), &json!({})).by_key(&key.text))
            .await
            .assert_problem(404, "not_found");
    }
    // Keys of others are none of the owner's business, nor are those of tenants that are not all theirs.
    let others = [
        make(&platform, asking(&of_role("service"), "admin")).await,
        make(&platform, asking(&json!({ "name": "x", "role": "owner", "tenants": [foreign] }), "admin"))
            .await,
        make(&platform, asking(&json!({ "name": "x", "role": "owner", "tenants": [own, foreign] }), "admin"))
            .await,
    ];
    let listed = platform.send(Call::get("/keys").by(&owner)).await.json();
    assert_eq!((listed["data"].as_array().unwrap().len(), &listed["data"][0]["id"]), (1, &json!(key.id)));
    for other in &others {
        platform.send(Call::get(&other.path()).by(&owner)).await.assert_problem(404, "not_found");
        platform.send(Call::delete(&other.path()).by(&owner).signed()).await.assert_problem(404, "not_found");
        assert_eq!(platform.send(Call::get("/tenants").bearing(&other.text)).await.status, 200);
    }
    assert_eq!(platform.send(Call::delete(&key.path()).by(&owner).signed()).await.status, 200);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_key_makes_keys_only_with_that_scope_and_none_beyond_itself(database: PgPool) {
    let platform = Platform::on(database).await;
    let plain = make(&platform, asking(&of_role("service"), "admin")).await;
    let refusal = platform.send(Call::post("/keys", &of_role("service")).by_key(&plain.text)).await;
    assert!(refusal.assert_problem(403, "forbidden")["detail"].as_str().unwrap().contains("keys:write"));
    let scopes = ["keys:write", "tenants:read"];
    let maker = json!({ "name": "Maker", "role": "service", "scopes": scopes, "expires_at": in_days(30) });
    let maker = make(&platform, asking(&maker, "admin")).await;
    let by_it = |body: Value| Call::post("/keys", &body).by_key(&maker.text);
    let beyond = [
        (json!({ "name": "x", "role": "operator" }), error("/role", "exceeds_own")),
        (
            json!({ "name": "x", "role": "service", "scopes": ["tenants:read", "tenants:write"] }),
            error("/scopes/1", "exceeds_own"),
        ),
        (
            json!({ "name": "x", "role": "service", "expires_at": in_days(31) }),
            error("/expires_at", "exceeds_own"),
        ),
    ];
    for (body, expected) in beyond {
        assert_eq!(refused(&platform, by_it(body)).await, [expected]);
    }
    let child = platform.send(by_it(json!({ "name": "Child", "role": "service" }))).await.json();
    assert_eq!(child["data"]["scopes"], json!(["tenants:read"]), "to make keys is asked for by name");
    let limits = [
        &child["data"]["expires_at"],
        &platform.send(Call::get(&maker.path()).by_a("admin")).await.json()["data"]["expires_at"],
    ]
    .map(Value::clone);
    assert_eq!(limits[0], limits[1], "no later than the key it was made with");
    // With a key nobody revokes one that may more.
    platform.send(Call::delete(&plain.path()).by_key(&maker.text)).await.assert_problem(403, "forbidden");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_key_ends_with_the_key_that_it_was_made_with(database: PgPool) {
    let platform = Platform::on(database).await;
    let body =
        json!({ "name": "Line", "role": "service", "scopes": ["keys:write", "keys:read", "tenants:read"] });
    let mut line = vec![make(&platform, asking(&body, "admin")).await];
    for _ in 1..8 {
        let call = Call::post("/keys", &body).by_key(&line.last().unwrap().text);
        line.push(make(&platform, call).await);
    }
    let ninth = Call::post("/keys", &body).by_key(&line[7].text);
    assert_eq!(refused(&platform, ninth).await, [error("", "exceeds_own")]);
    platform.send(revocation(&line[2])).await;
    for (place, key) in line.iter().enumerate() {
        let status =
            platform.send_to(place % 2, Call::get("/tenants").bearing(&key.text)).await.status.as_u16();
        assert_eq!(status, if place < 2 { 200 } else { 401 }, "{place}");
        let state = platform.send(Call::get(&key.path()).by_a("admin")).await.json()["data"]["state"].clone();
        assert_eq!(state, if place < 2 { "active" } else { "revoked" }, "{place}");
    }
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_tenant_has_a_hundred_keys_at_most(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let (own, other) = (tenant_named(&platform, "mine").await, tenant_named(&platform, "other").await);
    let many = "insert into api_keys (id, name, hash, role, tenants, scopes, created_by, expires_at)
                select gen_random_uuid(), 'x', sha256(n::text::bytea), 'owner', array[$1], '{}', 'x', now() + interval '1 day'
                  from generate_series(1, 100) n";
    sqlx::query(many).bind(own).execute(&database).await.unwrap();
    let body = |tenants: Value| json!({ "name": "One more", "role": "owner", "tenants": tenants });
    platform.send(asking(&body(json!([other, own])), "admin")).await.assert_problem(409, "too_many_keys");
    make(&platform, asking(&body(json!([other])), "admin")).await;
    sqlx::query("update api_keys set revoked_at = now() where id = (select id from api_keys where name = 'x' limit 1)")
        .execute(&database).await.unwrap();
    make(&platform, asking(&body(json!([own])), "admin")).await;
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn an_end_is_in_the_future_and_within_a_year(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    for (days, expected) in [(-1, 422), (0, 422), (1, 201), (365, 201), (367, 422)] {
        let body = json!({ "name": "x", "role": "service", "expires_at": in_days(days) });
        assert_eq!(platform.send(asking(&body, "admin")).await.status, expected, "{days}");
    }
    let bad = json!({ "name": "x\u{202e}", "role": "root", "scopes": ["all"], "tenants": [], "expires_at": "soon", "secret": "mine" });
    let told = refused(&platform, asking(&bad, "admin")).await;
    let expected = [
        ("/name", "invalid_characters"),
        ("/role", "unknown_role"),
        ("/tenants", "invalid_length"),
        ("/scopes/0", "unknown_scope"),
        ("/expires_at", "invalid_time"),
        ("/secret", "unknown_field"),
    ];
    assert_eq!(told, expected.map(|(pointer, code)| error(pointer, code)));
    platform.stop().await;
}
