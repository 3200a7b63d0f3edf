import { randomBytes } from "node:crypto";
import pg from "pg";
import type { ParameterValue } from "../model/parameters";
import type { Tenant } from "../model/spec";
import type { Scope, ServerAccess } from "./access";
import type { Check } from "./check";
import { type Client, LOOK_LOCK_TIMEOUT, likeDriver, withClient } from "./connect";
import type { Credential } from "./credential";
import { attemptOf } from "./doctor-server";
import { explain } from "./errors";
import { identifier, shown } from "./shown";

/** A parameter as a session finds it. */
interface Setting {
  readonly name: string;
  /** In the parameter's own unit. */
  readonly value: string;
  readonly unit: string | null;
  /** Its origin, as in `pg_settings.source`. */
  readonly source: string;
}

interface Rule {
  /** Whether a value does harm. */
  isHarmful(value: string): boolean;
  /** The harm of such a value. */
  readonly harm: string;
  /** The value to set instead. */
  readonly instead: string;
}

/** Milliseconds below which a limit on idle sessions is reported: pools and listeners are idle for minutes. RDS itself sets a day. */
const IDLE = 600_000;
/** Milliseconds below which a limit on waiting for a lock is reported. */
const WAIT = 5_000;

/** Kilobytes below which a limit on temporary files is reported. */
const LEAST_TEMPORARY = 102_400;

const below = (limit: number) => (value: string) => Number(value) > 0 && Number(value) < limit;
const otherThan = (value: string) => (found: string) => found !== value;

/** Units are those of `pg_settings`. https://www.postgresql.org/docs/17/runtime-config-client.html */
const RULES: Readonly<Record<string, Rule>> = {
  statement_timeout: { isHarmful: below(Number.POSITIVE_INFINITY), harm: "cancels migrations that take longer", instead: "0" },
  transaction_timeout: { isHarmful: below(Number.POSITIVE_INFINITY), harm: "terminates migrations that take longer", instead: "0" },
  idle_session_timeout: {
    isHarmful: below(IDLE),
    harm: "terminates the idle sessions of pools, and sessions that hold a migration's lock",
    instead: "0",
  },
  idle_in_transaction_session_timeout: {
    isHarmful: below(IDLE),
    harm: "terminates migrations that compute between statements",
    instead: "0",
  },
  lock_timeout: { isHarmful: below(WAIT), harm: "cancels migrations that wait for a lock", instead: "0" },
  default_transaction_read_only: { isHarmful: otherThan("off"), harm: "rejects every change", instead: "off" },
  default_transaction_isolation: {
    isHarmful: otherThan("read committed"),
    harm: "makes transactions fail, and the platforms do not retry them",
    instead: "read committed",
  },
  session_replication_role: { isHarmful: otherThan("origin"), harm: "disables triggers and foreign keys", instead: "origin" },
  standard_conforming_strings: { isHarmful: otherThan("on"), harm: "changes what a string in a statement means", instead: "on" },
  client_encoding: {
    isHarmful: otherThan("UTF8"),
    harm: "makes libpq's drivers fail on characters that it lacks, or return bytes",
    instead: "UTF8",
  },
  datestyle: { isHarmful: (value) => !/^iso\b/i.test(value), harm: "makes drivers fail on dates that they read as text", instead: "ISO" },
  extra_float_digits: { isHarmful: (value) => Number(value) < 1, harm: "rounds numbers that drivers read as text", instead: "1" },
  temp_file_limit: {
    isHarmful: (value) => Number(value) >= 0 && Number(value) < LEAST_TEMPORARY,
    harm: "cancels migrations that sort much data",
    instead: "-1",
  },
  default_tablespace: { isHarmful: (value) => value === "pg_global", harm: "rejects every new table", instead: "''" },
  search_path: { isHarmful: (value) => firstSchema(value) !== "public", harm: "hides schema public", instead: '"$user", public' },
};

const firstSchema = (path: string): string | undefined =>
  path
    .split(",")
    .map((name) => name.trim().replaceAll('"', ""))
    .find((name) => name !== "$user");

/** The most characters to read of a value: a login can set values of any length. */
const LONGEST = 200;

/** Sources of values that nobody set, or that this program set. */
const UNSET = ["default", "client", "override", "session"];
/** Sources of `pg_settings` that are not the server's own configuration. */
const BY_STATEMENT = ["database user", "user", "database", "global"];

const isOfServer = ({ source }: Setting): boolean => !BY_STATEMENT.includes(source);

/** The driver itself requests UTF8, unlike some platforms' drivers, so the stored value is read. */
const STORED_ENCODING = `select 'client_encoding', pg_catalog.pg_encoding_to_char(pg_catalog.pg_char_to_encoding(pg_catalog.split_part(c, '=', 2)))::pg_catalog.text, null,
      case when s.setdatabase = 0 then case when s.setrole = 0 then 'global' else 'user' end when s.setrole = 0 then 'database' else 'database user' end
   from pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c
  where pg_catalog.lower(pg_catalog.split_part(c, '=', 1)) operator(pg_catalog.=) 'client_encoding'
    and (s.setrole = 0 or s.setrole = (select r.oid from pg_catalog.pg_roles r where r.rolname operator(pg_catalog.=) session_user))
    and (s.setdatabase = 0
      or s.setdatabase = (select d.oid from pg_catalog.pg_database d where d.datname operator(pg_catalog.=) pg_catalog.current_database()))
  order by s.setrole = 0, s.setdatabase = 0 limit 1`;

