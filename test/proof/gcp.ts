import "../../infra/docs/script";

import "../fixtures/clean-environment";
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { withClient } from "../../constructs/provisioning/connect";
import type { NamedSpec } from "../../infra/spec";
import development from "../fixtures/environments/development";
import production from "../fixtures/environments/production";
import { CLUSTER, fullGcp, SECTION } from "../fixtures/gcp";
import setUpServers from "../fixtures/global-setup";
import { mountedFiles, one, registrationsOf } from "../fixtures/registrations";
import { SecretManagerDouble } from "../fixtures/secret-manager";
import { startServer, type TestServer } from "../fixtures/server";
import { destroy, run as runDouble } from "../gcp/engine/double";
import { DoubleEngine } from "../gcp/engine/double-engine";
import { ProjectCopy } from "../gcp/engine/project";
import { RealEngine } from "../gcp/engine/real-engine";
import { SCENARIOS, STACK } from "../gcp/engine/scenarios";
import { CloudSqlDouble } from "./gcp/cloud-sql";
import { runWithNewestSdk } from "./gcp/newest-sdk";
import { inTurn, type Prove, type Undo, whereThere } from "./in-turn";
import { authProxy, kubernetesValidate, pulumiEngine, run } from "./tools";

/*
 * Google Cloud's own programs, as far as they run on one machine: the Auth Proxy with the rendered environment in front of a real
 * PostgreSQL, the Job beside it, and Pulumi's engine with stand-in providers. No account is touched, and none is needed.
 *
 * It proves nothing about what is doubled: the Admin API, Secret Manager, what Google's provider and a cluster would say.
 */

const spec: NamedSpec = {
  name: "proof",
  gcp: { ...SECTION, cluster: { ...CLUSTER, installReleases: false } },
  instances: { main: {} },
  platforms: { prefect: {} },
};

/** A container, as far as it is run here. */
interface Container {
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly args?: readonly string[];
}

/** What the cluster would run: the Job's program, and the proxy beside it. */
async function podOf() {
  const registrations = await registrationsOf(spec);
  const { template } = one(registrations, "Job").inputs.spec as {
    readonly template: { readonly spec: { readonly initContainers: readonly Container[]; readonly containers: readonly Container[] } };
  };
  const [proxy] = template.spec.initContainers;
  const [program] = template.spec.containers;
  assert.ok(proxy !== undefined && program !== undefined);
  return {
    data: mountedFiles(registrations),
    proxy: Object.fromEntries(proxy.env.map(({ name, value }) => [name, value])),
    arguments: program.args ?? [],
  };
}

/** A process, and what it has said. */
function launch(program: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const child: ChildProcess = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  const code = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, code, output: () => output };
}

async function answer(path: string): Promise<number> {
  return fetch(`http://127.0.0.1:9090${path}`).then(
    ({ status }) => status,
    () => 0,
  );
}

