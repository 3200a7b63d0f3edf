import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { platforms } from "../../../constructs/platforms/registry";
import { endingWithUs, freePort, posting, status, stop, until } from "../started";
import { MissingTool, server } from "../tools";
import { must, temporary } from "./user";

/** A run as MLflow tells it. */
interface Run {
  readonly info: { readonly run_id: string; readonly run_name: string };
  readonly data: { readonly metrics: readonly { readonly key: string; readonly value: number }[] };
}

/** Path of the Python with the MLflow that the package is tried with, or why there is none. */
export function findMlflow(): string | MissingTool {
  const verified = platforms.mlflow.servers?.({} as never)?.versions.find(({ charts }) => charts.length > 0);
  if (verified === undefined) throw new TypeError("no version of MLflow's server is verified");
  try {
    return server(`mlflow-${verified.version}`, verified.packages);
  } catch (error) {
    if (error instanceof MissingTool) return error;
    throw error;
  }
}

/** What runs, each in its own process group. */
const running = new Set<ChildProcess>();

/** Ends whatever still runs. */
export async function stopAll(): Promise<void> {
  for (const child of running) await end(child);
}

async function end(child: ChildProcess): Promise<void> {
  running.delete(child);
  const ended = once(child, "exit");
  stop(child.pid ?? 0);
  await ended;
}

/** Starts a shell command in a project, in its own process group, which ends with this process, whatever ends it. */
function start(project: string, command: string, log: string, env: NodeJS.ProcessEnv = process.env): ChildProcess {
  const output = openSync(log, "w");
  const stdio = ["ignore", output, output, "pipe"] as const;
  const child = spawn("sh", ["-c", endingWithUs("TERM", `exec ${command}`)], { cwd: project, env, detached: true, stdio: [...stdio] });
  if (child.pid === undefined) throw new MissingTool("sh could not be run");
  running.add(child);
  return child;
}

/** Runs `npm start` in a project while something is done. */
export async function whileStarted<T>(project: string, run: () => T | Promise<T>): Promise<T> {
  const log = join(temporary, "start.log");
  const child = start(project, "npm start", log);
  until("npm start", log, () => readFileSync(log, "utf8").includes("Ctrl-C"));
  try {
    return await run();
  } finally {
    await end(child);
  }
}

/** MLflow's own server on a project's database, by the command that the project prints for it. */
export class Mlflow {
  readonly #url = `http://127.0.0.1:${freePort()}`;
  readonly #server: ChildProcess;

  /** @param python has MLflow. */
  constructor(project: string, python: string) {
    const { platforms: started } = JSON.parse(readFileSync(join(project, "out", "local", "summary.json"), "utf8")) as {
      readonly platforms: { readonly mlflow: { readonly startCommands: readonly string[] } };
    };
    const command = started.mlflow.startCommands.at(-1)?.replace(/\S+\/bin\/mlflow\b/, `${python} -m mlflow`) ?? "";
    const [home, log] = [join(temporary, "home"), join(temporary, "mlflow.log")];
    mkdirSync(home, { recursive: true });
    this.#server = start(project, `${command} --port ${new URL(this.#url).port}`, log, { PATH: process.env.PATH, HOME: home });
    until("MLflow", log, () => status(`${this.#url}/health`) === 200);
  }

  /** @returns the id of a run that has a metric. */
  write(name: string): string {
    const { experiment_id } = this.#ask<{ experiment_id: string }>("experiments/create", { name });
    const { run } = this.#ask<{ run: Run }>("runs/create", { experiment_id, run_name: name, start_time: 1 });
    this.#ask("runs/log-metric", { run_id: run.info.run_id, key: "loss", value: 0.25, timestamp: 1, step: 1 });
    return run.info.run_id;
  }

  /** A run, in a line. */
  read(id: string): string {
    const { info, data } = this.#ask<{ run: Run }>(`runs/get?run_id=${id}`).run;
    return `${info.run_name}: ${data.metrics.map(({ key, value }) => `${key} ${value}`).join(", ")}`;
  }

  stop(): Promise<void> {
    return end(this.#server);
  }

  #ask<T>(path: string, body?: Parameters<typeof posting>[0]): T {
    const url = `${this.#url}/api/2.0/mlflow/${path}`;
    return JSON.parse(
      must(temporary, "curl", "--silent", "--show-error", "--fail", ...(body === undefined ? [] : posting(body)), url),
    ) as T;
  }
}
