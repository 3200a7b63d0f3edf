import pg from "pg";
import { IGNORES_SET_ROLE } from "../model/minor-versions";
import type { Tenant } from "../model/spec";
import type { Observed, ObservedServer } from "./observe";

/** One statement, with its reason. */
export interface Step {
  /** The database in which it runs. */
  readonly database: string;
  /** Complete, except for the verifier that the runner appends if `passwordOf` is set. */
  readonly sql: string;
  readonly why: string;
  /** Login whose SCRAM verifier belongs to the statement. */
  readonly passwordOf: string | null;
}

export interface ProvisioningPlan {
  readonly steps: readonly Step[];
  /** Problems that only another role can fix, a sentence each; if there is one, no step runs. */
  readonly problems: readonly string[];
}

/** A tenant, with the logins in its secret's versions. A login that no version names has no password: it was revoked, or is new. */
export interface DesiredTenant extends Tenant {
  readonly storedLogins: readonly string[];
}

/** A statement of one platform's part. */
export interface Change extends Step {
  readonly platform: string;
}

const id = pg.escapeIdentifier;
const literal = (value: string): string => pg.escapeLiteral(value).trim();

/** Returns why a server cannot be provisioned at all, or null. */
export function refuseServer(server: ObservedServer): string | null {
  const { version, master } = server;
  const shown = `${Math.floor(version / 10_000)}.${version % 10_000}`;
  if (version < 150_000) return `PostgreSQL ${shown} is too old; use 15 or newer`;
  if (IGNORES_SET_ROLE.includes(shown))
    return `PostgreSQL ${shown} ignores ALTER ROLE ... SET role, so tables would belong to the logins; update to the next minor version`;
  if (server.readOnly === "standby") return "the server is read-only; connect to the primary, not to a replica or a standby";
  if (server.readOnly === "setting")
    return `the server is read-only, because default_transaction_read_only is on; set it to off in the server's configuration, or run: ALTER ROLE ${id(master)} RESET default_transaction_read_only`;
  const mayProvision = server.superuser || (server.createRole && server.createDatabase);
  if (!mayProvision && server.resetRole !== null)
    return `a setting lets its sessions work as ${master}, which may not create roles and databases; run as an administrator: ${server.resetRole}`;
  if (!mayProvision)
    return `${master} may not create roles and databases; run as an administrator: ALTER ROLE ${id(master)} CREATEROLE CREATEDB`;
  return null;
}

/**
 * Returns the statements that change the observed state to the desired state; none if they match. Pure.
 *
 * Never drops anything, and revokes only PUBLIC's grants: `doctor` reports others.
 */
export function plan(environment: string, tenants: readonly DesiredTenant[], observed: Observed): ProvisioningPlan {
  const problems = tenants.flatMap((tenant) => findProblems(environment, tenant, observed));
  if (problems.length > 0) return { steps: [], problems };
  return { steps: tenants.flatMap((tenant) => planTenant(environment, tenant, observed)), problems };
}

/** A database's `datconnlimit` that admits nobody, and that only dropping the database ends. https://www.postgresql.org/docs/17/catalog-pg-database.html */
const INVALID = -2;

/** Reports limits that do not fit, which would otherwise fail in the platforms. */
export function findShortage(tenants: readonly Tenant[], { maxConnections }: ObservedServer, restart: string | null): string | null {
  const needed = tenants.reduce((sum, { logins }) => sum + Math.max(...logins.map((login) => login.connectionLimit)), 0);
  if (needed <= maxConnections) return null;
  const how = restart === null ? "" : ` with ${restart}`;
  const remedy = `make sure that it is set, restart the server${how} (after any larger size that waits for the maintenance window)`;
  return `max_connections is ${maxConnections}, but the platforms need ${needed}; ${remedy}, and run this again`;
}

/** Comment of a login whose password leaked: no earlier version of its secret may open it again. */
export const REVOKED = "platform-postgres: revoked";

/** Comment of a platform's owner role: its environment. */
export const ownerComment = (environment: string): string => `platform-postgres: environment ${environment}`;

