import { cpSync } from "node:fs";
import { join } from "node:path";
import type { Proof } from "../tools";
import { mlflow, must, prefect, program } from "./programs";
import { refusedWith, unchanged, type World } from "./world";

/** A row that is wrong: what is done to a copy of a real file, by Python, and how it is refused. */
interface Wrong {
  readonly what: string;
  readonly platform: "mlflow-wrong" | "prefect-wrong";
  readonly statement: string;
  readonly words: readonly string[];
}

const RUN = "(select min(run_uuid) from tags where key = 'odd')";

const WRONGS: readonly Wrong[] = [
  {
    what: "a NUL byte",
    platform: "mlflow-wrong",
    statement: "update params set value = 'a' || char(0) || 'b' where key = 'odd'",
    words: ["params.value: ", "NUL"],
  },
  {
    what: "bytes that are not UTF-8",
    platform: "mlflow-wrong",
    statement: `update tags set value = cast(x'61ff62' as text) where run_uuid = ${RUN} and key = 'odd'`,
    words: ["tags.value: ", "UTF-8"],
  },
  {
    what: "an ID of 18 digits",
    platform: "mlflow-wrong",
    statement: "update experiments set experiment_id = 733412345678901234 where experiment_id = 2",
    words: ["experiments.experiment_id: must fit integer", "733412345678901234", "--renumber"],
  },
  {
    what: "a text that is too long",
    platform: "mlflow-wrong",
    statement: `update params set value = printf('%.*c', 9000, 'x') where key = 'odd' and run_uuid = ${RUN}`,
    words: ["params.value: ", "8000"],
  },
  {
    what: "a row that refers to none",
    platform: "mlflow-wrong",
    statement: "insert into trace_tags (key, value, request_id) values ('k', 'v', 'nosuchtrace')",
    words: ["trace_tags.request_id: must be in trace_info, got 1 row such as nosuchtrace", "--without-orphans"],
  },
  {
    what: "no number in a column of numbers",
    platform: "mlflow-wrong",
    statement: `update metrics set value = 'abc' where run_uuid = ${RUN} and step = 1`,
    words: ["metrics.value: must be a number"],
  },
  {
    what: "nothing where a value must be",
    platform: "mlflow-wrong",
    statement:
      "pragma writable_schema = on; update sqlite_schema set sql = replace(sql, 'name VARCHAR(256) NOT NULL', 'name VARCHAR(256)') where name = 'experiments'; " +
      "pragma writable_schema = reset; update experiments set name = null where experiment_id = 1",
    words: ["experiments.name: must not be null"],
  },
  {
    what: "NaN in JSON",
    platform: "prefect-wrong",
    statement: "update flow_run set parameters = '{\"x\": NaN}'",
    words: ["flow_run.parameters: must be JSON"],
  },
  {
    what: "a date that no calendar has",
    platform: "prefect-wrong",
    statement: "update flow_run set start_time = '2026-02-30 12:00:00.000000'",
    words: ["flow_run.start_time: "],
  },
  {
    what: "no UUID",
    platform: "prefect-wrong",
    statement: "update variable set id = 'not-a-uuid' where name = 'number'",
    words: ["variable.id: must be a UUID"],
  },
  {
    what: "an unknown label",
    platform: "prefect-wrong",
    statement: "update flow_run set state_type = 'EXPLODED' where state_type = 'COMPLETED'",
    words: ["flow_run.state_type: must be one of", "EXPLODED"],
  },
];

/** Each in a separate copy, and all of a file at once. */
export async function proveWrongRows(world: World): Promise<readonly Proof[]> {
  const folder = world.folder("wrong");
  const files = { "mlflow-wrong": join(folder, "mlflow.db"), "prefect-wrong": join(folder, "prefect.db") };
  must([mlflow(), program("write_mlflow.py"), "3"], { MLFLOW_TRACKING_URI: `sqlite:///${files["mlflow-wrong"]}` }, folder);
  const server = await world.servePrefect(folder, {
    PREFECT_SERVER_DATABASE_CONNECTION_URL: `sqlite+aiosqlite:///${files["prefect-wrong"]}`,
  });
  must([prefect(), program("write_prefect.py")], { PREFECT_API_URL: `${server.url}/api` }, folder);
  await server.stop();
  change(files["prefect-wrong"], "pragma wal_checkpoint(truncate)", folder);
  const proofs: Proof[] = [];
  for (const platform of ["mlflow-wrong", "prefect-wrong"] as const) {
    world.migrate(platform);
    const its = WRONGS.filter((each) => each.platform === platform);
    const copy = join(folder, "copy.db");
    const before = await world.state(platform);
    const all = join(folder, "all.db");
    cpSync(files[platform], all);
    for (const { what, statement, words } of its) {
      cpSync(files[platform], copy);
      change(copy, statement, folder);
      change(all, statement, folder);
      proofs.push(refusedWith(`refused: ${what}`, await world.import(platform, copy), ...words));
    }
    const together = its.flatMap(({ words }) => words);
    proofs.push(refusedWith(`refused: all ${its.length} in one file`, await world.import(platform, all), ...together));
    proofs.push(unchanged(`${platform}: after ${its.length + 1} refusals nothing is written`, before, await world.state(platform)));
  }
  return proofs;
}

/** By Python's SQLite, with foreign keys off. @throws Error if nothing changes. */
const change = (file: string, statement: string, folder: string): string =>
  must(
    [
      "python3",
      "-c",
      "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.executescript(sys.argv[2]); d.commit(); assert d.total_changes or 'checkpoint' in sys.argv[2]",
      file,
      statement,
    ],
    {},
    folder,
  );
