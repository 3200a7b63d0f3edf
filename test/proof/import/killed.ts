import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Proof } from "../tools";
import { mlflow, must, program } from "./programs";
import { proofOf, succeeded, unchanged, type World } from "./world";

const ROWS = 300_000;
const KILLS = 20;
/** How many of them after COMMIT. */
const AFTER = 3;

/** A file of a migrated MLflow with about so many rows. Returns it and their number. */
export function manyRows(world: World, platform: string, rows: number): { readonly file: string; readonly rows: number } {
  const folder = world.folder(`many-for-${platform}`);
  const file = join(folder, `mlflow-${rows}.db`);
  must([mlflow(), "-m", "mlflow", "db", "upgrade", `sqlite:///${file}`], {}, folder);
  return { file, rows: Number(must(["python3", program("many_rows.py"), file, String(rows)], {}, folder)) };
}

/** Ends an import by SIGKILL at twenty moments of its run, while `npm start` keeps the server. */
export async function proveKills(world: World): Promise<readonly Proof[]> {
  const { file, rows } = manyRows(world, "mlflow-killed", ROWS);
  world.migrate("mlflow-killed");
  const before = await world.state("mlflow-killed");
  const rehearsed = await world.import("mlflow-killed", file, ["--dry-run"]);
  const outcomes = { before: 0, complete: 0 };
  const problems: string[] = [];
  const stages = new Map<string, number>();
  let complete: typeof before | null = null;
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const moment = (rehearsed.seconds * 1_000 * kill) / (KILLS - AFTER);
    const its = world.begins(world.words("mlflow-killed", file, "--replace"));
    // The last ones are killed as soon as they say that the rows are in, however long that takes.
    if (kill <= KILLS - AFTER) await Promise.race([its.ended, pause(moment)]);
    else while (!its.output().includes("rows are in") && !(await Promise.race([its.ended.then(() => true), pause(5)]))) {}
    const stage = await stageOf(world);
    its.kill();
    await its.ended;
    stages.set(stage, (stages.get(stage) ?? 0) + 1);
    await quiet(world);
    const after = await world.state("mlflow-killed");
    const isBefore = equal(after, before);
    complete ??= isBefore ? null : after;
    if (isBefore) outcomes.before += 1;
    else if (complete !== null && equal(after, complete)) outcomes.complete += 1;
    else problems.push(`${stage}: neither as before nor complete:\n${JSON.stringify([...after])}`);
    // So that the next one, too, begins with an empty database.
    if (!isBefore) await emptied(world, before);
  }
  const finished = await world.import("mlflow-killed", file, ["--replace"]);
  const whole = await world.state("mlflow-killed");
  const left = world.leftovers();
  return [
    succeeded(`an import of ${rows} rows is rehearsed`, rehearsed),
    proofOf(
      `SIGKILL at ${KILLS} moments: the database is as before, or complete`,
      problems.length === 0 ? null : problems.join("\n"),
      `${outcomes.before} as before, ${outcomes.complete} complete; killed at ${[...stages].map(([stage, times]) => `${stage} ${times}`).join(", ")}`,
    ),
    succeeded("afterwards it imports", finished),
    ...(complete === null ? [] : [unchanged("what a killed import completed is what an import leaves", complete, whole)]),
    proofOf(
      "killed imports leave no file with data in the temporary directory",
      left.every(({ bytes }) => bytes === 0) ? null : left.map(({ name, bytes }) => `${name}: ${bytes} bytes`).join("\n"),
      `${left.length} files`,
    ),
  ];
}

/** Empties it. A login may do that as its owner; what a migration wrote is the same in every import. */
async function emptied(world: World, before: ReadonlyMap<string, string>): Promise<void> {
  const names = [...before].flatMap(([name, text]) => (text.startsWith('[{"count":"0"') ? [`public."${name}"`] : []));
  await world.client("mlflow-killed", (client) => client.query(`truncate ${names.join(", ")} restart identity`));
}

/** What the server does for an import: the same login sees that. */
async function stageOf(world: World): Promise<string> {
  const statement =
    "select query, state from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and usename = session_user";
  const rows = await world.client(
    "mlflow-killed",
    async (client) =>
      (await client.query<{ query: string; state: string }>(`set role none; ${statement}`)) as unknown as readonly {
        rows: readonly { query: string }[];
      }[],
  );
  const query = rows.at(-1)?.rows[0]?.query;
  if (query === undefined) return "no session";
  return /stdin/.test(query) ? "COPY FROM" : /stdout/.test(query) ? "COPY TO" : (query.split(/\s/)[0] ?? "").toUpperCase();
}

const equal = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean =>
  JSON.stringify([...a]) === JSON.stringify([...b]);

/** Waits until the server has ended the session of a client that is dead: until then it may hold locks, and may yet commit. */
async function quiet(world: World): Promise<void> {
  const others =
    "select count(*)::int as n from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and usename is not null";
  for (;;) {
    const n = await world.client("mlflow-killed", async (client) => (await client.query<{ n: number }>(others)).rows[0]?.n);
    if (n === 0) return;
    await pause(100);
  }
}
