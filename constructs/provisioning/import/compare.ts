import type { ImportFacts } from "../../model/imports";
import type { Revision } from "../../model/platform";
import type { Client } from "../connect";
import { shown } from "../shown";
import { type Column, countRows, nameOf, readTables, type Table } from "./catalogue";
import type { Source } from "./source";

/** Options of a person. */
export interface Choices {
  /** Delete the rows that are there. */
  readonly replace: boolean;
  /** Give numbers that are too large new ones. */
  readonly renumber: boolean;
  /** Leave out, or empty, what refers to rows that do not exist. */
  readonly withoutOrphans: boolean;
  /** Copy between two revisions, if tables and columns are equal. */
  readonly otherRevision: boolean;
  /** Do everything but keep it. */
  readonly dryRun: boolean;
}

/** One of a platform's databases. */
export interface Target {
  readonly client: Client;
  readonly database: string;
  /** Names of the platform's logins. */
  readonly logins: readonly string[];
  /** Null if the platform stores no revision in this database. */
  readonly revision: Revision | null;
  readonly facts: ImportFacts;
  /** How a person stops the platform, in the imperative. */
  readonly stop: string;
  /** How a person has the platform create its tables, in the imperative. */
  readonly migrate: string;
}

/** A table that is copied, with the columns that PostgreSQL does not compute. */
export interface CopiedTable {
  readonly table: Table;
  readonly columns: readonly Column[];
  /** Rows in the source. */
  readonly comes: number;
  /** Rows in the target, which are deleted. */
  readonly goes: number;
}

/** What an import of one database would do, or why it is rejected. */
export interface Comparison {
  readonly problems: readonly string[];
  readonly notes: readonly string[];
  readonly tables: readonly CopiedTable[];
  /** Of source and target; null if unknown. */
  readonly revisions: { readonly source: string | null; readonly target: string | null };
}

/** Compares a source with the database that it is for. Reads only. */
export async function compare(source: Source, target: Target, choices: Choices): Promise<Comparison> {
  const { client, database, revision } = target;
  const found = await readTables(client);
  const noted = revision?.table ?? null;
  const revisions = {
    source: revision === null ? null : await source.revision(revision),
    target: revision === null || !found.has(revision.table) ? null : await readRevision(client, revision),
  };
  const own = [...found.values()].filter(({ name }) => name !== noted);
  if (own.length === 0 || (revision !== null && revisions.target === null))
    return { problems: [`database ${database} has no tables yet; ${target.migrate}`], notes: [], tables: [], revisions };
  const goes = await countRows(client, own);
  const isPair = revisions.target !== null && expectedOf(source, target, revisions.target) === revisions.source;
  const differing = compareTables(source, database, own, noted, isPair);
  const tables = own.flatMap((table): readonly CopiedTable[] => {
    const its = source.tables.get(table.name);
    const columns = table.columns.filter(({ generated }) => !generated);
    return its === undefined ? [] : [{ table, columns, comes: its.rows, goes: goes.get(table.name) ?? 0 }];
  });
  const problems = [
    ...source.problems,
    ...(source.sessions > 0 && !choices.dryRun
      ? [`${source.title}: ${sessions(source.sessions)}; stop what uses it, or add --dry-run`]
      : []),
    ...revisionProblems(source, target, revisions, choices),
    ...differing.problems,
    ...(await sessionProblems(target)),
    ...rowProblems(target, tables, choices),
  ];
  return { problems, notes: [...source.notes, ...differing.notes], tables, revisions };
}

const sessions = (count: number): string => (count === 1 ? "1 session is open in it" : `${count} sessions are open in it`);

async function readRevision(client: Client, { table, newest }: Revision): Promise<string | null> {
  const { rows } = await client.query<{ revision: string | null }>(`select (${newest})::text as revision from ${nameOf(table)}`);
  const revision = rows[0]?.revision ?? null;
  return revision === null ? null : shown(revision);
}

