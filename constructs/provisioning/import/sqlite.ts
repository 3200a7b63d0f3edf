import { type BigIntStats, constants, rmSync } from "node:fs";
import { chmod, copyFile, mkdtemp, open, readdir, realpath, rm, stat, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import type { Renumbered } from "../../model/imports";
import { ProvisioningError } from "../errors";
import { shown } from "../shown";
import type { Column } from "./catalogue";
import { convert, isShown, type SqliteValue, takesBytes } from "./convert";
import { toField } from "./lines";
import type { Position, Reading, Source, SourceTable, Unfit } from "./source";
import { Unfitting } from "./unfitting";

/** The parts of the header that are read: https://www.sqlite.org/fileformat2.html#the_database_header */
const HEADER = { bytes: 100, writeVersion: 18, readVersion: 19, changes: 24, encoding: 56 } as const;
const MAGIC = "SQLite format 3\0";
const UTF_8 = 1;
/** What a header says of a file that is not in WAL mode. */
const ROLLBACK_JOURNAL = 1;
/** Largest number that a column of type `integer` takes. */
const LARGEST = 2n ** 31n - 1n;
/** Mode of a file that only this user reads and writes. */
const OWN = 0o600;
/** Bytes of a chunk that goes to the server. */
const CHUNK = 2 ** 16;

type Row = Readonly<Record<string, SqliteValue>>;

/** The part of the package that is used; its own types know no BigInt in rows. */
interface Database {
  all(sql: string): Row[];
  prepare(sql: string): { iterate(): IterableIterator<Row>; finalize(): void };
  close(): void;
}

/**
 * Opens a SQLite file: a copy of it, which has no name as soon as it is open, so that nothing of it stays on the disk.
 *
 * @throws ProvisioningError if it cannot be read as one.
 */
export async function openSqlite(named: string, renumber: Renumbered | null): Promise<Source> {
  // SQLite keeps its log beside the file itself, not beside a link to it.
  const path = await realpath(named).catch(() => named);
  const before = await look(path);
  await refuseUnfolded(path);
  await removeLeftovers();
  const directory = await makeDirectory();
  // A signal may end the process while it copies.
  const remove = () => rmSync(directory, { recursive: true, force: true });
  process.once("exit", remove);
  try {
    const copy = join(directory, "copy.db");
    await copyFile(path, copy, constants.COPYFILE_FICLONE).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOSPC") throw error;
      throw new ProvisioningError(`${tmpdir()} has no room for a copy of ${basename(path)}; name a larger directory in TMPDIR`);
    });
    // The copy of a file that is read-only is so, too.
    await chmod(copy, OWN);
    await leaveWalMode(copy);
    // Late: who imports from a server needs no SQLite.
    const { Database } = require("node-sqlite3-wasm") as typeof import("node-sqlite3-wasm");
    const database = new Database(copy, { readOnly: true, fileMustExist: true }) as unknown as Database;
    await unlink(copy);
    try {
      return toSource(path, before, database, directory, renumber);
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw toSentence(path, error);
  } finally {
    process.off("exit", remove);
  }
}

