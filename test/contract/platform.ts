import { describe, expect, it } from "vitest";
import { toExternalSecret, toSecret } from "../../constructs/kubernetes/objects";
import { peakOf } from "../../constructs/model/budget";
import type { JsonObject } from "../../constructs/model/json";
import type { Topology } from "../../constructs/model/target";
import type { Wired } from "../../constructs/model/wire";
import { keepsRunning, type Workload } from "../../infra/charts/workloads";
import {
  CA,
  type ContractCase,
  CREDENTIAL,
  calledOf,
  DIRECT,
  expectedLogins,
  HOST,
  localProcesses,
  loginsOf,
  mentionsIn,
  migrationIn,
  namespaceOf,
  platformOf,
  type Receiver,
  receiversIn,
  refusal,
  settingsOf,
  sidecarOf,
  sidecarsBefore,
  waysOf,
  wire,
  workloadsIn,
} from "./case";
import { type Process, start } from "./process";

/** Every promise that a platform makes, whatever its chart. A sixth platform passes it too. */
export function platformContract(each: ContractCase): void {
  const platform = platformOf(each);
  const settings = settingsOf(each);

  describe(`${each.title}: contract`, () => {
    it("states how existing data gets into it", () => {
      const { sqlite, besides, mysql, renumbered, locations } = platform.imports(settings);
      for (const sentence of besides) expect(sentence).toMatch(/^[A-Z].*\.$/);
      expect(mysql).toMatch(/^[a-z].*[^.]$/);
      for (const { table, column } of [...locations, ...(renumbered?.also ?? [])])
        expect(`${table}.${column}`).toMatch(/^[a-z_]+\.[a-z_]+$/);
      if (sqlite === null) return;
      expect(sqlite.upgrade).toMatch(/^[a-z].*: /);
      // One that is missing would turn a file of a verified version down.
      const known = Object.keys(sqlite.revisions);
      if (known.length > 0)
        expect(known.sort()).toEqual((platform.servers(settings)?.versions ?? []).map(({ revision }) => revision).sort());
    });

    describe.each(waysOf(each))("$access, $tls", (way) => {
      const wired = wire(each, way);
      const receivers = receiversIn(renderedOrNone(each, wired), wired);
      const loggingIn = receivers.filter(({ title }) => !Object.hasOwn(each.idle ?? {}, title));
      const receiving = receivers.map(({ workload }) => workload);
      const restarted = receiving.filter(keepsRunning);

      it("has been rendered in its current form by npm run charts", () => {
        expect(workloadsIn(each, wired).length).toBeGreaterThan(0);
      });

      it.each(loggingIn)("lets $title, which gets the Secret, log in as it says, and verify the server", (receiver) => {
        expectVerified(each, receiver, wired, way);
      });

      it("names the Secret nowhere but in containers that were looked at", () => {
        expect(mentionsIn(each, wired).filter((mention) => !Object.hasOwn(each.idle ?? {}, mention))).toEqual([]);
      });

      it("gives the Secret to every container that gets the CA", () => {
        const { tls } = wired.connection;
        const ca = tls.mode === "proxy" ? null : `ConfigMap/${tls.ca.configMap}`;
        const containers = workloadsIn(each, wired).flatMap((workload) => workload.containers);
        const verifying = containers.filter(({ mounts }) => mounts.some(({ sources }) => sources.some(({ from }) => from === ca)));
        expect(verifying.filter(({ name }) => receivers.every(({ container }) => container.name !== name))).toEqual([]);
      });

      it("runs in the Secret's namespace, with no more pods than its connections count", () => {
        const demands = platform.connections(settings);
        const most = Math.max(...demands.map(({ replicas }) => replicas));
        const counts = wired.wiring.release.kind === "helm" && demands.every(({ overlaps }) => !overlaps);
        for (const { namespace, pods = 1, recreates = false, kind } of receiving) {
          expect(namespace).toBe(undefined);
          expect(pods).toBeLessThanOrEqual(most);
          // Kubeflow Pipelines counts what a person says of all pods.
          if (kind === "Deployment" && counts) expect(recreates).toBe(true);
        }
      });

      it("bounds a dead connection in each of them, and on this machine", () => {
        const inPods = [...loggingIn, ...migrationIn(wired)].flatMap(({ container }) => loginsOf(each, container, wired));
        const seen = new Set([...inPods, ...localProcesses(wired).flatMap(each.login)].map(({ bounds }) => bounds));
        expect([...seen].sort()).toEqual([...(each.bounds ?? [""])].sort());
      });

      it("uses each of its databases", () => {
        const used = loggingIn.flatMap(({ container }) => loginsOf(each, container, wired).map((login) => login.database));
        expect([...new Set(used)].sort()).toEqual(Object.values(wired.connection.databases).sort());
      });

      it("logs in to each server that it has", () => {
        const used = loggingIn.flatMap(({ container }) => loginsOf(each, container, wired).map((login) => login.host));
        expect([...new Set(used)].sort()).toEqual(
          expectedLogins(wired, way)
            .map(({ host }) => host)
            .sort(),
        );
      });

      it("lets the Job that migrates by hand log in the same way", () => {
        for (const receiver of migrationIn(wired)) {
          expectVerified(each, receiver, wired, way);
          expect(receiver.container.mounts.filter((mount) => !mount.readOnly).map(({ path }) => path)).toEqual(["/tmp"]);
        }
      });

      it("names each variable of a container once", () => {
        for (const { container } of receivers) {
          const names = container.env.filter(({ from, name, key }) => from === null || name !== key).flatMap(({ name }) => name ?? []);
          expect(new Set(names).size).toBe(names.length);
        }
      });

      it("restarts its workloads when the Secret changes", () => {
        expect(restarted.length).toBeGreaterThan(0);
        for (const { reloads } of restarted) expect(reloads).toEqual({ "secret.reloader.stakater.com/reload": wired.connection.secret });
      });

      it("knows what its pods run as, if it says so", () => {
        const accounts = new Set(receivers.map(({ workload }) => workload.serviceAccount));
        if (wired.serviceAccounts.length > 0) expect([...accounts].sort()).toEqual([...new Set(wired.serviceAccounts)].sort());
      });

      it("carries the host without looking at it", () => {
        const token = "${Token[TOKEN.123]}";
        expect(replaceAll(wire(each, way, token), token, HOST)).toEqual(wired);
      });
    });

    it("lets a process on this machine log in by its files alone, into each database that there is a file for", () => {
      const wired = wire(each, DIRECT);
      const processes = localProcesses(wired);
      expect(processes.length).toBeGreaterThan(0);
      for (const process of processes) expectLogin(each, process, wired, DIRECT);
      const used = processes.flatMap((process) => each.login(process).map((login) => login.database));
      expect(used.sort()).toEqual([...(each.localDatabases ?? Object.values(wired.connection.databases))].sort());
    });

    it("makes the same Secret in plain text and by External Secrets", () => {
      const wired = wire(each, DIRECT);
      const plain = toSecret(wired, CREDENTIAL, CA).stringData as Record<string, string>;
      const external = toExternalSecret(wired, { secretStore: { name: "store", kind: "SecretStore" }, key: "contract" }, CA);
      const template = ((external.spec as JsonObject).target as JsonObject).template as { data: Record<string, string> };
      expect(external.apiVersion).toBe("external-secrets.io/v1");
      expect(Object.fromEntries(Object.entries(template.data).map(([key, text]) => [key, renderGoTemplate(text)]))).toEqual(plain);
    });

    const chart = platform.chart(settings);
    if (chart !== null)
      it("refuses a version that nobody verified, and one that is known not to fit", () => {
        const { unverified, form } = chart.supported;
        expect(refusal(each, { ...each.settings, chartVersion: unverified })).toContain(
          `acknowledge: { "${each.name}-chart-version": "<reason>" }`,
        );
        expect(refusal(each, { ...each.settings, chartVersion: "0.0.1" })).toContain(
          `platforms.${calledOf(each)}.chartVersion: must be ${form}`,
        );
      });

    it("opens connections that a budget can count", () => {
      for (const demand of platform.connections(settings)) expect(peakOf(demand)).toBeGreaterThan(0);
    });

    it("says where its databases note how far they are migrated", () => {
      const keys = Object.keys(platform.databases(settings));
      for (const { database } of platform.revisions(settings)) expect(keys).toContain(database);
    });
  });
}

