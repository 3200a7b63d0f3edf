import pg from "pg";
import type { Tenant } from "../model/spec";
import type { ServerAccess, Work } from "./access";
import { byItself } from "./by-itself";
import { type Client, masterSession, persist, reading, withClient } from "./connect";
import type { Credential } from "./credential";
import { isLoginFull, isWrongPassword, ProvisioningError } from "./errors";
import { waitForChanges } from "./lock";
import { type Observed, observe, observeServer } from "./observe";
import { findProblem, lookAround, missingExtensions, type Surroundings, sayAstray, withExtensions } from "./ownership";
import { type Change, extensionStep, findShortage, passwordStep, refuseServer, type Step } from "./plan";
import type { ReadableStore } from "./secret-store";
import { shown } from "./shown";
import { endForgotten, planPlatform, type TenantPlan } from "./tenant-plan";
import { newVersions, readVersions, type SecretState, workingCredentials } from "./versions";

/** What provisioning would do on one server. It contains no secret. */
export interface DryRun {
  /** Why provisioning would do nothing until an administrator fixes the server, a sentence; null if it would run. */
  readonly refusal: string | null;
  /** By platform; none if the server is rejected. */
  readonly platforms: Readonly<Record<string, PlatformDryRun>>;
}

export interface PlatformDryRun {
  /** The statements, in order. If a problem prevents provisioning the platform, those that would run before it. */
  readonly changes: readonly Change[];
  /** What would be written into the platform's secret; null if nothing. */
  readonly secret: NewVersions | null;
  /** Problems that only another person can fix, and with which provisioning fails, a sentence each. */
  readonly problems: readonly string[];
  /** Problems in the platform's databases that provisioning reports but does not fix, a sentence each. */
  readonly unsound: readonly string[];
  /** What is known only after the statements have run, a sentence each. */
  readonly unknown: readonly string[];
  /** Logins that were tried with the password of the secret, and work in all databases of the platform. */
  readonly works: readonly string[];
}

export interface NewVersions {
  readonly secret: string;
  /** The logins of the new versions, in order; the last is the one that the platform would use. */
  readonly logins: readonly string[];
  readonly why: string;
}

const NOTHING: PlatformDryRun = { changes: [], secret: null, problems: [], unsound: [], unknown: [], works: [] };

/** How to reach a server, with read-only secrets. */
export type ReadingAccess = Omit<ServerAccess, "store"> & { readonly store: ReadableStore };

/**
 * Reports what `provision` would do, without changing anything: the server itself rejects every change in these sessions. No other run
 * changes the server meanwhile.
 *
 * @throws ProvisioningError if the server cannot be reached, or another run does not end in time.
 */
export async function dryRun(work: Work, access: ReadingAccess): Promise<DryRun> {
  const { server, master, patience } = access;
  return persist(server, master, "postgres", patience, () =>
    withClient(server, master, "postgres", (client) => look(client, work, access)),
  );
}

async function look(client: Client, { environment, instance }: Work, access: ReadingAccess): Promise<DryRun> {
  const server = await observeServer(client);
  const { host, port } = access.server;
  const refusal = refuseServer(server);
  if (refusal !== null) return { refusal: `${host}:${port}: ${refusal}`, platforms: {} };
  // Only now: `observeServer` checks whether it was already set.
  await client.query("set default_transaction_read_only = on");
  await waitForChanges(client, access);
  const tenants = Object.values(instance.tenants);
  const observed: Observed = { ...(await observe(client, tenants)), server };
  const shortage = findShortage(tenants, server, access.restart ?? null);
  if (shortage !== null) return { refusal: shortage, platforms: {} };
  const platforms: Record<string, PlatformDryRun> = {};
  for (const [platform, tenant] of Object.entries(instance.tenants)) {
    const { value, problem } = await byItself(client, () => lookAtPlatform(client, platform, environment, tenant, observed, access));
    platforms[platform] = problem === null ? value : { ...NOTHING, problems: problem.split("\n") };
  }
  return { refusal: null, platforms };
}

