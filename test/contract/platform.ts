import { describe, expect, it } from "vitest";
import { toExternalSecret, toSecret } from "../../constructs/kubernetes/objects";
import { peakOf } from "../../constructs/model/budget";
import type { JsonObject } from "../../constructs/model/json";
import type { Topology } from "../../constructs/model/target";
import type { Wired } from "../../constructs/model/wire";
import {
  CA,
  type ContractCase,
  CREDENTIAL,
  calledOf,
  DIRECT,
  expectedLogin,
  HOST,
  localProcesses,
  loginsOf,
  migrationContainers,
  namespaceOf,
  PROXY,
  platformOf,
  refusal,
  settingsOf,
  waysOf,
  wire,
} from "./case";
import { type Container, type Process, start } from "./process";

/** Every promise that a platform makes, whatever its chart. A sixth platform passes it too. */
export function platformContract(each: ContractCase): void {
  const platform = platformOf(each);
  const settings = settingsOf(each);

  describe(`${each.title}: contract`, () => {
    describe.each(waysOf(each))("$access, $tls", (way) => {
      const wired = wire(each, way);
      const containers = each.containers(wired.wiring.release);

      it("names the containers that log in", () => {
        expect(containers.map((container) => container.name)).toEqual(platform.logsIn(settings));
      });

      it.each(containers)("lets $name log in as the Secret says, and verify the server", (container) => {
        expectVerified(each, container, wired, way);
      });

      it("uses each of its databases", () => {
        const used = containers.flatMap((container) => loginsOf(each, container, wired).map((login) => login.database));
        expect([...new Set(used)].sort()).toEqual(Object.values(wired.connection.databases).sort());
      });

      it("lets the Job that migrates by hand log in the same way", () => {
        for (const container of migrationContainers(wired)) {
          expectVerified(each, container, wired, way);
          expect(container.volumeMounts.filter((mount) => mount.readOnly !== true).map((mount) => mount.mountPath)).toEqual(["/tmp"]);
        }
      });

      it("names each variable of a container once", () => {
        for (const { env } of containers) expect(new Set(env.map((entry) => entry.name)).size).toBe(env.length);
      });

      it("restarts its workloads when the Secret changes", () => {
        const annotations = each.annotations(wired.wiring.release);
        expect(annotations.length).toBeGreaterThan(0);
        for (const own of annotations) expect(own).toEqual({ "secret.reloader.stakater.com/reload": wired.connection.secret });
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

/** A container logs in with nothing but what the Secret and the CA hold, and starts after the proxy where there is one. */
export function expectVerified(each: ContractCase, container: Container, wired: Wired, way: Topology): void {
  expectLogin(each, start(container, namespaceOf(wired)), wired, way);
  expect(container.sidecarsBefore).toEqual(way.access === "sidecar" ? [PROXY] : []);
}

function expectLogin({ login }: ContractCase, process: Process, wired: Wired, way: Topology): void {
  const logins = login(process);
  expect(logins.length).toBeGreaterThan(0);
  for (const { database, sslrootcert, ...rest } of logins) {
    expect(rest).toEqual(expectedLogin(wired, way));
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
