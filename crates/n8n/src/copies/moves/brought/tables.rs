//! The rows of an n8n of somebody's own that go into their part of a shared one, and what of them is written as something else.

use crate::copies::member::tables::{Table, all, numbered, project, user};

macro_rules! workflows {
    () => {
        r#"(SELECT s."workflowId" FROM shared_workflow s WHERE s.role = 'workflow:owner')"#
    };
}
macro_rules! credentials {
    () => {
        r#"(SELECT s."credentialsId" FROM shared_credentials s WHERE s.role = 'credential:owner')"#
    };
}
macro_rules! executions {
    () => {
        concat!(
            r#"(SELECT e.id FROM execution_entity e WHERE e."deletedAt" IS NULL AND e."workflowId" IN "#,
            workflows!(),
            ")"
        )
    };
}

/// Which version of which workflow is active, as `(id, version)`.
pub const ACTIVE: &str = concat!(
    r#"SELECT t.id::text, t."activeVersionId"::text FROM workflow_entity t WHERE t."activeVersionId" IS NOT NULL AND t.id IN "#,
    workflows!(),
    " ORDER BY t.id"
);

pub const DATA_TABLES: &str = "SELECT id::text FROM data_table ORDER BY id";

const THEIRS: (&str, &str) = ("projectId", project!());

/// As the hooks of a shared n8n have it when somebody saves: tenants call their own workflows and nobody else's.
const SETTINGS: &str = r#"CASE WHEN t.settings IS NOT NULL THEN ((t.settings::jsonb - 'callerIds') || jsonb_build_object('callerPolicy',
    CASE WHEN t.settings ->> 'callerPolicy' = 'none' THEN 'none' ELSE 'workflowsFromSameOwner' END))::json END"#;

/// Of several people's data tables that were called the same.
const NAME: &str =
    "CASE WHEN count(*) OVER (PARTITION BY t.name) > 1 THEN left(t.name, 100) || ' ' || t.id ELSE t.name END";

const fn theirs(name: &'static str, whose: &'static str) -> Table {
    Table { name, whose, drawn: &[], instead: &[THEIRS] }
}

/// In the order in which they can be loaded. There is one person in a part and one project: what was anybody's is theirs. A credential for everybody
/// would be everybody's who shares the n8n.
pub const TABLES: &[Table] = &[
    theirs("folder", "true"),
    Table {
        name: "workflow_entity",
        whose: concat!("t.id IN ", workflows!()),
        drawn: &[],
        instead: &[("activeVersionId", "NULL"), ("active", "false"), ("settings", SETTINGS)],
    },
    all("workflow_history", concat!(r#"t."workflowId" IN "#, workflows!())),
    theirs("shared_workflow", "t.role = 'workflow:owner'"),
    all("workflow_published_version", concat!(r#"t."workflowId" IN "#, workflows!())),
    Table {
        name: "workflow_publish_history",
        whose: concat!(r#"t."workflowId" IN "#, workflows!()),
        drawn: &["id"],
        instead: &[("userId", user!())],
    },
    numbered("workflow_statistics", concat!(r#"t."workflowId" IN "#, workflows!())),
    numbered("workflow_statistics_delta", concat!(r#"t."workflowId" IN "#, workflows!())),
    numbered("workflow_dependency", concat!(r#"t."workflowId" IN "#, workflows!())),
    all("processed_data", concat!(r#"t."workflowId" IN "#, workflows!())),
    all("poller_state", concat!(r#"t."workflowId" IN "#, workflows!())),
    all("evaluation_config", concat!(r#"t."workflowId" IN "#, workflows!())),
    Table {
        name: "evaluation_collection",
        whose: concat!(r#"t."workflowId" IN "#, workflows!()),
        drawn: &[],
        instead: &[("createdById", user!())],
    },
    all("test_run", concat!(r#"t."workflowId" IN "#, workflows!())),
    Table {
        name: "test_case_execution",
        whose: concat!(
            r#"t."testRunId" IN (SELECT r.id FROM test_run r WHERE r."workflowId" IN "#,
            workflows!(),
            ")"
        ),
        drawn: &[],
        instead: &[("executionId", "NULL")],
    },
    Table {
        name: "credentials_entity",
        whose: concat!("t.id IN ", credentials!()),
        drawn: &[],
        instead: &[("resolverId", "NULL"), ("isGlobal", "false")],
    },
    theirs("shared_credentials", "t.role = 'credential:owner'"),
    numbered("credential_dependency", concat!(r#"t."credentialId" IN "#, credentials!())),
    Table { name: "data_table", whose: "true", drawn: &[], instead: &[THEIRS, ("name", NAME)] },
    all("data_table_column", "true"),
    theirs("variables", "true"),
];

/// Nobody goes on with what was under way when it was copied.
const STATUS: &str = "CASE WHEN t.status IN ('new', 'running', 'unknown') THEN 'crashed' ELSE t.status END";
const STOPPED: &str = r#"CASE WHEN t.status IN ('new', 'running', 'unknown') THEN coalesce(t."stoppedAt", now()) ELSE t."stoppedAt" END"#;

/// What ran, and what it left. A tag on one is nobody's here.
pub const EXECUTIONS: &[Table] = &[
    Table {
        name: "execution_entity",
        whose: concat!("t.id IN ", executions!()),
        drawn: &[],
        instead: &[("status", STATUS), ("stoppedAt", STOPPED)],
    },
    all("execution_data", concat!(r#"t."executionId" IN "#, executions!())),
    numbered("execution_metadata", concat!(r#"t."executionId" IN "#, executions!())),
    numbered("execution_annotations", concat!(r#"t."executionId" IN "#, executions!())),
    all(
        "binary_data",
        concat!(
            r#"t."sourceType" = 'execution' AND t."sourceId" IN (SELECT x.id::text FROM "#,
            executions!(),
            " x)"
        ),
    ),
];
