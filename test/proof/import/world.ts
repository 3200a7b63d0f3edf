import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SecretDirectory } from "../../../constructs/local/secret-directory";
import { type Client, withClient } from "../../../constructs/provisioning/connect";
import type { NamedSpec } from "../../../infra/spec";
import { must as given } from "../../fixtures/must";
import { query } from "../../fixtures/server";
import { versionsOf } from "../../fixtures/tenants";
import { StartedEnvironment, stop, type Variables } from "../started";
import type { Proof, Result } from "../tools";
import { type Answers, compareAnswers } from "./answers";
import { mlflow, must, prefect, type Serving, serve } from "./programs";

/** The environment of this proof: a platform for each line, so that none meets another's rows. */
const MLFLOWS = [
  "mlflow",
  "mlflow-upgraded",
  "mlflow-files",
  "mlflow-of-15",
  "mlflow-of-16",
  "mlflow-wrong",
  "mlflow-killed",
  "mlflow-many",
  "mlflow-loaded",
];
const PREFECTS = ["prefect", "prefect-wrong", "prefect-of-15", "prefect-of-16"];
const on = (instance: string, platform: string, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, { platform, instance }]));

const SPEC = {
  name: "local",
  instances: { main: { parameters: { max_connections: 600 } }, newest: { majorVersion: 18 } },
  platforms: {
    ...on("main", "mlflow", MLFLOWS),
    ...on("main", "prefect", PREFECTS),
    ...on("main", "skillflaw", ["skillflaw"]),
    ...on("newest", "mlflow", ["mlflow-of-17"]),
  },
} as unknown as NamedSpec;

/** A command that ran, and the most memory that it had. */
export interface Ran extends Result {
  readonly stderr: string;
  readonly stdout: string;
  readonly seconds: number;
  /** In MiB, of its largest process. */
  readonly memory: number;
}

/** `npm start` on this machine, and what this proof does beside it. */
export class World {
  readonly started = new StartedEnvironment("local");
  /** Where the proof's own files are, and TMPDIR of its imports. */
  readonly directory = mkdtempSync(join(tmpdir(), "platform-postgres-proof-import-"));
  readonly temporary = join(this.directory, "tmp");
  /** Everything that an import printed, and every argument that one was started with. */
  readonly printed: string[] = [];
  #hasBegun = false;
  readonly #migrated = new Set<string>();

  begin(): void {
    this.#hasBegun = true;
    mkdirSync(this.temporary);
    // The servers that are imported from are deleted with the rest.
    process.env.TEST_SERVERS ??= join(this.directory, "servers");
    chmodSync(this.directory, 0o755);
    this.started.write(SPEC);
    this.started.begin();
  }

