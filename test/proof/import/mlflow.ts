import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Proof } from "../tools";
import { type Answers, answersOfMlflow, ask } from "./answers";
import { mlflow, must, OLD_MLFLOW, oldMlflow, program } from "./programs";
import { answersEqual, proofOf, refusedWith, succeeded, unchanged, type World } from "./world";

/** Reads everything from a server on a file, or on a platform's database. */
export async function readMlflow(world: World, folder: string, variables: Readonly<Record<string, string>>): Promise<Answers> {
  const server = await world.serveMlflow(folder, variables);
  try {
    return await answersOfMlflow(server.url);
  } finally {
    await server.stop();
  }
}

/** Creates an experiment. Returns its ID, and the largest that there was. */
async function next(world: World, folder: string, platform: string): Promise<Proof> {
  const server = await world.serveMlflow(folder, world.variablesOf(platform));
  try {
    const path = "/api/2.0/mlflow/experiments/search";
    const { experiments } = (await ask(server.url, path, { max_results: 1_000, view_type: "ALL" })) as {
      readonly experiments: readonly { readonly experiment_id: string }[];
    };
    const largest = Math.max(...experiments.map(({ experiment_id: id }) => Number(id)));
    const created = (await ask(server.url, "/api/2.0/mlflow/experiments/create", { name: "after the import" })) as {
      readonly experiment_id: string;
    };
    const problem = Number(created.experiment_id) === largest + 1 ? null : `after ${largest} came ${created.experiment_id}`;
    return proofOf(`${platform}: the next new experiment gets the next ID`, problem, `${largest}, then ${created.experiment_id}`);
  } finally {
    await server.stop();
  }
}

export async function proveMlflow(world: World): Promise<readonly Proof[]> {
  const folder = world.folder("mlflow-file");
  const file = join(folder, "mlflow.db");
  const onFile = { MLFLOW_BACKEND_STORE_URI: `sqlite:///${file}` };
  const server = await world.serveMlflow(folder, onFile);
  must([mlflow(), program("write_mlflow.py"), "5"], { MLFLOW_TRACKING_URI: server.url }, folder);
  await server.stop();
  const before = await readMlflow(world, folder, onFile);
  world.migrate("mlflow");
  const empty = await world.state("mlflow");
  const rehearsed = await world.import("mlflow", file, ["--dry-run"]);
  const afterRehearsal = await world.state("mlflow");
  const imported = await world.import("mlflow", file);
  const after = await readMlflow(world, folder, world.variablesOf("mlflow"));
  const again = await world.import("mlflow", file);
  const once = await world.state("mlflow");
  const replaced = await world.import("mlflow", file, ["--replace"]);
  const twice = await world.state("mlflow");
  return [
    succeeded("MLflow, from mlflow.db: rehearsed", rehearsed),
    unchanged("a rehearsal leaves the database as it was", empty, afterRehearsal),
    succeeded("MLflow, from mlflow.db: imported", imported),
    answersEqual("MLflow answers the same from file and database", before, after),
    refusedWith("MLflow: a second time", again, "already has rows", "--replace"),
    succeeded("MLflow: a second time, with --replace", replaced),
    unchanged("and the database holds the same as before", once, twice),
    await next(world, folder, "mlflow"),
  ];
}

export async function proveOldMlflow(world: World): Promise<readonly Proof[]> {
  const folder = world.folder("mlflow-old");
  const file = join(folder, "mlflow.db");
  must([oldMlflow(), program("write_mlflow.py"), "4"], { MLFLOW_TRACKING_URI: `sqlite:///${file}`, GIT_PYTHON_REFRESH: "quiet" }, folder);
  world.migrate("mlflow-upgraded");
  const refused = await world.import("mlflow-upgraded", file);
  const copy = join(folder, "copy.db");
  cpSync(file, copy);
  must([mlflow(), "-m", "mlflow", "db", "upgrade", `sqlite:///${copy}`], {}, folder);
  const imported = await world.import("mlflow-upgraded", copy);
  const before = await readMlflow(world, folder, { MLFLOW_BACKEND_STORE_URI: `sqlite:///${copy}` });
  const after = await readMlflow(world, folder, world.variablesOf("mlflow-upgraded"));
  return [
    refusedWith(
      `MLflow ${OLD_MLFLOW}: another revision is refused`,
      refused,
      "is at revision 4465047574b1",
      "mlflow db upgrade sqlite:///copy.db",
    ),
    succeeded(`MLflow ${OLD_MLFLOW}: a copy that mlflow db upgrade brought up to date`, imported),
    answersEqual(`MLflow ${OLD_MLFLOW}: both answer the same`, before, after),
    await next(world, folder, "mlflow-upgraded"),
  ];
}

export async function proveFileStore(world: World): Promise<readonly Proof[]> {
  const folder = world.folder("mlflow-files");
  const store = join(folder, "mlruns");
  must([oldMlflow(), program("write_mlflow.py"), "3"], { MLFLOW_TRACKING_URI: `file://${store}`, GIT_PYTHON_REFRESH: "quiet" }, folder);
  world.migrate("mlflow-files");
  const directory = await world.import("mlflow-files", store);
  // The command as it is printed.
  const [, printed = ""] = /: mlflow (migrate-filestore .*)$/m.exec(directory.output) ?? [];
  must([mlflow(), "-m", "mlflow", ...printed.trim().split(" ")], {}, folder);
  const file = join(folder, "mlflow.db");
  const large = await world.import("mlflow-files", file);
  const imported = await world.import("mlflow-files", file, ["--renumber"]);
  const before = await readMlflow(world, folder, { MLFLOW_BACKEND_STORE_URI: `sqlite:///${file}` });
  const after = await readMlflow(world, folder, world.variablesOf("mlflow-files"));
  const numbers = [...imported.output.matchAll(/experiment_id (\d{18}) is now (\d+)/g)].map(
    ([, old = "", now = ""]) => [old, now] as const,
  );
  const inNew = new Map(
    [...before].map(([question, answer]) => {
      const rename = (text: string) => numbers.reduce((all, [old, now]) => all.replaceAll(`"${old}"`, `"${now}"`), text);
      return [rename(question), JSON.parse(rename(JSON.stringify(answer)))] as const;
    }),
  );
  writeFileSync(join(folder, "numbers.json"), JSON.stringify(numbers));
  return [
    refusedWith("MLflow's file store: the directory is refused", directory, "is a directory", "migrate-filestore --source mlruns"),
    refusedWith("MLflow's file store: experiment IDs of 18 digits are refused", large, "experiment_id: must fit integer", "--renumber"),
    succeeded("MLflow's file store: imported with --renumber", imported),
    proofOf(
      "three experiments got new IDs",
      numbers.length === 3 ? null : imported.output,
      numbers.map((each) => each.join(" is ")).join(", "),
    ),
    answersEqual("MLflow's file store: both answer the same, but for the IDs", inNew, after),
    await next(world, folder, "mlflow-files"),
  ];
}
