import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { from as copyFrom } from "pg-copy-streams";
import { withClient } from "../../constructs/provisioning/connect";
import { openPostgres, printed } from "../../constructs/provisioning/import/postgres";
import { openSqlite } from "../../constructs/provisioning/import/sqlite";
import { Mover } from "../fixtures/mover";
import { startServer } from "../fixtures/server";
import { writeSqlite } from "../fixtures/sqlite";
import { compare, type Row } from "./measure";

const ROWS = 100_000;

/** Metrics as MLflow has them, and a column of JSON. */
const SCHEMA = `
  create table alembic_version (version_num text); insert into alembic_version values ('rev-2');
  create table metrics (key varchar(250), value double precision, timestamp bigint, run_uuid varchar(32), step bigint, is_nan boolean, extra jsonb,
    primary key (key, timestamp, step, run_uuid, value, is_nan));`;

const FILE = `
  create table alembic_version (version_num text); insert into alembic_version values ('rev-2');
  create table metrics (key text, value float, timestamp bigint, run_uuid text, step bigint, is_nan boolean, extra json);
  with recursive n(i) as (select 0 union all select i + 1 from n where i < ${ROWS - 1})
  insert into metrics select 'loss', i * 0.37, 1790000000000 + i, printf('%032d', i / 1000), i, 0, '{"split": "train", "weight": 0.5}' from n;`;

/** Importing with its comparison against copying the same lines, which nobody compares. */
export async function benchImport(): Promise<readonly Row[]> {
  const directory = mkdtempSync(join(tmpdir(), "platform-postgres-bench-import-"));
  const server = await startServer();
  try {
    const path = join(directory, "mover.db");
    writeSqlite(path, FILE);
    const mover = await Mover.create(server, "mover", SCHEMA);
    const copied = await Mover.create(server, "copied", SCHEMA);
    const importing = (open: Parameters<Mover["import"]>[0]) => mover.import(open, { replace: true });
    await importing(() => openSqlite(path, null));
    const lines: Buffer[] = [];
    await withClient(
      server.access.server,
      mover.credential,
      "mover",
      async (client) => {
        for await (const chunk of printed(client, "select * from public.metrics")) lines.push(chunk);
      },
      { query: 0, lock: 0, bytes: Number.POSITIVE_INFINITY },
    );
    const bare = () =>
      withClient(server.access.server, copied.credential, "copied", async (client) => {
        await client.query("begin");
        await client.query("truncate public.metrics");
        await pipeline(Readable.from(lines), client.query(copyFrom("copy public.metrics from stdin")) as unknown as Writable);
        await client.query("commit");
      });
    const fromServer = () => openPostgres({ server: server.access.server, credential: mover.credential, database: "mover" });
    const [sqlite, plain] = await compare(3, () => importing(() => openSqlite(path, null)), bare);
    const [postgres, again] = await compare(3, () => copied.import(fromServer, { replace: true }), bare);
    const rate = (milliseconds: number) => `${Math.round(ROWS / milliseconds)},000 rows/s`;
    return [
      {
        what: `import ${ROWS} rows from SQLite (${rate(sqlite)})`,
        ours: sqlite,
        baseline: "COPY of the same lines",
        theirs: plain,
        atMost: 8,
      },
      {
        what: `import ${ROWS} rows from PostgreSQL (${rate(postgres)})`,
        ours: postgres,
        baseline: "COPY of the same lines",
        theirs: again,
        atMost: 4,
      },
    ];
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
