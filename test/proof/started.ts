import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, openSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import type { JsonObject } from "../../constructs/model/json";
import type { NamedSpec } from "../../infra/spec";
import { remove } from "../fixtures/cli";
import { ProjectCopy } from "../gcp/engine/project";
import { MissingTool, type Proof, type Result, run } from "./tools";

/** Milliseconds that a server may take to start: MLflow and Prefect migrate first. */
const PATIENCE = 180_000;

export type Variables = Readonly<Record<string, string>>;

/** A platform's own server, and a request that writes. */
export interface Server {
  /** Name of the platform in the environment. */
  readonly name: string;
  readonly health: string;
  readonly write: { readonly path: string; readonly body: JsonObject };
}

export const PREFECT: Server = { name: "prefect", health: "/api/ready", write: { path: "/api/flows/", body: { name: "proof" } } };

export const MLFLOW: Server = {
  name: "mlflow",
  health: "/health",
  write: { path: "/api/2.0/mlflow/experiments/create", body: { name: "proof" } },
};

interface MigrateJob {
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly { readonly command: readonly string[] }[] } } };
}

/** A server that runs: where it listens, and its process group. */
export interface Serving {
  readonly url: string;
  readonly group: number;
}

export const pause = (milliseconds: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);

/** HTTP status of an answer, 0 where there is none. */
export const status = (url: string, ...options: readonly string[]): number =>
  Number(run("curl", ["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", ...options, url]).output);

export const posting = (body: JsonObject): readonly string[] => [
  "--header",
  "Content-Type: application/json",
  "--data",
  JSON.stringify(body),
];

export function freePort(): number {
  const script = "const s = require('net').createServer().listen(0, '127.0.0.1', () => { console.log(s.address().port); s.close(); })";
  return Number(run("node", ["-e", script]).output);
}

/** An environment that `npm start` runs in a directory of the proof's own, and the servers that people start beside it. */
export class StartedEnvironment {
  readonly #project: ProjectCopy;
  readonly #directory = mkdtempSync(join(tmpdir(), "platform-postgres-servers-"));
  readonly #home = join(this.#directory, "home");
  readonly #groups: number[] = [];

