import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { serverAccount } from "../../constructs/local/account";
import { installBinaries } from "../../constructs/local/binaries";
import { serverHome } from "../../constructs/local/home";
import { MAJOR_VERSIONS, type MajorVersion } from "../../constructs/model/instance";
import type { Parameter } from "../../constructs/model/parameters";

const ROOT = join(__dirname, "..", "..");
const CATALOGUE = join(ROOT, "constructs", "model", "parameter-catalogue.json");

type Definition = Omit<Parameter, "from" | "to">;

/** PostgreSQL's own modules whose parameters people set on managed servers. */
const MODULES = ["auto_explain", "pg_prewarm", "pg_stat_statements", "pg_trgm", "pgcrypto", "plpgsql", "postgres_fdw"];

/** Leaves out parameters that nobody can set (context `internal`). */
const QUERY = `select json_strip_nulls(json_build_object('name', lower(name), 'type', vartype, 'unit', unit, 'min', min_val::float8,
  'max', max_val::float8, 'values', enumvals, 'restart', case when context = 'postmaster' then true end)) from pg_settings where context <> 'internal'`.replaceAll(
  "\n",
  " ",
);

/** Modules that the installed programs do not have. */
const BY_HAND: readonly Parameter[] = [
  // https://github.com/pgaudit/pgaudit/blob/REL_17_STABLE/pgaudit.c, function _PG_init
  ...["log_catalog", "log_client", "log_parameter", "log_relation", "log_rows", "log_statement", "log_statement_once"].map(
    (name): Parameter => ({ name: `pgaudit.${name}`, type: "bool" }),
  ),
  { name: "pgaudit.log", type: "string" },
  {
    name: "pgaudit.log_level",
    type: "enum",
    values: ["debug5", "debug4", "debug3", "debug2", "debug1", "info", "notice", "warning", "log"],
  },
  { name: "pgaudit.log_parameter_max_size", from: 16, type: "integer", min: 0, max: 2 ** 30 - 1 },
  { name: "pgaudit.role", type: "string" },
  // https://github.com/citusdata/pg_cron/blob/main/src/pg_cron.c, function _PG_init
  ...["enable_superuser_jobs", "log_run", "log_statement", "use_background_workers"].map(
    (name): Parameter => ({ name: `cron.${name}`, type: "bool" }),
  ),
  ...["launch_active_jobs", "match_dom_and_dow"].map((name): Parameter => ({ name: `cron.${name}`, type: "bool" })),
  ...["database_name", "host", "timezone"].map((name): Parameter => ({ name: `cron.${name}`, type: "string" })),
  {
    name: "cron.log_min_messages",
    type: "enum",
    values: ["debug5", "debug4", "debug3", "debug2", "debug1", "info", "notice", "warning", "error", "log", "fatal", "panic"],
  },
  // At most max_worker_processes; this is its maximum.
  { name: "cron.max_running_jobs", type: "integer", min: 0, max: 262143 },
];

/** Choices that the clouds' builds have, but not the installed programs, which lack the libraries. */
const OTHER_BUILDS: Readonly<Record<string, readonly string[]>> = {
  // https://www.postgresql.org/docs/17/runtime-config-wal.html#GUC-WAL-COMPRESSION
  wal_compression: ["lz4", "zstd"],
  // https://www.postgresql.org/docs/17/runtime-config-client.html#GUC-DEFAULT-TOAST-COMPRESSION
  default_toast_compression: ["lz4"],
  // https://www.postgresql.org/docs/18/runtime-config-resource.html#GUC-IO-METHOD
  io_method: ["io_uring"],
};

/** Queries PostgreSQL without a server: in single-user mode, as the superuser, who sees every parameter. */
async function readParameters(majorVersion: MajorVersion): Promise<Definition[]> {
  const { initdb, postgres } = await installBinaries(majorVersion, await serverHome(join(ROOT, ".local")));
  const account = serverAccount();
  const directory = mkdtempSync(join(tmpdir(), "parameters-"));
  if (account !== null) chownSync(directory, account.uid, account.gid);
  const run = (program: string, args: readonly string[], input = ""): string => {
    const { status, stdout, stderr } = spawnSync(program, args, {
      ...account,
      cwd: "/",
      env: { LC_ALL: "C", PATH: "/usr/bin:/bin" },
      input,
      encoding: "utf8",
    });
    if (status !== 0 || /\b(ERROR|FATAL):/.test(stderr)) throw new Error(stderr);
    return stdout;
  };
  try {
    run(initdb, ["-D", directory, "-U", "postgres", "--auth=trust", "--no-sync", "--locale=C", "--encoding=UTF8"]);
    const preload = `shared_preload_libraries=${MODULES.join(",")}`;
    const printed = run(postgres, ["--single", "-D", directory, "-c", preload, "postgres"], `copy (${QUERY}) to stdout\n`);
    return printed.split("\n").flatMap((line) => {
      const found = /\{.*\}/.exec(line)?.[0];
      return found === undefined ? [] : [withOtherBuilds(JSON.parse(found) as Definition)];
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function withOtherBuilds(definition: Definition): Definition {
  const { name, values = [] } = definition;
  const more = OTHER_BUILDS[name];
  return more === undefined ? definition : { ...definition, values: [...new Set([...values, ...more])] };
}

/** One entry for each definition; `from` and `to` if not every version has it. */
function merge(byMajor: ReadonlyMap<MajorVersion, readonly Definition[]>): Parameter[] {
  const runs = new Map<string, MajorVersion[]>();
  for (const [major, definitions] of byMajor) {
    for (const definition of definitions) runs.set(JSON.stringify(definition), [...(runs.get(JSON.stringify(definition)) ?? []), major]);
  }
  return [...runs].map(([text, majors]) => {
    const { name, ...rest } = JSON.parse(text) as Definition;
    const from = Math.min(...majors);
    const to = Math.max(...majors);
    if (to - from !== majors.length - 1) throw new Error(`${name} is gone in a version between ${from} and ${to}`);
    return { name, ...(from > MAJOR_VERSIONS[0] ? { from } : {}), ...(to < Math.max(...MAJOR_VERSIONS) ? { to } : {}), ...rest };
  });
}

/** Queries every version again. Run it when a version is added, removed, or gets a parameter. */
async function writeCatalogue(): Promise<void> {
  const byMajor = new Map<MajorVersion, Definition[]>();
  for (const major of MAJOR_VERSIONS) byMajor.set(major, await readParameters(major));
  const parameters = [...merge(byMajor), ...BY_HAND].sort((a, b) =>
    a.name === b.name ? (a.from ?? 0) - (b.from ?? 0) : a.name < b.name ? -1 : 1,
  );
  // One line each, except those that are too long for the formatter.
  writeFileSync(CATALOGUE, `[${parameters.map((parameter) => JSON.stringify(parameter)).join(",\n")}]`);
  execFileSync(join(ROOT, "node_modules", ".bin", "biome"), ["format", "--write", CATALOGUE], { cwd: ROOT, stdio: "ignore" });
  process.stdout.write(`${relative(ROOT, CATALOGUE)}: ${parameters.length} definitions\n`);
}

// node --require tsx/cjs infra/docs/parameters.ts
if (require.main === module) void writeCatalogue();
