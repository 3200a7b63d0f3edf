import { describe, expect, it } from "vitest";
import { aws } from "../../constructs/aws/target";
import { gcp } from "../../constructs/gcp/target";
import { local } from "../../constructs/local/target";
import { formatViolation, SpecError } from "../../constructs/model/errors";
import { evaluateFormula } from "../../constructs/model/parameter-formula";
import { resolveUnknown } from "../../constructs/model/resolve";
import { listOf } from "../../constructs/model/rules/parameter-texts";
import { platforms } from "../../constructs/platforms/registry";
import { minimalAws } from "../fixtures/aws";
import { minimalGcp } from "../fixtures/gcp";

const TARGETS = { aws, gcp, local } as const;
const SECTIONS = { aws: { aws: minimalAws.aws }, gcp: { gcp: minimalGcp.gcp }, local: {} } as const;
type TargetName = keyof typeof TARGETS;

/** What is said of an instance's settings, without what is said of every instance of the target. */
function said(main: object, name: TargetName = "aws", more: object = {}): readonly string[] {
  const spec = {
    name: "test",
    instances: { main: { highAvailability: false, ...main } },
    platforms: { prefect: {} },
    ...SECTIONS[name],
    ...more,
  };
  try {
    const { warnings } = resolveUnknown(spec, { target: TARGETS[name] as never, platforms, sections: ["aws", "gcp"] } as never) as {
      readonly warnings: readonly Parameters<typeof formatViolation>[0][];
    };
    return warnings.map(formatViolation);
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    return error.violations.map(formatViolation);
  }
}
const parameters = (set: object, name?: TargetName, size?: object) =>
  said({ ...(size === undefined ? {} : { size }), parameters: set }, name);
const EVERYWHERE: readonly TargetName[] = ["aws", "gcp", "local"];
const P = "instances.main.parameters";

/** The rules that find something in the parameters of an instance of 8 GiB. */
const rulesOf = (lines: readonly string[]): readonly string[] => lines.map((line) => /\[([a-z0-9-]+)\]$/.exec(line)?.[1] ?? line);

