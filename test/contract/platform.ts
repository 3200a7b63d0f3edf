import { describe, expect, it } from "vitest";
import { local } from "../../constructs/local/target";
import { toExternalSecret, toMigrateJob, toSecret } from "../../constructs/manifests/objects";
import { SpecError } from "../../constructs/model/errors";
import { isObject, type Json, type JsonObject } from "../../constructs/model/json";
import type { Platform, Platforms, TlsMode } from "../../constructs/model/platform";
import { resolve } from "../../constructs/model/resolve";
import { suggest } from "../../constructs/model/suggest";
import { defineTarget } from "../../constructs/model/target";
import { leafPaths } from "../../constructs/model/values";
import { CA_FILE, type Wired, wirePlatforms } from "../../constructs/model/wire";

/**
 * What reaches one container of a chart, given the release's values: read off the chart's templates, and carried over as data.
 * It is a double of the rendered chart; rendering the real one is a later proof.
 */
export interface Container {
  readonly name: string;
  /** As in a pod: `{ name, value }` or `{ name, valueFrom }`. */
  readonly env: readonly JsonObject[];
  readonly volumeMounts: readonly JsonObject[];
  /** The volumes of its pod. */
  readonly volumes: readonly JsonObject[];
  /** Native sidecars that start before it. */
  readonly sidecarsBefore: readonly JsonObject[];
}

/** One platform with one chart, in one configuration. */
export interface ContractCase {
  readonly title: string;
  /** Key in the registry. */
  readonly name: string;
  readonly platforms: Platforms;
  /** What a person writes. */
  readonly settings: JsonObject;
  /** The values that the chart knows: its defaults. */
  readonly chartValues: JsonObject;
  /** Validates values as the chart's schema does; returns what is wrong. */
  readonly validate?: (values: JsonObject) => readonly string[];
  /** The containers that log in, given the values. */
  readonly containers: (values: JsonObject) => readonly Container[];
  /** Keys of the Secret that a container reads user name and password from. */
  readonly credentialKeys: readonly string[];
  /** A value that the wiring sets, and the field of the spec that a refusal names; null where the connection decides it. */
  readonly guarded: { readonly values: JsonObject; readonly path: string; readonly field: string | null };
  /** A named list that the wiring fills and a person may add to. */
  readonly list: { readonly path: readonly string[]; readonly item: JsonObject };
}

const MODES: readonly TlsMode[] = ["verify-full", "verify-ca", "proxy"];
const SIDECAR = { name: "cloud-sql-proxy", image: "proxy:1", restartPolicy: "Always" };
const HOST = "db.example.internal";
const CREDENTIAL = { username: "platform_a", password: "Canary-0123456789_~.abc" };

/** A target that connects in one mode. */
const targetIn = (tls: TlsMode) => defineTarget({ ...local, topology: () => ({ access: tls === "proxy" ? "sidecar" : "direct", tls }) });

function wire({ name, platforms, settings }: ContractCase, tls: TlsMode, host = HOST, sidecar: JsonObject | null = SIDECAR): Wired {
  const spec = { name: "contract", instances: { main: {} }, platforms: { [name]: settings } };
  const environment = resolve(spec as never, { target: targetIn(tls), platforms });
  const wired = wirePlatforms(environment, platforms, () => ({ host, port: 5432, sidecar: tls === "proxy" ? sidecar : null }))[name];
  if (wired === undefined) throw new TypeError(`${name} was not wired`);
  return wired;
}

function valuesOf({ wiring: { release } }: Wired): JsonObject {
  if (release.kind !== "helm") throw new TypeError("not a Helm release");
  return release.values;
}

function refusal({ name, platforms }: ContractCase, settings: JsonObject): string {
  try {
    resolve({ name: "contract", instances: { main: {} }, platforms: { [name]: settings } } as never, { target: local, platforms });
    return "accepted";
  } catch (error) {
    if (error instanceof SpecError) return error.message;
    throw error;
  }
}

const envOf = (container: Container): Readonly<Record<string, JsonObject>> =>
  Object.fromEntries(container.env.map((entry) => [String(entry.name), entry]));

