import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createServerCertificate } from "../../../constructs/local/certificates";
import { LocalServer } from "../../../constructs/local/server";
import { type Client, close, open, UNLIMITED, withClient } from "../../../constructs/provisioning/connect";
import { provision } from "../../../constructs/provisioning/provision";
import { revoke } from "../../../constructs/provisioning/revoke";
import { rotate } from "../../../constructs/provisioning/rotate";
import { scopeWith, type TestServer } from "../../fixtures/server";
import { memoryStore, refusal, tenant, versionsOf } from "../../fixtures/tenants";
import { NOT_TRIED, problemOf, type Row, seconds } from "./row";

const QUICK = { deadlineMs: 500 };
/** Connections of a small server. */
const FEW = 12;
const GREEDY = tenant("greedy", {
  logins: [
    { name: "greedy_a", connectionLimit: 100 },
    { name: "greedy_b", connectionLimit: 100 },
  ],
});

/** What a person reads, and that the next run after the fault does everything. */
async function faulty(kind: string, sentence: RegExp, said: string, mended: () => Promise<unknown>): Promise<Row> {
  const problems = sentence.test(said) ? [] : [`said ${said}`];
  const after = await refusal(mended());
  if (after !== "accepted") problems.push(`afterwards ${after}`);
  return { kind, tries: 1, shown: said.replace(/^\w+: /, ""), problem: problemOf(problems) };
}

/** Each leaves the server as it was. Returns the server that runs at the end, too. */
export async function proveConditions(first: TestServer): Promise<readonly [TestServer, readonly Row[]]> {
  let server = first;
  const rows: Row[] = [];
  const scope = scopeWith({ calm: tenant("calm") });
  const run = (change: Partial<TestServer["access"]> = {}) => provision(scope, { ...server.access, ...change });
  await run();

  await setReadOnly(server, "on");
  const readOnly = await refusal(run({ patience: QUICK }));
  await setReadOnly(server, "off");
  rows.push(await faulty("read-only", /is read-only, because default_transaction_read_only is on; set it to off/, readOnly, run));

  await provision(scopeWith({ greedy: GREEDY }), server.access);
  server = await server.restart({ maxConnections: FEW });
  rows.push(await exhausted(server));
  server = await server.restart({ maxConnections: 500 });

  const [afterwards, locked] = await lockTableFull(server);
  server = afterwards;
  rows.push(locked);

  for (const [kind, days, sentence] of [
    ["certificate expired", -1, /the certificate of \S+ has expired; renew it/],
    ["clock wrong: a certificate that is not valid yet", 30, /the certificate of \S+ is not valid yet; set the clock/],
  ] as const) {
    server = await server.restart({ certificate: await certificateOf(server, days) });
    const said = await refusal(run({ patience: QUICK }));
    server = await server.restart({});
    rows.push(await faulty(kind, sentence, said, run));
  }

  rows.push(await throttled(server), await provisionersAtOnce(server), await diskFull(server));
  return [server, rows];
}

const setReadOnly = ({ access: { server, master } }: TestServer, to: "on" | "off") =>
  withClient(server, master, "postgres", async (client) => {
    await client.query("set default_transaction_read_only = off");
    await client.query(`alter role master set default_transaction_read_only = ${to}`);
  });

/** One that ended yesterday, or that begins in so many days. */
async function certificateOf({ ca }: TestServer, days: number) {
  if (days < 0) return createServerCertificate(ca, days);
  const { now } = Date;
  Date.now = () => now() + days * 86_400_000;
  try {
    return await createServerCertificate(ca);
  } finally {
    Date.now = now;
  }
}

/** By platforms that hold all there are: a run waits, says so at its deadline, and goes on when one is free. */
async function exhausted(server: TestServer): Promise<Row> {
  const { current } = await versionsOf(server.access.store, GREEDY.secret);
  const held: Client[] = [];
  for (let isFull = false; !isFull; )
    await open(server.access.server, current, "greedy").then(
      (session) => held.push(session),
      () => {
        isFull = true;
      },
    );
  const small = scopeWith({ calm: tenant("calm") });
  const said = await refusal(provision(small, { ...server.access, patience: QUICK }));
  const start = performance.now();
  const revoking = revoke(GREEDY, server.access);
  for (const session of held.slice(0, 1)) await close(session);
  await revoking;
  const took = performance.now() - start;
  for (const session of held) await close(session);
  const again = await refusal(provision(small, server.access));
  const problems = [...(/has no free connection/.test(said) ? [] : [`said ${said}`]), ...(again === "accepted" ? [] : [again])];
  return {
    kind: "max_connections exhausted",
    tries: 2,
    shown: `${said.replace(/^\w+: /, "")}; with one free the revocation takes ${seconds(took)}`,
    problem: problemOf(problems),
  };
}

/**
 * Nothing keeps a login from taking every lock that there is: nobody can connect any more. A revocation waits for the restart that it
 * asks for, and is faster than a session that comes back.
 */