describe.each(EVERYWHERE)("on %s", (name) => {
  it.each<[object, string]>([
    [
      { shared_buffers: 2097152 },
      `${P}.shared_buffers: takes 16 GB at startup, and leaves less than a tenth of the memory (8 GiB), got 2097152; use a quarter of the memory, 2 GB; a number without a unit counts blocks of 8 kB [shared-memory-fits]`,
    ],
    [
      { max_connections: 262143 },
      `${P}.max_connections: takes 11.4 GB at startup, and leaves less than a tenth of the memory (8 GiB), got 262143; lower it, or choose a larger size [shared-memory-fits]`,
    ],
    [
      { shared_buffers: "4096.5MB" },
      `${P}.shared_buffers: is 50 % of the memory (8 GiB), and leaves too little for sessions and the operating system's cache, got "4096.5MB"; use a quarter, 2 GB, and at most 40 % [shared-buffers-leave-memory]`,
    ],
    [
      { max_worker_processes: 4, max_parallel_workers: 16 },
      `${P}.max_parallel_workers: has no effect above max_worker_processes (4), got 16; lower it, or raise max_worker_processes [parameters-within-their-limits]`,
    ],
    [
      { max_parallel_workers: 4, max_parallel_workers_per_gather: "8" },
      `${P}.max_parallel_workers_per_gather: has no effect above max_parallel_workers (4), got "8"; lower it, or raise max_parallel_workers [parameters-within-their-limits]`,
    ],
    [
      { vacuum_freeze_min_age: 100_000_001 },
      `${P}.vacuum_freeze_min_age: has no effect above 100000000, 50 % of autovacuum_freeze_max_age, got 100000001; lower it, or raise autovacuum_freeze_max_age [parameters-within-their-limits]`,
    ],
    [
      { vacuum_freeze_table_age: 1_000_000_000, autovacuum_freeze_max_age: 1_000_000_000 },
      `${P}.vacuum_freeze_table_age: has no effect above 950000000, 95 % of autovacuum_freeze_max_age, got 1000000000; lower it, or raise autovacuum_freeze_max_age [parameters-within-their-limits]`,
    ],
    [
      { min_wal_size: "4GB", max_wal_size: 1024 },
      `${P}.min_wal_size: is more than max_wal_size (1 GB), at which a checkpoint begins, got "4GB"; swap the two, or raise max_wal_size [wal-is-kept-below-its-ceiling]`,
    ],
    [
      { max_connections: 5000 },
      `${P}.max_connections: leaves only 1.6 MB of memory for each connection, got 5000; lower it to what the platforms need, or choose a larger size; RDS calculates 9 MB per connection [max-connections-fit-memory]`,
    ],
    [
      { work_mem: "1GB" },
      `${P}.work_mem: lets 8 concurrent sorts fill the memory (8 GiB), got "1GB"; set it below 256 MB, and raise it in the sessions that need more [work-mem-fits-memory]`,
    ],
    [
      { work_mem: 131072, max_connections: 800 },
      `${P}.work_mem: takes 100 GB of the memory (8 GiB) if all of max_connections (800) use it, got 131072; lower one of the two [work-mem-fits-memory]`,
    ],
    [
      { maintenance_work_mem: "16GB" },
      `${P}.maintenance_work_mem: lets one index build take 16 GB of the memory (8 GiB), got "16GB"; set it to about 512 MB, and raise it in the sessions that need more [maintenance-fits-memory]`,
    ],
    [
      { maintenance_work_mem: "2GB", autovacuum_max_workers: 8 },
      `${P}.maintenance_work_mem: lets 8 autovacuum workers take 16 GB of the memory (8 GiB), got "2GB"; lower it, or autovacuum_max_workers [maintenance-fits-memory]`,
    ],
    [
      { statement_timeout: "0x1388" },
      `${P}.statement_timeout: cancels the migrations of every platform that take longer, got "0x1388"; set it per query in the client; then write acknowledge: { "statement-timeout-breaks-migrations": "<reason>" } [statement-timeout-breaks-migrations]`,
    ],
    [
      { default_transaction_read_only: "t" },
      `${P}.default_transaction_read_only: rejects every change, including provisioning and all migrations, got "t"; set it only for roles that never write; then write acknowledge: { "default-transaction-read-only-breaks-everything": "<reason>" } [default-transaction-read-only-breaks-everything]`,
    ],
    [
      { autovacuum: false },
      `${P}.autovacuum: lets tables grow without limit, until the server stops accepting changes to prevent a wraparound, got false; remove it, and tune autovacuum for individual tables; then write acknowledge: { "autovacuum-endangers-data": "<reason>" } [autovacuum-endangers-data]`,
    ],
    [
      { log_statement: "ALL" },
      `${P}.log_statement: logs statements with their values: data, API keys, and passwords that people set, got "ALL"; use ddl, or log slow statements with log_min_duration_statement [log-statement-logs-data]`,
    ],
    [
      { max_wal_size: 102400 },
      `${P}.max_wal_size: lets WAL take 100 GB of the disk (100 GiB), got 102400; set it to 50 GB or less; a number without a unit counts MB [wal-fits-disk]`,
    ],
  ])("%o is %s", (set, line) => {
    expect(parameters(set, name)).toEqual([line]);
  });

  it("finds nothing in parameters that many set", () => {
    const usual = {
      shared_buffers: "2GB",
      effective_cache_size: "5GB",
      work_mem: "16MB",
      maintenance_work_mem: "512MB",
      max_connections: 400,
      max_wal_size: "8GB",
      random_page_cost: 1.1,
      idle_in_transaction_session_timeout: "10min",
      lock_timeout: "10s",
      log_min_duration_statement: "250ms",
      log_statement: "ddl",
      autovacuum_vacuum_scale_factor: 0.05,
      autovacuum_naptime: "15s",
      default_statistics_target: 200,
      checkpoint_timeout: "15min",
      log_lock_waits: 1,
      jit: "off",
      statement_timeout: 0,
    };
    expect(parameters(usual, name)).toEqual([]);
  });

  it("counts at most 1 GB for each autovacuum worker before PostgreSQL 17", () => {
    const set = { maintenance_work_mem: "2GB", autovacuum_max_workers: 8 };
    expect(rulesOf(said({ majorVersion: 17, parameters: set }, name))).toEqual(["maintenance-fits-memory"]);
    expect(said({ majorVersion: 16, parameters: set }, name)).toEqual([]);
  });
});