const makeDirectory = (): Promise<string> =>
  mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`)).catch((error: NodeJS.ErrnoException) => {
    throw new ProvisioningError(`no directory can be created in ${tmpdir()} (${error.code}); name another one in TMPDIR`);
  });

const toSentence = (path: string, error: unknown): unknown =>
  error instanceof Error && error.name === "SQLite3Error" ? unreadable(path, error.message) : error;

const unreadable = (path: string, why: string): Error =>
  new ProvisioningError(`${basename(path)} cannot be read (${shown(why)}); take a backup of it that is whole`);

/** Of the directory of a copy; the number of its process follows. */
const PREFIX = "platform-postgres-import-";

/** An import that was killed while it copied the file has left what it had. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    const pid = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : Number.NaN;
    if (pid > 0 && hasEnded(pid)) await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** What shows that a file has changed. */
interface State {
  readonly stats: BigIntStats;
  readonly changes: number;
}

async function look(path: string): Promise<State> {
  const stats = await stat(path, { bigint: true }).catch(() => null);
  const name = basename(path);
  if (stats === null) throw new ProvisioningError(`there is no file ${path}; correct --from`);
  const header = stats.isFile() ? await readHeader(path).catch(refuseUnreadable(path)) : Buffer.alloc(0);
  if (header.length < HEADER.bytes || header.toString("latin1", 0, MAGIC.length) !== MAGIC)
    throw new ProvisioningError(`${name} is not a SQLite database; correct --from`);
  const encoding = header.readUInt32BE(HEADER.encoding);
  if (encoding !== UTF_8)
    throw new ProvisioningError(`${name} must be encoded in UTF-8, got UTF-16; write a new file: sqlite3 ${name} .dump | sqlite3 copy.db`);
  return { stats, changes: header.readUInt32BE(HEADER.changes) };
}

const refuseUnreadable =
  (path: string) =>
  (error: NodeJS.ErrnoException): never => {
    throw new ProvisioningError(`${path} cannot be read (${error.code}); let this user read it`);
  };

async function readHeader(path: string): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER.bytes), 0, HEADER.bytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Changes that a program has not yet written into the file itself. */
const BESIDE = ["-wal", "-journal"];

async function refuseUnfolded(path: string): Promise<void> {
  for (const ending of BESIDE) {
    const size = await stat(path + ending).then(
      (found) => found.size,
      () => 0,
    );
    if (size === 0) continue;
    const name = basename(path);
    throw new ProvisioningError(
      `${name}${ending} holds changes that are not in ${name}; stop what writes to it, then run: ` +
        `python3 -c "import sqlite3; sqlite3.connect('${path.replaceAll(/(['"\\$`])/g, "\\$1")}').execute('pragma wal_checkpoint(truncate)')"`,
    );
  }
}

