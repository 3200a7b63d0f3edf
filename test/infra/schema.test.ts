import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { awsInstanceFields } from "../../constructs/aws/instance-fields";
import { aws } from "../../constructs/aws/target";
import { gcp } from "../../constructs/gcp/target";
import { local } from "../../constructs/local/target";
import { commonFields } from "../../constructs/model/common-fields";
import type { Violation } from "../../constructs/model/errors";
import type { Field, Fields } from "../../constructs/model/fields";
import { instanceFields } from "../../constructs/model/instance";
import { isObject } from "../../constructs/model/json";
import type { Platform } from "../../constructs/model/platform";
import { kindOf } from "../../constructs/model/platform-names";
import { readPlatform } from "../../constructs/model/platform-settings";
import { entriesOf, readEnvelope, readInstances, readSections } from "../../constructs/model/read";
import { environmentFields } from "../../constructs/model/spec";
import { platforms } from "../../constructs/platforms/registry";
import { environmentSchema } from "../../infra/docs/schema";
import { CLOUDS } from "../../infra/spec";
import { bases, mutatedSpec } from "../fixtures/mutations";
import { refusal } from "../fixtures/specs";

// Strict: a keyword that does not exist, or that has no effect, is a mistake.
const ajv = new Ajv({ strict: true, allowUnionTypes: true, strictRequired: false, strictTypes: false, allErrors: true });
// Of VS Code and the YAML language server.
ajv.addKeyword("patternErrorMessage");
const isValid = ajv.compile(environmentSchema());

const SPECS = join(__dirname, "..", "fixtures", "specs");
const written = ["accepted.json", "realistic.json"].flatMap((file) =>
  (JSON.parse(readFileSync(join(SPECS, file), "utf8")) as readonly { readonly spec: unknown }[]).map(({ spec }) => spec),
);
const specs = [...written, ...bases];

/** What the fields say of a spec, without any rule. */
function violationsOf(spec: Readonly<Record<string, unknown>>): readonly Violation[] {
  const violations: Violation[] = [];
  const report = (each: Violation) => void violations.push(each);
  readEnvelope(spec, CLOUDS, report);
  readInstances(spec.instances, local, report);
  for (const target of [aws, gcp]) {
    // A section that is not there is missed by its own target only.
    if (spec[target.name] !== undefined) readSections(spec, { target, sections: [] }, report);
    if (spec[target.name] === null) report({ path: target.name, rule: "must be an object", got: null, remedy: "" });
  }
  for (const [name, its] of entriesOf(spec.platforms, "platforms", "", report)) {
    const kind = kindOf(name, its, platforms, report);
    const platform = (platforms as Readonly<Record<string, Platform>>)[kind ?? ""];
    if (platform !== undefined) readPlatform(name, platform, its, `platforms.${name}`, report);
  }
  return violations;
}

/** Every setting by its path, groups and what is in them. */
const settingsOf = (fields: Fields, path: string): readonly (readonly [string, Field<unknown>])[] =>
  Object.entries(fields).flatMap(([key, field]) => [
    [`${path}.${key}`, field] as const,
    ...settingsOf(field.fields ?? {}, `${path}.${key}`),
  ]);
const settings = [
  ...settingsOf(environmentFields, "environment"),
  ...settingsOf(instanceFields, "instances.main"),
  ...settingsOf(aws.section, "aws"),
  ...settingsOf(awsInstanceFields, "aws.instances.main"),
  ...settingsOf(gcp.section, "gcp"),
  ...settingsOf(commonFields("any"), "platforms.any"),
  ...Object.entries(platforms as Readonly<Record<string, Platform>>).flatMap(([name, { fields }]) =>
    settingsOf(fields, `platforms.${name}`),
  ),
];

/** A value and everything in it. */
const valuesIn = (value: unknown): readonly unknown[] =>
  typeof value === "object" && value !== null ? [value, ...Object.values(value).flatMap(valuesIn)] : [value];

/** Values at an end of a range; none where it has none. */
const around = (end: unknown): readonly unknown[] => (typeof end === "number" ? [end - 1, end, end + 0.25, end + 1, String(end)] : []);