describe("a timeout", () => {
  it.each<[string, string | number, boolean]>([
    ["statement_timeout", "5s", true],
    ["statement_timeout", 5000.4, true],
    ["statement_timeout", "59.9min", true],
    ["statement_timeout", "010", true],
    ["statement_timeout", "1h", false],
    ["statement_timeout", "0x0", false],
    ["transaction_timeout", "300000", true],
    ["transaction_timeout", "1d", false],
    ["lock_timeout", "4999", true],
    ["lock_timeout", "5s", false],
    ["idle_in_transaction_session_timeout", 1, true],
    ["idle_in_transaction_session_timeout", "60s", false],
    ["idle_session_timeout", "5min", true],
    ["idle_session_timeout", "10min", false],
    ["authentication_timeout", 1, true],
    ["authentication_timeout", "1min", false],
  ])("%s = %s is acknowledged: %s", (parameter, value, expected) => {
    expect(parameters({ [parameter]: value }).filter((line) => line.includes("acknowledge: {"))).toHaveLength(Number(expected));
  });
});

describe("what every session starts with", () => {
  it.each<[string, string | number | boolean, string | null]>([
    ["search_path", '"$user", public', null],
    ["search_path", "PUBLIC, other", null],
    ["search_path", '"$user", other, public', "search-path-hides-public"],
    ["search_path", "it's", "search-path-hides-public"],
    ["search_path", "", "search-path-hides-public"],
    ["search_path", "a,,b", "parameter-text-is-valid"],
    ["client_encoding", "Utf-8", null],
    ["client_encoding", "latin 9", "client-encoding-breaks-texts"],
    ["client_encoding", "LATIN9X", "parameter-text-is-valid"],
    ["timezone", "europe/berlin", null],
    ["timezone", "Europe/Kiev", null],
    ["timezone", "EST5EDT", null],
    ["timezone", "-5.5", null],
    ["timezone", "GMT+2", "timezone-counts-westward"],
    ["timezone", "Mars/Phobos", "parameter-text-is-valid"],
    ["timezone", "CEST", "parameter-text-is-valid"],
    ["datestyle", "iso, dmy", null],
    ["datestyle", "German", "datestyle-changes-texts"],
    ["datestyle", "ISO, SQL", "parameter-text-is-valid"],
    ["lc_messages", "en_US.UTF-8", null],
    ["lc_messages", "english!", "parameter-text-is-valid"],
    ["default_text_search_config", "pg_catalog.english", null],
    ["default_text_search_config", "klingon", "default-text-search-config-breaks-search"],
    ["default_transaction_isolation", "read uncommitted", null],
    ["default_transaction_isolation", "repeatable read", "default-transaction-isolation-breaks-transactions"],
    ["session_replication_role", "local", "session-replication-role-endangers-data"],
    ["standard_conforming_strings", 0, "standard-conforming-strings-endangers-data"],
    ["ssl_max_protocol_version", "TLSv1.1", "tls-versions-leave-one"],
    ["ssl_max_protocol_version", "TLSv1.2", null],
    ["ssl_min_protocol_version", "tlsv1", "ssl-min-protocol-version-weakens-tls"],
  ])("%s = %s is found by %s", (parameter, value, rule) => {
    expect(rulesOf(parameters({ [parameter]: value }))).toEqual(rule === null ? [] : [rule]);
  });
});