function findProblems(environment: string, tenant: DesiredTenant, { server, roles, memberships, databases }: Observed): readonly string[] {
  const { owner, logins } = tenant;
  const administers = (role: string) =>
    server.superuser || memberships.some((row) => row.role === role && row.member === server.master && row.admin);
  const problems: string[] = [];
  for (const role of [owner, ...logins.map((login) => login.name)]) {
    const found = roles[role];
    if (found === undefined) continue;
    if (found.superuser)
      problems.push(
        `role ${role} may do more than a platform should; run as an administrator: ALTER ROLE ${id(role)} NOSUPERUSER NOREPLICATION NOBYPASSRLS`,
      );
    // Up to PostgreSQL 15, CREATEROLE alone is sufficient to alter any role that is not a superuser.
    if (server.version >= 160_000 && !administers(role)) {
      problems.push(
        `role ${role} was created by another role; run as that role: GRANT ${id(role)} TO ${id(server.master)} WITH ADMIN OPTION`,
      );
    }
  }
  const made = roles[owner]?.comment;
  if (made?.startsWith(ownerComment("")) && made !== ownerComment(environment)) {
    problems.push(`role ${owner} belongs to ${made.slice("platform-postgres: ".length)}; use a separate instance for this environment`);
  }
  for (const { name } of tenant.databases) {
    const found = databases[name];
    if (found?.connectionLimit === INVALID)
      problems.push(
        `database ${name} is invalid, because DROP DATABASE was interrupted; run as ${found.owner}, and restore a backup: DROP DATABASE ${id(name)}`,
      );
    if (found === undefined || found.owner === owner || found.owner === server.master) continue;
    // Another platform may create databases, and has taken the name.
    if (roles[found.owner]?.comment?.startsWith(ownerComment(""))) {
      problems.push(
        `database ${name} belongs to ${found.owner}, which created it; name another one in the platform's databases, or run as ${server.master}: ALTER DATABASE ${id(name)} RENAME TO ${id(`${name}_of_${found.owner}`)}`,
      );
      continue;
    }
    if (server.superuser) continue;
    problems.push(
      `database ${name} belongs to ${found.owner}; run as ${found.owner}: ALTER DATABASE ${id(name)} OWNER TO ${id(server.master)}`,
    );
  }
  return problems;
}

function planTenant(environment: string, tenant: DesiredTenant, observed: Observed): readonly Step[] {
  const steps = [...planOwner(environment, tenant, observed), ...tenant.logins.flatMap((login) => planLogin(tenant, login, observed))];
  return [
    ...steps,
    ...tenant.databases.flatMap((database) => planDatabase(tenant, database.name, observed)),
    ...planParameters(tenant, observed),
  ];
}

const step = (sql: string, why: string, passwordOf: string | null = null, database = "postgres"): Step => ({
  database,
  sql,
  why,
  passwordOf,
});

/** Gives a login the password of its secret. */
export const passwordStep = (login: string): Step =>
  step(`ALTER ROLE ${id(login)} LOGIN`, `login ${login} has a different password`, login);

/** Runs as the master, not the owner: managed services let only their administrators create some extensions. */
export const extensionStep = (database: string, name: string): Step =>
  step(`CREATE EXTENSION IF NOT EXISTS ${id(name)} SCHEMA public`, `extension ${name} is missing in database ${database}`, null, database);