/** Every value that stands anywhere in a spec, and some at the edges. */
const pool = [
  ...new Map(
    [
      ...specs.flatMap(valuesIn),
      ...settings.flatMap(([, { default: value, schema }]) => [value, ...around(schema.minimum), ...around(schema.maximum)]),
      ...[null, true, -1, 0.1, 0.5, 1e9, "", " ", "x", "constructor", "MON:01:00-tue:02:30", "AWS:x", "Rds:x", [], {}, [null], [1], ["x"]],
      ...[
        { example: "x" },
        { example: 1 },
        { example: "vpc-0a1b2c3d", more: 1 },
        { a: { b: [1, null] } },
        { "Aws:x": "y" },
        { "": "x" },
        { main: null },
        { main: { name: null } },
      ],
    ]
      .filter((value) => value !== undefined)
      .map((value) => [JSON.stringify(value), JSON.parse(JSON.stringify(value)) as unknown]),
  ).values(),
];

const isAccepted = (field: Field<unknown>, value: unknown): boolean => {
  let count = 0;
  field.read(value, "it", () => {
    count += 1;
  });
  return count === 0;
};

/** What no schema says: that a text has one line, and that its length ends somewhere. */
const isBeyondSchema = (value: unknown): boolean =>
  valuesIn(value).some((each) => typeof each === "string" && (each.length > 1_000 || /\p{Cc}/u.test(each)));

describe("the schema of an environment", () => {
  it("has everything that fields know, and no key that they refuse", () => {
    expect(settings.length).toBeGreaterThan(130);
    expect(pool.length).toBeGreaterThan(1_000);
    expect(JSON.stringify(environmentSchema())).not.toMatch(/instanceClass|engineVersion|"tags"/);
  });

  it.each(settings)("of %s accepts exactly what the field accepts, of every value that stands in any spec", (_path, field) => {
    const accepts = ajv.compile(field.schema);
    const differing = pool.filter((value) => accepts(value) !== isAccepted(field, value));
    expect(differing.filter((value) => !isBeyondSchema(value))).toEqual([]);
    // Beyond that, it is never stricter.
    expect(differing.filter((value) => !accepts(value))).toEqual([]);
  });

  it("accepts every spec that fields accept, and rejects none that can be resolved", () => {
    for (const spec of specs) compare(JSON.parse(JSON.stringify(spec)));
  });

  it.each<[boolean, object]>([
    [true, { mlflow: { workers: 1 } }],
    [false, { mlflow: { redisHost: "redis.example.internal" } }],
    [true, { mlflow: { platform: "prefect", redisHost: "redis.example.internal" } }],
    [false, { mlflow: { platform: "prefect", workers: 1 } }],
    [true, { "mlflow-2": { platform: "mlflow", workers: 1 } }],
    [false, { "mlflow-2": { workers: 1 } }],
    [false, { "mlflow-2": { platform: "mlflow", redisHost: "redis.example.internal" } }],
    [false, { "mlflow-2": { platform: "mlflwo" } }],
    [false, { "pg-2": { platform: "mlflow" } }],
    [false, { Mlflow: { platform: "mlflow" } }],
    [false, { mlflow: null }],
  ])("takes the settings of a platform's kind, which its name or `platform` says: %s for %j", (isRight, these) => {
    const spec = { name: "test", instances: { main: {} }, platforms: these };
    expect(compare(spec)).toEqual({ isRefused: !isRight, isRejected: !isRight });
  });

  it("finds nearly all that fields find in specs with arbitrary mistakes, and nothing else", () => {
    const found = { fields: 0, schema: 0 };
    void fc.assert(
      fc.property(mutatedSpec.filter(isData), (mutated) => {
        const spec: unknown = JSON.parse(JSON.stringify(mutated));
        const { isRefused, isRejected } = compare(spec);
        found.fields += Number(isRefused);
        found.schema += Number(isRejected);
      }),
      { numRuns: 200, seed: 20 },
    );
    expect(found.fields).toBeGreaterThan(100);
    expect(found.schema / found.fields).toBeGreaterThan(0.95);
  });
});

/** Whether a value can be written as JSON. */
function isData(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}

/** What fields and schema make of a spec; fails where the schema rejects what the project accepts. */
function compare(spec: unknown): { readonly isRefused: boolean; readonly isRejected: boolean } {
  if (!isObject(spec)) throw new TypeError("the spec is not an object");
  const isRejected = !isValid(spec);
  const violations = violationsOf(spec);
  if (isRejected) {
    expect(violations, JSON.stringify(isValid.errors)).not.toEqual([]);
    const targets = [local, aws, gcp].filter(({ name }) => name === "local" || spec[name] !== undefined);
    expect(targets.map((target) => refusal(spec, target as typeof local)).filter((each) => each !== "accepted")).not.toEqual([]);
  }
  return { isRefused: violations.length > 0, isRejected };
}
