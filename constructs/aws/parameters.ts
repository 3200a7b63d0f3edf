import type { MajorVersion } from "../model/instance";
import { checkValue, findParameter, type ParameterType, type ParameterValue, parameterNames, toPlainValue } from "../model/parameters";
import { IS_OWNED } from "../model/rules/instance-rules";
import { isOfModule, type ParameterNames, refuseUnknown } from "../model/rules/parameter-names";
import type { Advice } from "../model/target";

const LEVELS = [
  "disabled",
  "debug5",
  "debug4",
  "debug3",
  "debug2",
  "debug1",
  "info",
  "notice",
  "warning",
  "error",
  "log",
  "fatal",
  "panic",
];

/**
 * RDS's own parameters, and PostgreSQL's parameters that RDS restricts.
 *
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Parameters.html
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Concepts.PostgreSQL.html
 */
const RDS_PARAMETERS: ReadonlyMap<string, ParameterType> = new Map<string, ParameterType>([
  // With csvlog both are written.
  ["log_destination", { type: "enum", values: ["stderr", "csvlog"] }],
  ["log_filename", { type: "enum", values: ["postgresql.log.%Y-%m-%d", "postgresql.log.%Y-%m-%d-%H", "postgresql.log.%Y-%m-%d-%H%M"] }],
  ["log_rotation_age", { type: "integer", unit: "min", min: 1, max: 1440 }],
  ["rds.accepted_password_auth_method", { type: "enum", values: ["md5+scram", "scram"] }],
  ["rds.adaptive_autovacuum", { type: "bool" }],
  ["rds.allowed_extensions", { type: "string" }],
  ["rds.custom_dns_resolution", { type: "bool" }],
  ["rds.enable_pgactive", { type: "bool", restart: true }],
  ["rds.force_admin_logging_level", { type: "enum", values: LEVELS }],
  ["rds.force_autovacuum_logging_level", { type: "enum", values: LEVELS }],
  ["rds.force_ssl", { type: "bool" }],
  ["rds.log_retention_period", { type: "integer", unit: "min", min: 1440, max: 10080 }],
  ["rds.logical_replication", { type: "bool", restart: true }],
  ["rds.rds_superuser_reserved_connections", { type: "integer", min: 0, max: 262143, restart: true }],
  ["rds.restrict_password_commands", { type: "bool" }],
]);

/**
 * Parameters that a parameter group shows as not modifiable (`aws rds describe-db-parameters`), or that only the host sets, grouped by what
 * RDS controls. Doubtful ones are missing: RDS itself rejects them when it creates the group, before the server.
 */
const FIXED: Readonly<Record<string, string>> = {
  "where files, libraries and sockets are": `config_file cron.host cron.use_background_workers data_directory dynamic_library_path
    extension_control_path external_pid_file hba_file ident_file jit_provider krb_server_keyfile listen_addresses local_preload_libraries
    oauth_validator_libraries port unix_socket_directories unix_socket_group unix_socket_permissions`,
  "which certificate is shown": `ssl ssl_ca_file ssl_cert_file ssl_crl_dir ssl_crl_file ssl_dh_params_file ssl_key_file
    ssl_passphrase_command ssl_passphrase_command_supports_reload`,
  "how log files are kept": `event_source log_directory log_file_mode log_timezone log_truncate_on_rotation logging_collector
    syslog_facility syslog_ident syslog_sequence_numbers syslog_split_messages`,
  "how data reaches the disk": `data_sync_retry fsync full_page_writes ignore_checksum_failure ignore_invalid_pages
    recovery_init_sync_method wal_init_zero wal_level wal_log_hints wal_sync_method zero_damaged_pages`,
  "how WAL is archived, recovered and replicated": `archive_cleanup_command archive_command archive_library archive_mode archive_timeout
    hot_standby primary_conninfo primary_slot_name promote_trigger_file recovery_end_command recovery_min_apply_delay recovery_target
    recovery_target_action recovery_target_inclusive recovery_target_lsn recovery_target_name recovery_target_time
    recovery_target_timeline recovery_target_xid restore_command synchronous_standby_names wal_receiver_create_temp_slot`,
  "how the server runs": `allow_alter_system allow_in_place_tablespaces allow_system_table_mods backtrace_functions bonjour bonjour_name
    cluster_name db_user_namespace dynamic_shared_memory_type exit_on_error ignore_system_indexes krb_caseins_users lo_compat_privileges
    rds.extensions rds.max_tcp_buffers rds.rds_reserved_connections rds.superuser_variables restart_after_crash shared_memory_type
    superuser_reserved_connections update_process_title`,
};
const FIXED_BY_NAME: ReadonlyMap<string, string> = new Map(
  Object.entries(FIXED).flatMap(([what, names]) => names.split(/\s+/).map((name): [string, string] => [name, what])),
);

/** What to set instead, if there is an equivalent. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ["wal_level", "set rds.logical_replication to on for logical replication"],
  ["rds.extensions", "rds.allowed_extensions limits them"],
]);

/** Access and encryption depend on them. */
const OWNED: readonly string[] = ["rds.accepted_password_auth_method", "rds.force_ssl"];

const preload = (module: string): string => `add ${module} to shared_preload_libraries`;

