import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aws } from "../../constructs/aws/target";
import { gcp } from "../../constructs/gcp/target";
import { local } from "../../constructs/local/target";
import { minimalAws } from "../fixtures/aws";
import { bases, mutatedSpec } from "../fixtures/mutations";
import { minimal, refusal, withInstance, withPrefect } from "../fixtures/specs";

const deep = (wrap: (inner: unknown) => unknown): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < 20_000; level++) value = wrap(value);
  return value;
};
const circular: Record<string, unknown> = {};
circular.self = circular;
/** Few objects, which a walk would visit 2^90 times. */
const shared: unknown = Array.from({ length: 90 }).reduce((below) => ({ a: below, b: below }), {});
const sparse = Object.assign(["10.0.0.0/8"], { length: 3 });
const throwing = {
  toString: () => {
    throw new Error("was read");
  },
};

describe("a hostile spec", () => {
  it.each<[string, unknown]>([
    ["majorVersion", withInstance({ majorVersion: { toString: 1 } })],
    ["majorVersion", withInstance({ majorVersion: "constructor" })],
    ["parameters.work_mem", withInstance({ parameters: { work_mem: Number.NaN } })],
    ["platforms.prefect.instance", withPrefect({ instance: 5 })],
    ["platforms.prefect.access", withPrefect({ access: { toString: 1 } })],
    ["name", { ...minimal, name: { toString: 1 } }],
    ["platforms.constructor", { ...minimal, platforms: { constructor: {} } }],
    ["instances.main.toString", withInstance({ toString: 1 })],
    [
      "platforms.a.platform: must name a platform, got an object; known are",
      { ...minimal, platforms: { a: { platform: Object.create(null) } } },
    ],
    ["platforms.a.platform: must name a platform, got a list; known are", { ...minimal, platforms: { a: { platform: ["mlflow"] } } }],
    ["platforms.a.platform: must name a platform, got null; known are", { ...minimal, platforms: { a: { platform: null } } }],
    ['platforms.a: must be an object, got "mlflow"; write { platform: "mlflow" }', { ...minimal, platforms: { a: "mlflow" } }],
    ["gcp", { ...minimal, gcp: () => 1 }],
    ["aws", { ...minimal, aws: "x" }],
    ["instances.main", { ...minimal, instances: { main: null } }],
    ["platforms.prefect.values", withPrefect({ values: [] })],
    ["instances.main.allowedSources[0]", withInstance({ allowedSources: ["999.0.0.0/8"] })],
    ["instances.main.allowedSources[0]", withInstance({ allowedSources: ["10.0.0.0/33"] })],
    ["platforms.prefect.images.prefect", withPrefect({ images: { prefect: "repo:1@sha256:zz" } })],
    ["storageGib: must be a whole number from 10 to 65536, got 100n", withInstance({ storageGib: 100n })],
    ["parameters.work_mem: must be a string, number or boolean, got 1n", withInstance({ parameters: { work_mem: 1n } })],
    ["majorVersion", withInstance({ majorVersion: throwing })],
    ["majorVersion", withInstance({ majorVersion: Symbol("17") })],
    ["storageGib: must be a whole number from 10 to 65536, got a function", withInstance({ storageGib: () => "secret" })],
    ["labels: must be an object, got a Date", { ...minimal, labels: new Date(0) }],
    ["instances.main: must be an object, got a Map", { ...minimal, instances: { main: new Map() } }],
    ["platforms.prefect.values", withPrefect({ values: { a: new Date(0) } })],
    ["platforms.prefect.values", withPrefect({ values: { a: sparse } })],
    ["instances.main.allowedSources[1]", withInstance({ allowedSources: sparse })],
    [
      "instances.main.allowedSources: must have at most 20000 entries, got 4294967295",
      withInstance({ allowedSources: Object.assign([], { length: 2 ** 32 - 1 }) }),
    ],
    ["platforms.prefect.values", withPrefect({ values: circular })],
    ["platforms.prefect.values", withPrefect({ values: shared })],
    ["platforms.prefect.values", withPrefect({ values: deep((inner) => ({ inner })) })],
    ["gcp", { ...minimal, gcp: { deep: deep((inner) => [inner]) } }],
    ["instances.main.size.inner: unknown key", withInstance({ size: deep((inner) => ({ inner })) })],
    ["instances.constructor", { ...minimal, instances: { constructor: {} } }],
    ["instances.main: must be an object, got a class instance", withInstance(new (class Server {})())],
    ["a\\u001b[31m\\u000ab: unknown key", { ...minimal, "a\u001b[31m\nb": 1 }],
    ["instances.main.allowedSources[0]", withInstance({ allowedSources: [":".repeat(1_000_000)] })],
    ["instances.main.backupWindow", withInstance({ backupWindow: "0".repeat(1_000_000) })],
  ])("refuses hostile or malformed %s without falling over", (path, spec) => {
    expect(refusal(spec)).toMatch(/^invalid spec:\n {2}- /);
    expect(refusal(spec)).toContain(path);
  });

  it("has one message for an instance with a name that every object has", () => {
    const spec = {
      ...minimalAws,
      instances: { constructor: {}, main: {} },
      platforms: { prefect: { instance: "constructor", access: "sidecar" } },
    };
    expect(refusal(spec, aws)).toMatch(/^invalid spec:\n {2}- instances\.constructor: .*$/);
  });

  const DSN = "postgres://admin:hunter2@db.example:5432/mlflow";
  it.each<[string, unknown]>([
    ["a DSN for a host", withInstance({ existing: { host: DSN, masterSecret: "m", ca: "ca.pem" } })],
    ["a long DSN, of which the end is cut", withInstance({ existing: `postgres://admin:hunter2${"x".repeat(60)}@db.example` })],
    ["a DSN for a master secret", withInstance({ existing: { host: "db", masterSecret: DSN, ca: "ca.pem" } })],
    ["a password for a master secret", withInstance({ existing: { host: "db", masterSecret: "hunter2!", ca: "ca.pem" } })],
    ["a login for a registry", withPrefect({ images: { prefect: "user:hunter2@registry.example/prefect:3" } })],
    ["a URL for a Redis", withPrefect({ redisHost: "redis://:hunter2@redis.example:6379" })],
    ["a password for a Redis's Secret", withPrefect({ redisHost: "redis.example", redisSecret: "hunter2!" })],
    ["a password as a parameter", withInstance({ parameters: { password: "hunter2" } })],
    ["YAML for a chart", withPrefect({ values: "password: hunter2" })],
    ["connection parameters", withInstance({ parameters: { primary_conninfo: "host=db password=hunter2" } })],
    ["a password among modules", withInstance({ parameters: { shared_preload_libraries: "password=hunter2" } })],
    ["a key for a certificate", withInstance({ existing: { host: "-----BEGIN PRIVATE KEY-----\nhunter2", masterSecret: "m" } })],
    ["a value of a chart", { ...minimal, platforms: { mlflow: { values: { persistence: "hunter2" } } } }],
    ["a value of Flyte", { ...minimal, platforms: { flyte: { chart: "flyte-core", values: { configmap: { db: "hunter2" } } } } }],
  ])("does not leak %s", (_case, spec) => {
    for (const target of [local, aws, gcp]) expect(refusal(spec, target)).not.toContain("hunter2");
  });

  it.each(["prefect", "flyte"])("is not slow about long keys in values of %s", (platform) => {
    const values = { [`${"env".repeat(300_000)}1`]: [{ name: "a{{", value: 1 }] };
    const message = refusal({ ...minimal, platforms: { [platform]: { values } } });
    expect(message).toMatch(/^.*env.*\.\.\..*env/m);
    expect(message).toContain("is not a value of ");
    expect(message.length).toBeLessThan(1_000);
  });

  it.each([
    { resources: { requests: { memory: "1".repeat(1e6) } } },
    { extraDeploy: [{ metadata: { name: "{{".repeat(5e5) } }] },
    { extraDeploy: [`${"\n".repeat(1e6)}kind: Secret\nname: "${" ".repeat(1e6)}x`] },
  ])("is not slow about long texts in values", (values) => {
    // A square of them would take hours.
    expect(refusal({ ...minimal, platforms: { mlflow: { values } } }).length).toBeLessThan(1_000);
  });

  it("never falls over, whatever it gets", () => {
    const anything = fc.object({
      key: fc.constantFrom(
        "name",
        "instances",
        "platforms",
        "main",
        "prefect",
        "values",
        "size",
        "existing",
        "__proto__",
        "toString",
        "parameters",
      ),
      maxDepth: 5,
      withNullPrototype: false,
    });
    void fc.assert(
      fc.property(anything, (spec) => void expect(refusal(spec)).toMatch(/^(invalid spec:|accepted$)/)),
      { numRuns: 300 },
    );
  });

  it("is mutated from specs of which each target accepts one with several platforms of a kind", () => {
    expect([local, aws, gcp].map((target) => refusal(bases.at(-1), target))).toEqual(["accepted", "accepted", "accepted"]);
  });

  it.each([local, aws, gcp])("that was valid before it was mutated ends in a SpecError on $name, or in an environment", (target) => {
    void fc.assert(
      fc.property(mutatedSpec, (spec) => void expect(refusal(spec, target)).toMatch(/^(invalid spec:|accepted$)/)),
      { numRuns: 150 },
    );
  });

  it.each<[string, (text: string) => unknown]>([
    ["owner", (text) => ({ ...minimal, owner: text })],
    ["labels.team", (text) => ({ ...minimal, labels: { team: text } })],
    ["acknowledge.some-rule", (text) => ({ ...minimal, acknowledge: { "some-rule": text } })],
    ["instances.main.parameters.search_path", (text) => withInstance({ parameters: { search_path: text } })],
    ["platforms.prefect.instance", (text) => withPrefect({ instance: text })],
    ["instances.main.existing.masterSecret", (text) => withInstance({ existing: { host: "db.example", masterSecret: text } })],
  ])("has no line break, NUL or ESC in %s", (path, spec) => {
    for (const character of ["\n", "\r", "\0", "\u001b[31m", "\u0085", "\u2028"])
      expect(refusal(spec(`a reason of words${character}b`))).toContain(
        `${path}: must not contain a line break or a control character, got `,
      );
  });
});
