import { spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Platform, ServerVersion } from "../../../constructs/model/platform";
import { platforms } from "../../../constructs/platforms/registry";
import { assignments, endingWithUs, freePort, stop, type Variables } from "../started";
import { largeServer, run, server } from "../tools";

/** Milliseconds that a server may take to start: it migrates first. */
const PATIENCE = 300_000;

/** The version that the chart of a platform runs. */
function verified(kind: "mlflow" | "prefect"): ServerVersion {
  const found = (platforms[kind] as Platform).servers({} as never)?.versions.find(({ charts }) => charts.length > 0);
  if (found === undefined) throw new TypeError(`no version of ${kind}'s server is verified`);
  return found;
}

const python = (kind: "mlflow" | "prefect"): string => server(`${kind}-${verified(kind).version}`, verified(kind).packages);

/** Python with MLflow's server. @throws MissingTool where it cannot be had. */
export const mlflow = (): string => python("mlflow");
/** Python with Prefect's. @throws MissingTool as above. */
export const prefect = (): string => python("prefect");

/** A version of 2025, whose revision is older, and which still keeps files by itself. */
export const OLD_MLFLOW = "2.16.2";
const OLD_PACKAGES = [`mlflow-skinny==${OLD_MLFLOW}`, "setuptools==80.9.0", "sqlalchemy==2.0.44", "alembic==1.17.2", "pandas==2.3.3"];
/** Python with it. @throws MissingTool as above. */
export const oldMlflow = (): string => server(`mlflow-${OLD_MLFLOW}`, OLD_PACKAGES);

/** SkillFlaw's upstream. */
export const LANGFLOW = "1.13.0";
/** Python with it. @throws MissingTool as above. */
export const langflow = (): string =>
  largeServer(`langflow-${LANGFLOW}`, [`langflow==${LANGFLOW}`, "psycopg[binary]==3.3.9", "psycopg2-binary==2.9.13"]);

/** A program of this proof. */
export const program = (name: string): string => join(__dirname, name);

/** Runs a program with these variables and no others. @throws Error with its output if it fails. */
export function must(words: readonly string[], variables: Variables, directory: string): string {
  const all = { PATH: process.env.PATH ?? "", HOME: directory, ...variables };
  const { code, output, stdout } = run("env", ["-i", `--chdir=${directory}`, ...assignments(all), ...words]);
  if (code !== 0) throw new Error(`${words.join(" ")} ended with ${code}:\n${output.slice(-2_000)}`);
  return stdout.trim();
}

export interface Serving {
  readonly url: string;
  /** Ends it, and waits until it has. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts a server at a free port, and waits until it answers at a path. @param words a command that takes `--port`. */
export async function serve(
  words: readonly string[],
  health: string,
  variables: Variables,
  directory: string,
  path: readonly string[] = [],
): Promise<Serving> {
  const url = `http://127.0.0.1:${freePort()}`;
  const log = join(directory, "server.log");
  const child = spawn("sh", ["-c", endingWithUs(), ...words, "--port", new URL(url).port, ...path], {
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: directory, ...variables },
    detached: true,
    stdio: ["ignore", openSync(log, "a"), openSync(log, "a"), "pipe"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  for (const end = Date.now() + PATIENCE; !(await answers(`${url}${health}`)); await pause(300))
    if (Date.now() > end || child.exitCode !== null) {
      stop(child.pid ?? 0);
      throw new Error(`${words.join(" ")} did not start:\n${readFileSync(log, "utf8").slice(-3_000)}`);
    }
  return {
    url,
    stop: async (signal = "SIGTERM") => {
      stop(child.pid ?? 0, signal);
      await ended;
    },
  };
}

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