/**
 * Returns the settings of a session that break migrations or logins.
 *
 * @param session as a driver opens it: `search_path` may be anything, so all names and operators are qualified.
 */
async function findHarmful(session: Client): Promise<readonly Setting[]> {
  const { rows } = await session.query<Setting>(
    `select pg_catalog.lower(name) as name, pg_catalog.left(setting, ${LONGEST}) as value, unit, source from pg_catalog.pg_settings
      where pg_catalog.lower(name) operator(pg_catalog.=) any ($1) and name operator(pg_catalog.<>) 'client_encoding'
     union all (${STORED_ENCODING})`,
    [Object.keys(RULES)],
  );
  return rows.filter(({ name, value, source }) => !UNSET.includes(source) && RULES[name]?.isHarmful(value) === true);
}

/** @param where the login, the database and the instance of the session. */
function explainSetting(
  { name, value, unit, source }: Setting,
  where: { readonly login: string; readonly database: string; readonly instance: string | null },
): string {
  const { harm = "", instead = "" } = RULES[name] ?? {};
  const [login, database] = [where.login, where.database].map(pg.escapeIdentifier);
  const says = `${name} is ${shown(value)}${unit === null ? "" : ` ${unit}`}, which ${harm}`;
  const reset = { "database user": `ROLE ${login} IN DATABASE ${database}`, user: `ROLE ${login}`, global: "ROLE ALL" }[source];
  if (reset !== undefined) return `${says}; if nobody needs it, run as an administrator: ALTER ${reset} RESET ${name}`;
  const spec = where.instance === null ? "" : ` (in the spec: instances.${where.instance}.parameters)`;
  return `${says}; set it to ${instead} in the server's configuration${spec}, and reload it`;
}

/** Checks the server's own settings. Settings in the spec are only notes, because they were chosen. */
export async function diagnoseSettings(
  instance: string,
  { instance: { settings } }: Pick<Scope, "instance">,
  { server, master, patience }: Pick<ServerAccess, "server" | "master" | "patience">,
): Promise<{ readonly checks: readonly Check[]; readonly reported: readonly string[] }> {
  const check = (problem: string | null, note?: string): Check => ({
    subject: `instance ${instance}`,
    promise: "sets nothing that breaks migrations or logins",
    problem,
    ...(note === undefined ? {} : { note }),
  });
  try {
    const found = (await withClient(server, master, "postgres", findHarmful, likeDriver(patience))).filter(isOfServer);
    const where = { login: master.username, database: "postgres", instance };
    const checks = found.map((setting) => {
      const sentence = explainSetting(setting, where);
      return isInSpec(setting, settings.parameters) ? check(null, sentence) : check(sentence);
    });
    return { checks: checks.length === 0 ? [check(null)] : checks, reported: found.map(({ name }) => name) };
  } catch (error) {
    return { checks: [check(`could not be checked: ${explain(error, attemptOf(server, master, "postgres")).message}`)], reported: [] };
  }
}

const isInSpec = ({ name }: Setting, parameters: Readonly<Record<string, ParameterValue>>): boolean =>
  Object.keys(parameters).some((written) => written.toLowerCase() === name);

/** Settings that decide where tables are created, or whether they can be. */
const DECIDES_TABLES = ["search_path", "default_transaction_read_only", "default_tablespace"];

/**
 * Works like a migration: creates a table without naming its schema, and rolls it back.
 *
 * @param session as a driver opens it.
 * @param reported names of settings that are reported elsewhere.
 * @returns problems, a sentence each.
 */
export async function tryLikeDriver(
  session: Client,
  { owner, loginParameters }: Pick<Tenant, "owner" | "loginParameters">,
  { username: login }: Credential,
  database: string,
  reported: readonly string[],
): Promise<readonly string[]> {
  const planned = Object.keys(loginParameters).map((name) => name.toLowerCase());
  const found = await findHarmful(session);
  const harmful = found.filter(
    ({ name, source }) => !reported.includes(name) && !(source === "database user" && planned.includes(name)) && source !== "database",
  );
  const sentences = harmful.map((setting) => explainSetting(setting, { login, database, instance: null }));
  if (found.some(({ name }) => DECIDES_TABLES.includes(name))) return sentences;
  const { rows } = await session.query<{ schema: string | null }>("select pg_catalog.current_schema()::pg_catalog.text as schema");
  const schema = rows[0]?.schema ?? "";
  if (schema !== "public") return [...sentences, explainSchema(schema, database, owner)];
  // The server itself must stop waiting: a session that is closed here would continue to wait for the lock.
  await session.query(`begin; set local lock_timeout = ${LOOK_LOCK_TIMEOUT}`);
  // No table or type has this name.
  const table = `platform_postgres_doctor_${randomBytes(8).toString("hex")}`;
  await session.query(`create table ${table} (id int)`);
  await session.query(`drop table ${table}`);
  await session.query("rollback");
  return sentences;
}

/** @param schema where unqualified tables are created; empty if nowhere. */
function explainSchema(schema: string, database: string, owner: string): string {
  if (schema === "")
    return `${owner} may not use schema public in ${database}; run in that database as an administrator: GRANT ALL ON SCHEMA public TO ${pg.escapeIdentifier(owner)}`;
  const [id, other] = [schema, `${schema}_of_before`].map(identifier);
  return `schema ${shown(schema)} hides schema public in ${database}; run in that database as its owner: ALTER SCHEMA ${id} RENAME TO ${other}`;
}