/** Terminates the sessions of a login that its secret no longer contains. */
export const endingStep = (login: string): Step =>
  step(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ${literal(login)}`,
    `login ${login} was revoked, but still has sessions`,
  );

/** Lets the master terminate a login's sessions. */
export const joinStep = (login: string): Step =>
  step(`GRANT ${id(login)} TO CURRENT_USER`, `ending sessions of login ${login} needs its rights`);

/** Returns a statement for a person. The placeholder for the verifier is a syntax error, so that pasting it never sets a password. */
export const showStatement = ({ sql, passwordOf }: Pick<Step, "sql" | "passwordOf">): string =>
  passwordOf === null ? sql : `${sql} PASSWORD <not shown>`;

function planOwner(environment: string, { owner, createDatabase }: DesiredTenant, observed: Observed): readonly Step[] {
  const found = observed.roles[owner];
  // PostgreSQL checks CREATEDB on the role that a session acts as, which is the owner; membership does not grant it.
  const attribute = createDatabase ? "CREATEDB" : "NOCREATEDB";
  const steps: Step[] = [];
  if (found === undefined) steps.push(step(`CREATE ROLE ${id(owner)} NOLOGIN ${attribute}`, `role ${owner} is missing`));
  if (found?.canLogin) steps.push(step(`ALTER ROLE ${id(owner)} NOLOGIN PASSWORD NULL`, `role ${owner} may log in`));
  if (found !== undefined && found.createDatabase !== createDatabase) {
    steps.push(step(`ALTER ROLE ${id(owner)} ${attribute}`, `role ${owner} may ${createDatabase ? "not " : ""}create databases`));
  }
  if (found?.createRole) steps.push(step(`ALTER ROLE ${id(owner)} NOCREATEROLE`, `role ${owner} may create roles`));
  if (found?.comment !== ownerComment(environment)) {
    steps.push(
      step(`COMMENT ON ROLE ${id(owner)} IS ${literal(ownerComment(environment))}`, `role ${owner} is not marked with its environment`),
    );
  }
  return [...steps, ...joinMaster(owner, observed)];
}

/**
 * The master needs the owner's privileges to create its database and extensions. Up to PostgreSQL 15, it also needs ADMIN OPTION on every
 * role, or it loses access in a major upgrade; since 16, it has that as the roles' creator, and granting it again is an error.
 */
function joinMaster(role: string, { server, memberships }: Observed): readonly Step[] {
  if (server.superuser) return [];
  const rows = memberships.filter((row) => row.role === role && row.member === server.master);
  if (server.version < 160_000) {
    return rows.some((row) => row.admin)
      ? []
      : [step(`GRANT ${id(role)} TO CURRENT_USER WITH ADMIN OPTION`, `${server.master} does not administer ${role}`)];
  }
  return rows.some((row) => row.inheritAndSet)
    ? []
    : [step(`GRANT ${id(role)} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE`, `${server.master} is not a member of ${role}`)];
}

function planLogin(
  tenant: DesiredTenant,
  login: { readonly name: string; readonly connectionLimit: number },
  observed: Observed,
): readonly Step[] {
  const { name, connectionLimit } = login;
  const isStored = tenant.storedLogins.includes(name);
  const attributes = `${tenant.createDatabase ? "CREATEDB" : "NOCREATEDB"} CONNECTION LIMIT ${connectionLimit}`;
  const found = observed.roles[name];
  const steps: Step[] = [];
  if (found === undefined) {
    steps.push(
      step(`CREATE ROLE ${id(name)} ${isStored ? "LOGIN" : "NOLOGIN"} ${attributes}`, `login ${name} is missing`, isStored ? name : null),
    );
  } else {
    if (found.connectionLimit !== connectionLimit || found.createDatabase !== tenant.createDatabase) {
      steps.push(step(`ALTER ROLE ${id(name)} ${attributes}`, `login ${name} has other limits (${found.connectionLimit} connections)`));
    }
    if (found.expires !== null)
      steps.push(step(`ALTER ROLE ${id(name)} VALID UNTIL 'infinity'`, `the password of login ${name} expires on ${found.expires}`));
    if (found.createRole) steps.push(step(`ALTER ROLE ${id(name)} NOCREATEROLE`, `login ${name} may create roles`));
    if (!found.inherits) steps.push(step(`ALTER ROLE ${id(name)} INHERIT`, `login ${name} does not have the rights of its roles`));
    if (isStored && !found.canLogin)
      steps.push(
        found.comment === REVOKED
          ? step(`ALTER ROLE ${id(name)} LOGIN`, `login ${name} was revoked, and gets a new password`, name)
          : step(`ALTER ROLE ${id(name)} LOGIN`, `login ${name} may not log in`),
      );
    if (found.comment === REVOKED) steps.push(step(`COMMENT ON ROLE ${id(name)} IS NULL`, `login ${name} is marked as revoked`));
    // Continues an interrupted revocation: a login that the secret no longer contains must not work.
    if (!isStored && found.canLogin)
      steps.push(step(`ALTER ROLE ${id(name)} NOLOGIN PASSWORD NULL`, `login ${name} may log in, and no version of its secret names it`));
  }
  if (!observed.memberships.some((row) => row.role === tenant.owner && row.member === name && row.inheritAndSet)) {
    const options = observed.server.version < 160_000 ? "" : " WITH INHERIT TRUE, SET TRUE";
    steps.push(step(`GRANT ${id(tenant.owner)} TO ${id(name)}${options}`, `login ${name} is not a member of ${tenant.owner}`));
  }
  return observed.server.version < 160_000 ? [...steps, ...joinMaster(name, observed)] : steps;
}

function planDatabase({ owner }: DesiredTenant, name: string, { databases }: Observed): readonly Step[] {
  const found = databases[name];
  const steps: Step[] = [];
  if (found === undefined)
    steps.push(step(`CREATE DATABASE ${id(name)} OWNER ${id(owner)} TEMPLATE template0 ENCODING 'UTF8'`, `database ${name} is missing`));
  else if (found.owner !== owner)
    steps.push(step(`ALTER DATABASE ${id(name)} OWNER TO ${id(owner)}`, `database ${name} belongs to ${found.owner}, not to ${owner}`));
  if (found === undefined || found.grants.some((grant) => grant.grantee === "")) {
    steps.push(step(`REVOKE ALL ON DATABASE ${id(name)} FROM PUBLIC`, `everyone may connect to database ${name}`));
  }
  // Its owner may have set either, and nobody could log in.
  if (found !== undefined && !found.allowsConnections)
    steps.push(step(`ALTER DATABASE ${id(name)} ALLOW_CONNECTIONS true`, `database ${name} accepts no connections`));
  if (found !== undefined && found.connectionLimit !== -1)
    steps.push(
      step(`ALTER DATABASE ${id(name)} CONNECTION LIMIT -1`, `database ${name} accepts only ${found.connectionLimit} connections`),
    );
  const has = (privilege: string) => found?.grants.some((grant) => grant.grantee === owner && grant.privilege === privilege) ?? true;
  if (found?.owner === owner && !["CONNECT", "CREATE", "TEMPORARY"].every(has)) {
    steps.push(step(`GRANT ALL ON DATABASE ${id(name)} TO ${id(owner)}`, `${owner} lacks a privilege on its database ${name}`));
  }
  return steps;
}

/** Parameters are set on the logins, in their databases: parameters of the owner role do not take effect after `SET role`. */
function planParameters(tenant: DesiredTenant, { roleParameters }: Observed): readonly Step[] {
  const databases = tenant.databases.map((database) => database.name);
  // A platform that creates databases does so from `postgres`; the owner must own those, too.
  const wanted = [
    ...[...databases, ...(tenant.createDatabase ? ["postgres"] : [])].map((database) => ({ database, name: "role", value: tenant.owner })),
    ...databases.flatMap((database) => Object.entries(tenant.loginParameters).map(([name, value]) => ({ database, name, value }))),
  ];
  return tenant.logins.flatMap((login) =>
    wanted
      .filter(
        ({ database, name, value }) =>
          !roleParameters.some(
            (row) => row.role === login.name && row.database === database && row.name === name.toLowerCase() && row.value === value,
          ),
      )
      .map(({ database, name, value }) =>
        step(
          `ALTER ROLE ${id(login.name)} IN DATABASE ${id(database)} SET ${id(name)} = ${literal(value)}`,
          `login ${login.name} does not set ${name} to ${value} in database ${database}`,
        ),
      ),
  );
}
