import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, openSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "../../constructs/model/json";
import { type ContractCase, DIRECT, wire } from "../contract/case";
import { cases } from "../fixtures/cases";
import { remove } from "../fixtures/cli";
import { ProjectCopy } from "../gcp/engine/project";
import { MissingTool, type Proof, report, run } from "./tools";

const project = new ProjectCopy();
/** Milliseconds that a server may take to start: MLflow and Prefect migrate first. */
const PATIENCE = 180_000;

const directory = mkdtempSync(join(tmpdir(), "platform-postgres-servers-"));
chmodSync(directory, 0o755);
const home = join(directory, "home");
mkdirSync(home);

type Variables = Readonly<Record<string, string>>;
const CHECKOUT: Variables = { ...process.env, PLATFORM_POSTGRES_DIRECTORY: directory, NO_COLOR: "1" } as Variables;
/** What a person has who never started a platform here. */
const EMPTY: Variables = { PATH: process.env.PATH ?? "", HOME: home };

const groups: number[] = [];

/** Starts a shell command in a process group of its own; returns the group and the log. */
function start(command: string, env: Variables, log: string): { readonly group: number; readonly log: string } {
  const file = join(directory, log);
  const { pid } = spawn("sh", ["-c", `exec ${command}`], {
    cwd: project.directory,
    env,
    detached: true,
    stdio: ["ignore", openSync(file, "a"), openSync(file, "a")],
  });
  if (pid === undefined) throw new MissingTool("sh could not be run");
  groups.push(pid);
  return { group: pid, log: file };
}

function stop(group: number): void {
  try {
    process.kill(-group, "SIGTERM");
  } catch {
    // It has ended by itself.
  }
}

const pause = (milliseconds: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);

function until(what: string, log: string, holds: () => boolean): void {
  const end = Date.now() + PATIENCE;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`${what} did not start:\n${readFileSync(log, "utf8").slice(-2_000)}`);
    pause(500);
  }
}

/** HTTP status of an answer, 0 where there is none. */
function status(url: string, ...options: readonly string[]): number {
  return Number(run("curl", ["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", ...options, url]).output);
}

const posting = (body: JsonObject): readonly string[] => ["--header", "Content-Type: application/json", "--data", JSON.stringify(body)];

function freePort(): number {
  const script = "const s = require('net').createServer().listen(0, '127.0.0.1', () => { console.log(s.address().port); s.close(); })";
  return Number(run("node", ["-e", script]).output);
}

interface Server {
  readonly name: string;
  readonly health: string;
  /** A request that writes. */
  readonly write: { readonly path: string; readonly body: JsonObject };
}

const MLFLOW: Server = {
  name: "mlflow",
  health: "/health",
  write: { path: "/api/2.0/mlflow/experiments/create", body: { name: "proof" } },
};
const PREFECT: Server = { name: "prefect", health: "/api/ready", write: { path: "/api/flows/", body: { name: "proof" } } };

const commandsOf = (name: string): readonly string[] => {
  const summary = JSON.parse(readFileSync(join(directory, "out", "local", "summary.json"), "utf8")) as {
    readonly platforms: Readonly<Record<string, { readonly startCommands: readonly string[] }>>;
  };
  return summary.platforms[name]?.startCommands ?? [];
};

/** Starts a server by the last of its commands, at a free port. */
function serve({ name, health }: Server, variables: Variables = {}): { readonly url: string; readonly group: number } {
  const url = `http://127.0.0.1:${freePort()}`;
  const { group, log } = start(`${commandsOf(name).at(-1)} --port ${new URL(url).port}`, { ...EMPTY, ...variables }, `${name}.log`);
  until(name, log, () => status(`${url}${health}`) === 200);
  return { url, group };
}

/** Installs a platform and starts it, by nothing but what `npm start` prints. */
function install({ name }: Server): Proof {
  const commands = commandsOf(name).slice(0, -1);
  process.stderr.write(`installing ${name}\n`);
  const { code, output } = run("env", ["-i", `PATH=${EMPTY.PATH}`, `HOME=${home}`, "sh", "-ec", commands.join("\n")]);
  return {
    what: `${name} installs in an empty environment`,
    problem: code === 0 ? null : output,
    shown: commands.at(-1)?.replaceAll(directory, "") ?? "",
  };
}

const proofOf = (what: string, seen: number, wanted: number): Proof => ({
  what,
  problem: seen === wanted ? null : `answered ${seen}, and had to answer ${wanted}`,
  shown: String(seen),
});