  /** A new folder. */
  folder(name: string): string {
    const folder = join(this.directory, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** What a platform of the environment starts with. */
  variablesOf(name: string): Variables {
    const lines = readFileSync(this.started.file(name, "platform.env"), "utf8").trim().split("\n");
    return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
  }

  /** Has a platform create its tables, as the Job that migrates does. Once for each. */
  migrate(name: string): void {
    if (this.#migrated.has(name)) return;
    this.#migrated.add(name);
    const folder = this.folder(`of-${name}`);
    if (name.startsWith("mlflow"))
      must([mlflow(), "-m", "mlflow", "db", "upgrade", "postgresql+psycopg2:///"], this.variablesOf(name), folder);
    else must([prefect(), "-m", "prefect", "server", "database", "upgrade", "-y"], this.variablesOf(name), folder);
  }

  /** Starts MLflow's server, with the files of a folder. */
  serveMlflow(folder: string, variables: Variables): Promise<Serving> {
    const words = [mlflow(), "-m", "mlflow", "server", "--artifacts-destination", join(folder, "artifacts"), "--workers", "1"];
    const quiet = { MLFLOW_SERVER_ENABLE_JOB_EXECUTION: "false", ...variables };
    return serve(words, "/api/2.0/mlflow/experiments/search?max_results=1", quiet, folder);
  }

  /** Starts Prefect's server. */
  servePrefect(folder: string, variables: Variables): Promise<Serving> {
    return serve([prefect(), "-m", "prefect", "server", "start"], "/api/health", { ...PREFECT_QUIET, ...variables }, folder);
  }

  /** The words of an import, as `npm run import` has them. */
  words(platform: string, from: string, ...options: readonly string[]): readonly string[] {
    const script = ["--require", "tsx/cjs", "infra/commands/import.ts"];
    return [process.execPath, ...script, "--environment", "local", "--platform", platform, "--from", from, "--yes", ...options];
  }

  /** Imports into a platform. */
  import(platform: string, from: string, options: readonly string[] = [], variables: Variables = {}): Promise<Ran> {
    return this.run(this.words(platform, from, ...options), variables);
  }

  /** Runs a command in the project's copy, and measures it. */
  run(words: readonly string[], variables: Variables = {}): Promise<Ran> {
    const began = performance.now();
    const child = spawn("python3", ["-c", MEASURING, ...words], {
      cwd: this.started.project,
      env: { ...this.started.ours, TMPDIR: this.temporary, ...variables },
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    const texts = ["", "", ""];
    for (const [index, stream] of [child.stdout, child.stderr, child.stdio[3] as NodeJS.ReadableStream].entries())
      stream?.on("data", (chunk: Buffer) => {
        texts[index] += chunk.toString();
      });
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => {
        const [stdout = "", stderr = "", memory = ""] = texts;
        const output = `${stderr}${stdout}`;
        this.printed.push(words.join(" "), output);
        resolve({ code, output, stdout, stderr, seconds: (performance.now() - began) / 1_000, memory: Number(memory) / 1_024 });
      });
    });
  }

  /** Starts an import in its own process group. */
  begins(words: readonly string[]): { readonly ended: Promise<void>; kill(): void; readonly output: () => string } {
    const [program = "", ...args] = words;
    const child = spawn(program, args, {
      cwd: this.started.project,
      env: { ...this.started.ours, TMPDIR: this.temporary },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
    return { ended, kill: () => stop(child.pid ?? 0, "SIGKILL"), output: () => output };
  }

  /** A session in the database of a platform, as its login. */
  async client<T>(platform: string, use: (client: Client) => Promise<T>): Promise<T> {
    const secrets = new SecretDirectory(this.started.file("..", "..", ".local", "local", "secrets"));
    const { current } = await versionsOf(secrets, `local--${platform}`);
    const summary = JSON.parse(readFileSync(this.started.file("summary.json"), "utf8"));
    const { instance } = summary.platforms[platform];
    const ca = readFileSync(this.started.file(`ca-${instance}.pem`), "utf8");
    const { host, port } = summary.instances[instance];
    return withClient({ host, port, tls: { mode: "verify-full", ca } }, current, platform.replaceAll("-", "_"), use);
  }

  /** Digests of all that a platform's database holds: rows, keys, triggers, sequences. Nothing of the feature computes them. */
  state(platform: string): Promise<State> {
    return this.client(platform, async (client) => {
      const tables = await query(client, "select tablename::text as name from pg_tables where schemaname = 'public' order by 1");
      const state = new Map<string, string>();
      for (const { name } of tables)
        state.set(
          String(name),
          JSON.stringify(await query(client, `select count(*), sum(hashtextextended(t::text, 22)) as sum from public."${name}" t`)),
        );
      for (const [what, statement] of Object.entries(SHAPE)) state.set(what, JSON.stringify(await query(client, statement)));
      return state;
    });
  }

  /** Files below TMPDIR of the imports. */
  leftovers(): readonly { readonly name: string; readonly bytes: number }[] {
    return readdirSync(this.temporary, { recursive: true, withFileTypes: true })
      .filter((each) => each.isFile() && each.parentPath.includes("platform-postgres-import-"))
      .map(({ name, parentPath }) => ({ name, bytes: statSync(join(parentPath, name)).size }));
  }

  remove(): void {
    if (this.#hasBegun) this.started.remove();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Of Prefect, without what it sends, and what would change its rows by itself. */
export const PREFECT_QUIET: Variables = {
  PREFECT_SERVER_ANALYTICS_ENABLED: "false",
  DO_NOT_TRACK: "1",
  PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED: "false",
  PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED: "false",
};

/** Runs its arguments, and writes the memory of the largest process, in KiB, to descriptor 3. */
const MEASURING =
  "import os, resource, subprocess, sys; code = subprocess.call(sys.argv[1:]); " +
  "os.write(3, str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss).encode()); sys.exit(code)";

/** What a database holds, by table, and by kind of object. */
export type State = ReadonlyMap<string, string>;

const SHAPE = {
  constraints:
    "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint where connamespace = 'public'::regnamespace order by 1, 2",
  triggers: "select tgrelid::regclass::text, tgname, tgenabled from pg_trigger where not tgisinternal order by 1, 2",
  sequences: "select sequencename, last_value from pg_sequences where schemaname = 'public' order by 1",
  indexes: "select indexdef from pg_indexes where schemaname = 'public' order by 1",
} as const;

/** A proof that a database holds what it did. */
export function unchanged(what: string, before: State, after: State): Proof {
  const differing = [...before.keys()].filter((key) => before.get(key) !== after.get(key));
  const text = differing.map((key) => `${key}: ${before.get(key)}, then ${after.get(key)}`).join("\n");
  return proofOf(what, differing.length === 0 && before.size === after.size ? null : text, `${before.size} digests are equal`);
}

/** A proof of one sentence. */
export const proofOf = (what: string, problem: string | null, shown: string): Proof => ({ what, problem, shown });

/** A proof that servers on source and copy give the same answers. What differs and may, such as the order of a map, is named. */
export function answersEqual(what: string, before: Answers, after: Answers, tolerated = /^$/): Proof {
  const { questions, differing, reordered } = compareAnswers(before, after);
  const wrong = differing.filter((each) => !tolerated.test(each));
  const named = [...differing.filter((each) => tolerated.test(each)), ...reordered].map((each) => `; ${each}`).join("");
  return proofOf(what, wrong.length === 0 ? null : wrong.join("\n"), `${questions} answers are equal${named}`);
}

/** What an import said: all of it where it went wrong. */
export const saidOf = ({ output }: Pick<Ran, "output">): string =>
  given(
    output
      .trim()
      .split("\n")
      .filter((line) => /^[✔✖]/.test(line))
      .at(-1) ?? output.trim().split("\n").at(-1),
  );

/** An import that has to be refused with these words. */
export function refusedWith(what: string, { code, output }: Ran, ...words: readonly string[]): Proof {
  const missing = words.filter((word) => !output.includes(word));
  const sentence = output.split("\n").find((line) => line.includes(words[0] ?? "")) ?? output;
  return proofOf(
    what,
    code === 1 && missing.length === 0 ? null : `exit code ${code}, without ${missing.join(", ")}:\n${output}`,
    sentence.trim(),
  );
}

/** An import that has to succeed. */
export const succeeded = (what: string, ran: Ran): Proof =>
  proofOf(what, ran.code === 0 ? null : ran.output, `${saidOf(ran)} (${ran.seconds.toFixed(1)} s, ${ran.memory.toFixed(0)} MiB)`);
