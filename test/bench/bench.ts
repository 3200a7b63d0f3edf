import "../../infra/docs/script";

import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve as toPath } from "node:path";
import { createCa, createServerCertificate } from "../../constructs/local/certificates";
import { serverHome } from "../../constructs/local/home";
import { LocalServer } from "../../constructs/local/server";
import { local } from "../../constructs/local/target";
import type { Platform, Platforms } from "../../constructs/model/platform";
import { resolve } from "../../constructs/model/resolve";
import type { ResolvedInstance, Tenant } from "../../constructs/model/spec";
import type { ServerAccess } from "../../constructs/provisioning/access";
import { open } from "../../constructs/provisioning/connect";
import { type Credential, generatePassword } from "../../constructs/provisioning/credential";
import { observe } from "../../constructs/provisioning/observe";
import { plan } from "../../constructs/provisioning/plan";
import { provision } from "../../constructs/provisioning/provision";
import { scramVerifier } from "../../constructs/provisioning/scram";
import { toTable } from "../../infra/table";
import { crowd, resolveAws } from "../fixtures/aws";
import { memoryStore, tenant } from "../fixtures/tenants";
import { toy } from "../fixtures/toy";
import { ProjectCopy } from "../gcp/engine/project";
import { begin } from "../proof/progress";
import { benchImport } from "./import";
import { compare, type Row } from "./measure";
import { benchProgram } from "./program";
import { benchSynth } from "./synth";

/** `npm start -- --once` against PostgreSQL alone: the same programs, certificate and master, nothing provisioned or checked. */
async function benchStart(): Promise<readonly Row[]> {
  const project = new ProjectCopy();
  const directory = mkdtempSync(join(tmpdir(), "platform-postgres-bench-"));
  const programs = await serverHome(join(directory, ".local"));
  const ca = await createCa("bench");
  const bare = async (name: string) => {
    const server = await LocalServer.start({
      reset: "npm start -- --reset",
      majorVersion: 17,
      programs,
      directory: join(programs, "servers", name),
      port: 53_000,
      maxConnections: 100,
      parameters: {},
      certificate: await createServerCertificate(ca),
      master: { username: "master", password: "bench-master-password" },
    });
    await server.stop();
  };
  const command = (name: string) =>
    new Promise<void>((done, fail) => {
      const env = { ...process.env, PLATFORM_POSTGRES_DIRECTORY: join(directory, name) };
      const child = spawn(process.execPath, ["--require", "tsx/cjs", "infra/commands/start.ts", "--once"], {
        cwd: project.directory,
        env,
        stdio: "ignore",
      });
      child.once("close", (code) => (code === 0 ? done() : fail(new Error(`npm start ended with ${code}`))));
    });
  await bare("programs-are-copied-once");
  const cold = await compare(
    3,
    (round) => command(`cold-${round}`),
    (round) => bare(`cold-${round}`),
  );
  const warm = await compare(
    5,
    () => command("cold-0"),
    () => bare("cold-0"),
  );
  const summaries = [0, 1, 2].map(
    (round) =>
      JSON.parse(readFileSync(join(directory, `cold-${round}`, "out/local/summary.json"), "utf8")) as {
        instances: { main: { directory: string } };
      },
  );
  for (const home of [
    ...summaries.map((summary) => toPath(summary.instances.main.directory, "../../..")),
    programs,
    directory,
    project.directory,
  ])
    rmSync(home, { recursive: true, force: true });
  return [
    { what: "npm start -- --once, cold", ours: cold[0], baseline: "initdb, start and stop of PostgreSQL", theirs: cold[1], atMost: null },
    { what: "npm start -- --once, warm", ours: warm[0], baseline: "start and stop of PostgreSQL", theirs: warm[1], atMost: null },
  ];
}

/** Provisioning against a script that knows what to do: the same statements, the same logins, without looking first. */
async function benchProvision(): Promise<readonly Row[]> {
  // In memory where there is some: a disk's mood is not what is measured. The server's account has to get there.
  const directory = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "platform-postgres-bench-"));
  chmodSync(directory, 0o755);
  const programs = await serverHome(join(directory, ".local"));
  const ca = await createCa("bench");
  const master = { username: "master", password: generatePassword() };
  const server = await LocalServer.start({
    reset: "npm start -- --reset",
    majorVersion: 17,
    programs,
    directory: join(programs, "servers", "bench"),
    port: 53_000,
    // The limits of 200 platforms together.
    maxConnections: 1_000,
    parameters: { fsync: "off" },
    certificate: await createServerCertificate(ca),
    master,
  });
  const access: ServerAccess = {
    server: { host: "localhost", port: server.port, tls: { mode: "verify-full", ca: ca.certificate } },
    master,
    store: memoryStore(),
    patience: { deadlineMs: 30_000 },
    provision: "run npm run provision",
  };
  try {
    const rows: Row[] = [];
    for (const [count, rounds] of [
      [5, 5],
      [50, 3],
      [200, 2],
    ] as const) {
      const [ours, theirs] = await compare(
        rounds,
        (round) => provision(scopeOf(tenantsOf(count, `o${count}_${round}`)), access),
        (round) => bareScript(tenantsOf(count, `b${count}_${round}`), access),
      );
      rows.push({ what: `provision ${count} platforms`, ours, baseline: "bare script: same statements, same logins", theirs, atMost: 1.3 });
      const existing = tenantsOf(count, `o${count}_0`);
      const credentials = await credentialsOf(existing, access);
      const [noop, logins] = await compare(
        Math.max(rounds, 3),
        () => provision(scopeOf(existing), access),
        () => logIn(credentials, access),
      );
      rows.push({
        what: `provision ${count} platforms again`,
        ours: noop,
        baseline: `${count * 2} bare logins`,
        theirs: logins,
        atMost: 1.5,
      });
    }
    return rows;
  } finally {
    await server.stop();
    for (const home of [programs, directory]) rmSync(home, { recursive: true, force: true });
  }
}