/** Whether MLflow answers each Host, and lets each Origin change something. */
function names(
  url: string,
  hosts: Readonly<Record<string, number>>,
  origins: Readonly<Record<string, number>>,
  when: string,
): readonly Proof[] {
  const { path, body } = { path: "/ajax-api/2.0/mlflow/experiments/search", body: { max_results: 1 } };
  return [
    ...Object.entries(hosts).map(([host, wanted]) =>
      proofOf(
        `${when}: Host ${host}`,
        status(`${url}/api/2.0/mlflow/experiments/search?max_results=1`, "--header", `Host: ${host}`),
        wanted,
      ),
    ),
    ...Object.entries(origins).map(([origin, wanted]) =>
      proofOf(`${when}: a page of ${origin}`, status(`${url}${path}`, "--header", `Origin: ${origin}`, ...posting(body)), wanted),
    ),
    proofOf(`${when}: a probe, whatever its Host`, status(`${url}/health`, "--header", "Host: anything.example"), 200),
  ];
}

const SERVICE = ["mlflow", "mlflow.mlflow", "mlflow.mlflow.svc", "mlflow.mlflow.svc.cluster.local"].flatMap((host) => [
  host,
  `${host}:80`,
  `${host}:5000`,
]);
const all = (entries: readonly string[], wanted: number) => Object.fromEntries(entries.map((entry) => [entry, wanted]));

/** MLflow with the hosts and origins of its release, as the chart's ConfigMap gives them to the pod. */
function release(): readonly Proof[] {
  const mlflow = cases.find(({ title }) => title === "MLflow") as ContractCase;
  const { release } = wire({ ...mlflow, settings: { hosts: ["mlflow.example.com"] } }, DIRECT).wiring;
  if (release.kind !== "helm") throw new TypeError("MLflow is a Helm release");
  const { serverAllowedHosts, corsAllowedOrigins } = release.values as unknown as Record<string, readonly string[]>;
  const { url, group } = serve(MLFLOW, {
    MLFLOW_SERVER_ALLOWED_HOSTS: serverAllowedHosts?.join(",") ?? "",
    MLFLOW_SERVER_CORS_ALLOWED_ORIGINS: corsAllowedOrigins?.join(",") ?? "",
  });
  const known = [
    ...SERVICE,
    "mlflow.example.com",
    "mlflow.example.com:8443",
    "localhost:5000",
    "[::1]:5000",
    "10.42.0.7:5000",
    "172.31.0.1",
    "[fd12::7]",
  ];
  const unknown = ["other.example.com", "mlflow.evil.example", "mlflow.mlflow.svc.evil.example", "172.32.0.1"];
  const pages = ["http://mlflow", "http://mlflow.mlflow.svc.cluster.local", "https://mlflow.example.com", "http://localhost:3000"];
  const others = ["https://other.example.com", "https://mlflow.example.com.evil.example", "http://mlflow.evil.example"];
  const proofs = names(url, { ...all(known, 200), ...all(unknown, 403) }, { ...all(pages, 200), ...all(others, 403) }, "released");
  stop(group);
  return proofs;
}

function prove(): readonly Proof[] {
  run("curl", ["--version"]);
  const { log } = start("node --require tsx/cjs infra/commands/start.ts", CHECKOUT, "start.log");
  until("PostgreSQL", log, () => readFileSync(log, "utf8").includes("Ctrl-C"));
  const installed = [MLFLOW, PREFECT].map(install);
  if (installed.some(({ problem }) => problem !== null)) return installed;
  const servers = [MLFLOW, PREFECT].map((server) => ({ ...server, ...serve(server) }));
  const written = servers.map(({ name, url, write }) => {
    const seen = status(`${url}${write.path}`, ...posting(write.body));
    return {
      what: `${name} starts by the printed command, and writes`,
      problem: [200, 201].includes(seen) ? null : `answered ${seen}`,
      shown: String(seen),
    };
  });
  const urls = servers.flatMap(({ name, url }) => ["--url", `${name}=${url}`]);
  const doctor = run("env", [
    `PLATFORM_POSTGRES_DIRECTORY=${directory}`,
    "NO_COLOR=1",
    "node",
    "--require",
    "tsx/cjs",
    join(project.directory, "infra/commands/doctor.ts"),
    ...urls,
  ]);
  const checked = {
    what: "npm run doctor finds both, at the revisions that it expects",
    problem: doctor.code === 0 ? null : doctor.output,
    shown: doctor.output.trim(),
  };
  const [mlflow] = servers;
  const before = names(
    mlflow?.url ?? "",
    { ...all(SERVICE, 403), "localhost:5000": 200 },
    { "http://mlflow": 403, "http://localhost:3000": 200 },
    "MLflow by itself",
  );
  for (const { group } of servers) stop(group);
  return [...installed, ...written, checked, ...before, ...release()];
}

function cleanUp(): void {
  for (const group of groups) stop(group);
  pause(3_000);
  remove(directory, "local");
  project.remove();
}

report(prove, cleanUp);
