import type { Tenant } from "../model/spec";
import type { ServerAccess } from "./access";
import type { Check } from "./check";
import { close, looking, open } from "./connect";
import type { Credential } from "./credential";
import { identifier, shown } from "./shown";

/** A column, a sequence or an index in schema `public`. */
interface Found {
  readonly table: string;
  readonly column: string;
  readonly name: string;
}

/** The most objects of a kind to report; the rest are left for the next run. */
const MOST = 3;

interface Kind {
  /** Selects rows like `Found`, in a session whose search path contains only the catalog. */
  readonly find: string;
  explain(found: Found): string;
}

const KINDS: readonly Kind[] = [
  {
    // A running build holds the lock on its table.
    find: `select t.relname as table, '' as column, c.relname as name
      from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
     where not i.indisvalid and c.relkind = 'i' and c.relnamespace = to_regnamespace('public')
       and not exists (select from pg_locks l where l.relation = t.oid and l.mode = 'ShareUpdateExclusiveLock' and l.granted)`,
    explain: ({ table, name }) =>
      `index ${shown(name)} of ${shown(table)} is invalid: the migration that built it was interrupted, and no query uses it; run in that database as its owner (if the index is unique, remove duplicates first): REINDEX INDEX public.${identifier(name)}`,
  },
  {
    find: `select t.relname as table, a.attname as column, c.relname as name
      from pg_sequence s join pg_class c on c.oid = s.seqrelid
      join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
      join pg_class t on t.oid = d.refobjid join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
     where c.relnamespace = to_regnamespace('public') and t.relnamespace = c.relnamespace and a.atttypid = 'int4'::regtype
       and case when has_sequence_privilege(s.seqrelid, 'USAGE') then pg_sequence_last_value(s.seqrelid) end > 0.8 * 2147483647`,
    explain: ({ table, column, name }) =>
      `column ${shown(column)} of ${shown(table)} has used 80 % of its numbers, and rejects new rows after the last one; run in that database as its owner while the platform is stopped, also for columns that reference it: ALTER SEQUENCE public.${identifier(name)} AS bigint MAXVALUE 9223372036854775807; ALTER TABLE public.${identifier(table)} ALTER COLUMN ${identifier(column)} TYPE bigint`,
  },
  {
    find: `select distinct c.relname as table, '' as column, p.pubname as name
      from pg_publication p join pg_publication_tables pt on pt.pubname = p.pubname
      join pg_class c on c.relname = pt.tablename and c.relnamespace = to_regnamespace(quote_ident(pt.schemaname))
     where (p.pubupdate or p.pubdelete) and pt.schemaname = 'public' and c.relkind = 'r'
       and (c.relreplident = 'n' or c.relreplident = 'd' and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary))`,
    explain: ({ table, name }) =>
      `publication ${shown(name)} contains ${shown(table)}, which has no primary key, so PostgreSQL rejects its updates; run in that database as its owner: ALTER TABLE public.${identifier(table)} REPLICA IDENTITY FULL`,
  },
];

/** Finds silent problems in a platform's tables. A database that cannot be connected to is reported elsewhere. */
export async function checkContent(
  subject: string,
  { databases }: Pick<Tenant, "databases">,
  credential: Credential,
  { server, patience }: Pick<ServerAccess, "server" | "patience">,
): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const { name } of databases) {
    const client = await open(server, credential, name, looking(patience)).catch(() => null);
    if (client === null) continue;
    const check = (problem: string | null): Check => ({
      subject,
      promise: `indexes, sequences and publications of ${name} are valid`,
      problem,
    });
    const problems: string[] = [];
    try {
      for (const { find, explain } of KINDS) {
        const { rows } = await client.query<Found>(`${find} order by 1, 2, 3 limit ${MOST}`);
        problems.push(...rows.map((found) => `${name}: ${explain(found)}`));
      }
    } catch (error) {
      problems.push(`could not be checked: ${shown(error instanceof Error ? error.message : String(error))}`);
    } finally {
      await close(client);
    }
    checks.push(...(problems.length === 0 ? [null] : problems).map(check));
  }
  return checks;
}
