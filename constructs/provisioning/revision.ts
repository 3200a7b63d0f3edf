import pg from "pg";
import type { Revision } from "../model/platform";
import type { Tenant } from "../model/spec";
import type { ServerAccess } from "./access";
import type { Check } from "./check";
import { type Client, close, looking, open } from "./connect";
import type { Credential } from "./credential";
import { shown } from "./shown";

/** Characters of a revision that are read: the table may be anything that its platform has put in its place. */
const LONGEST = 400;

/** No table yet: nothing has migrated. */
const NONE = Symbol("none");

/**
 * How far the migrations of a platform are, by its own tables; a schema that is not the chart's is a problem. A database that cannot be
 * entered is left out: that is told elsewhere.
 */
export async function checkRevisions(
  subject: string,
  tenant: Tenant,
  credential: Credential,
  { server, patience }: Pick<ServerAccess, "server" | "patience">,
): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const revision of tenant.revisions) {
    const client = await open(server, credential, revision.database, looking(patience)).catch(() => null);
    if (client === null) continue;
    const unseen = (error: Error): Check => ({
      subject,
      promise: `the schema of ${revision.database} is as the chart expects`,
      problem: `could not be seen: ${shown(error.message)}`,
    });
    checks.push(
      await checkRevision(subject, revision, client)
        .catch(unseen)
        .finally(() => close(client)),
    );
  }
  return checks;
}

async function checkRevision(subject: string, revision: Revision, client: Client): Promise<Check> {
  const { database, table, expected } = revision;
  const found = await readRevision(revision, client);
  const check = (state: string, problem: string | null = null): Check => ({
    subject,
    promise: `the schema of ${database} is ${state}`,
    problem,
  });
  if (found === NONE) return check("empty: the platform makes it when it starts");
  if (expected === null) return check(found === null ? "at no revision" : `at revision ${found}`);
  const remedy =
    "if it is behind, start the platform in the chart's version, or migrate by hand (migrate-job.yaml); if it is ahead, go on with the version that made it";
  return check(
    `at revision ${expected}`,
    found === expected ? null : `${table} says ${found ?? "nothing"}, the chart expects ${expected}; ${remedy}`,
  );
}

async function readRevision({ table, newest }: Revision, client: Client): Promise<string | null | typeof NONE> {
  const name = `public.${pg.escapeIdentifier(table)}`;
  const there = await client.query<{ found: boolean }>("select to_regclass($1) is not null as found", [name]);
  if (there.rows[0]?.found !== true) return NONE;
  const { rows } = await client.query<{ revision: string | null }>(`select left((${newest})::text, ${LONGEST}) as revision from ${name}`);
  const revision = rows[0]?.revision ?? null;
  return revision === null ? null : shown(revision);
}
