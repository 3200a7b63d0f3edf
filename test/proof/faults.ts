import "../../infra/docs/script";

import { type ChildProcess, fork, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pc from "picocolors";
import { handleSignals } from "../../infra/local/signals";
import { terminalColumns, toTable } from "../../infra/table";
import { proveFailovers } from "./failover/prove";
import { NOT_TRIED, type Row, seconds } from "./faults/row";
import { begin, stopped } from "./progress";
import { PIPED } from "./tools";

const VERSIONS = [15, 17] as const;

/** What is not tried here, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  "SIGKILL of a real process at every call":
    "a process of its own for each of 300 calls takes too long; all that one has open is cut in its place",
  "a clock that jumps": "a machine's clock is not changed by a proof; the certificate that is not valid yet stands for it",
};

const start = performance.now();
/** Both versions at once: half of the time they wait. Servers in memory, where there is some. */
const directory = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "platform-postgres-faults-"));
chmodSync(directory, 0o755);
const children: ChildProcess[] = [];
const signals = handleSignals(async () => {
  for (const child of children) child.kill("SIGTERM");
  rmSync(directory, { recursive: true, force: true });
}, stopped);

function proveOn(version: (typeof VERSIONS)[number]): Promise<readonly Row[]> {
  const child = fork(join(__dirname, "faults", "version.ts"), [String(version)], { env: { ...process.env, TEST_SERVERS: directory } });
  children.push(child);
  return new Promise((resolve, reject) => {
    child.once("message", (rows) => resolve(rows as readonly Row[]));
    child.once("exit", (code) => reject(new Error(`the proof on PostgreSQL ${version} ended with ${code}`)));
  });
}

/** Tests that npm test runs, too: on doubles of the stores, with PostgreSQL 17. */
const TESTS: Readonly<Record<string, readonly string[]>> = {
  "interleavings of rotations and provisioning, AWS and Google Cloud": ["test/aws/turns.test.ts", "test/gcp/turns.test.ts"],
  "a store that is throttled, refuses, or fails": ["test/aws/secrets-manager-store.test.ts", "test/gcp/secret-manager-store.test.ts"],
};

function proveByTests(kind: string, files: readonly string[]): Promise<Row> {
  const child = spawn("npx", ["vitest", "run", "--reporter=json", ...files], {
    cwd: join(__dirname, "..", ".."),
    stdio: ["ignore", "pipe", "ignore"],
  });
  children.push(child);
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => {
      const {
        numTotalTests = 0,
        numFailedTests = 1,
        success = false,
      } = JSON.parse(output.slice(output.indexOf("{")) || "{}") as Partial<Summary>;
      const shown = `${numTotalTests - numFailedTests} tests passed`;
      resolve({ kind, tries: numTotalTests, shown, problem: success ? null : `npx vitest run ${files.join(" ")} says why` });
    });
  });
}

interface Summary {
  readonly numTotalTests: number;
  readonly numFailedTests: number;
  readonly success: boolean;
}

async function proveAllTests(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [kind, files] of Object.entries(TESTS)) rows.push(await proveByTests(kind, files));
  return rows;
}

async function prove(): Promise<void> {
  const [tests, ...found] = await Promise.all([proveAllTests(), ...VERSIONS.map(proveOn)]);
  // Seconds count here: nothing else may run.
  const failovers = await proveFailovers();
  finish();
  const cells: (readonly string[])[] = [];
  const rows = (found[0] ?? []).flatMap((_, index) =>
    VERSIONS.map((version, each) => ({ version: String(version), row: found[each]?.[index] as Row })),
  );
  rows.push(...[...tests, ...failovers].map((row) => ({ version: "17", row })));
  for (const { version, row } of rows)
    cells.push([
      row.problem !== null ? pc.red("✖") : row.tries === NOT_TRIED ? "-" : pc.green("✔"),
      row.kind,
      String(version),
      String(row.tries),
      row.shown,
    ]);
  for (const [kind, why] of Object.entries(LEFT_OUT)) cells.push(["-", kind, "", "0", `not tried here: ${why}`]);
  process.stdout.write(`${toTable(["", "kind", "server", "tries", "outcome"], cells, { columns: terminalColumns() ?? PIPED })}\n`);
  const failed = rows.filter(({ row }) => row.problem !== null);
  for (const { version, row } of failed) process.stdout.write(`${pc.red("✖")} ${row.kind} on ${version}\n${row.problem}\n`);
  const tries = rows.reduce((sum, { row }) => sum + row.tries, 0);
  process.stdout.write(`${tries} tries, ${failed.length} kinds do not hold; ${seconds(performance.now() - start)}\n`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

const finish = begin("attacking, killing and starving PostgreSQL");
void prove()
  .catch((error: Error) => {
    finish();
    process.stderr.write(`${pc.red("✖")} ${error.message}\n`);
    process.exitCode = 1;
  })
  .finally(() => {
    for (const child of children) child.kill("SIGTERM");
    rmSync(directory, { recursive: true, force: true });
    signals.forget();
  });
