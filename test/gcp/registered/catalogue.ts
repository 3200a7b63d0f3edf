import { describe, expect, it } from "vitest";
import { pathsOf, propertiesOf } from "../../../infra/gcp/catalogue";
import type { Registration } from "../../../infra/gcp/registrations";
import { CLUSTER, existingGcp, fullGcp, minimalGcp, withGcp } from "../../fixtures/gcp";
import { kindsOf } from "../../fixtures/kubernetes-types";
import { registrationsOf } from "../../fixtures/registrations";

const SPECS = {
  minimalGcp,
  fullGcp,
  existingGcp,
  without: withGcp(minimalGcp, { cluster: null }),
  accounts: withGcp(minimalGcp, { cluster: { ...CLUSTER, serviceAccounts: "google" } }),
};

/** What a provider would refuse of a resource, or would silently drop. */
function problemsOf({ type, name, inputs }: Pick<Registration, "type" | "name" | "inputs">): readonly string[] {
  const properties = propertiesOf(type);
  if (properties === null) return [`${type} is not in the catalogue`];
  const maps = Object.keys(properties).filter((path) => properties[path]?.type === "map");
  const own = [...pathsOf(inputs)].filter(([path]) => !maps.some((map) => path.startsWith(`${map}.`)));
  const unknown = own.filter(([path]) => properties[path] === undefined && properties[`${path}[]`] === undefined);
  const wrong = own.filter(([path, value]) => {
    const { values = null, type: expected } = properties[path] ?? {};
    if (value === "[unknown]" || value === "[secret]") return false;
    if (values !== null) return !values.includes(String(value));
    return expected !== undefined && !isOf(expected, value);
  });
  const missing = Object.entries(properties).filter(([path, { required }]) => required && !isThere(path, inputs));
  return [
    ...unknown.map(([path]) => `${type} ${name} has no ${path}`),
    ...wrong.map(([path, value]) => `${type} ${name}: ${path} cannot be ${JSON.stringify(value)}`),
    ...missing.map(([path]) => `${type} ${name} needs ${path}`),
  ];
}

function isOf(expected: string, value: unknown): boolean {
  switch (expected) {
    case "integer":
      return Number.isInteger(value);
    case "number":
    case "string":
    case "boolean":
      return typeof value === expected;
    case "list":
      return Array.isArray(value) || typeof value === "object";
    default:
      return typeof value === "object";
  }
}

/** Whether something required is there, wherever what it belongs to is. */
function isThere(path: string, inputs: unknown): boolean {
  const cut = path.replace(/\[\]$/, "").lastIndexOf(".");
  const [owner, key] = cut < 0 ? ["", path] : [path.slice(0, cut), path.slice(cut + 1)];
  const owners = owner === "" ? [inputs] : [...pathsOf(inputs)].filter(([each]) => each === owner).map(([, value]) => value);
  return owners.flat().every((each) => typeof each !== "object" || each === null || Object.hasOwn(each, key.replace("[]", "")));
}

const isGoogles = ({ type, custom }: Registration): boolean =>
  custom && !type.startsWith("pulumi:") && (!type.startsWith("kubernetes:") || type === "kubernetes:helm.sh/v3:Release");

describe("what providers take", () => {
  it.each(Object.entries(SPECS))(
    "is what %s gives them: known properties, of the right type, with allowed values, none missing",
    async (_name, spec) => {
      for (const preview of [false, true]) {
        const own = (await registrationsOf(spec, preview)).resources.filter(isGoogles);
        expect(own.length).toBeGreaterThan(5);
        expect(own.flatMap(problemsOf)).toEqual([]);
      }
    },
  );

  it.each(Object.entries(SPECS))("of a cluster is what %s gives it: no property that its API does not have", async (_name, spec) => {
    const objects = (await registrationsOf(spec)).resources.filter(({ type, custom }) => custom && type.startsWith("kubernetes:"));
    const known = kindsOf();
    const own = objects.filter(({ type }) => known.has(type));
    expect(own.flatMap(({ type, name, inputs }) => known.problems(type, inputs).map((problem) => `${name}: ${problem}`))).toEqual([]);
    const custom = objects.filter((each) => !own.includes(each)).map(({ type }) => type.split(":").at(-1));
    // Those of External Secrets, whose chart brings their schemas.
    expect([...new Set(custom)].filter((kind) => !["ExternalSecret", "SecretStore", "Release"].includes(kind ?? ""))).toEqual([]);
  });

  it.each([
    ["a nested property that is mistyped", { settings: { tier: "t", databaseFlag: [] } }, "has no settings.databaseFlag"],
    ["a property at the top that is mistyped", { settings: { tier: "t" }, databaseVersoin: "x" }, "has no databaseVersoin"],
    ["a value that is not allowed", { settings: { tier: "t", edition: "PLUS" } }, 'settings.edition cannot be "PLUS"'],
    ["another type", { settings: { tier: "t", diskSize: "20" } }, 'settings.diskSize cannot be "20"'],
    ["something missing in a group", { settings: { edition: "ENTERPRISE" } }, "needs settings.tier"],
    ["something missing in a list", { settings: { tier: "t", databaseFlags: [{ name: "n" }] } }, "needs settings.databaseFlags[].value"],
  ])("is not %s", (_what, inputs, problem) => {
    const type = "gcp:sql/databaseInstance:DatabaseInstance";
    expect(problemsOf({ type, name: "db", inputs: { databaseVersion: "POSTGRES_17", ...inputs } })).toEqual([
      expect.stringContaining(problem),
    ]);
  });

  it("is not what a cluster's API does not know", () => {
    const pod = { containers: [{ name: "a", securityContext: { runAsNonroot: true } }] };
    expect(kindsOf().problems("kubernetes:batch/v1:Job", { spec: { template: { spec: pod }, retries: 1 } })).toEqual([
      "spec.template.spec.containers[].securityContext.runAsNonroot is unknown",
      "spec.retries is unknown",
    ]);
  });

  it("names every type that is registered, and no other", async () => {
    const used = new Set(
      (await Promise.all(Object.values(SPECS).map((spec) => registrationsOf(spec)))).flatMap(({ resources }) =>
        resources.filter(isGoogles).map(({ type }) => type),
      ),
    );
    const catalogue = (await import("../../../infra/gcp/catalogue.json")).default;
    expect(Object.keys(catalogue).sort()).toEqual([...used].sort());
  });
});
