//! Which rows of n8n's tables are a member's: those that name their user, their project, or what is that project's.

/// A table of n8n's, as far as it is a member's.
pub struct Table {
    pub name: &'static str,
    /// Which rows of it, called `t`, are theirs.
    pub whose: &'static str,
    /// Columns that the database draws and nothing else refers to: drawn anew where it is loaded, so that they meet nobody else's.
    pub drawn: &'static [&'static str],
    /// Columns that are written as something else.
    pub instead: &'static [(&'static str, &'static str)],
}

macro_rules! project {
    () => {
        "current_setting('rp9.project')"
    };
}
macro_rules! user {
    () => {
        "current_setting('rp9.user')::uuid"
    };
}
macro_rules! workflows {
    () => {
        r#"(SELECT s."workflowId" FROM shared_workflow s WHERE s."projectId" = current_setting('rp9.project')
                   AND s.role = 'workflow:owner')"#
    };
}
macro_rules! credentials {
    () => {
        r#"(SELECT s."credentialsId" FROM shared_credentials s WHERE s."projectId" = current_setting('rp9.project')
                   AND s.role = 'credential:owner')"#
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
macro_rules! data_tables {
    () => {
        concat!(r#"(SELECT d.id FROM data_table d WHERE d."projectId" = "#, project!(), ")")
    };
}
macro_rules! insights {
    () => {
        concat!(
            r#"(SELECT m."metaId" FROM insights_metadata m WHERE m."projectId" = "#,
            project!(),
            r#" OR m."workflowId" IN "#,
            workflows!(),
            ")"
        )
    };
}
macro_rules! annotations {
    () => {
        concat!(r#"(SELECT a.id FROM execution_annotations a WHERE a."executionId" IN "#, executions!(), ")")
    };
}
pub(in crate::copies) use {credentials, project, user, workflows};

pub const fn all(name: &'static str, whose: &'static str) -> Table {
    Table { name, whose, drawn: &[], instead: &[] }
}

pub const fn numbered(name: &'static str, whose: &'static str) -> Table {
    Table { name, whose, drawn: &["id"], instead: &[] }
}

/// Somebody else may have done it: who that is is no business of the member's.
const BY_WHOM: &str = concat!(r#"CASE WHEN t."userId" = "#, user!(), r#" THEN t."userId" END"#);
const MADE_BY: &str = concat!(r#"CASE WHEN t."createdById" = "#, user!(), r#" THEN t."createdById" END"#);

/// What is copied, in the order in which it can be loaded: what is referred to comes first.
///
/// A second factor opens with the shared n8n's key alone, and the role of tenants is the platform's own, so the user is a plain member without one. Which
/// version of a workflow is active is written after the versions ([`ACTIVE`]).
pub const TABLES: &[Table] = &[
    Table {
        name: "user",
        whose: concat!("t.id = ", user!()),
        drawn: &[],
        instead: &[
            ("roleSlug", "'global:member'"),
            ("disabled", "false"),
            ("mfaEnabled", "false"),
            ("mfaSecret", "NULL"),
            ("mfaRecoveryCodes", "NULL"),
        ],
    },
    Table {
        name: "project",
        whose: concat!("t.id = ", project!()),
        drawn: &[],
        instead: &[(
            "creatorId",
            concat!(r#"CASE WHEN t."creatorId" = "#, user!(), r#" THEN t."creatorId" END"#),
        )],
    },
    all("project_relation", concat!(r#"t."projectId" = "#, project!(), r#" AND t."userId" = "#, user!())),
    all(
        "tag_entity",
        concat!(
            r#"t.id IN (SELECT w."tagId" FROM workflows_tags w WHERE w."workflowId" IN "#,
            workflows!(),
            r#") OR t.id IN (SELECT g."tagId" FROM folder_tag g JOIN folder f ON f.id = g."folderId" WHERE f."projectId" = "#,
            project!(),
            ")"
        ),
    ),
    all("folder", concat!(r#"t."projectId" = "#, project!())),
    all(
        "folder_tag",
        concat!(r#"t."folderId" IN (SELECT f.id FROM folder f WHERE f."projectId" = "#, project!(), ")"),
    ),
    Table {
        name: "workflow_entity",
        whose: concat!("t.id IN ", workflows!()),
        drawn: &[],
        instead: &[("activeVersionId", "NULL")],
    },
    all("workflow_history", concat!(r#"t."workflowId" IN "#, workflows!())),
    all("shared_workflow", concat!(r#"t."projectId" = "#, project!(), " AND t.role = 'workflow:owner'")),
    all("workflow_published_version", concat!(r#"t."workflowId" IN "#, workflows!())),
    Table {
        name: "workflow_publish_history",
        whose: concat!(r#"t."workflowId" IN "#, workflows!()),
        drawn: &["id"],
        instead: &[("userId", BY_WHOM)],
    },
    all("workflows_tags", concat!(r#"t."workflowId" IN "#, workflows!())),
    numbered("workflow_statistics", concat!(r#"t."workflowId" IN "#, workflows!())),
    numbered("workflow_statistics_delta", concat!(r#"t."workflowId" IN "#, workflows!())),
    numbered("workflow_dependency", concat!(r#"t."workflowId" IN "#, workflows!())),
    all("webhook_entity", concat!(r#"t."workflowId" IN "#, workflows!())),
    all("processed_data", concat!(r#"t."workflowId" IN "#, workflows!())),
    all("poller_state", concat!(r#"t."workflowId" IN "#, workflows!())),
    all("evaluation_config", concat!(r#"t."workflowId" IN "#, workflows!())),
    Table {
        name: "evaluation_collection",
        whose: concat!(r#"t."workflowId" IN "#, workflows!()),
        drawn: &[],
        instead: &[("createdById", MADE_BY)],
    },
    all("test_run", concat!(r#"t."workflowId" IN "#, workflows!())),
    Table {
        name: "credentials_entity",
        whose: concat!("t.id IN ", credentials!()),
        drawn: &[],
        instead: &[("resolverId", "NULL")],
    },
    all("shared_credentials", concat!(r#"t."projectId" = "#, project!(), " AND t.role = 'credential:owner'")),
    numbered("credential_dependency", concat!(r#"t."credentialId" IN "#, credentials!())),
    all("execution_entity", concat!(r#"t."deletedAt" IS NULL AND t."workflowId" IN "#, workflows!())),
    all("execution_data", concat!(r#"t."executionId" IN "#, executions!())),
    numbered("execution_metadata", concat!(r#"t."executionId" IN "#, executions!())),
    all("execution_annotations", concat!(r#"t."executionId" IN "#, executions!())),
    all(
        "annotation_tag_entity",
        concat!(
            r#"t.id IN (SELECT g."tagId" FROM execution_annotation_tags g WHERE g."annotationId" IN "#,
            annotations!(),
            ")"
        ),
    ),
    all("execution_annotation_tags", concat!(r#"t."annotationId" IN "#, annotations!())),
    Table {
        name: "test_case_execution",
        whose: concat!(
            r#"t."testRunId" IN (SELECT r.id FROM test_run r WHERE r."workflowId" IN "#,
            workflows!(),
            ")"
        ),
        drawn: &[],
        instead: &[(
            "executionId",
            concat!(r#"CASE WHEN t."executionId" IN "#, executions!(), r#" THEN t."executionId" END"#),
        )],
    },
    all(
        "binary_data",
        concat!(
            r#"t."sourceType" = 'execution' AND t."sourceId" IN (SELECT x.id::text FROM "#,
            executions!(),
            " x)"
        ),
    ),
    all("data_table", concat!(r#"t."projectId" = "#, project!())),
    all("data_table_column", concat!(r#"t."dataTableId" IN "#, data_tables!())),
    all("variables", concat!(r#"t."projectId" = "#, project!())),
    all("insights_metadata", concat!(r#"t."metaId" IN "#, insights!())),
    numbered("insights_raw", concat!(r#"t."metaId" IN "#, insights!())),
    numbered("insights_by_period", concat!(r#"t."metaId" IN "#, insights!())),
    numbered("user_favorites", concat!(r#"t."userId" = "#, user!())),
    Table {
        name: "activity_event",
        whose: concat!(r#"t."projectId" = "#, project!()),
        drawn: &["id"],
        instead: &[("userId", BY_WHOM)],
    },
];

/// Which version of which workflow is active, as `(id, version)`.
pub const ACTIVE: &str = concat!(
    r#"SELECT t.id, t."activeVersionId" FROM workflow_entity t WHERE t."activeVersionId" IS NOT NULL AND t.id IN "#,
    workflows!(),
    " ORDER BY t.id"
);

/// Tables with a number that others refer to and the database draws: after loading it goes on behind what was loaded.
pub const COUNTERS: [(&str, &str); 3] =
    [("execution_entity", "id"), ("execution_annotations", "id"), ("insights_metadata", "metaId")];

/// The table that n8n makes for a data table's rows has its id in its name.
pub const DATA_TABLE: &str = "data_table_user_";
/// Whose they are, by their ids.
pub const DATA_TABLES: &str =
    concat!("SELECT d.id::text FROM data_table d WHERE d.\"projectId\" = ", project!(), " ORDER BY d.id");

/// One of n8n's that is copied.
pub fn find(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}
