import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Variables } from "../started";
import { type Proof, run } from "../tools";
import { type Answers, ask } from "./answers";
import { LANGFLOW, langflow, type Serving, serve } from "./programs";
import { answersEqual, proofOf, refusedWith, succeeded, type World } from "./world";

type Json = Readonly<Record<string, never>>;
const ODD = "hello tab\t back\\slash new\nline ' \" \u00e4 \u6f22 \u{1f600} %s {}";
/** Milliseconds in which it writes a trace, which it does beside its answer. */
const LATER = 5_000;

/** Langflow with a configuration directory, which holds its key. */
function start(folder: string, database: string): Promise<Serving> {
  const words = [langflow(), "-m", "langflow", "run", "--host", "127.0.0.1", "--backend-only"];
  const variables: Variables = {
    LANGFLOW_CONFIG_DIR: join(folder, "config"),
    LANGFLOW_DATABASE_URL: database,
    LANGFLOW_AUTO_LOGIN: "true",
    DO_NOT_TRACK: "true",
  };
  return serve(words, "/health", variables, folder);
}

async function login(url: string): Promise<Readonly<Record<string, string>>> {
  const { access_token: token } = (await ask(url, "/api/v1/auto_login")) as { readonly access_token: string };
  return { authorization: `Bearer ${token}` };
}

/** A flow that answers what it is asked, as the editor saves one. */
function echo(types: Json): unknown {
  const { ChatInput: input, ChatOutput: output } = types.input_output as unknown as Record<string, Json>;
  const node = (type: string, id: string, its: unknown) => ({
    id,
    type: "genericNode",
    position: { x: 0, y: 0 },
    data: { id, type, node: its },
  });
  const { input_types: inputTypes, type } = (output as unknown as { template: { input_value: { input_types: string[]; type: string } } })
    .template.input_value;
  const from = { dataType: "ChatInput", id: "ChatInput-a", name: "message", output_types: ["Message"] };
  const to = { fieldName: "input_value", id: "ChatOutput-b", inputTypes, type };
  const handle = (value: unknown) => JSON.stringify(value).replaceAll('"', "\u0153");
  const edge = {
    id: "e",
    source: from.id,
    target: to.id,
    sourceHandle: handle(from),
    targetHandle: handle(to),
    data: { sourceHandle: from, targetHandle: to },
  };
  return {
    nodes: [node("ChatInput", from.id, input), node("ChatOutput", to.id, output)],
    edges: [edge],
    viewport: { x: 0, y: 0, zoom: 1 },
  };
}

async function write(url: string) {
  const headers = await login(url);
  const types = (await ask(url, "/api/v1/all", undefined, headers)) as Json;
  const flow = (await ask(
    url,
    "/api/v1/flows/",
    { name: `flow ${ODD.slice(0, 9)} \u00e4`, description: ODD, data: echo(types) },
    headers,
  )) as { id: string };
  await ask(url, "/api/v1/variables/", { name: "credential", value: "canary", type: "Credential", default_fields: [] }, headers);
  const key = (await ask(url, "/api/v1/api_key/", { name: "key" }, headers)) as { api_key: string };
  await runs(url, flow.id, key.api_key);
  await pause(LATER);
  return { flow: flow.id, key: key.api_key };
}

/** Runs a flow as a program does that has a key. Returns what it answered. */
async function runs(url: string, flow: string, key: string): Promise<string> {
  const body = { input_value: ODD, input_type: "chat", output_type: "chat" };
  return JSON.stringify(await ask(url, `/api/v1/run/${flow}`, body, { "x-api-key": key }));
}

async function read(url: string, flow: string): Promise<Answers> {
  const headers = await login(url);
  const paths = [
    `flows/${flow}`,
    "variables/",
    "monitor/messages",
    "monitor/traces",
    `monitor/transactions?flow_id=${flow}`,
    `monitor/builds?flow_id=${flow}`,
    "api_key/",
    "projects/",
    "users/whoami",
  ];
  const answers = new Map<string, unknown>();
  for (const path of paths) answers.set(path.replace(flow, "FLOW"), await ask(url, `/api/v1/${path}`, undefined, headers));
  return answers;
}

/** What logging in changes. */
const BY_LOGIN = /^users\/whoami: (last_login_at|updated_at)$/;

export async function proveLangflow(world: World): Promise<readonly Proof[]> {
  const folder = world.folder("langflow");
  const file = join(folder, "langflow.db");
  const source = await start(folder, `sqlite:///${file}`);
  const { flow, key } = await write(source.url);
  const before = await read(source.url, flow);
  await source.stop();
  run("python3", ["-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('pragma wal_checkpoint(truncate)')", file]);
  const database = world.variablesOf("skillflaw").SKILLFLAW_DATABASE_URL ?? "";
  // Its first start also writes users and flows.
  await (await start(folder, database)).stop();
  const refused = await world.import("skillflaw", file);
  const imported = await world.import("skillflaw", file, ["--replace"]);
  const copy = await start(folder, database);
  const after = await read(copy.url, flow);
  const answered = await runs(copy.url, flow, key);
  await copy.stop();
  return [
    refusedWith(`Langflow ${LANGFLOW}: users and flows of a first start count`, refused, "already has rows", "user 1", "--replace"),
    succeeded(`Langflow ${LANGFLOW}, from langflow.db: imported with --replace`, imported),
    answersEqual(`Langflow ${LANGFLOW}: both answer the same`, before, after, BY_LOGIN),
    proofOf(
      "an old API key runs an old flow",
      answered.includes(JSON.stringify(ODD).slice(1, -1)) ? null : answered,
      `it answered ${answered.length} characters`,
    ),
  ];
}