async function lookAtPlatform(
  client: Client,
  platform: string,
  environment: string,
  tenant: Tenant,
  observed: Observed,
  access: ReadingAccess,
): Promise<PlatformDryRun> {
  const stored = await readVersions(tenant, access.store);
  const planned = planPlatform(environment, tenant, observed, stored);
  if (planned.problems.length > 0) return { ...NOTHING, problems: planned.problems };
  const forgotten = await endForgotten(client, planned.desired, planned.steps);
  const tried = await tryLogins(client, planned, observed, access);
  return {
    ...tried,
    changes: [...planned.steps, ...forgotten, ...tried.changes].map((step) => ({ platform, ...step })),
    secret: toNewVersions(tenant, planned.secret),
    unsound: [...tried.unsound, ...planned.settings],
  };
}

function toNewVersions(tenant: Tenant, state: SecretState): NewVersions | null {
  const logins = newVersions(tenant, state);
  if (logins.length === 0) return null;
  const half = "provisioning was interrupted before it wrote the second version";
  const why = state.isHalf ? half : state.isRevoked ? "a login was revoked, so no earlier version may be used" : "it is empty";
  return { secret: tenant.secret, logins, why };
}

/** A login that provisioning tries; its credential is null if its password has not been created yet. */
interface Trial {
  readonly login: string;
  readonly credential: Credential | null;
}

/** In the order in which provisioning tries them: the first is the one that the platform uses. */
function toTrials(tenant: Tenant, state: SecretState): readonly Trial[] {
  const { kept } = state;
  const created = [...newVersions(tenant, state)].reverse().map((login) => ({ login, credential: null }));
  const known = kept === null ? [] : created.length === 0 ? workingCredentials(kept) : [kept.current];
  return [...created, ...known.map((credential) => ({ login: credential.username, credential }))];
}

/** Logs in as provisioning does, as far as that is possible before its statements have run. */
async function tryLogins(
  client: Client,
  { desired: tenant, steps, secret }: TenantPlan,
  observed: Observed,
  access: ReadingAccess,
): Promise<Pick<PlatformDryRun, "unsound" | "unknown" | "problems" | "works"> & { readonly changes: readonly Step[] }> {
  const changes: Step[] = [];
  const [problems, unsound, unknown, works]: [string[], string[], string[], string[]] = [[], [], [], []];
  for (const [index, { login, credential }] of toTrials(tenant, secret).entries()) {
    // The password that it has now does not count.
    const isReplaced = steps.some((step) => step.passwordOf === login);
    let password = isReplaced ? null : credential;
    if (!isReplaced && credential === null) changes.push(passwordStep(login));
    let isWorking = password !== null;
    for (const database of tenant.databases) {
      const { name } = database;
      const entry = password === null ? UNTRIED : await enter(tenant, password, name, access, steps.length > 0);
      if (entry.kind === "wrong password") {
        password = null;
        if (hasEnded(observed, login)) unknown.push(`whether login ${login} has the password of its secret: its password has expired`);
        else changes.push(passwordStep(login));
      }
      if (entry.kind === "barred")
        unknown.push(`whether login ${login} can connect to database ${name}: at present it cannot (${entry.message})`);
      isWorking &&= entry.kind === "full" || (entry.kind === "in" && entry.found.user === tenant.owner);
      if (index > 0 || (entry.kind === "full" && steps.length === 0)) continue;
      const its = await lookInside(client, tenant, database, entry.kind === "in" ? entry.found : null, observed, access);
      changes.push(...its.changes);
      problems.push(...its.problems);
      unsound.push(...its.unsound);
      unknown.push(...its.unknown);
    }
    if (isWorking) works.push(login);
  }
  return { changes, problems, unsound, unknown, works };
}