async function proveAuthProxy(prove: Prove, undo: Undo): Promise<void> {
  const program = authProxy();
  const { data, proxy, arguments: args } = await podOf();
  const connectionName = proxy.CSQL_PROXY_INSTANCE_CONNECTION_NAME ?? "";
  const server: TestServer = await startServer();
  undo.push(() => server.stop());
  const instance = await CloudSqlDouble.start(connectionName, { port: server.server.port });
  undo.push(() => instance.stop());
  const secrets = await new SecretManagerDouble().start();
  undo.push(() => secrets.stop());
  secrets.make("projects/my-project/secrets/proof--main--master", server.access.master);
  secrets.make("projects/my-project/secrets/proof--prefect");
  const directory = mkdtempSync(join(tmpdir(), "platform-postgres-proof-"));
  undo.push(() => rmSync(directory, { recursive: true, force: true }));
  const running = launch(program, [], { ...proxy, ...instance.variables });
  undo.push(() => running.child.kill("SIGKILL"));

  await prove("the Auth Proxy takes the rendered environment, and answers the probes", async () => {
    const deadline = Date.now() + 20_000;
    while ((await answer("/startup")) !== 200) {
      assert.ok(Date.now() < deadline && running.child.exitCode === null, running.output());
      await pause(100);
    }
    assert.deepEqual([await answer("/liveness"), await answer("/readiness")], [200, 200]);
    return `listening for ${connectionName}, with ${Object.keys(proxy).length} variables`;
  });
  await prove("the Job's program provisions through it, from the ConfigMaps and with no further variables", async () => {
    const mounted = join(directory, "program");
    mkdirSync(mounted);
    for (const [file, content] of Object.entries(data)) writeFileSync(join(mounted, file), content);
    const [file = "", command = ""] = args;
    const job = launch(process.execPath, [file.replace("/program", mounted), command], secrets.variables);
    assert.equal(await job.code, 0, job.output());
    assert.match(job.output(), /done\n$/);
    return `${job.output().trim().split("\n").length} lines, ${instance.connections} connections`;
  });
  await prove("a platform's login gets in through it, without TLS of its own, and acts as the owner", async () => {
    const [current] = secrets.contents("projects/my-project/secrets/proof--prefect");
    assert.ok(current !== undefined);
    const session = await withClient({ host: "127.0.0.1", port: 5432, tls: { mode: "proxy" } }, current, "prefect", (client) =>
      client.query<{ login: string; user: string }>("select session_user as login, current_user as user"),
    );
    assert.deepEqual(session.rows, [{ login: "prefect_a", user: "prefect_owner" }]);
    return "prefect_a as prefect_owner";
  });
  await prove("it asks Google for nothing but the instance's address and a certificate", async () => {
    const asked = [...new Set(instance.asked.map((each) => each.replace(/^.*instances\//, "")))];
    assert.deepEqual(asked.sort(), [
      `${connectionName.split(":")[2]}/connectSettings`,
      `${connectionName.split(":")[2]}:generateEphemeralCert`,
    ]);
    return asked.join(", ");
  });
  await prove("it ends when its pod does, and that is no failure", async () => {
    running.child.kill("SIGTERM");
    assert.equal(await running.code, 0, running.output());
    return "exit code 0";
  });
}

/** What is in a cluster beside the releases, by Kubernetes' own schemas. */
async function validates(): Promise<string> {
  const python = kubernetesValidate();
  const { resources } = await registrationsOf(fullGcp);
  const own = resources.filter(({ type, custom }) => custom && type.startsWith("kubernetes:") && !/external-secrets|helm\.sh/.test(type));
  for (const { inputs, name } of own) {
    const { code, output } = run(python, ["-m", "kubernetes_validate", "--strict", "-k", "1.34", "-"], JSON.stringify(inputs));
    assert.equal(code, 0, `${name}: ${output}`);
  }
  const broken = { ...own.find(({ type }) => type.endsWith(":Job"))?.inputs, spec: { template: {}, backofLimit: 1 } };
  assert.notEqual(run(python, ["-m", "kubernetes_validate", "--strict", "-k", "1.34", "-"], JSON.stringify(broken)).code, 0);
  return `${own.length} objects; one with a mistake is refused`;
}

/** What a user does after a clone: writes ids, looks, and deploys. */
async function proveProgram(prove: Prove, undo: Undo): Promise<void> {
  const project = new ProjectCopy();
  undo.push(() => project.remove());
  const engine = new DoubleEngine(project);
  for (const { name } of [development, production]) {
    project.fillIn(name);
    await prove(`${name}: pulumi preview, up and preview again, by the double of the engine`, async () => {
      const stack = engine.stack({}, name);
      const shown: string[] = [];
      for (const mode of ["preview", "up", "preview"] as const) {
        const { code, operations, duration, shown: text } = await runDouble(stack, mode);
        assert.equal(code, 0, text);
        const count = (op: string) => operations.filter((each) => each.op === op).length;
        shown.push(`${mode} ${(duration / 1000).toFixed(1)} s: ${count("create")} created, ${count("same")} the same`);
        if (shown.length === 3) assert.equal(operations.filter(({ op }) => op !== "same").length, 0);
      }
      assert.equal(destroy(stack).code === 0, name === "development");
      return shown.join("; ");
    });
  }
}

async function proveEngine(prove: Prove, undo: Undo): Promise<void> {
  const pulumi = pulumiEngine();
  const engine = new RealEngine(pulumi, STACK);
  undo.push(() => engine.remove());
  await prove(
    "Pulumi's engine is there",
    async () => `${run(pulumi, ["version"]).output.trim()}, ${pulumi.includes(".local") ? "built" : "found on PATH"}`,
  );
  for (const { what, run: scenario } of SCENARIOS) await prove(`Pulumi's engine: ${what}`, () => scenario(engine));
  await prove("Pulumi's engine: another endpoint of the cluster replaces nothing", () => proveRotation(pulumi, undo));
  for (const own of [development, production]) {
    const each = new RealEngine(pulumi, own.name);
    undo.push(() => each.remove());
    await prove(`Pulumi's engine: ${own.name} is made, and then there is nothing to do`, async () => {
      const { ok, shown, changes } = await each.up(own);
      assert.ok(ok, shown);
      const again = await each.preview(own);
      assert.ok(again.ok && Object.keys(again.changes).every((op) => op === "same"), again.shown);
      return `${changes.create} created; then ${again.changes.same} the same`;
    });
  }
}

async function proveRotation(pulumi: string, undo: Undo): Promise<string> {
  const engine = new RealEngine(pulumi, "rotated");
  undo.push(() => engine.remove());
  const rotated = { ...spec, name: "rotated", gcp: { ...SECTION, cluster: CLUSTER } };
  const first = await engine.up(rotated);
  assert.ok(first.ok, first.shown);
  engine.world.moveCluster("10.30.0.3");
  const { ok, changes, shown } = await engine.up(rotated);
  assert.ok(ok, shown);
  const { same = 0, update = 0, ...others } = changes;
  assert.deepEqual([others, update], [{}, 1], shown);
  return `${same} the same, and the provider updated`;
}

void inTurn(async (prove, undo) => {
  undo.push(await setUpServers());
  await proveProgram(prove, undo);
  await whereThere("Pulumi's newest SDK", () =>
    prove("the tests of Google Cloud pass with Pulumi's newest SDK: the double of the engine answers both", async () => runWithNewestSdk()),
  );
  await whereThere("objects of the cluster", () => prove("objects of the cluster are what Kubernetes 1.34 takes", validates));
  await whereThere("the Auth Proxy", () => proveAuthProxy(prove, undo));
  await whereThere("Pulumi's engine", () => proveEngine(prove, undo));
});
