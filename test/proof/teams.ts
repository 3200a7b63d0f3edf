import "../../infra/docs/script";

import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import teams from "../../examples/environments/teams";
import { assignments, MLFLOW, pause, type Serving, StartedEnvironment, stop, until, type Variables, written } from "./started";
import { drivers, jdbcDriver, type Proof, type Result, report, run } from "./tools";

const PROGRAMS = join(__dirname, "drivers");
const started = new StartedEnvironment("teams", resolve(__dirname, "..", "..", "examples", "environments"));

const NAMES = Object.keys(teams.platforms);
/** Both MLflows, each of which writes an experiment that has its name. */
const SERVERS = ["mlflow", "mlflow-research"].map((name) => ({
  ...MLFLOW,
  name,
  write: { ...MLFLOW.write, body: { name: `of ${name}` } },
}));
const DATABASES = ["mlflow", "mlflow_research", "grafana", "features", "feature_store_events"];
const OWN: Readonly<Record<string, readonly string[]>> = {
  mlflow: ["mlflow"],
  "mlflow-research": ["mlflow_research"],
  grafana: ["grafana"],
  "feature-store": ["features", "feature_store_events"],
};

const variablesOf = (name: string): Variables =>
  Object.fromEntries(
    readFileSync(started.file(name, "platform.env"), "utf8")
      .trim()
      .split("\n")
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
const secretText = (name: string): string => readFileSync(started.file(name, "secret.yaml"), "utf8");
const secretOf = (name: string): Variables => (parse(secretText(name)) as { readonly stringData: Variables }).stringData;

/** Runs a program with these variables, and with none of libpq's from outside. */
const withOnly = (variables: Variables, program: string, ...args: readonly string[]): Result =>
  run("env", ["-i", `PATH=${process.env.PATH}`, `HOME=${started.scratch("")}`, ...assignments(variables), program, ...args]);
const psql = (variables: Variables, query: string, ...address: readonly string[]): Result =>
  withOnly(
    variables,
    "psql",
    "--no-psqlrc",
    "--quiet",
    "--tuples-only",
    "--no-align",
    "--field-separator= ",
    `--command=${query}`,
    ...address,
  );

const proof = (what: string, { code, output }: Result, holds: boolean, shown = output): Proof => ({
  what,
  problem: holds ? null : `exit code ${code}:\n${output}`,
  shown: started.shown(shown.trim()),
});

/** What each MLflow's API lists, and what its database contains. */
function separated(servers: readonly (Serving & { readonly name: string })[]): readonly Proof[] {
  return servers.map(({ name, url }) => {
    const search = `${url}/api/2.0/mlflow/experiments/search?max_results=100`;
    const listed = run("curl", ["--silent", "--fail", search]);
    const names = (JSON.parse(listed.output) as { readonly experiments: readonly { readonly name: string }[] }).experiments
      .map((experiment) => experiment.name)
      .sort();
    const stored = psql(variablesOf(name), "SELECT name FROM experiments ORDER BY name");
    const wanted = ["Default", `of ${name}`];
    const holds = names.join() === wanted.join() && stored.output.trim() === wanted.join("\n");
    return proof(`${name}: its API and its database have its own experiment, and not the other's`, stored, holds, names.join(", "));
  });
}

/** Each login, in each database of the server. */
function refused(): Proof {
  const tries = NAMES.flatMap((name) => DATABASES.map((database) => ({ name, database })));
  const wrong = tries.flatMap(({ name, database }) => {
    const { code, output } = psql({ ...variablesOf(name), PGDATABASE: database }, "SELECT 1");
    const isIn = code === 0;
    const isDenied = output.includes(`permission denied for database "${database}"`);
    return (OWN[name]?.includes(database) ? isIn : isDenied && !isIn) ? [] : [`${name} in ${database}: exit code ${code}, ${output}`];
  });
  return {
    what: "each login enters its own databases, and PostgreSQL rejects it the others",
    problem: wrong.length === 0 ? null : wrong.join("\n"),
    shown: `${NAMES.length} logins, ${DATABASES.length} databases`,
  };
}

/** A way to connect, given the CA's file. */
interface Way {
  readonly what: string;
  readonly connect: (ca: string) => Result;
}

const APPLICATION = "feature-store";
const DATABASE = "features";
const OTHER_CA = "another-ca.pem";
/** Identity, database and TLS of a session, as every program here prints them. */
const SEEN = new RegExp(`^feature_store_owner ${DATABASE} feature_store_[ab] (t|true|True) TLSv1\\.3$`);
const QUERY = [
  "SET client_min_messages = warning; CREATE TABLE IF NOT EXISTS proof (driver text); INSERT INTO proof VALUES ('psql')",
  "CREATE TEMPORARY TABLE identity AS SELECT current_user AS owner, current_database() AS database",
  "GRANT SELECT ON identity TO PUBLIC; SET ROLE NONE",
  "SELECT owner, database, session_user, ssl, version FROM identity, pg_stat_ssl WHERE pid = pg_backend_pid()",
].join("; ");

/** Every form of address that an application gets. */
function ways(): readonly Way[] {
  const ca = started.file("ca.pem");
  const variables = variablesOf(APPLICATION);
  const secret = secretOf(APPLICATION);
  const podCa = parse(readFileSync(started.file(APPLICATION, "deployment-patch.yaml"), "utf8")).spec.template.spec.containers[0].env.find(
    ({ name }: { readonly name: string }) => name === "PGSSLROOTCERT",
  ).value as string;
  const address = (text = "", its: string) => ({ ADDRESS: text.replaceAll(ca, its).replaceAll(podCa, its) });
  const inPython = (driver: string, text: string | undefined, its: string, more: Variables = {}) =>
    withOnly({ ...address(text, its), ...more }, drivers(), join(PROGRAMS, "connect.py"), driver);
  const sqlalchemy = ["psycopg2", "psycopg", "asyncpg"].map((driver) => ({
    what: `Secret's sqlalchemy-${driver}-uri in SQLAlchemy`,
    connect: (its: string) => inPython(`sqlalchemy-${driver}`, secret[`sqlalchemy-${driver}-uri`], its, { PGSSLROOTCERT: its }),
  }));
  const jar = jdbcDriver();
  return [
    {
      what: "platform.env's PG* variables in psql",
      connect: (its) => psql({ ...variables, PGSSLROOTCERT: its }, QUERY),
    },
    { what: "DATABASE_URL in psql", connect: (its) => psql({}, QUERY, address(variables.DATABASE_URL, its).ADDRESS) },
    ...["psycopg", "psycopg2", "asyncpg"].map((driver) => ({
      what: `DATABASE_URL in ${driver}`,
      connect: (its: string) => inPython(driver, variables.DATABASE_URL, its),
    })),
    {
      what: "JDBC_DATABASE_URL in PostgreSQL's driver for Java",
      connect: (its) => withOnly(address(variables.JDBC_DATABASE_URL, its), "java", "-cp", jar, join(PROGRAMS, "Connect.java")),
    },
    { what: "Secret's uri in psql", connect: (its) => psql({}, QUERY, address(secret.uri, its).ADDRESS) },
    {
      what: "Secret's jdbc-uri in PostgreSQL's driver for Java",
      connect: (its) => withOnly(address(secret["jdbc-uri"], its), "java", "-cp", jar, join(PROGRAMS, "Connect.java")),
    },
    ...sqlalchemy,
    {
      what: "Secret's pgpass with PGPASSFILE in psql",
      connect: (its) => {
        const file = started.scratch("pgpass");
        writeFileSync(file, `${secret.pgpass}\n`, { mode: 0o600 });
        const { host = "", port = "", dbname = "", username = "" } = secret;
        const whole = { PGHOST: host, PGPORT: port, PGDATABASE: dbname, PGUSER: username, PGSSLMODE: "verify-full", PGSSLROOTCERT: its };
        return psql({ ...whole, PGPASSFILE: file }, QUERY);
      },
    },
  ];
}

function connected(): readonly Proof[] {
  const other = started.scratch(OTHER_CA);
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=another", "-days", "1"];
  run("openssl", [...request, "-keyout", started.scratch("another.key"), "-out", other]);
  return ways().flatMap(({ what, connect }) => {
    const seen = connect(started.file("ca.pem"));
    const refusal = connect(other);
    const reason = /certificate verify failed|unable to find valid certification path|PKIX path/.exec(refusal.output)?.[0];
    return [
      proof(what, seen, seen.code === 0 && SEEN.test(seen.output.trim())),
      proof(`${what}: refuses another CA`, refusal, refusal.code !== 0 && reason !== undefined, reason),
    ];
  });
}

/** The second database has its own variable, with the same login. */
function second(): Proof {
  const seen = psql(
    {},
    "SELECT current_database(), extname FROM pg_extension WHERE extname = 'pg_trgm'",
    variablesOf(APPLICATION).EVENTS_DATABASE_URL ?? "",
  );
  return proof(
    "EVENTS_DATABASE_URL in psql: the second database, with its extension",
    seen,
    seen.output.trim() === "feature_store_events pg_trgm",
  );
}

/** Sessions of two logins that the rotation is not about, by process; another login looks. */
const sessions = (): readonly string[] =>
  psql(variablesOf(APPLICATION), "SELECT pid, usename FROM pg_stat_activity WHERE usename IN ('mlflow_a', 'grafana_a') ORDER BY pid")
    .output.trim()
    .split("\n");

/** Those that stay: of the commands before, some may still be ending. */
function settled(log: string): readonly string[] {
  let again: readonly string[] = [];
  until("a session of each login", log, () => {
    const seen = sessions();
    pause(1_000);
    again = sessions();
    return ["mlflow_a", "grafana_a"].every((login) => again.some((each) => each.endsWith(login))) && seen.join() === again.join();
  });
  return again;
}

function rotated(servers: readonly (Serving & { readonly name: string })[]): readonly Proof[] {
  const grafana = variablesOf("grafana");
  const sleeping = "exec psql --no-psqlrc --command='SELECT pg_sleep(3600)'";
  const { log } = started.start(sleeping, { ...process.env, ...grafana } as Variables, "session.log");
  const texts = NAMES.map(secretText);
  const before = settled(log);
  const result = started.command("rotate", "--platform", "mlflow-research");
  const after = sessions();
  const changed = NAMES.filter((name, index) => secretText(name) !== texts[index]);
  const lost = before.filter((session) => !after.includes(session));
  const login = psql(variablesOf("mlflow-research"), "SELECT session_user, count(*) FROM experiments");
  const [first] = servers;
  const again = written({ ...MLFLOW, write: { ...MLFLOW.write, body: { name: "after the rotation" } } }, first ?? { url: "", group: 0 });
  return [
    proof("npm run rotate -- --platform mlflow-research", result, result.code === 0),
    proof("the rotation changed that Secret only", result, changed.join() === "mlflow-research", `changed: ${changed.join(", ")}`),
    proof("mlflow-research has its other login, which sees its experiments", login, login.output.trim() === "mlflow_research_b 2"),
    proof("no session of the others ended", result, lost.length === 0, `${before.length} sessions stay`),
    { ...again, what: "mlflow writes on, with the password that it had" },
  ];
}

function prove(): readonly Proof[] {
  run("psql", ["--version"]);
  jdbcDriver();
  drivers();
  started.begin();
  const installed = SERVERS.map((server) => started.install(server));
  if (installed.some(({ problem }) => problem !== null)) return installed;
  const servers = SERVERS.map((server) => ({ ...server, ...started.serve(server) }));
  const wrote = servers.map((server) => written(server, server));
  const apart = [...separated(servers), refused()];
  const doctor = started.command("doctor", ...servers.flatMap(({ name, url }) => ["--url", `${name}=${url}`]));
  const checked = proof("npm run doctor finds all four, and both servers at their revision", doctor, doctor.code === 0);
  const proofs = [...installed, ...wrote, ...apart, ...connected(), second(), checked, ...rotated(servers)];
  for (const { group } of servers) stop(group);
  return proofs;
}

void report(prove, () => started.remove());
