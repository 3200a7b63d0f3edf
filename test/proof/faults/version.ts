import type { MajorVersion } from "../../../constructs/model/instance";
import { HEAVY, QUICK, readHostile } from "../../fixtures/escalation/hostile";
import { type Attempt, escalate } from "../../fixtures/escalation/run";
import { startServer, type TestServer } from "../../fixtures/server";
import { proveConditions } from "./conditions";
import { proveKills } from "./kills";
import { proveRevocation } from "./revocation";
import { proveRotations } from "./rotations";
import { problemOf, type Row, seconds } from "./row";

const ROTATIONS = 100;
/** Where provisioning runs at the same time. */
const PROVISIONED: MajorVersion = 15;

const toRow = (kind: string, attempts: readonly Attempt[], took: number): Row => ({
  kind,
  tries: attempts.length,
  shown: `${attempts.filter(({ problem }) => problem !== null).length} crossed; ${seconds(took)}`,
  problem: problemOf(attempts.flatMap(({ seat, statement, problem }) => (problem === null ? [] : [`${seat}: ${statement}: ${problem}`]))),
});

async function proveEscalation(majorVersion: MajorVersion): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const timed = async (kind: string, run: (server: TestServer) => Promise<readonly Attempt[]>) => {
    // What one attempt leaves would be in the way of the next.
    const server = await startServer(majorVersion);
    const start = performance.now();
    const attempts = await run(server).finally(() => server.stop());
    rows.push(toRow(`escalation by ${kind}`, attempts, performance.now() - start));
  };
  await timed("statements", (server) => escalate(server, false));
  await timed("statements, with CREATEDB", (server) => escalate(server, true));
  await timed("what commands read", (server) => readHostile(server, { ...QUICK, ...HEAVY }));
  return rows;
}

/** All on one major version. */
async function prove(majorVersion: MajorVersion): Promise<readonly Row[]> {
  let server = await startServer(majorVersion);
  try {
    const rows: Row[] = [];
    const add = async (some: Promise<readonly Row[]>) => {
      const start = performance.now();
      rows.push(...(await some));
      process.stderr.write(`PostgreSQL ${majorVersion}: ${rows.at(-1)?.kind}, ${seconds(performance.now() - start)}\n`);
    };
    await add(proveRevocation(server));
    await add(proveKills(server));
    const [restarted, conditions] = await proveConditions(server);
    server = restarted;
    await add(Promise.resolve(conditions));
    await add(proveEscalation(majorVersion));
    await add(proveRotations(server, ROTATIONS, majorVersion === PROVISIONED).then((row) => [row]));
    return rows;
  } finally {
    await server.stop();
  }
}

void prove(Number(process.argv[2]) as MajorVersion).then(
  (rows) => process.send?.(rows, () => process.disconnect()),
  (error: Error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
    process.disconnect?.();
  },
);