describe("parameters that have to fit together", () => {
  it.each<[string, object, TargetName, readonly string[]]>([
    ["no senders for a replica", { readReplicas: 1, parameters: { max_wal_senders: 0 } }, "aws", ["replicas-need-wal-senders"]],
    ["no senders without one", { parameters: { max_wal_senders: 0 } }, "aws", []],
    ["a minimal WAL with senders", { parameters: { wal_level: "minimal" } }, "local", ["wal-level-fits"]],
    ["a minimal WAL without", { parameters: { wal_level: "minimal", max_wal_senders: 0 } }, "local", []],
    [
      "a minimal WAL, summarized",
      { parameters: { wal_level: "minimal", max_wal_senders: 0, summarize_wal: "on" } },
      "local",
      ["wal-level-fits"],
    ],
    ["too little WAL", { parameters: { max_wal_size: "16MB" } }, "local", ["wal-has-two-segments"]],
    ["locks that fill the memory", { parameters: { max_locks_per_transaction: 1_000_000 } }, "gcp", ["shared-memory-fits"]],
    ["a module that RDS has", { parameters: { shared_preload_libraries: "pg_stat_statements,pg_cron" } }, "aws", []],
    [
      "the same module here",
      { parameters: { shared_preload_libraries: "pg_stat_statements,pg_cron" } },
      "local",
      ["local-preloaded-modules-are-there"],
    ],
    ["a module for logins", { parameters: { session_preload_libraries: "nope" } }, "local", ["local-preloaded-modules-are-there"]],
    ["no statistics", { parameters: { shared_preload_libraries: "" } }, "aws", ["aws-statistics-stay-loaded"]],
    ["an audit that nobody reads", { parameters: { "pgaudit.log": "all" } }, "aws", ["aws-module-parameters-are-read"]],
    ["an audit that nobody reads", { parameters: { "pgaudit.log": "all" } }, "gcp", ["gcp-module-flags-are-read"]],
    ["a schedule", { parameters: { "cron.timezone": "UTC", "cloudsql.enable_pg_cron": "on" } }, "gcp", []],
    [
      "huge pages for little memory",
      { size: { vcpus: 2, memoryGib: 2 }, parameters: { huge_pages: "on" } },
      "aws",
      ["aws-huge-pages-need-memory"],
    ],
    ["a custom parameter", { parameters: { "my.app": "1" } }, "local", []],
    ["a misspelt one of a module", { parameters: { "pg_stat_statements.tarck": "all" } }, "local", ["local-parameters-are-known"]],
    ["a log that is nowhere", { parameters: { log_destination: "file" } }, "local", ["local-parameters-fit-this-machine"]],
    ["a compression that is not built in", { parameters: { wal_compression: "zstd" } }, "local", ["local-parameters-are-built-in"]],
    ["the same in a cloud", { parameters: { wal_compression: "zstd" } }, "aws", []],
    ["a cache of half a bank", { parameters: { transaction_buffers: "1000kB" } }, "local", ["caches-have-whole-banks"]],
    ["what RDS rejects anyway", { parameters: { fsync: "off" } }, "aws", ["aws-parameters-are-known"]],
    ["a locale of the system", { parameters: { lc_time: "de_DE" } }, "local", ["local-parameters-depend-on-this-machine"]],
  ])("%s", (_title, main, name, rules) => {
    expect(rulesOf(said(main, name))).toEqual(rules);
  });

  it.each<[string, string | number | boolean, string]>([
    ["shared_buffers", "{DBInstanceClassMemory/32768}", ""],
    ["shared_buffers", "{DBInstanceClassMemory/3}", "shared-memory-fits"],
    ["shared_buffers", "GREATEST({DBInstanceClassMemory/12000},16384)", "shared-buffers-leave-memory"],
    ["effective_cache_size", "{DBInstanceClassMemory*3/32768}", ""],
    ["maintenance_work_mem", "GREATEST({DBInstanceClassMemory*1024/63963136},65536)", ""],
  ])("%s = %s is computed as RDS does", (parameter, value, rule) => {
    expect(rulesOf(parameters({ [parameter]: value })).join()).toBe(rule);
  });

  it("stand where the spec has them", () => {
    const own = { aws: { ...minimalAws.aws, instances: { main: { parameters: { autovacuum: "off" } } } } };
    expect(said({ parameters: { statement_timeout: 1 } }, "aws", own).map((line) => line.split(":", 1)[0])).toEqual([
      "instances.main.parameters.statement_timeout",
      "aws.instances.main.parameters.autovacuum",
    ]);
  });

  it("are not looked at where the database exists", () => {
    const existing = { host: "db.example", ca: "ca.pem", masterSecret: "master.json", maxConnections: 100 };
    expect(rulesOf(said({ existing, parameters: { shared_buffers: "64GB", autovacuum: "off" } }, "local"))).toEqual([
      "existing-is-not-created",
      "existing-is-not-created",
    ]);
  });
});

