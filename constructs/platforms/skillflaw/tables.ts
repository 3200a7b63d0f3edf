import type { ForeignTables } from "../../model/platform";

/** Tables of its upstream, Langflow 1.13.0, and of earlier versions: from its models and its migrations. */
const KNOWN = `a2a_checkpoints a2a_tasks alembic_version apikey audit_events authz_access_exception authz_audit_log authz_edit_lock authz_role
authz_role_assignment authz_role_assignment_grant authz_share authz_team authz_team_member authz_team_member_grant
background_job_metric_totals casbin_rule catalog_policy_rule connection connection_oauth connection_secret credential
data_subject_request deployment deployment_provider_account execution_signals file flow flow_version
flow_version_deployment_attachment flowstyle folder ingestion_run job job_checkpoints job_events knowledge_base
knowledge_base_storage_migration mcp_server memory_base memory_base_preprocessing_output memory_base_session
memory_base_workflow_run message message_ingestion_record model_provider_policy policy_bundle_active policy_bundle_revision
project_replacement_operation span sso_config sso_settings sso_user_profile temp_vertex_build trace transaction trigger
trigger_cleanup trigger_event trigger_lease trigger_listener_lease trigger_source_version trigger_subscription user variable
vertex_build`;

/**
 * Each start compares all tables of schema `public` with the program's models. Since pull request 14534 (1.13.0), Langflow ignores other
 * programs' tables; the SkillFlaw image does not record which version it derives from.
 */
export const skillflawTables: ForeignTables = {
  known: KNOWN.split(/\s+/),
  marker: "alembic_version",
  // LangChain's, by which its flows keep vectors.
  never: "^langchain_pg_",
  because: 'SkillFlaw refuses to start with them ("remove_table")',
  remedy: "give their program, such as a vector store, a separate database (docs/skillflaw.md)",
  source: "https://github.com/langflow-ai/langflow/pull/14534",
  date: "2026-11-30",
};
