import { describe, expect, it } from "vitest";
import { local } from "../../constructs/local/target";
import { toExternalSecret, toMigrateJob, toSecret } from "../../constructs/manifests/objects";
import { peakOf } from "../../constructs/model/budget";
import { SpecError } from "../../constructs/model/errors";
import { isObject, type Json, type JsonObject } from "../../constructs/model/json";
import type { Platform, Platforms } from "../../constructs/model/platform";
import { resolve } from "../../constructs/model/resolve";
import { defineTarget, type Topology } from "../../constructs/model/target";
import { leafPaths } from "../../constructs/model/values";
import { CA_FILE, SIDECAR, type Wired, wirePlatforms } from "../../constructs/model/wire";

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
  /** Where the chart takes the annotations of its workloads. */
  readonly annotations: string;
  /** A named list that the wiring fills and a person may add to. */
  readonly list: { readonly path: readonly string[]; readonly item: JsonObject };
}

/** The ways to a database: directly in both modes, through a proxy in the pod, and through one for all pods. */
const WAYS: readonly Topology[] = [
  { access: "direct", tls: "verify-full", unshown: null },
  { access: "direct", tls: "verify-ca", unshown: null },
  { access: "sidecar", tls: "proxy", unshown: null },
  { access: "proxy", tls: "proxy", unshown: null },
];
const DIRECT = WAYS[0] as Topology;
const PROXY = { name: SIDECAR, image: "proxy:1", restartPolicy: "Always" };
const HOST = "db.example.internal";
const CREDENTIAL = { username: "platform_a", password: "Canary-0123456789_~.@/%+" };

const targetFor = (topology: Topology) => defineTarget({ ...local, topology: () => topology });