const NAMES: ParameterNames = {
  kind: "an RDS parameter",
  known: (majorVersion) => [...RDS_PARAMETERS.keys(), ...parameterNames(majorVersion)],
  foreign: {
    prefix: "cloudsql.",
    kind: "a Cloud SQL flag",
    section: "gcp",
    instead: new Map([
      ["cloudsql.enable_auto_explain", preload("auto_explain")],
      ["cloudsql.enable_pg_bigm", preload("pg_bigm")],
      ["cloudsql.enable_pg_cron", preload("pg_cron")],
      ["cloudsql.enable_pg_hint_plan", preload("pg_hint_plan")],
      ["cloudsql.enable_pgaudit", preload("pgaudit")],
      ["cloudsql.enable_pglogical", preload("pglogical")],
      ["cloudsql.iam_authentication", "set iamAuthentication: true"],
      ["cloudsql.logical_decoding", "set rds.logical_replication to on"],
    ]),
  },
};

/** Modules that RDS has and the catalogue lacks: their parameters are accepted as written. */
const OTHER_MODULES: readonly string[] = [
  "hll",
  "orafce",
  "pg_bigm",
  "pg_hint_plan",
  "pg_similarity",
  "pg_transport",
  "pgactive",
  "pglogical",
  "pgtle",
  "plprofiler",
  "postgis",
  "rdkit",
];

/** Values of `log_connections` since PostgreSQL 18. RDS rejects those of earlier versions. */
const CONNECTION_STAGES = ["receipt", "authentication", "authorization", "setup_durations", "all"];
const STAGES_SINCE = 18;

const VARIABLE = "(AllocatedStorage|DBInstanceClassMemory|DBInstanceVCPU|EndPointPort)";
// RDS's own defaults have the dollar sign, and more than the two operators that its page shows.
const FORMULA = `\\$?\\{(${VARIABLE}|log\\(${VARIABLE}/\\d+\\))([*/]\\d+)*\\}`;
const ARGUMENT = `\\s*(-?\\d+|${FORMULA})\\s*`;
/** https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ParamValuesRef.html */
const EXPRESSION = new RegExp(`^(${FORMULA}|(GREATEST|LEAST|SUM|greatest|least|sum)\\(${ARGUMENT}(,${ARGUMENT})*\\))$`);

/** Whether RDS computes the value from the instance's class. False for connections, which the budget must know. */
const isExpression = (name: string, { type }: ParameterType, value: ParameterValue): boolean =>
  type === "integer" && name !== "max_connections" && EXPRESSION.test(String(value));

export const findRdsParameter = (name: string, majorVersion: MajorVersion): ParameterType | null =>
  RDS_PARAMETERS.get(name) ?? findParameter(name, majorVersion);

/** Whether a parameter is static: a change waits for the next restart, which RDS does not start automatically. */
export const isStatic = (name: string, majorVersion: MajorVersion): boolean => findRdsParameter(name, majorVersion)?.restart ?? false;

/** Returns why a parameter group of RDS for PostgreSQL would reject a parameter; null if it accepts it. */
export function checkRdsParameter(name: string, value: ParameterValue, majorVersion: MajorVersion): Advice | null {
  // This project sets it to the same value.
  if (name === "rds.force_ssl" && toPlainValue({ type: "bool" }, value) === "on") return null;
  if (OWNED.includes(name)) return { rule: IS_OWNED, remedy: "remove it" };
  const fixed = FIXED_BY_NAME.get(name);
  if (fixed !== undefined) return { rule: `cannot be changed on RDS, which controls ${fixed}`, remedy: INSTEAD.get(name) ?? "remove it" };
  const parameter = findRdsParameter(name, majorVersion);
  if (parameter === null) return isOfModule(name, OTHER_MODULES) ? null : refuseUnknown(name, NAMES, majorVersion);
  if (isExpression(name, parameter, value)) return null;
  const rule = hasStages(name, majorVersion) ? checkStages(value) : checkValue(parameter, value);
  return rule === null ? null : { rule, remedy: "" };
}

/** Returns a value as a parameter group stores it: numbers in the parameter's own unit, 1 and 0 for on and off. */
export function toRdsValue(name: string, value: ParameterValue, majorVersion: MajorVersion): string {
  const parameter = findRdsParameter(name, majorVersion);
  if (hasStages(name, majorVersion)) return toStages(value).join(",");
  if (parameter === null || isExpression(name, parameter, value)) return String(value);
  const plain = toPlainValue(parameter, value) ?? String(value);
  return parameter.type === "bool" ? String(Number(plain === "on")) : plain;
}

const hasStages = (name: string, majorVersion: MajorVersion): boolean => name === "log_connections" && majorVersion >= STAGES_SINCE;

const checkStages = (value: ParameterValue): string | null =>
  toStages(value).every((stage) => CONNECTION_STAGES.includes(stage)) ? null : `must be on, or a list of ${CONNECTION_STAGES.join(", ")}`;

function toStages(value: ParameterValue): readonly string[] {
  const words = String(value).toLowerCase().split(",");
  return words.map((word) => (["on", "true", "yes", "1"].includes(word.trim()) ? "all" : word.trim()));
}
