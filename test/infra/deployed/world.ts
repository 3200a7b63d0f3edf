import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, vi } from "vitest";
import { type Client, open } from "../../../constructs/provisioning/connect";
import type { Credential } from "../../../constructs/provisioning/credential";
import type { Cloud } from "../../../infra/cloud";
import { reachDeployed } from "../../../infra/cloud-session";
import type { Invocation } from "../../../infra/command";
import { provisionAll } from "../../../infra/local/deliver";
import { COMMANDS } from "../../fixtures/commands";
import { startServer, type TestServer } from "../../fixtures/server";
import { ProjectCopy } from "../../gcp/engine/project";

export const project = new ProjectCopy();
/** A name of RDS that the server's certificate carries, too. */
export const RDS_HOST = "deployed-main.c0abcdefghij.eu-central-1.rds.amazonaws.com";
export let server: TestServer;
beforeAll(async () => {
  server = await startServer(undefined, ["localhost", RDS_HOST]);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server?.stop();
  project.remove();
});

export const silent = { doing: () => undefined, done: () => undefined, note: () => undefined, stop: () => undefined };
export const BY_HAND = { revoke: false, force: false };

/** A command, as a person runs it; the doubles answer meanwhile. */
export async function run(
  command: string,
  args: readonly string[],
  input = "",
): Promise<{ code: number | null; output: string; errors: string }> {
  const env = { ...process.env, NO_COLOR: "1" };
  const child = spawn(process.execPath, [join(COMMANDS, `${command}.js`), ...args], { cwd: project.directory, env });
  const texts = { output: "", errors: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    texts.output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    texts.errors += chunk.toString();
  });
  child.stdin.end(input);
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, ...texts })));
}

/** Outputs with a port on which nothing listens: only `--via`, and what is deployed, find the server. */
export function writeOutputs(name: string, content: object): string {
  const file = join(project.directory, `${name}.json`);
  writeFileSync(file, JSON.stringify(content));
  return file;
}
export const via = () => `127.0.0.1:${server.server.port}`;

export const provisionThrough = async (environment: unknown, cloud: Cloud, outputs: string): Promise<void> => {
  const invocation = { environment, cloud, progress: silent, options: { outputs, via: [via()] }, args: [] };
  await provisionAll(await reachDeployed(invocation as unknown as Invocation<object>, cloud), silent);
};

export const login = (credential: Credential | undefined, database: string): Promise<Client> => {
  if (credential === undefined) throw new Error("the secret is empty");
  return open(server.access.server, credential, database);
};