  /** @param environments the folder of its file; those of the tests without it. */
  constructor(
    readonly environment: string,
    environments?: string,
  ) {
    this.#project = new ProjectCopy(environments);
    // The server's account gets there.
    chmodSync(this.#directory, 0o755);
    mkdirSync(this.#home);
  }

  /** Writes the file of an environment, in the place of one that is there. */
  write(spec: NamedSpec): void {
    this.#project.write(spec);
  }

  /** A path below its files. */
  file(...path: readonly string[]): string {
    return join(this.#directory, "out", this.environment, ...path);
  }

  /** A path of the proof's own. */
  scratch(name: string): string {
    return join(this.#home, name);
  }

  /** Folder of the project's copy, in which its commands run. */
  get project(): string {
    return this.#project.directory;
  }

  /** A text without the paths that are different each time. */
  shown(text: string): string {
    return text.replaceAll(this.#directory, "");
  }

  /** Runs `npm start` until it waits for Ctrl-C. */
  begin(): void {
    run("curl", ["--version"]);
    const { log } = this.start(`npm start --silent -- --environment ${this.environment}`, this.ours, "start.log");
    until("PostgreSQL", log, () => readFileSync(log, "utf8").includes("Ctrl-C"));
  }

  /** Runs a command of package.json, as `npm run` does. */
  command(name: string, ...args: readonly string[]): Result {
    const words = ["npm", "run", "--silent", "--prefix", this.#project.directory, name, "--", "--environment", this.environment, ...args];
    return run("env", [...assignments(this.ours), ...words]);
  }

  /** The commands that `npm start` prints for a platform. */
  commandsOf(name: string): readonly string[] {
    const summary = JSON.parse(readFileSync(this.file("summary.json"), "utf8")) as {
      readonly platforms: Readonly<Record<string, { readonly startCommands: readonly string[] }>>;
    };
    return summary.platforms[name]?.startCommands ?? [];
  }

  /** Installs a platform by nothing but what `npm start` prints, where nobody ever started one. */
  install({ name }: Server): Proof {
    const commands = this.commandsOf(name).slice(0, -1);
    process.stderr.write(`installing ${name}\n`);
    const { code, output } = run("env", ["-i", ...assignments(this.#empty), "sh", "-ec", commands.join("\n")]);
    return {
      what: `${name} installs in an empty environment`,
      problem: code === 0 ? null : output,
      shown: this.shown(commands.at(-1) ?? ""),
    };
  }

  /**
   * Runs the command of its Job that migrates by hand, with the packages of its environment.
   *
   * @param atOnce how many run together; where several do, the server ends idle sessions, of which one holds the lock.
   */
  migrate({ name }: Server, atOnce = 1): Proof {
    const job = parse(readFileSync(this.file(name, "migrate-job.yaml"), "utf8")) as MigrateJob;
    const [container] = job.spec.template.spec.containers;
    // As printed: `env $(cat .../platform.env) .../bin/program ...`.
    const [, start = "", packages = ""] = /^(env \$\(.*?\)) (\S+\/bin)\//.exec(this.commandsOf(name).at(-1) ?? "") ?? [];
    const command = (container?.command ?? []).map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    process.stderr.write(`migrating ${name}\n`);
    const variables = { ...this.#empty, PATH: `${packages}:${process.env.PATH}` };
    const limit = atOnce === 1 ? "" : "PGOPTIONS='-c idle_session_timeout=300'";
    const each = `${start} ${limit} ${command} & all="$all $!";`;
    const script = `${each.repeat(atOnce)} for one in $all; do wait $one; done`;
    const { code, output } = run("env", ["-i", ...assignments(variables), "sh", "-ec", script]);
    return {
      what: `${name} migrates an empty database by the command of its Job${atOnce === 1 ? "" : `, ${atOnce} at once, where idle sessions end after 0.3 s`}`,
      problem: code === 0 ? null : output,
      shown: (container?.command ?? []).join(" ").split("\n")[0] ?? "",
    };
  }

  /** Starts a server by the last of its commands, at a free port. */
  serve({ name, health }: Server, variables: Variables = {}): Serving {
    const url = `http://127.0.0.1:${freePort()}`;
    const command = `${this.commandsOf(name).at(-1)} --port ${new URL(url).port}`;
    const { group, log } = this.start(`exec ${command}`, { ...this.#empty, ...variables }, `${name}.log`);
    until(name, log, () => status(`${url}${health}`) === 200);
    return { url, group };
  }

  /** Starts a shell command in its own process group; returns the group and the log. The group ends with this process, whatever ends it. */
  start(command: string, env: Variables, log: string): { readonly group: number; readonly log: string } {
    const file = join(this.#directory, log);
    const child = spawn("sh", ["-c", endingWithUs("TERM", command)], {
      cwd: this.#project.directory,
      env,
      detached: true,
      stdio: ["ignore", openSync(file, "a"), openSync(file, "a"), "pipe"],
    });
    const { pid } = child;
    if (pid === undefined) throw new MissingTool("sh could not be run");
    this.#groups.push(pid);
    return { group: pid, log: file };
  }

  remove(): void {
    for (const group of this.#groups) stop(group);
    pause(3_000);
    remove(this.#directory, this.environment);
    this.#project.remove();
  }

  /** What this project's own commands run with. */
  get ours(): Variables {
    return { ...process.env, PLATFORM_POSTGRES_DIRECTORY: this.#directory, NO_COLOR: "1" } as Variables;
  }

  /** What a person has who never started a platform here. */
  get #empty(): Variables {
    return { PATH: process.env.PATH ?? "", HOME: this.#home };
  }
}

export const assignments = (variables: Variables): readonly string[] =>
  Object.entries(variables).map(([name, value]) => `${name}=${value}`);

/**
 * A script of sh that runs a command, by default its arguments. Its process group gets a signal when this process ends, whatever ends it:
 * then descriptor 3 of the script, which has to be a pipe, is closed.
 */
export const endingWithUs = (signal: "INT" | "TERM" = "TERM", command = 'exec "$0" "$@"'): string =>
  `{ read -r _ <&3; kill -${signal} 0; } & exec 3<&-; ${command}`;

export function stop(group: number, signal: NodeJS.Signals = "SIGTERM"): void {
  try {
    process.kill(-group, signal);
  } catch {
    // It has ended by itself.
  }
}

/** Waits until something holds. @throws Error with the end of the log if it takes longer than a start may. */
export function until(what: string, log: string, holds: () => boolean): void {
  const end = Date.now() + PATIENCE;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`${what} did not start:\n${readFileSync(log, "utf8").slice(-2_000)}`);
    pause(500);
  }
}

/** Whether a server wrote what it was asked to. */
export function written({ name, write }: Server, { url }: Serving): Proof {
  const seen = status(`${url}${write.path}`, ...posting(write.body));
  return {
    what: `${name} starts by the printed command, and writes`,
    problem: [200, 201].includes(seen) ? null : `answered ${seen}`,
    shown: String(seen),
  };
}
