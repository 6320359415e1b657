//! What a tenant's containers wrote.

use common::{
    database::MIGRATOR,
    error::{Classify as _, Kind},
    id::TenantId,
    operations::End,
};
use engine::LogStream;
use n8n::databases::Name;
use provisioner::{CreateTenant, questions};
use sqlx::PgPool;
use wire::{AskLogs, LogLine, LoggedRole};

use crate::support::{Fakes, site_with};

async fn tenant(fakes: &Fakes) -> TenantId {
    let tenant = fakes.accept("pro").await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    tenant
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn lines_of_all_containers_come_in_their_order_without_what_the_platform_keeps_secret(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let tenant = tenant(&fakes).await;
    let (mut world, name) =
        (fakes.world("logs"), |place: &str| format!("rp9-{}-blue-{place}", tenant.digits()));
    world.site = site_with(&[
        ("TENANT_SMTP_HOST", "mail.example.com"),
        ("TENANT_SMTP_SENDER", "flows@example.com"),
        ("TENANT_SMTP_USER", "flows"),
        ("TENANT_SMTP_PASSWORD", "hunter2-of-all"),
    ]);
    let (password, _) = fakes.databases.role(&Name::of(tenant)).unwrap();
    fakes.containers.write(&name("main"), LogStream::Stdout, "one");
    fakes.containers.write(
        &name("worker-2"),
        LogStream::Stderr,
        &format!("no login with {password}, no mail with hunter2-of-all"),
    );
    fakes.containers.write(&name("main"), LogStream::Stdout, "three");
    let ask = async |role, tail, after| {
        let asked = AskLogs { tenant, cluster: None, role, tail, after };
        let logs = questions::logs(&pool, &world, asked).await.unwrap();
        assert_eq!(logs.truncated, tail == 2, "only then there are more");
        logs.lines
    };
    let texts = |lines: &[LogLine]| lines.iter().map(|line| line.text.clone()).collect::<Vec<_>>();
    let all = ask(None, 10, None).await;
    assert_eq!(texts(&all), ["one", "no login with [secret], no mail with [secret]", "three"]);
    assert_eq!((all[1].instance.as_str(), all[1].stream.as_str()), (name("worker-2").as_str(), "stderr"));
    assert_eq!(texts(&ask(None, 2, None).await), texts(&all[1..]));
    assert_eq!(texts(&ask(Some(LoggedRole::Main), 10, None).await), ["one", "three"]);
    assert_eq!(texts(&ask(Some(LoggedRole::Worker), 10, None).await), texts(&all[1..2]));
    assert_eq!(texts(&ask(None, 10, Some(all[1].at)).await), ["three"]);

    fakes.containers.vanish(&name("main"));
    assert_eq!(texts(&ask(None, 10, None).await), texts(&all[1..2]), "the others still answer");
    fakes.containers.set_silent(&name("worker-1"), true);
    assert_eq!(texts(&ask(None, 10, None).await), texts(&all[1..2]), "what can be read is");
    fakes.containers.set_silent(&name("worker-2"), true);
    let workers = AskLogs { tenant, cluster: None, role: Some(LoggedRole::Worker), tail: 1, after: None };
    assert_eq!(questions::logs(&pool, &world, workers).await.unwrap_err().kind(), Kind::Timeout);
    let nobody = AskLogs { tenant: TenantId::generate(), cluster: None, role: None, tail: 1, after: None };
    assert_eq!(questions::logs(&pool, &world, nobody).await.unwrap_err().kind(), Kind::NotFound);
}