function wire({ name, platforms, settings }: ContractCase, topology: Topology, host = HOST): Wired {
  const spec = { name: "contract", instances: { main: {} }, platforms: { [name]: settings } };
  const environment = resolve(spec as never, { target: targetFor(topology), platforms });
  const sidecar = topology.access === "sidecar" ? { ...PROXY, name: "any" } : null;
  const wired = wirePlatforms(environment, platforms, () => ({ host, port: 5432, sidecar }))[name];
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

type Entries = Readonly<Record<string, JsonObject | undefined>>;
const byName = (env: readonly JsonObject[]): Entries => Object.fromEntries(env.map((entry) => [String(entry.name), entry]));

/** Every promise that a platform makes, whatever its chart. A sixth platform passes it too. */
export function platformContract(each: ContractCase): void {
  const platform = each.platforms[each.name] as Platform;
  const settings = resolve({ name: "contract", instances: { main: {} }, platforms: { [each.name]: each.settings } } as never, {
    target: local,
    platforms: each.platforms,
  }).platforms[each.name]?.settings as never;
  const ways = WAYS.filter((way) => way.access !== "sidecar" || platform.sidecarBeforeMigrations(settings));

  describe(`${each.title}: contract`, () => {
    describe.each(ways)("$access, $tls", (way) => {
      const wired = wire(each, way);
      const containers = each.containers(valuesOf(wired));

      it("names the containers that log in", () => {
        expect(containers.map((container) => container.name)).toEqual(platform.logsIn(settings));
      });

      it.each(containers)("gives $name user name and password from the Secret", (container) => {
        const keys = container.env
          .map((entry) => (entry.valueFrom as { secretKeyRef?: { name: string; key: string } } | undefined)?.secretKeyRef)
          .filter((reference) => reference?.name === wired.connection.secret)
          .map((reference) => reference?.key);
        expect(keys).toEqual([...each.credentialKeys]);
        expect(Object.keys(wired.wiring.secret)).toEqual([...each.credentialKeys]);
      });

      it.each(containers)("lets $name verify the server, or reach a proxy that does", (container) => {
        const env = byName(container.env);
        expect(env.PGSSLMODE?.value).toBe(way.tls === "proxy" ? "disable" : way.tls);
        expect(env.PGSSLROOTCERT?.value).toBe(way.tls === "proxy" ? undefined : `${CA_FILE.mountPath}/${CA_FILE.key}`);
        expect(container.sidecarsBefore).toEqual(way.access === "sidecar" ? [PROXY] : []);
        const mount = container.volumeMounts.find((candidate) => candidate.mountPath === CA_FILE.mountPath);
        if ("ca" in wired.connection.tls)
          expect(container.volumes).toContainEqual({ name: mount?.name, configMap: { name: wired.connection.tls.ca.configMap } });
        else expect(mount).toBeUndefined();
      });

      it("writes no value that the chart does not know", () => {
        expect(leafPaths(valuesOf(wired)).filter((path) => !knows(each.chartValues, path))).toEqual([]);
        expect(each.validate?.(valuesOf(wired)) ?? []).toEqual([]);
      });

      it("names each variable of a container once", () => {
        for (const { env } of containers) expect(new Set(env.map((entry) => entry.name)).size).toBe(env.length);
      });

      it("restarts its workloads when the Secret changes", () => {
        expect(at(valuesOf(wired), [each.annotations])).toEqual({ "secret.reloader.stakater.com/reload": wired.connection.secret });
      });

      it("carries the host without looking at it", () => {
        const token = "${Token[TOKEN.123]}";
        expect(replaceAll(wire(each, way, token), token, HOST)).toEqual(wired);
      });

      it("gives the release no password", () => {
        expect(leafPaths(valuesOf(wired)).filter((path) => /password$/i.test(path))).toEqual([]);
      });

      it("gives the migration Job the same Secret, TLS mode, CA and proxy", () => {
        const job = toMigrateJob(wired) as Job | null;
        if (job === null) return expect(wired.wiring.migrate).toBeNull();
        const { containers: own, initContainers, volumes } = job.spec.template.spec;
        const env = byName(own[0]?.env ?? []);
        expect(env.PGSSLMODE?.value).toBe(way.tls === "proxy" ? "disable" : way.tls);
        expect(env.PGSSLROOTCERT?.value).toBe(way.tls === "proxy" ? undefined : `${CA_FILE.mountPath}/${CA_FILE.key}`);
        expect(JSON.stringify(env)).toContain(`"secretKeyRef":{"name":"${wired.connection.secret}"`);
        expect(initContainers ?? []).toEqual(way.access === "sidecar" ? [PROXY] : []);
        const mounts = (own[0]?.volumeMounts ?? []).map((mount) => mount.name);
        expect(volumes.map((volume) => volume.name)).toEqual(mounts);
        expect(mounts).toEqual(way.tls === "proxy" ? ["tmp"] : ["tmp", "db-ca"]);
        return undefined;
      });
    });

    it("makes the same Secret in plain text and by External Secrets", () => {
      const wired = wire(each, DIRECT);
      const plain = toSecret(wired, CREDENTIAL).stringData as Record<string, string>;
      const external = toExternalSecret(wired, { secretStore: { name: "store", kind: "SecretStore" }, key: "contract" });
      const template = ((external.spec as JsonObject).target as JsonObject).template as { data: Record<string, string> };
      expect(external.apiVersion).toBe("external-secrets.io/v1");
      expect(Object.fromEntries(Object.entries(template.data).map(([key, text]) => [key, renderGoTemplate(text)]))).toEqual(plain);
    });

    it("refuses a guarded value and names the field to use instead", () => {
      const remedy =
        each.guarded.field === null ? "remove it, the connection decides it" : `use platforms.${each.name}.${each.guarded.field}`;
      expect(refusal(each, { ...each.settings, values: each.guarded.values })).toBe(
        `invalid spec:\n  - platforms.${each.name}.values.${each.guarded.path}: is set by the wiring; ${remedy}`,
      );
    });

    it.each(Object.entries(platform.guarded))("guards %s, which the chart knows", (path, guard) => {
      expect(knows(each.chartValues, path)).toBe(true);
      const fields = [...Object.keys(platform.fields), "replicas", "release", "namespace", "images", "serviceAccount"];
      if ("setting" in guard) expect(fields).toContain(guard.setting);
      const remedy = "setting" in guard ? `use platforms.${each.name}.${guard.setting}` : `remove it, ${guard.because}`;
      expect(refusal(each, { ...each.settings, values: valueAt(path) })).toContain(`: is set by the wiring; ${remedy}`);
    });

    it.each(platform.guardedVariables)("guards variables that begin with %s, in a list and in a map", (beginning) => {
      for (const values of [{ anywhere: { env: [{ name: `${beginning}X`, value: "1" }] } }, { anywhereEnv: { [`${beginning}X`]: "1" } }]) {
        expect(refusal(each, { ...each.settings, values })).toContain(": is set by the wiring; remove it, the connection decides it");
      }
    });

    it("joins what a person adds to a list that the wiring fills", () => {
      const values = each.list.path.reduceRight<Json>((inner, key) => ({ [key]: inner }), [each.list.item]) as JsonObject;
      const merged = valuesOf(wire({ ...each, settings: { ...each.settings, values } }, DIRECT));
      const own = at(valuesOf(wire(each, DIRECT)), each.list.path) as Json[];
      expect(own.length).toBeGreaterThan(0);
      expect(at(merged, each.list.path)).toEqual([...own, each.list.item]);
    });

    it("refuses a chart version that nobody verified", () => {
      expect(refusal(each, { ...each.settings, chartVersion: "0.0.1" })).toContain(
        `acknowledge: { "${each.name}-chart-version": "<reason>" }`,
      );
    });

    it("opens connections that a budget can count", () => {
      for (const demand of platform.connections(settings)) expect(peakOf(demand)).toBeGreaterThan(0);
    });
  });
}

interface Job {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly Container[];
        readonly initContainers?: readonly JsonObject[];
        readonly volumes: readonly JsonObject[];
      };
    };
  };
}

/** Values with something at a path such as `a.b[C]`. */
function valueAt(path: string): JsonObject {
  const keys = path.split(/\.|(?=\[)/);
  return keys.reduceRight<Json>(
    (inner, key) => (key.startsWith("[") ? [{ name: key.slice(1, -1), value: inner }] : { [key]: inner }),
    "x",
  ) as JsonObject;
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
