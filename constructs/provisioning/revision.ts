import pg from "pg";
import type { Revision } from "../model/platform";
import type { Tenant } from "../model/spec";
import type { ServerAccess } from "./access";
import type { Check } from "./check";
import { type Client, close, looking, open } from "./connect";
import type { Credential } from "./credential";
import { shown } from "./shown";

/** The most characters to read of a revision: the platform may have replaced the table. */
const LONGEST = 400;

type Known = ReturnType<NonNullable<ServerAccess["versions"]>>;

/** No table yet: nothing has migrated. */
const NONE = Symbol("none");

/**
 * Checks the migrations of a platform in its own tables; a schema other than the chart's is a problem. A database that cannot be connected
 * to is skipped: that is reported elsewhere.
 */
export async function checkRevisions(
  subject: string,
  tenant: Tenant,
  credential: Credential,
  { server, patience, versions }: Pick<ServerAccess, "server" | "patience" | "versions">,
): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const revision of tenant.revisions) {
    const client = await open(server, credential, revision.database, looking(patience)).catch(() => null);
    if (client === null) continue;
    const unseen = (error: Error): Check => ({
      subject,
      promise: `the schema of ${revision.database} is as the chart expects`,
      problem: `could not be checked: ${shown(error.message)}`,
    });
    checks.push(
      await checkRevision(subject, revision, client, versions?.(subject) ?? [])
        .catch(unseen)
        .finally(() => close(client)),
    );
  }
  return checks;
}

async function checkRevision(subject: string, revision: Revision, client: Client, known: Known): Promise<Check> {
  const { database, table, expected } = revision;
  const found = await readRevision(revision, client);
  const check = (state: string, problem: string | null = null, note?: string): Check => ({
    subject,
    promise: `the schema of ${database} is ${state}`,
    problem,
    ...(note === undefined ? {} : { note }),
  });
  if (found === NONE) return check("empty: the platform creates it when it starts");
  if (expected === null) return check(found === null ? "at no revision" : `at revision ${found}`);
  if (found === expected) return check(`at revision ${expected}`);
  const migrate = "start the platform in the version of the spec, or migrate by hand (migrate-job.yaml)";
  const name = `if you run a newer version on purpose, name its image in platforms.${subject}.images`;
  const versionOf = (of: string | null): string => {
    const version = known.find(({ revision }) => revision === of)?.version;
    return version === undefined ? "" : ` (${version})`;
  };
  const said = `${found ?? "nothing"}${versionOf(found)}`;
  const wanted = `${expected}${versionOf(expected)}`;
  const order = found === null ? null : compareRevisions(found, expected, known);
  if (order !== null && order > 0)
    return check(`at revision ${found}`, null, `it is newer than ${wanted}, which the version of the spec expects; ${name}`);
  const remedy = order === null ? `if it is behind, ${migrate}; ${name}` : `it is behind: ${migrate}`;
  return check(`at revision ${expected}`, `${table} shows ${said}, but the version of the spec expects ${wanted}; ${remedy}`);
}

/** Flyte's names begin with their time: `runs/20260722100000_`, or `2025-05-29-` in Flyte 1. */
const DATED = /^(\w+\/\d{14}_|\d{4}-\d{2}-\d{2}-)/;

/** Returns a negative number if a revision is older than another, a positive one if it is newer, null if their order is unknown. */
function compareRevisions(found: string, expected: string, known: Known): number | null {
  const [its = -1, other = -1] = [found, expected].map((name) => known.findIndex(({ revision }) => revision === name));
  if (its >= 0 && other >= 0) return its - other;
  if (!DATED.test(found) || !DATED.test(expected)) return null;
  return found < expected ? -1 : 1;
}

async function readRevision({ table, newest }: Revision, client: Client): Promise<string | null | typeof NONE> {
  const name = `public.${pg.escapeIdentifier(table)}`;
  const there = await client.query<{ found: boolean }>("select to_regclass($1) is not null as found", [name]);
  if (there.rows[0]?.found !== true) return NONE;
  const { rows } = await client.query<{ revision: string | null }>(`select left((${newest})::text, ${LONGEST}) as revision from ${name}`);
  const revision = rows[0]?.revision ?? null;
  return revision === null ? null : shown(revision);
}