async function lockTableFull(server: TestServer): Promise<readonly [TestServer, Row]> {
  const its = tenant("locks");
  await provision(scopeWith({ locks: its }), server.access);
  const { current } = await versionsOf(server.access.store, its.secret);
  const session = await open(server.access.server, current, "locks", UNLIMITED);
  await session.query(
    "do $$begin for i in 1..10000000 loop perform pg_advisory_lock(i); end loop; exception when out_of_memory then null; end$$",
  );
  const said: string[] = [];
  const revoking = revoke(its, { ...server.access, patience: { deadlineMs: 120_000, onRetry: (sentence) => said.push(sentence) } });
  while (said.length === 0) await pause(20);
  const { port } = server.server;
  await server.server.stop();
  const again = await server.startAgain(port);
  const start = performance.now();
  const done = await refusal(revoking);
  const took = performance.now() - start;
  await close(session);
  const back = await refusal(open(again.access.server, current, "postgres"));
  const problems = [
    ...(/has no memory left for locks/.test(said[0] ?? "") ? [] : [`said ${said[0]}`]),
    ...(done === "accepted" ? [] : [done]),
    ...(/not permitted|authentication failed/.test(back) ? [] : [`the login comes back: ${back}`]),
  ];
  const shown = `asks for a restart, and closes ${seconds(took)} after it`;
  return [again, { kind: "revocation: all locks of the server", tries: 1, shown, problem: problemOf(problems) }];
}

async function throttled(server: TestServer): Promise<Row> {
  const inner = memoryStore();
  const its = tenant("throttled");
  const problems: string[] = [];
  let tries = 0;
  for (const work of [
    (store: TestServer["access"]["store"]) => provision(scopeWith({ throttled: its }), { ...server.access, store }),
    (store: TestServer["access"]["store"]) => rotate(its, { ...server.access, store }, { force: false }),
    (store: TestServer["access"]["store"]) => revoke(its, { ...server.access, store }),
  ]) {
    for (let last = 1, isDone = false; !isDone; last++) {
      let calls = 0;
      const call = <T>(run: () => Promise<T>): Promise<T> => (++calls >= last ? Promise.reject(new Error("Rate exceeded")) : run());
      const said = await refusal(
        work({
          description: inner.description,
          read: (secret) => call(() => inner.read(secret)),
          write: (secret, credential, forget) => call(() => inner.write(secret, credential, forget)),
        }),
      );
      isDone = said === "accepted";
      if (!isDone) tries++;
      if (!isDone && !said.includes("Rate exceeded")) problems.push(said);
      const after = await refusal(provision(scopeWith({ throttled: its }), { ...server.access, store: inner }));
      if (after !== "accepted") problems.push(after);
    }
  }
  return { kind: "store throttled from any call on", tries, shown: "reported, and done by the next run", problem: problemOf(problems) };
}

async function provisionersAtOnce(server: TestServer): Promise<Row> {
  const problems: string[] = [];
  const ROUNDS = 3;
  for (let round = 0; round < ROUNDS; round++) {
    const names = [`ten_${round}_x`, `ten_${round}_y`];
    const scope = scopeWith(Object.fromEntries(names.map((name) => [name, tenant(name)])));
    const all = await Promise.all(Array.from({ length: 10 }, () => provision(scope, server.access)));
    const changed = all.filter(({ changes }) => changes.length > 0).length;
    if (changed !== 1) problems.push(`${changed} of 10 changed something`);
    if (new Set(all.map(({ logins }) => JSON.stringify(logins))).size !== 1) problems.push("they name different logins");
  }
  return {
    kind: "ten provisioners at once",
    tries: 10 * ROUNDS,
    shown: "one does the work, the others find it done",
    problem: problemOf(problems),
  };
}

/** On a small file system in memory, where this account may mount one. */
async function diskFull(server: TestServer): Promise<Row> {
  const kind = "disk full";
  const directory = mkdtempSync(join(tmpdir(), "platform-postgres-full-"));
  chmodSync(directory, 0o755);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=110m,mode=755", "tmpfs", directory], { encoding: "utf8" });
  if (mounted.status !== 0) {
    rmSync(directory, { recursive: true, force: true });
    const why = mounted.error?.message ?? mounted.stderr.trim();
    return { kind, tries: NOT_TRIED, shown: `not tried: no small file system can be mounted here (${why})`, problem: null };
  }
  try {
    mkdirSync(join(directory, "server"));
    const small = await LocalServer.start({
      ...server.options,
      directory: join(directory, "server"),
      port: server.server.port + 1,
    });
    try {
      const access = { ...server.access, server: { ...server.access.server, port: small.port }, store: memoryStore(), patience: QUICK };
      const many = scopeWith(Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`full${index}`, tenant(`full${index}`)])));
      const ballast = join(directory, "ballast");
      spawnSync("sh", ["-c", `head -c 200M /dev/zero > ${ballast}`], { stdio: "ignore" });
      const said = await refusal(provision(many, access));
      const mended = () => {
        rmSync(ballast);
        return provision(scopeWith({ full0: tenant("full0") }), { ...access, patience: { deadlineMs: 60_000 } });
      };
      return await faulty(kind, /disk of \S+ is full; free space/, said, mended);
    } finally {
      await small.stop();
    }
  } finally {
    spawnSync("umount", ["--lazy", directory]);
    rmSync(directory, { recursive: true, force: true });
  }
}