/** Tests of what was not rendered are not there; one test says so. */
function renderedOrNone(each: ContractCase, wired: Wired): readonly Workload[] {
  try {
    return workloadsIn(each, wired);
  } catch {
    return [];
  }
}

/** A container logs in with nothing but what the Secret and the CA hold, and starts after the proxy where there is one. */
export function expectVerified(each: ContractCase, receiver: Receiver, wired: Wired, way: Topology): void {
  expectLogin(each, start(receiver.container, namespaceOf(wired)), wired, way);
  expect(sidecarsBefore(receiver)).toEqual(sidecarOf(way));
}

/** Options that end no migration; any others could change what a session does. */
const UNLIMITED = /^(-c \w+_timeout=0( |$))*$/;

/** Variables by which libpq connects otherwise than by its host, its mode and its authority. */
const ELSEWHERE = /^PG(HOSTADDR|PASSFILE|REQUIRESSL|SERVICE|SERVICEFILE|SYSCONFDIR)$/;

function expectLogin({ login }: ContractCase, process: Process, wired: Wired, way: Topology): void {
  const logins = login(process);
  expect(logins.length).toBeGreaterThan(0);
  expect(Object.keys(process.env).filter((name) => ELSEWHERE.test(name))).toEqual([]);
  expect(process.env.PGOPTIONS ?? "").toMatch(UNLIMITED);
  for (const { database, sslrootcert, bounds: _bounds, ...rest } of logins) {
    expect(expectedLogins(wired, way)).toContainEqual(rest);
    expect(Object.values(wired.connection.databases)).toContain(database);
    // The file is there, and holds the authority.
    expect(sslrootcert === undefined ? undefined : process.files[sslrootcert]).toBe(way.tls === "proxy" ? undefined : CA);
  }
}

const replaceAll = <T>(value: T, from: string, to: string): T => JSON.parse(JSON.stringify(value).replaceAll(from, to)) as T;

/** The few forms of Go templates that are written, as External Secrets would render them. A double: its functions are not Go's. */
function renderGoTemplate(template: string): string {
  return template.replaceAll(
    /\{\{ \.(username|password)( \| urlquery)? \}\}/g,
    (_match, field: "username" | "password", encoded: string | undefined) =>
      encoded === undefined ? CREDENTIAL[field] : encodeURIComponent(CREDENTIAL[field]),
  );
}
