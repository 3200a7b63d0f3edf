import pg from "pg";
import type { Client } from "../connect";

/** A column of a table, by `pg_attribute`. */
export interface Column {
  readonly name: string;
  /** Name of its type in `pg_type`, a domain's base type: `int4`, `timestamptz`. */
  readonly type: string;
  /** As PostgreSQL writes the type: `character varying(250)`. */
  readonly declared: string;
  /** `atttypmod`: -1 without a limit. */
  readonly modifier: number;
  readonly notNull: boolean;
  /** Whether PostgreSQL computes it. */
  readonly generated: boolean;
  /** Of an enumeration, otherwise null. */
  readonly labels: readonly string[] | null;
}

/** A table in schema `public`; a partitioned one stands for its partitions. */
export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly partitioned: boolean;
  /** Whether this session may read it. */
  readonly readable: boolean;
}

/** A table's name as SQL. */
export const nameOf = (table: string): string => `public.${pg.escapeIdentifier(table)}`;
/** A list of columns as SQL. */
export const listOf = (columns: readonly { readonly name: string }[], prefix = ""): string =>
  columns.map(({ name }) => `${prefix}${pg.escapeIdentifier(name)}`).join(", ");

/** Rows of the table itself: a child in PostgreSQL's inheritance is a table by itself. */
export const rowsOf = ({ name, partitioned }: Pick<Table, "name" | "partitioned">): string =>
  partitioned ? nameOf(name) : `only ${nameOf(name)}`;

/** Extensions bring their own tables. */
const TABLES = `select c.relname as table, c.relkind = 'p' as partitioned, has_table_privilege(c.oid, 'SELECT') as readable,
    a.attname as name, t.typname as type, format_type(a.atttypid, a.atttypmod) as declared, a.atttypmod as modifier,
    a.attnotnull as "notNull", a.attgenerated <> '' as generated,
    case when t.typtype = 'e' then array(select enumlabel::text from pg_enum e where e.enumtypid = t.oid order by enumsortorder) end as labels
  from pg_class c
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  join pg_type d on d.oid = a.atttypid
  join pg_type t on t.oid = coalesce(nullif(d.typbasetype, 0), d.oid)
 where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = to_regnamespace('public')
   and not exists (select from pg_depend x where x.classid = 'pg_class'::regclass and x.objid = c.oid and x.deptype = 'e')
 order by c.relname, a.attnum`;

/** The tables of a database, by name. */
export async function readTables(client: Client): Promise<ReadonlyMap<string, Table>> {
  const { rows } = await client.query<Column & { table: string; partitioned: boolean; readable: boolean }>(TABLES);
  const tables = new Map<string, Table & { readonly columns: Column[] }>();
  for (const { table: name, partitioned, readable, ...column } of rows) {
    const table = tables.get(name) ?? { name, partitioned, readable, columns: [] };
    table.columns.push(column);
    tables.set(name, table);
  }
  return tables;
}

/** Exact numbers of rows, by table. */
export async function countRows(
  client: Client,
  tables: readonly Pick<Table, "name" | "partitioned">[],
): Promise<ReadonlyMap<string, number>> {
  if (tables.length === 0) return new Map();
  const queries = tables.map((table, index) => `select ${index} as table, count(*) as rows from ${rowsOf(table)}`);
  const { rows } = await client.query<{ table: number; rows: string }>(queries.join(" union all "));
  return new Map(rows.map((row) => [tables[row.table]?.name ?? "", Number(row.rows)]));
}

/** A foreign key, and what it takes to drop it and to add it again. */
export interface ForeignKey {
  readonly name: string;
  readonly table: string;
  readonly columns: readonly string[];
  readonly other: string;
  readonly otherColumns: readonly string[];
  /** What deleting the other row does: `a` nothing, `r` rejects, `c` deletes, `n` empties, `d` sets the default. */
  readonly onDelete: string;
  /** As `ALTER TABLE ... ADD CONSTRAINT` takes it. */
  readonly definition: string;
  /** `COMMENT ON CONSTRAINT`. */
  readonly comment: string | null;
}

/** The foreign keys that begin or end at tables of schema `public`. Partitions inherit theirs. */
export async function readForeignKeys(client: Client): Promise<readonly ForeignKey[]> {
  const names = (keys: string, table: string) =>
    `array(select a.attname::text from unnest(${keys}) with ordinality k(n, at) join pg_attribute a on a.attrelid = ${table} and a.attnum = k.n order by at)`;
  const { rows } = await client.query<ForeignKey>(
    `select f.conname as name, c.relname as table, ${names("f.conkey", "f.conrelid")} as columns, o.relname as other,
            ${names("f.confkey", "f.confrelid")} as "otherColumns", f.confdeltype as "onDelete", pg_get_constraintdef(f.oid) as definition,
            obj_description(f.oid, 'pg_constraint') as comment
       from pg_constraint f join pg_class c on c.oid = f.conrelid join pg_class o on o.oid = f.confrelid
      where f.contype = 'f' and f.conparentid = 0 and c.relnamespace = to_regnamespace('public') and o.relnamespace = c.relnamespace
      order by 2, 1`,
  );
  return rows;
}

/** A trigger that somebody created and that is on, with the words that put it back. */
export interface Trigger {
  readonly name: string;
  /** Its table, or the partitioned table that this is a partition of. */
  readonly root: string;
  /** Its table as SQL. */
  readonly relation: string;
  readonly enable: string;
}

export async function readTriggers(client: Client): Promise<readonly Trigger[]> {
  const { rows } = await client.query<Trigger>(
    `select t.tgname as name, r.relname as root, c.oid::regclass::text as relation, case t.tgenabled when 'R' then 'enable replica' when 'A' then 'enable always' else 'enable' end as enable
       from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_class r on r.oid = coalesce(pg_partition_root(c.oid), c.oid)
      where not t.tgisinternal and t.tgenabled <> 'D' and t.tgparentid = 0 and r.relnamespace = to_regnamespace('public') order by 2, 1`,
  );
  return rows;
}

/** A sequence, and the table that it belongs to, if there is one. */
export interface Sequence {
  readonly name: string;
  readonly table: string | null;
  /** The column that it numbers; null if that is not of integers, as one of texts with a number in them. */
  readonly column: string | null;
  readonly start: string;
  /** The smallest and the largest number that it gives. */
  readonly least: string;
  readonly most: string;
  /** Whether it counts down. */
  readonly descends: boolean;
}

export async function readSequences(client: Client): Promise<readonly Sequence[]> {
  const { rows } = await client.query<Sequence>(
    `select s.relname as name, t.relname as table, q.seqstart::text as start, q.seqmin::text as least, q.seqmax::text as most, q.seqincrement < 0 as descends,
            case when coalesce(nullif(y.typbasetype, 0), y.oid) in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) then a.attname end as column
       from pg_class s join pg_sequence q on q.seqrelid = s.oid
       left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = s.oid and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
       left join pg_class t on t.oid = d.refobjid
       left join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
       left join pg_type y on y.oid = a.atttypid
      where s.relkind = 'S' and s.relnamespace = to_regnamespace('public') order by 1`,
  );
  return rows;
}