describe("RDS", () => {
  const RESERVE = "rds.rds_superuser_reserved_connections";

  it("counts what the spec reserves for its superusers", () => {
    expect(parameters({ [RESERVE]: 800 })).toEqual([
      `${P}.${RESERVE}: reserves 800 of 870 connections, which no platform can use, got 800; lower it; RDS's default is 2 [aws-reserve-leaves-connections]`,
    ]);
    expect(parameters({ [RESERVE]: "860" })).toEqual([
      "instances.main: max_connections must be at least 899 (prefect 26 + reserved 873), got 870; cheapest first: set instances.main.parameters.max_connections to 899",
    ]);
    expect(parameters({ [RESERVE]: 0 })).toEqual([]);
  });

  it("knows the classes that pgaudit audits", () => {
    const audited = (classes: string) => parameters({ shared_preload_libraries: "pg_stat_statements,pgaudit", "pgaudit.log": classes });
    expect(audited("ALL, -misc")).toEqual([]);
    expect(audited("ddl,writes")).toEqual([
      `${P}.pgaudit.log: must be a list of all, -all, ddl, -ddl, function, -function, misc, -misc, misc_set, -misc_set, none, -none, read, -read, role, -role, write, -write, got "ddl,writes" [parameter-text-is-valid]`,
    ]);
  });

  it("explains slow statements, or a part of all", () => {
    const explained = (more: object) => parameters({ shared_preload_libraries: "pg_stat_statements,auto_explain", ...more });
    expect(explained({ "auto_explain.log_min_duration": "3s" })).toEqual([]);
    expect(explained({ "auto_explain.log_min_duration": 0, "auto_explain.sample_rate": 0.01 })).toEqual([]);
    expect(explained({ "auto_explain.log_min_duration": "0ms" })).toEqual([
      `${P}.auto_explain.log_min_duration: logs the plan of every statement, with the statement's values, got "0ms"; log only slow statements, such as 1s, or a sample with auto_explain.sample_rate [auto-explain-is-for-slow-statements]`,
    ]);
  });

  it("allows the extensions that the platforms need", () => {
    const allowed = (value: string) => rulesOf(parameters({ "rds.allowed_extensions": value }));
    expect(allowed("*")).toEqual([]);
    expect(allowed("vector, pg_trgm")).toEqual([]);
    expect(parameters({ "rds.allowed_extensions": "vector" })).toEqual([
      `${P}.rds.allowed_extensions: must include pg_trgm (prefect), got "vector"; add them [aws-allowed-extensions-include-platforms]`,
    ]);
  });

  it.each<[TargetName, string]>([
    [
      "aws",
      `${P}.shared_preload_libraries: must include pg_cron, for the extension of prefect, got nothing; write "pg_stat_statements,pg_cron" [aws-extensions-are-preloaded]`,
    ],
    [
      "gcp",
      `${P}.cloudsql.enable_pg_cron: must be on for the extension pg_cron of prefect, got nothing; write it into gcp.instances.main.parameters [gcp-extensions-have-their-flag]`,
    ],
  ])("and Cloud SQL load modules of extensions: %s", (name, line) => {
    expect(said({}, name, { platforms: { prefect: { databases: { main: { extensions: ["pg_cron"] } } } } })).toEqual([
      line,
      `${P}.cron.database_name: must be prefect, the database that gets the extension pg_cron, got nothing; the default is postgres; a server has pg_cron in one database, and its jobs can run in others [${name}-pg-cron-is-in-its-database]`,
    ]);
  });

  it("leaves the parameters of an existing database to those who set them", () => {
    const existing = {
      host: "db.c1a2b3.eu-central-1.rds.amazonaws.com",
      masterSecret: `arn:aws:secretsmanager:eu-central-1:${"1".repeat(12)}:secret:m-AbCdEf`,
    };
    const platforms = { prefect: { databases: { main: { extensions: ["pg_cron"] } } } };
    const found = said({ highAvailability: true, existing }, "aws", { platforms });
    expect(found.filter((line) => line.includes("cron"))).toEqual([]);
  });

  it("leaves an existing parameter group of RDS to load the modules of extensions", () => {
    const aws = { ...SECTIONS.aws.aws, instances: { main: { parameterGroup: "ml-postgres17" } } };
    const platforms = { prefect: { databases: { main: { extensions: ["pg_cron"] } } } };
    expect(rulesOf(said({}, "aws", { aws, platforms }))).toEqual(["aws-parameter-group-is-yours"]);
  });
});

describe("a formula", () => {
  it.each<[string, number | null]>([
    ["{DBInstanceClassMemory/32768}", 253_952],
    ["{DBInstanceVCPU*3}", 6],
    ["LEAST({DBInstanceVCPU},16)", 2],
    ["sum(1,{DBInstanceVCPU}, -1)", 2],
    ["GREATEST({log(DBInstanceClassMemory/21474836480)*600},200)", 200],
    ["{AllocatedStorage*10}", null],
    ["16MB", null],
    ["LEAST()", null],
  ])("%s is %s for 2 vCPUs and 8 GiB", (text, value) => {
    expect(evaluateFormula(text, { vcpus: 2, memoryGib: 8 })).toBe(value);
  });
});

describe("a list of names", () => {
  it.each<[string, readonly string[] | null]>([
    ["", []],
    ["A, b", ["a", "b"]],
    ['"A ""b"",c" ,d', ['A "b",c', "d"]],
    ["a b", null],
    ["a,", null],
    [",a", null],
    ['"open', null],
  ])("%s is %o", (text, names) => {
    expect(listOf(text)).toEqual(names);
  });
});
