import type { MajorVersion } from "../model/instance";
import { checkValue, findParameter, type ParameterType, type ParameterValue, parameterNames, toPlainValue } from "../model/parameters";
import { isOfModule, type ParameterNames, refuseUnknown } from "../model/rules/parameter-names";
import type { Advice } from "../model/target";

/** The flag that `iamAuthentication` sets. */
export const IAM_FLAG = "cloudsql.iam_authentication";

const ON_OFF: ParameterType = { type: "bool" };

/**
 * Cloud SQL's own flags, and PostgreSQL's parameters that it restricts.
 *
 * https://cloud.google.com/sql/docs/postgres/flags#list-flags-postgres
 */
const CLOUD_SQL_FLAGS: ReadonlyMap<string, ParameterType> = new Map<string, ParameterType>([
  ["autovacuum_freeze_max_age", { type: "integer", min: 100_000_000, max: 2_000_000_000 }],
  ["autovacuum_multixact_freeze_max_age", { type: "integer", min: 10_000, max: 2_000_000_000 }],
  ["cloudsql.allow_passwordless_local_connections", ON_OFF],
  ["cloudsql.enable_anon", ON_OFF],
  ["cloudsql.enable_auto_explain", ON_OFF],
  ["cloudsql.enable_index_advisor", ON_OFF],
  ["cloudsql.enable_maintenance_mode", ON_OFF],
  ["cloudsql.enable_pg_bigm", ON_OFF],
  ["cloudsql.enable_pg_cron", ON_OFF],
  ["cloudsql.enable_pg_hint_plan", ON_OFF],
  ["cloudsql.enable_pg_squeeze", ON_OFF],
  ["cloudsql.enable_pg_wait_sampling", ON_OFF],
  ["cloudsql.enable_pgaudit", ON_OFF],
  ["cloudsql.enable_pglogical", ON_OFF],
  [IAM_FLAG, ON_OFF],
  ["cloudsql.logical_decoding", ON_OFF],
  ["cloudsql.max_failed_attempts_user", { type: "integer", min: 0, max: 10_000 }],
  ["cloudsql.pg_authid_select_role", { type: "string" }],
  ["max_prepared_transactions", { type: "integer", min: 0, max: 262_143 }],
  ["max_replication_slots", { type: "integer", min: 10, max: 262_143 }],
  ["max_wal_senders", { type: "integer", min: 10, max: 262_143 }],
]);

/**
 * PostgreSQL parameters that are flags. Other PostgreSQL parameters need an acknowledgement but are not forbidden: Google adds flags, and
 * rejects wrong ones before it creates a server.
 */
const POSTGRES_FLAGS: ReadonlySet<string> = new Set(
  `autovacuum autovacuum_analyze_scale_factor autovacuum_analyze_threshold autovacuum_max_workers autovacuum_naptime
  autovacuum_vacuum_cost_delay autovacuum_vacuum_cost_limit autovacuum_vacuum_insert_scale_factor autovacuum_vacuum_insert_threshold
  autovacuum_vacuum_scale_factor autovacuum_vacuum_threshold autovacuum_work_mem
  auto_explain.log_analyze auto_explain.log_buffers auto_explain.log_format auto_explain.log_level auto_explain.log_min_duration
  auto_explain.log_nested_statements auto_explain.log_settings auto_explain.log_timing auto_explain.log_triggers auto_explain.log_verbose
  auto_explain.log_wal auto_explain.sample_rate
  bgwriter_delay bgwriter_lru_maxpages bgwriter_lru_multiplier checkpoint_completion_target checkpoint_flush_after checkpoint_timeout
  checkpoint_warning client_connection_check_interval commit_delay commit_siblings constraint_exclusion cpu_index_tuple_cost
  cpu_operator_cost cpu_tuple_cost cursor_tuple_fraction
  deadlock_timeout debug_parallel_query default_statistics_target default_tablespace default_toast_compression
  default_transaction_deferrable default_transaction_isolation default_transaction_read_only
  effective_cache_size effective_io_concurrency enable_async_append enable_bitmapscan enable_gathermerge enable_hashagg enable_hashjoin
  enable_incremental_sort enable_indexonlyscan enable_indexscan enable_material enable_memoize enable_mergejoin enable_nestloop
  enable_parallel_append enable_parallel_hash enable_partition_pruning enable_partitionwise_aggregate enable_partitionwise_join
  enable_seqscan enable_sort enable_tidscan
  force_parallel_mode from_collapse_limit geqo geqo_effort geqo_generations geqo_pool_size geqo_seed geqo_selection_bias geqo_threshold
  gin_fuzzy_search_limit gin_pending_list_limit hash_mem_multiplier hot_standby_feedback huge_pages
  idle_in_transaction_session_timeout idle_session_timeout
  jit jit_above_cost jit_inline_above_cost jit_optimize_above_cost join_collapse_limit lock_timeout
  log_autovacuum_min_duration log_checkpoints log_connections log_disconnections log_duration log_error_verbosity log_executor_stats
  log_hostname log_line_prefix log_lock_waits log_min_duration_sample log_min_duration_statement log_min_error_statement log_min_messages
  log_parameter_max_length log_parameter_max_length_on_error log_parser_stats log_planner_stats log_recovery_conflict_waits
  log_replication_commands log_statement log_statement_sample_rate log_statement_stats log_temp_files log_timezone
  log_transaction_sample_rate logical_decoding_work_mem
  maintenance_io_concurrency maintenance_work_mem max_connections max_files_per_process max_locks_per_transaction
  max_logical_replication_workers max_parallel_maintenance_workers max_parallel_workers max_parallel_workers_per_gather
  max_pred_locks_per_page max_pred_locks_per_relation max_pred_locks_per_transaction max_slot_wal_keep_size max_standby_archive_delay
  max_standby_streaming_delay max_sync_workers_per_subscription max_wal_size max_worker_processes min_parallel_index_scan_size
  min_parallel_table_scan_size min_wal_size
  old_snapshot_threshold parallel_leader_participation parallel_setup_cost parallel_tuple_cost pg_stat_statements.max
  pg_stat_statements.save pg_stat_statements.track pg_stat_statements.track_utility plan_cache_mode
  random_page_cost seq_page_cost session_replication_role shared_buffers ssl_max_protocol_version ssl_min_protocol_version
  standard_conforming_strings statement_timeout synchronize_seqscans synchronous_commit
  tcp_keepalives_count tcp_keepalives_idle tcp_keepalives_interval temp_buffers temp_file_limit timezone track_activity_query_size
  track_activities track_commit_timestamp track_counts track_functions track_io_timing track_wal_io_timing transaction_timeout
  vacuum_cost_delay vacuum_cost_limit vacuum_cost_page_dirty vacuum_cost_page_hit vacuum_cost_page_miss vacuum_failsafe_age
  vacuum_freeze_min_age vacuum_freeze_table_age vacuum_multixact_failsafe_age vacuum_multixact_freeze_min_age
  vacuum_multixact_freeze_table_age
  wal_buffers wal_compression wal_receiver_timeout wal_sender_timeout work_mem`.split(/\s+/),
);

