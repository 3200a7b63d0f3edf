/** A query of the system catalogue. */
interface Query {
  readonly text: string;
  readonly values?: readonly string[];
}

/** Commands of the prompt, as in psql: https://www.postgresql.org/docs/17/app-psql.html */
export const META_COMMANDS: readonly { readonly name: string; readonly does: string }[] = [
  { name: "\\d", does: "list tables, views and sequences" },
  { name: "\\d NAME", does: "show the columns, indexes and constraints of a table" },
  { name: "\\dt", does: "list tables" },
  { name: "\\l", does: "list databases" },
  { name: "\\x", does: "show rows as records, or as tables again" },
  { name: "\\q", does: "quit (or Ctrl-D)" },
  { name: "\\?", does: "show this help" },
];

const KIND = `case c.relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view'
  when 'm' then 'materialized view' when 'S' then 'sequence' when 'f' then 'foreign table' end`;

/** Relations that are visible without their schema. */
const relations = (kinds: string): string =>
  `select n.nspname as schema, c.relname as name, ${KIND} as type, pg_catalog.pg_get_userbyid(c.relowner) as owner
   from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind = any ('${kinds}') and n.nspname not in ('pg_catalog', 'information_schema') and pg_catalog.pg_table_is_visible(c.oid)
   order by 1, 2`;

const COLUMNS = `select a.attname as column, pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
    case when a.attnotnull then 'not null' else '' end as nullable,
    coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') as default
  from pg_catalog.pg_attribute a left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = $1::pg_catalog.regclass and a.attnum > 0 and not a.attisdropped order by a.attnum`;

const INDEXES = `select i.relname as index, pg_catalog.pg_get_indexdef(x.indexrelid) as definition
  from pg_catalog.pg_index x join pg_catalog.pg_class i on i.oid = x.indexrelid where x.indrelid = $1::pg_catalog.regclass order by 1`;

const CONSTRAINTS = `select conname as constraint, pg_catalog.pg_get_constraintdef(oid) as definition
  from pg_catalog.pg_constraint where conrelid = $1::pg_catalog.regclass order by contype, 1`;

const DATABASES = `select datname as name, pg_catalog.pg_get_userbyid(datdba) as owner, pg_catalog.pg_encoding_to_char(encoding) as encoding,
    pg_catalog.has_database_privilege(datname, 'CONNECT') as "may connect"
  from pg_catalog.pg_database where not datistemplate order by 1`;

/** The queries of a command; null if there is no such command. */
export function toQuery(name: string, argument: string): readonly Query[] | null {
  if (name === "\\d" && argument !== "") return [COLUMNS, INDEXES, CONSTRAINTS].map((text) => ({ text, values: [argument] }));
  if (argument !== "") return null;
  if (name === "\\d") return [{ text: relations("{r,p,v,m,S,f}") }];
  if (name === "\\dt") return [{ text: relations("{r,p}") }];
  return name === "\\l" ? [{ text: DATABASES }] : null;
}