/** Every promise that a platform makes, whatever its chart. A sixth platform passes it too. */
export function platformContract(each: ContractCase): void {
  const platform = each.platforms[each.name] as Platform;

  describe(`${each.title}: contract`, () => {
    describe.each(MODES.filter((mode) => mode !== "proxy" || !("redisHost" in each.settings)))("over %s", (tls) => {
      const wired = wire(each, tls);
      const containers = each.containers(valuesOf(wired));

      it("knows a container that logs in", () => expect(containers.length).toBeGreaterThan(0));

      it.each(containers)("gives $name user name and password from the Secret", (container) => {
        const keys = container.env
          .map((entry) => (entry.valueFrom as { secretKeyRef?: { name: string; key: string } } | undefined)?.secretKeyRef)
          .filter((reference) => reference?.name === wired.connection.secret)
          .map((reference) => reference?.key);
        expect(keys).toEqual(expect.arrayContaining([...each.credentialKeys]));
        expect(Object.keys(wired.wiring.secret)).toEqual(expect.arrayContaining([...each.credentialKeys]));
      });

      it.each(containers)("asks $name for the connection's TLS mode", (container) => {
        expect(envOf(container).PGSSLMODE?.value).toBe(tls === "proxy" ? "disable" : tls);
      });

      it.each(containers)("lets $name see the CA, or its proxy before it", (container) => {
        if (tls === "proxy") {
          expect(container.sidecarsBefore).toContainEqual(SIDECAR);
          expect(envOf(container).PGSSLROOTCERT).toBeUndefined();
          return;
        }
        const mount = container.volumeMounts.find((candidate) => candidate.mountPath === CA_FILE.mountPath);
        expect(container.volumes).toContainEqual({
          name: mount?.name,
          configMap: { name: "ca" in wired.connection.tls ? wired.connection.tls.ca.configMap : "" },
        });
        expect(envOf(container).PGSSLROOTCERT?.value).toBe(`${CA_FILE.mountPath}/${CA_FILE.key}`);
      });

      it("writes no value that the chart does not know", () => {
        expect(leafPaths(valuesOf(wired)).filter((path) => !knows(each.chartValues, path))).toEqual([]);
        expect(each.validate?.(valuesOf(wired)) ?? []).toEqual([]);
      });

      it("names each variable of a container once", () => {
        for (const { env } of containers) expect(new Set(env.map((entry) => entry.name)).size).toBe(env.length);
      });

      it("restarts its workload when the Secret changes", () => {
        expect(JSON.stringify(valuesOf(wired))).toContain(`"secret.reloader.stakater.com/reload":"${wired.connection.secret}"`);
      });

      it("carries the host without looking at it", () => {
        const token = "${Token[TOKEN.123]}";
        expect(replaceAll(wire(each, tls, token), token, HOST)).toEqual(wired);
      });

      it("puts no password into values, objects or variables", () => {
        const { secret: _, ...rest } = wired.wiring;
        expect(JSON.stringify({ rest, job: toMigrateJob(wired) })).not.toContain(CREDENTIAL.password);
        expect(leafPaths(valuesOf(wired)).filter((path) => /password$/i.test(path))).toEqual([]);
      });

      it("gives the migration Job the same Secret, TLS mode and CA", () => {
        const job = toMigrateJob(wired) as { spec: { template: { spec: { containers: Container[]; volumes: JsonObject[] } } } } | null;
        if (job === null) return expect(wired.wiring.migrate).toBeNull();
        const pod = job.spec.template.spec;
        const [container] = pod.containers;
        const env = Object.fromEntries((container?.env ?? []).map((entry) => [String(entry.name), entry]));
        expect(env.PGSSLMODE?.value).toBe(tls === "proxy" ? "disable" : tls);
        expect(JSON.stringify(env)).toContain(`"secretKeyRef":{"name":"${wired.connection.secret}"`);
        expect(pod.volumes.map((volume) => volume.name)).toEqual(tls === "proxy" ? ["tmp"] : ["tmp", "db-ca"]);
      });
    });

    it("makes the same Secret in plain text and by External Secrets", () => {
      const wired = wire(each, "verify-full");
      const plain = toSecret(wired, CREDENTIAL).stringData as Record<string, string>;
      const external = toExternalSecret(wired, { secretStore: { name: "store", kind: "SecretStore" }, key: "contract" });
      const template = ((external.spec as JsonObject).target as JsonObject).template as { data: Record<string, string> };
      expect(external.apiVersion).toBe("external-secrets.io/v1");
      expect(Object.fromEntries(Object.entries(template.data).map(([key, text]) => [key, renderGoTemplate(text)]))).toEqual(plain);
      expect(JSON.stringify(external)).not.toContain(CREDENTIAL.password);
    });

    it("refuses a guarded value and names the field to use instead", () => {
      const remedy =
        each.guarded.field === null ? "remove it, the connection decides it" : `use platforms.${each.name}.${each.guarded.field}`;
      expect(refusal(each, { ...each.settings, values: each.guarded.values })).toBe(
        `invalid spec:\n  - platforms.${each.name}.values.${each.guarded.path}: is set by the wiring; ${remedy}`,
      );
    });

    it("joins what a person adds to a list that the wiring fills", () => {
      const values = each.list.path.reduceRight<Json>((inner, key) => ({ [key]: inner }), [each.list.item]) as JsonObject;
      const merged = valuesOf(wire({ ...each, settings: { ...each.settings, values } }, "verify-full"));
      const own = at(valuesOf(wire(each, "verify-full")), each.list.path) as Json[];
      expect(at(merged, each.list.path)).toEqual([...own, each.list.item]);
    });

    it("refuses a chart version that nobody verified", () => {
      expect(refusal(each, { ...each.settings, chartVersion: "0.0.1" })).toContain(
        `acknowledge: { "${each.name}-chart-version": "<reason>" }`,
      );
    });

    it("governs only values that it sets, with settings that exist", () => {
      const fields = Object.values(platform.settingOf).flatMap((field) => field.split(", "));
      const known = [...Object.keys(platform.fields), "replicas", "release", "namespace", "images", "serviceAccount"];
      expect(fields.filter((field) => !known.includes(field)).map((field) => `${field}: ${suggest(field, known)}`)).toEqual([]);
    });

    it("opens connections that a budget can count", () => {
      const environment = resolve({ name: "contract", instances: { main: {} }, platforms: { [each.name]: each.settings } } as never, {
        target: local,
        platforms: each.platforms,
      });
      expect(environment.platforms[each.name]?.peak).toBeGreaterThan(0);
    });
  });
}

const at = (values: JsonObject, path: readonly string[]): Json | undefined =>
  path.reduce<Json | undefined>((inner, key) => (isObject(inner) ? (inner as JsonObject)[key] : undefined), values);

/** Whether a chart's defaults have a path; below an empty map or list, or a null, everything is free. */
function knows(chart: Json | undefined, path: string): boolean {
  const keys = path.split(/(?<!\\)\.|(?=\[)/).map((key) => key.replaceAll("\\.", "."));
  let inner: Json | undefined = chart;
  for (const key of keys) {
    if (inner === null || (Array.isArray(inner) && inner.length === 0)) return true;
    if (!isObject(inner)) return false;
    if (Object.keys(inner).length === 0) return true;
    if (!Object.hasOwn(inner, key)) return false;
    inner = (inner as JsonObject)[key];
  }
  return true;
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