/** Modules whose parameters are flags, accepted as written if the catalogue lacks them. */
const MODULES: readonly string[] = ["anon", "cron", "hnsw", "ivfflat", "pg_bigm", "pg_hint_plan", "pgaudit", "pglogical", "rdkit"];

/** Flags whose change restarts the server. https://cloud.google.com/sql/docs/postgres/flags#restart */
const RESTARTING: ReadonlySet<string> = new Set(
  `autovacuum_freeze_max_age autovacuum_max_workers autovacuum_multixact_freeze_max_age cloudsql.enable_anon
  cloudsql.enable_auto_explain cloudsql.enable_index_advisor cloudsql.enable_pg_bigm cloudsql.enable_pg_cron
  cloudsql.enable_pg_hint_plan cloudsql.enable_pg_squeeze cloudsql.enable_pg_wait_sampling cloudsql.enable_pgaudit
  cloudsql.enable_pglogical cloudsql.logical_decoding huge_pages max_connections max_files_per_process max_locks_per_transaction
  max_logical_replication_workers max_pred_locks_per_transaction max_prepared_transactions max_replication_slots max_wal_senders
  max_worker_processes old_snapshot_threshold pg_stat_statements.max shared_buffers track_activity_query_size track_commit_timestamp
  wal_buffers`.split(/\s+/),
);

/** What to set instead, if there is an equivalent. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ["wal_level", "set cloudsql.logical_decoding to on for logical replication"],
  ["shared_preload_libraries", "set the module's own flag, such as cloudsql.enable_pgaudit"],
]);

const NAMES: ParameterNames = {
  kind: "a Cloud SQL flag",
  known: (majorVersion) => [...CLOUD_SQL_FLAGS.keys(), ...parameterNames(majorVersion).filter((each) => POSTGRES_FLAGS.has(each))],
  foreign: {
    prefix: "rds.",
    kind: "an RDS parameter",
    section: "aws",
    instead: new Map([
      ["rds.accepted_password_auth_method", "remove it; this project sets only SCRAM-SHA-256 passwords"],
      ["rds.force_ssl", "remove it; the instance rejects connections without TLS"],
      ["rds.logical_replication", "set cloudsql.logical_decoding to on"],
    ]),
  },
};

/** Whether the server restarts when a flag changes. */
export const restarts = (name: string): boolean => RESTARTING.has(name);

export const findFlag = (name: string, majorVersion: MajorVersion): ParameterType | null =>
  CLOUD_SQL_FLAGS.get(name) ?? findParameter(name, majorVersion);

/** Returns why Cloud SQL for PostgreSQL would reject a flag; null if it accepts it, or if that is uncertain. */
export function checkFlag(name: string, value: ParameterValue, majorVersion: MajorVersion): Advice | null {
  const flag = findFlag(name, majorVersion);
  if (flag === null) return isOfModule(name, MODULES) ? null : refuseUnknown(name, NAMES, majorVersion);
  const rule = checkValue(flag, value);
  return rule === null ? null : { rule, remedy: "" };
}

/** Returns why a flag is uncertain: PostgreSQL knows it, but Cloud SQL's list does not contain it. */
export function doubtFlag(name: string, majorVersion: MajorVersion): Advice | null {
  if (CLOUD_SQL_FLAGS.has(name) || POSTGRES_FLAGS.has(name) || isOfModule(name, MODULES)) return null;
  if (findParameter(name, majorVersion) === null) return null;
  return {
    rule: "is not on the list of Cloud SQL flags",
    remedy: INSTEAD.get(name) ?? `remove it, or check that gcloud sql flags list --database-version=POSTGRES_${majorVersion} lists it`,
  };
}

/** Returns a value as Cloud SQL accepts it: numbers in the parameter's own unit, on and off. */
export function toFlagValue(name: string, value: ParameterValue, majorVersion: MajorVersion): string {
  const flag = findFlag(name, majorVersion);
  return (flag === null ? null : toPlainValue(flag, value)) ?? String(value);
}
