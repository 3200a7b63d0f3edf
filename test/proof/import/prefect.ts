import { statSync } from "node:fs";
import { join } from "node:path";
import { type Proof, run } from "../tools";
import { type Answers, answersOfPrefect } from "./answers";
import { must, prefect, program } from "./programs";
import { answersEqual, proofOf, refusedWith, succeeded, type World } from "./world";

/** What a start of Prefect writes anew, what it computes at the moment, and an address with its port. */
export const REWRITTEN = /(: \[\]|\.block_type)\.updated$|\.estimated_start_time_delta$|: next_page$/;

/** Reads everything from a server. */
export async function readPrefect(world: World, folder: string, variables: Readonly<Record<string, string>>): Promise<Answers> {
  const server = await world.servePrefect(folder, variables);
  try {
    return await answersOfPrefect(server.url);
  } finally {
    await server.stop();
  }
}

type Listed = readonly { readonly total_run_time: number; readonly data: { readonly value?: unknown } }[];
const listOf = (answers: Answers, path: string): Listed =>
  [...answers].flatMap(([question, answer]) => (question.startsWith(path) ? [answer as Listed] : []))[0] ?? [];
const secondsIn = (answers: Answers): number => listOf(answers, "flow_runs/filter").reduce((all, each) => all + each.total_run_time, 0);

export async function provePrefect(world: World): Promise<readonly Proof[]> {
  const folder = world.folder("prefect-file");
  const file = join(folder, "prefect.db");
  const onFile = { PREFECT_SERVER_DATABASE_CONNECTION_URL: `sqlite+aiosqlite:///${file}` };
  const server = await world.servePrefect(folder, onFile);
  must([prefect(), program("write_prefect.py")], { PREFECT_API_URL: `${server.url}/api` }, folder);
  // As a machine that is switched off ends it: what was not folded in stays beside the file.
  await server.stop("SIGKILL");
  world.migrate("prefect");
  const beside = statSync(`${file}-wal`).size;
  const unfolded = await world.import("prefect", file);
  const [fold = "false"] = /python3 -c ".*"$/m.exec(unfolded.output) ?? [];
  const folded = run("sh", ["-c", fold]);
  const imported = await world.import("prefect", file);
  const before = await readPrefect(world, folder, onFile);
  const after = await readPrefect(world, folder, world.variablesOf("prefect"));
  const [seconds, copied] = [secondsIn(before), secondsIn(after)];
  const secrets = listOf(after, "block_documents/filter").map(({ data }) => String(data.value));
  return [
    refusedWith(`Prefect: ${beside} bytes in prefect.db-wal`, unfolded, "prefect.db-wal holds changes", "wal_checkpoint"),
    proofOf("the printed command folds them in", folded.code === 0 ? null : folded.output, fold),
    succeeded("Prefect, from prefect.db: imported", imported),
    answersEqual("Prefect answers the same from file and database", before, after, REWRITTEN),
    proofOf(
      "all flow runs took as long",
      seconds > 0 && seconds === copied ? null : `${seconds}, then ${copied}`,
      `${seconds} s, ${copied} s`,
    ),
    proofOf(
      "a block is decrypted",
      secrets.some((each) => each.startsWith("canary tab")) ? null : JSON.stringify(secrets),
      `${secrets.length} block, ${secrets[0]?.slice(0, 6)}...`,
    ),
  ];
}
