import { describe, expect, it } from "vitest";
import { checkRdsParameter, toRdsValue } from "../../constructs/aws/parameters";
import { DEFAULT_PARAMETERS, MAJOR_VERSIONS } from "../../constructs/model/instance";

const FOR_GCP = "to set it for gcp only, write it into gcp.instances.<name>.parameters";

describe("a parameter group of RDS", () => {
  it.each([
    ["work_mem", "16MB", 17, "16384"],
    ["work_mem", "{DBInstanceClassMemory/32768}", 17, "{DBInstanceClassMemory/32768}"],
    ["shared_buffers", "1GB", 17, "131072"],
    ["effective_cache_size", "SUM({DBInstanceClassMemory/12038}, -50003)", 17, "SUM({DBInstanceClassMemory/12038}, -50003)"],
    [
      "maintenance_work_mem",
      "GREATEST({DBInstanceClassMemory/63963136*1024},65536)",
      17,
      "GREATEST({DBInstanceClassMemory/63963136*1024},65536)",
    ],
    ["autovacuum_vacuum_cost_limit", "{log(DBInstanceClassMemory/21474836480)*600}", 17, "{log(DBInstanceClassMemory/21474836480)*600}"],
    ["max_parallel_workers", "GREATEST(${DBInstanceVCPU/2},8)", 17, "GREATEST(${DBInstanceVCPU/2},8)"],
    ["min_wal_size", "2GB", 17, "2048"],
    ["statement_timeout", "30s", 17, "30000"],
    ["autovacuum_naptime", "1min", 17, "60"],
    ["vacuum_cost_delay", "500us", 17, "0.5"],
    ["random_page_cost", 1.1, 17, "1.1"],
    ["jit", "off", 17, "0"],
    ["jit", true, 17, "1"],
    ["wal_compression", "ZSTD", 17, "zstd"],
    ["wal_compression", true, 17, "on"],
    ["ssl_min_protocol_version", "tlsv1.2", 17, "TLSv1.2"],
    ["log_connections", "on", 17, "1"],
    ["log_connections", "on", 18, "all"],
    ["log_connections", "Receipt, authorization", 18, "receipt,authorization"],
    ["log_min_duration_statement", 1000, 17, "1000"],
    ["search_path", '"$user",public', 17, '"$user",public'],
    ["max_connections", 200, 17, "200"],
    ["shared_preload_libraries", "pg_stat_statements,pgaudit", 17, "pg_stat_statements,pgaudit"],
    ["log_rotation_age", "1d", 17, "1440"],
    ["log_filename", "postgresql.log.%Y-%m-%d", 17, "postgresql.log.%Y-%m-%d"],
    ["log_destination", "csvlog", 17, "csvlog"],
    ["rds.logical_replication", "yes", 17, "1"],
    ["rds.log_retention_period", "7d", 17, "10080"],
    ["rds.force_autovacuum_logging_level", "WARNING", 17, "warning"],
    ["rds.allowed_extensions", "*", 17, "*"],
    ["pg_hint_plan.enable_hint", "on", 17, "on"],
  ] as const)("takes %s = %s of PostgreSQL %i as %s", (name, value, major, written) => {
    expect(checkRdsParameter(name, value, major)).toBe(null);
    expect(toRdsValue(name, value, major)).toBe(written);
  });

  it.each([
    ["wrok_mem", "16MB", 17, "is not an RDS parameter for PostgreSQL 17", 'did you mean "work_mem"?'],
    ["rds.forse_ssl", 1, 17, "is not an RDS parameter for PostgreSQL 17", 'did you mean "rds.force_ssl"?'],
    ["transaction_timeout", "1h", 16, "is not an RDS parameter for PostgreSQL 16", "remove it"],
    [
      "myapp.setting",
      "x",
      17,
      "is not an RDS parameter for PostgreSQL 17",
      "set it for a database or role with ALTER DATABASE or ALTER ROLE",
    ],
    ["constructor", "x", 17, "is not an RDS parameter for PostgreSQL 17", "remove it"],
    ["hll", "x", 17, "is not an RDS parameter for PostgreSQL 17", "remove it"],
    ["rds.force_ssl", 0, 17, "is set by this project, because access and encryption depend on it", "remove it"],
    ["cloudsql.iam_authentication", "on", 17, "is a Cloud SQL flag, not an RDS parameter", `set iamAuthentication: true; ${FOR_GCP}`],
    ["cloudsql.logical_decoding", "on", 17, "is a Cloud SQL flag, not an RDS parameter", `set rds.logical_replication to on; ${FOR_GCP}`],
    [
      "cloudsql.enable_pgaudit",
      "on",
      17,
      "is a Cloud SQL flag, not an RDS parameter",
      `add pgaudit to shared_preload_libraries; ${FOR_GCP}`,
    ],
    ["cloudsql.constructor", "on", 17, "is a Cloud SQL flag, not an RDS parameter", `remove it; ${FOR_GCP}`],
    ["fsync", "off", 17, "cannot be changed on RDS, which controls how data reaches the disk", "remove it"],
    [
      "wal_level",
      "logical",
      17,
      "cannot be changed on RDS, which controls how data reaches the disk",
      "set rds.logical_replication to on for logical replication",
    ],
    ["log_directory", "/tmp", 17, "cannot be changed on RDS, which controls how log files are kept", "remove it"],
    ["work_mem", "16mb", 17, "must be a whole number from 64 to 2147483647 (in kB, or with a unit: B, kB, MB, GB, TB)", ""],
    ["work_mem", "{FreeMemory/2}", 17, "must be a whole number from 64 to 2147483647 (in kB, or with a unit: B, kB, MB, GB, TB)", ""],
    [
      "work_mem",
      "LEAST({DBInstanceClassMemory/2},,5)",
      17,
      "must be a whole number from 64 to 2147483647 (in kB, or with a unit: B, kB, MB, GB, TB)",
      "",
    ],
    ["max_connections", "LEAST({DBInstanceClassMemory/9531392},5000)", 17, "must be a whole number from 1 to 262143", ""],
    ["random_page_cost", "{DBInstanceVCPU}", 17, "must be a number of at least 0", ""],
    ["log_rotation_age", 0, 17, "must be a whole number from 1 to 1440 (in min, or with a unit: us, ms, s, min, h, d)", ""],
    ["log_destination", "syslog", 17, "must be one of stderr, csvlog", ""],
    ["rds.log_retention_period", 60, 17, "must be a whole number from 1440 to 10080 (in min, or with a unit: us, ms, s, min, h, d)", ""],
    ["log_connections", "off", 18, "must be on, or a list of receipt, authentication, authorization, setup_durations, all", ""],
  ] as const)("refuses %s = %s of PostgreSQL %i", (name, value, major, rule, remedy) => {
    expect(checkRdsParameter(name, value, major)).toEqual({ rule, remedy });
  });

  it("takes what is logged by default, in every version", () => {
    for (const major of MAJOR_VERSIONS) {
      const refused = Object.entries(DEFAULT_PARAMETERS).filter(([name, value]) => checkRdsParameter(name, value, major) !== null);
      expect(refused).toEqual([]);
    }
  });
});