const tenantsOf = (count: number, prefix: string): readonly Tenant[] =>
  Array.from({ length: count }, (_, index) => tenant(`${prefix}_${index}`));

function scopeOf(tenants: readonly Tenant[]): { environment: string; instance: ResolvedInstance } {
  const { instances } = resolve({ name: "bench", instances: { main: {} }, platforms: {} }, { target: local, platforms: {} });
  const instance = instances.main;
  if (instance === undefined) throw new TypeError("no instance");
  return { environment: "bench", instance: { ...instance, tenants: Object.fromEntries(tenants.map((each) => [each.owner, each])) } };
}

type Target = readonly [Credential, string];

async function credentialsOf(tenants: readonly Tenant[], { store }: ServerAccess): Promise<readonly Target[]> {
  const versions = await Promise.all(tenants.map(async (each) => [await store.read(each.secret), each.databases[0]?.name ?? ""] as const));
  return versions.flatMap(([found, database]): Target[] =>
    found === null || found.previous === null
      ? []
      : [
          [found.current, database],
          [found.previous, database],
        ],
  );
}

async function logIn(targets: readonly Target[], { server }: ServerAccess): Promise<void> {
  for (const [credential, database] of targets) {
    const client = await open(server, credential, database);
    await client.query("select current_user");
    await client.end();
  }
}

async function bareScript(tenants: readonly Tenant[], access: ServerAccess): Promise<void> {
  const client = await open(access.server, access.master, "postgres");
  const targets: Target[] = [];
  const empty = { ...(await observe(client, [])) };
  for (const each of tenants) {
    const passwords = new Map(each.logins.map((login) => [login.name, generatePassword()]));
    for (const { sql, passwordOf } of plan("bench", [{ ...each, storedLogins: each.logins.map((login) => login.name) }], empty).steps) {
      const password = passwordOf === null ? undefined : passwords.get(passwordOf);
      await client.query(password === undefined ? sql : `${sql} PASSWORD '${await scramVerifier(password)}'`);
    }
    for (const [username, password] of passwords) targets.push([{ username, password }, each.databases[0]?.name ?? ""]);
  }
  await client.end();
  await logIn(targets, access);
}

/** Milliseconds that nobody waits for. */
const AT_ONCE = 20;

/** 200 platforms on 20 instances, against copying the same spec; and 100 of the real ones. */
async function benchResolve(): Promise<readonly Row[]> {
  const named = (name: string): Platform => ({
    ...toy,
    title: name,
    databases: () => ({ main: { name: name.replaceAll("-", "_"), extensions: [] } }),
  });
  const names = Array.from({ length: 200 }, (_, index) => `toy-${index}`);
  const platforms: Platforms = Object.fromEntries(names.map((name) => [name, named(name)]));
  const spec = {
    name: "large",
    instances: Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`i${index}`, { storageGib: 100 }])),
    platforms: Object.fromEntries(
      names.map((name, index) => [name, { instance: `i${index % 20}`, values: { level: 2, labels: { er: [1, 2, 3] } } }]),
    ),
  };
  const [ours, theirs] = await compare(
    21,
    () => resolve(spec as never, { target: local, platforms }),
    () => JSON.parse(JSON.stringify(spec)),
  );
  const large = crowd(100, 20);
  const [real] = await compare(
    21,
    () => resolveAws(large),
    () => undefined,
  );
  return [
    { what: "resolve 200 platforms on 20 instances", ours, baseline: "the spec to JSON and back", theirs, atMost: null },
    { what: "resolve 100 platforms on 20 instances of AWS", ours: real, baseline: `${AT_ONCE} ms`, theirs: AT_ONCE, atMost: 1 },
  ];
}

async function main(): Promise<void> {
  const rows: Row[] = [];
  for (const bench of [benchResolve, benchSynth, benchProgram, benchStart, benchProvision, benchImport]) {
    const finish = begin(bench.name);
    rows.push(...(await bench().finally(finish)));
  }
  const head = ["what", "ms", "baseline", "ms", "ratio", "at most"];
  const cells = rows.map(({ what, ours, baseline, theirs, atMost }) => [
    what,
    ours.toFixed(1),
    baseline,
    theirs.toFixed(1),
    (ours / theirs).toFixed(2),
    atMost === null ? "" : String(atMost),
  ]);
  process.stdout.write(`${toTable(head, cells, { aligns: ["left", "right", "left", "right", "right", "right"] })}\n`);
  process.exitCode = rows.every(({ ours, theirs, atMost }) => atMost === null || ours / theirs <= atMost) ? 0 : 1;
}

void main();
