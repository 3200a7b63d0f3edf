import { spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { provision } from "../../../constructs/provisioning/provision";
import { must } from "../../fixtures/must";
import { pidOf } from "../../fixtures/server";
import { NOT_TRIED, type Row } from "../faults/row";
import { type Replicated, startReplicated } from "../standby";
import { endingWithUs, stop } from "../started";
import { MissingTool } from "../tools";
import { type Client, environment, instance, type Program, prepare, programsOf } from "./clients";
import { type Between, NAME, openBetween } from "./network";

/** Milliseconds from the fault until the name leads to the standby. */
const MOVE = 10_000;
/** Milliseconds after the fault within which every worker has to write again. */
const GOAL = 30_000;
/** Milliseconds after the fault for which the proof looks. */
const PATIENCE = 45_000;
/** Milliseconds that a platform's server may take to start. */
const START = 180_000;
/** Milliseconds that all write before the fault. */
const SETTLE = 3_000;
const WORKERS = 8;

/** What happens to the primary. */
const FAULTS = {
  "killed server": async ({ primary }: Replicated, _between: Between) => {
    process.kill(-pidOf(primary.options.directory), "SIGKILL");
  },
  "clean failover": async ({ primary }: Replicated, _between: Between) => primary.stop(),
  "lost packets": async (_replicated: Replicated, between: Between) => between.cut("primary"),
} as const;
type Fault = keyof typeof FAULTS;

/** A program that runs among the clients, and when its workers wrote. */
class Running {
  readonly name: string;
  readonly #wrote: number[][] = Array.from({ length: WORKERS }, () => []);
  readonly #group: number;
  readonly #log: string;

  constructor({ name, command, env }: Program, { inside }: Between, directory: string) {
    this.name = name;
    this.#log = join(directory, `${name.replaceAll(/\W+/g, "-")}.log`);
    this.#group = start([...inside, ...command], { ...env, WORKERS: String(WORKERS) }, this.#log, (line) =>
      this.#wrote[Number(line)]?.push(Date.now()),
    );
  }

  /** When each worker first wrote after a time; null for those that did not. */
  firstAfter(after: number): Times {
    return this.#wrote.map((times) => times.find((time) => time > after) ?? null);
  }

  /** Waits until each worker has written. @throws Error with the end of its log if that takes too long. */
  async begin(): Promise<void> {
    for (const deadline = Date.now() + START; this.firstAfter(0).includes(null); await pause(200))
      if (Date.now() > deadline) throw new Error(`${this.name} does not write:\n${readFileSync(this.#log, "utf8").slice(-2_000)}`);
  }

  stop(): void {
    // At once: none of them keeps anything.
    stop(this.#group, "SIGKILL");
  }
}

/** Starts a program in its own process group, which ends with this process. */
function start(command: readonly string[], env: Readonly<Record<string, string>>, log: string, onLine: (line: string) => void): number {
  const child = spawn("sh", ["-c", endingWithUs(), ...command], {
    env: { PATH: process.env.PATH, ...env },
    detached: true,
    stdio: ["ignore", "pipe", openSync(log, "a"), "pipe"],
  });
  let rest = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    const lines = `${rest}${chunk}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  });
  if (child.pid === undefined) throw new MissingTool("sh could not be run");
  return child.pid;
}

/** Lets what connects to a file reach a port of this machine: files have no network. */
function relay(path: string, port: number): () => void {
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    const finish = () => {
      near.destroy();
      far.destroy();
    };
    for (const each of [near, far]) each.on("error", finish).on("close", finish);
    near.pipe(far).pipe(near);
  }).listen(path);
  return () => server.close();
}

const seconds = (times: readonly number[]): string => (Math.max(...times) / 1000).toFixed(1);

type Times = readonly (number | null)[];

/** @param hindrance why no packets can get lost here, or null. */
function rowOf(fault: Fault, { name, noticed }: Client, times: Times, hindrance: string | null): Row {
  const kind = `${fault}: ${name}`;
  const isLost = fault === "lost packets";
  if (isLost && hindrance !== null && noticed !== "by the program")
    return { kind, tries: NOT_TRIED, shown: `needs network namespaces: ${hindrance}`, problem: null };
  const back = times.filter((time) => time !== null);
  const shown =
    back.length === WORKERS
      ? `all ${WORKERS} write after ${seconds(back)} s`
      : `${back.length} of ${WORKERS} write after ${PATIENCE / 1000} s`;
  const isBack = back.length === WORKERS && Math.max(...back) <= GOAL;
  return { kind, tries: WORKERS, shown, problem: isBack !== (isLost && noticed === null) ? null : shown };
}

async function proveFault(fault: Fault, directory: string, only: RegExp): Promise<readonly Row[]> {
  const replicated = await startReplicated(
    async (primary) => {
      await provision({ environment: environment.name, instance }, primary.access);
      await prepare(primary);
    },
    [NAME, "localhost"],
  );
  const sockets = { primary: join(directory, "primary"), standby: join(directory, "standby") };
  const relays = [relay(sockets.primary, replicated.primary.server.port), relay(sockets.standby, replicated.standby.port)];
  const [between, hindrance] = await openBetween(sockets);
  const running: Running[] = [];
  const run = (programs: readonly Program[]): readonly Running[] => {
    const started = programs.filter(({ name }) => only.test(name)).map((each) => new Running(each, between, directory));
    running.push(...started);
    return started;
  };
  try {
    const { clients, patient, servers } = await programsOf(replicated, directory, between);
    run(servers);
    const long = fault === "lost packets" ? run(patient) : [];
    const failing = clients.filter(({ name }) => only.test(name)).map((client) => ({ client, its: must(run([client])[0]) }));
    for (const each of [...long, ...failing.map(({ its }) => its)]) await each.begin();
    for (const each of long) each.stop();
    await pause(SETTLE);
    const from = Date.now();
    await FAULTS[fault](replicated, between);
    replicated.promote();
    await pause(from + MOVE - Date.now());
    between.point("standby");
    const timesOf = (each: Running): Times => each.firstAfter(from + MOVE).map((time) => (time === null ? null : time - from));
    while (Date.now() < from + PATIENCE && failing.some(({ its }) => timesOf(its).includes(null))) await pause(200);
    return [
      ...long.map(({ name }): Row => ({ kind: `${name}, is not cut`, tries: WORKERS, shown: `all ${WORKERS} ended`, problem: null })),
      ...failing.map(({ client, its }) => rowOf(fault, client, timesOf(its), hindrance)),
    ];
  } finally {
    for (const each of running) each.stop();
    between.remove();
    for (const close of relays) close();
    await replicated.remove();
  }
}

/** How soon each driver and platform writes again after a failover, by the addresses that are wired. */
export async function proveFailovers(only = /./, faults = Object.keys(FAULTS) as readonly Fault[]): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const fault of faults) {
    const directory = mkdtempSync(join(tmpdir(), "platform-postgres-failover-"));
    try {
      rows.push(...(await proveFault(fault, directory, only)));
    } catch (error) {
      if (!(error instanceof MissingTool)) throw error;
      rows.push({ kind: fault, tries: NOT_TRIED, shown: `not tried here: ${error.message}`, problem: null });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  return rows;
}