/** The revision of a source that fits one of the target; null where that is not known. */
function expectedOf({ kind }: Source, { facts }: Target, revision: string): string | null {
  if (kind === "postgresql" || facts.sqlite === null) return revision;
  const { revisions } = facts.sqlite;
  return Object.keys(revisions).length === 0 ? revision : (revisions[revision] ?? null);
}

function revisionProblems(
  source: Source,
  target: Target,
  { source: its, target: ours }: Comparison["revisions"],
  { otherRevision }: Choices,
): readonly string[] {
  const { revision, database, facts } = target;
  if (revision === null || ours === null) return [];
  if (its === null) return [`${source.title} has no table ${revision.table}, which the platform always has; correct --from`];
  const expected = expectedOf(source, target, ours);
  if (expected === its || otherRevision) return [];
  const say = `${source.title} is at revision ${its}, database ${database} at ${ours}`;
  if (expected === null) return [`${say}, and whether the two fit is not known; if both are of one version, add --other-revision`];
  const upgrade =
    source.kind === "sqlite"
      ? (facts.sqlite?.upgrade ?? "")
      : "start the version of the newer one on a copy of the older one, so that it migrates";
  return [`${say}; ${upgrade}`];
}

/** @param isPair whether the two are known to be of one version: tables that one lacks are then another program's. */
function compareTables(source: Source, database: string, own: readonly Table[], noted: string | null, isPair: boolean) {
  const problems: string[] = [];
  const notes: string[] = [];
  const there = new Set(own.map(({ name }) => name));
  const only = [...source.tables.values()].filter(({ name }) => name !== noted && !there.has(name));
  const lacking = own.filter(({ name }) => !source.tables.has(name)).map(({ name }) => name);
  if (only.length > 0) {
    const names = only.map(({ name, rows }) => `${shown(name)} (${rows} rows)`).join(", ");
    if (isPair) notes.push(`${source.title}: tables of other programs are left behind: ${names}`);
    else
      problems.push(
        `${source.title} has tables that database ${database} lacks: ${names}; create them in it first, or move them to another schema`,
      );
  }
  if (lacking.length > 0) {
    const names = shown(lacking.join(", "));
    if (isPair) notes.push(`database ${database}: tables of other programs stay as they are: ${names}`);
    else problems.push(`database ${database} has tables that ${source.title} lacks: ${names}; import from a source of the same version`);
  }
  for (const { name, columns } of own) {
    const its = source.tables.get(name);
    if (its === undefined) continue;
    for (const { name: column, generated } of columns)
      if (!generated && !its.columns.some((each) => each.name === column))
        problems.push(`${name}.${column} is missing in ${source.title}; import from a source of the same version`);
    for (const { name: column, type } of its.columns) {
      const ours = columns.find((each) => each.name === column);
      if (ours === undefined)
        problems.push(`${name}.${shown(column)} is missing in database ${database}; migrate both to the same version`);
      else if (type !== null && type !== ours.type)
        problems.push(
          `${name}.${column} is ${shown(type)} in ${source.title}, and ${ours.declared} in database ${database}; migrate both to the same version`,
        );
    }
  }
  return { problems, notes };
}

/** As another role one sees who has sessions, and no more of them. */
async function sessionProblems({ client, database, logins, stop }: Target): Promise<readonly string[]> {
  const { rows } = await client.query<{ sessions: number }>(
    "select count(*)::int as sessions from pg_stat_activity where datname = current_database() and usename = any($1) and pid <> pg_backend_pid()",
    [logins],
  );
  const open = rows[0]?.sessions ?? 0;
  return open === 0 ? [] : [`database ${database}: ${sessions(open)}; ${stop}`];
}

function rowProblems({ database, facts }: Target, tables: readonly CopiedTable[], { replace }: Choices): readonly string[] {
  if (replace) return [];
  const full = tables.filter(({ table, goes }) => goes > (facts.ownRows[table.name] ?? 0));
  if (full.length === 0) return [];
  const names = full.map(({ table, goes }) => `${table.name} ${goes}`).join(", ");
  return [`database ${database} already has rows (${names}); add --replace to delete what is there`];
}