/** Whether a login's password has expired, so that the server accepts none. */
const hasEnded = ({ roles }: Observed, login: string): boolean => {
  const expires = roles[login]?.expires ?? null;
  return expires !== null && expires <= new Date().toISOString().slice(0, 10);
};

type Entry =
  | { readonly kind: "in"; readonly found: Surroundings }
  | { readonly kind: "untried" | "wrong password" | "full" }
  | { readonly kind: "barred"; readonly message: string };
const UNTRIED: Entry = { kind: "untried" };

/** @param isChanging whether statements would run first, which may admit the login. @throws what `provision` would. */
async function enter(
  tenant: Tenant,
  credential: Credential,
  database: string,
  { server }: ReadingAccess,
  isChanging: boolean,
): Promise<Entry> {
  try {
    const found = await withClient(server, credential, database, (session) => lookAround(session, tenant), reading());
    if (found === undefined) throw new TypeError("a session without a user");
    if (found.user !== tenant.owner && !isChanging)
      throw new ProvisioningError(sayAstray(credential.username, found.user, database, tenant));
    return { kind: "in", found };
  } catch (error) {
    if (isWrongPassword(error)) return { kind: "wrong password" };
    if (isLoginFull(error)) return { kind: "full" };
    if (isChanging && error instanceof pg.DatabaseError) return { kind: "barred", message: shown(error.message) };
    throw error;
  }
}

/** The extension that every new database has. */
const BUILT_IN = "plpgsql";

/** What provisioning would create in a database, and report. @param seen by the platform's login; null if it could not look. */
async function lookInside(
  client: Client,
  tenant: Tenant,
  database: Tenant["databases"][number],
  seen: Surroundings | null,
  observed: Observed,
  access: ReadingAccess,
): Promise<Record<"problems" | "unsound" | "unknown", readonly string[]> & { readonly changes: readonly Step[] }> {
  const { name, extensions } = database;
  const nothing = { changes: [], problems: [], unsound: [], unknown: [] };
  const its = observed.databases[name];
  if (its === undefined)
    return {
      ...nothing,
      ...(await toExtensions(
        client,
        name,
        extensions.filter((each) => each !== BUILT_IN),
      )),
    };
  const found = seen ?? (await lookAsMaster(tenant, name, observed, access));
  if (found === undefined)
    return { ...nothing, unknown: [`which extensions are missing in database ${name}, and whether it has other problems`] };
  const missing = missingExtensions(found, database);
  const created = await toExtensions(client, name, missing);
  // Rights in a database follow from its owner.
  if (its.owner !== tenant.owner || observed.roles[tenant.owner] === undefined)
    return { ...nothing, ...created, unknown: [`whether database ${name} has other problems: it does not belong to ${tenant.owner} yet`] };
  const problem = findProblem(withExtensions({ ...found, user: tenant.owner }, missing), tenant, database, access.provision);
  return { ...nothing, ...created, unsound: problem === null ? [] : [problem] };
}

/** Returns undefined if the master cannot connect to the database yet. */
const lookAsMaster = (tenant: Tenant, database: string, { server: { version } }: Observed, { server, master }: ReadingAccess) =>
  withClient(server, master, database, (session) => lookAround(session, tenant), reading(masterSession(version))).catch(
    (error: unknown) => {
      if (error instanceof pg.DatabaseError) return undefined;
      throw error;
    },
  );

/** Returns the statements that create extensions, and problems that prevent them. */
async function toExtensions(client: Client, database: string, names: readonly string[]) {
  if (names.length === 0) return { changes: [], problems: [] };
  const { rows } = await client.query<{ name: string }>("select name from pg_available_extensions where name = any($1)", [names]);
  const [available, lacking] = [true, false].map((is) => names.filter((name) => rows.some((row) => row.name === name) === is));
  return {
    changes: (available ?? []).map((name) => extensionStep(database, name)),
    problems: (lacking ?? []).map(
      (name) => `extension ${name} cannot be created in database ${database}: the server does not have it; allow it on the server`,
    ),
  };
}