/** The package opens no file in WAL mode; this one has no log beside it. */
async function leaveWalMode(copy: string): Promise<void> {
  const file = await open(copy, "r+");
  try {
    const mode = Buffer.from([ROLLBACK_JOURNAL, ROLLBACK_JOURNAL]);
    await file.write(mode, 0, mode.length, HEADER.writeVersion);
  } finally {
    await file.close();
  }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

function toSource(path: string, before: State, database: Database, directory: string, renumber: Renumbered | null): Source {
  const name = basename(path);
  const checks = database.all("pragma quick_check(1)").map((row) => String(Object.values(row)[0]));
  if (checks[0] !== "ok") throw unreadable(path, checks[0] ?? "");
  const tables = readTables(database);
  const renumbered = renumber === null ? new Map<string, string>() : newNumbers(database, tables, renumber);
  return {
    title: name,
    kind: "sqlite",
    bytes: Number(before.stats.size),
    problems: [],
    sessions: 0,
    notes: [],
    tables,
    renumbered,
    revision: async ({ table, newest }) => {
      if (!tables.has(table)) return null;
      try {
        const [row] = database.all(`select ${newest} as revision from ${quoted(table)}`);
        return row?.revision == null ? null : shown(String(row.revision));
      } catch (error) {
        throw toSentence(path, error);
      }
    },
    read: (reading) => Readable.from(linesOf(path, database, reading, renumber, renumbered), { objectMode: false }),
    position: async ({ table }) => numberedTo(database, table),
    hasChanged: async () => {
      const after = await look(path).catch(() => null);
      if (after === null || after.changes !== before.changes) return true;
      const isSame = (["size", "mtimeNs", "ino"] as const).every((key) => after.stats[key] === before.stats[key]);
      const beside = await refuseUnfolded(path).then(
        () => false,
        () => true,
      );
      return !isSame || beside;
    },
    close: async () => {
      database.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function readTables(database: Database): ReadonlyMap<string, SourceTable> {
  const names = database.all(
    "select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\' and sql not like 'create virtual %' order by name",
  );
  return new Map(
    names.map(({ name: value }) => {
      const name = String(value);
      // 1 is hidden; 2 and 3 are computed, and values all the same.
      const columns = database.all(`pragma table_xinfo(${quoted(name)})`).filter(({ hidden }) => Number(hidden) !== 1);
      const [row] = database.all(`select count(*) as rows from ${quoted(name)}`);
      return [name, { name, columns: columns.map((each) => ({ name: String(each.name), type: null })), rows: Number(row?.rows) }] as const;
    }),
  );
}

/** Numbers that are too large get the next ones that are free, in their order. */
function newNumbers(
  database: Database,
  tables: ReadonlyMap<string, SourceTable>,
  { table, column }: Renumbered,
): ReadonlyMap<string, string> {
  if (!tables.has(table)) return new Map();
  const rows = database.all(
    `select cast(${quoted(column)} as text) as number from ${quoted(table)} where typeof(${quoted(column)}) = 'integer' order by ${quoted(column)}`,
  );
  const numbers = rows.map(({ number }) => BigInt(String(number)));
  const fitting = numbers.filter((number) => number <= LARGEST);
  let next = fitting.reduce((most, number) => (number > most ? number : most), 0n);
  return new Map(
    numbers.flatMap((number) => {
      if (number <= LARGEST) return [];
      next += 1n;
      return [[String(number), String(next)] as const];
    }),
  );
}

/** AUTOINCREMENT never gives a number again. */
function numberedTo(database: Database, table: string | null): Position | null {
  if (table === null || database.all("select 1 from sqlite_schema where name = 'sqlite_sequence'").length === 0) return null;
  const [row] = database.all(
    `select cast(seq as text) as last from sqlite_sequence where typeof(seq) = 'integer' and name = '${table.replaceAll("'", "''")}'`,
  );
  return row?.last == null ? null : { last: String(row.last), isCalled: true };
}

/** How a row's text is found. */
const expression = (column: Column): string => {
  const name = quoted(column.name);
  return takesBytes(column) ? `case typeof(${name}) when 'text' then cast(${name} as blob) else ${name} end as ${name}` : name;
};

function* linesOf(
  path: string,
  database: Database,
  { table, columns, onUnfit }: Reading,
  renumber: Renumbered | null,
  renumbered: ReadonlyMap<string, string>,
): Generator<Buffer> {
  const statement = database.prepare(`select ${columns.map(expression).join(", ")} from ${quoted(table.name)}`);
  const toText = columns.map((column) => converterOf(column, table.name, renumber, renumbered));
  const unfit = new Map<string, Unfit>();
  let chunk = "";
  let rows = 0;
  try {
    for (const row of statement.iterate()) {
      rows += 1;
      for (const [index, column] of columns.entries()) {
        const value = row[column.name] ?? null;
        let text: string | null = null;
        try {
          text = (toText[index] ?? convert)(value, column, row);
        } catch (error) {
          if (!(error instanceof Unfitting)) throw error;
          note(unfit, table.name, column, error.message, value, rows);
        }
        chunk += `${index === 0 ? "" : "\t"}${toField(text)}`;
      }
      chunk += "\n";
      // A value that does not fit rejects everything: the other rows are only checked.
      if (unfit.size > 0) chunk = "";
      if (chunk.length >= CHUNK) {
        yield Buffer.from(chunk);
        chunk = "";
      }
    }
    if (chunk !== "") yield Buffer.from(chunk);
  } catch (error) {
    throw toSentence(path, error);
  } finally {
    statement.finalize();
  }
  for (const each of unfit.values()) onUnfit(each);
}

type Converter = (value: SqliteValue, column: Column, row: Row) => string | null;

/** Columns that hold a number which may have got a new one convert it; all others convert what is there. */
function converterOf(column: Column, table: string, renumber: Renumbered | null, renumbered: ReadonlyMap<string, string>): Converter {
  if (renumber === null || renumbered.size === 0) return convert;
  const place = renumber.also.find((each) => each.table === table && each.column === column.name);
  if (place === undefined && column.name !== renumber.column) return convert;
  const isMeant = (row: Row) => place?.where === undefined || textOf(row[place.where.column] ?? null) === place.where.is;
  return (value, _column, row) => (isMeant(row) ? renumbered.get(textOf(value)) : undefined) ?? convert(value, column);
}

const textOf = (value: SqliteValue): string =>
  typeof value === "object" && value !== null ? Buffer.from(value).toString("utf8") : String(value);

function note(unfit: Map<string, Unfit>, table: string, column: Column, rule: string, value: SqliteValue, row: number): void {
  const key = `${column.name} ${rule}`;
  const known = unfit.get(key);
  if (known !== undefined) {
    unfit.set(key, { ...known, rows: known.rows + 1 });
    return;
  }
  const example = isShown(column) && value !== null ? shown(textOf(value)).slice(0, 60) : `row ${row} of the table`;
  unfit.set(key, { table, column: column.name, rule, rows: 1, example });
}
