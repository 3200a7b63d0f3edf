import { describe, expect, it } from "vitest";
import { aws } from "../../constructs/aws/target";
import { gcp } from "../../constructs/gcp/target";
import { local } from "../../constructs/local/target";
import { type CommonFields, commonFields } from "../../constructs/model/common-fields";
import { type Fields, readFields, type Settings } from "../../constructs/model/fields";
import { completeInstance, type InstanceSpec, instanceFields } from "../../constructs/model/instance";
import { type JsonObject, mapValues } from "../../constructs/model/json";
import type { Platform } from "../../constructs/model/platform";
import { instanceRules, platformRules } from "../../constructs/model/rules";
import type { WholeRule } from "../../constructs/model/target";
import { type Companion, togetherRules } from "../../constructs/model/together";
import { wholeRules } from "../../constructs/model/whole-rules";
import { platforms } from "../../constructs/platforms/registry";

interface Case {
  readonly id: string;
  readonly source: string;
  readonly date: string;
  readonly passing: number;
  readonly failing: readonly string[];
}

const never = (violation: { path: string; rule: string }) => {
  throw new Error(`a malformed example: ${violation.path} ${violation.rule}`);
};

const completeExample = (example: InstanceSpec) => completeInstance(readFields(instanceFields, example, "", never), example);

/** Every rule about a section and all instances, with its examples completed. */
const wholeCases = <X extends Fields>(fields: X, rules: readonly WholeRule<X>[]): readonly Case[] =>
  rules.map(({ id, source, date, check, passing, failing }) => {
    const complete = ({ name = "test", labels = {}, owner = null, section, instances = {}, platforms: placed = {} }: typeof passing) => ({
      name,
      labels,
      owner,
      section: readFields(fields, section, "", never),
      instances: mapValues(instances, completeExample),
      platforms: mapValues(placed, ({ namespace, release, serviceAccount = null, ...rest }, platform) => ({
        settings: { namespace: namespace ?? platform, release: release ?? platform, serviceAccount },
        instance: "at",
        access: "sidecar" as const,
        serviceAccounts: [],
        ...rest,
      })),
    });
    return {
      id,
      source,
      date,
      passing: check(complete(passing), "").length,
      failing: paths(check(complete(failing), "")).map((path) => `at ${path}`),
    };
  });

function completePlatform(name: string, platform: Platform, example: JsonObject): Settings<CommonFields> {
  const settings = readFields({ ...commonFields(name), ...platform.fields }, example, "", never) as Settings<CommonFields>;
  return { ...settings, chartVersion: settings.chartVersion || (platform.chart(settings)?.verified[0].version ?? "") };
}

/** The platforms of an example, complete. */
const companionsOf = (example: Readonly<Record<string, JsonObject>>): readonly Companion[] =>
  Object.entries(example).map(([name, { platform: kind = name, ...its }]) => {
    const platform = (platforms as Record<string, Platform>)[String(kind)] as Platform;
    return { name, kind: String(kind), platform, settings: completePlatform(name, platform, its) };
  });

const paths = (violations: readonly { readonly path: string }[]): string[] => violations.map((violation) => violation.path);

const cases: readonly Case[] = [
  ...[...instanceRules, ...local.rules, ...aws.rules, ...gcp.rules].map(({ id, source, date, check, passing, failing }) => ({
    id,
    source,
    date,
    passing: check(completeExample(passing), "at").length,
    failing: paths(check(completeExample(failing), "at")),
  })),
  ...wholeCases<Fields>({}, wholeRules),
  ...wholeCases(aws.section, aws.wholeRules),
  ...wholeCases(gcp.section, gcp.wholeRules),
  ...Object.entries(platforms as Record<string, Platform>).flatMap(([name, platform]) =>
    platformRules(name, platform).map(({ id, source, date, check, passing, failing }) => ({
      id,
      source,
      date,
      passing: check(completePlatform(name, platform, passing), "at").length,
      failing: paths(check(completePlatform(name, platform, failing), "at")),
    })),
  ),
  ...togetherRules(platforms).map(({ id, source, date, check, passing, failing }) => ({
    id,
    source,
    date,
    passing: check(companionsOf(passing), "at").length,
    failing: paths(check(companionsOf(failing), "at")),
  })),
];

describe("rules", () => {
  it.each(cases)("$id accepts its passing example and refuses its failing one", ({ passing, failing }) => {
    expect(passing).toBe(0);
    expect(failing).toHaveLength(1);
    expect(failing[0]).toMatch(/^at\b/);
  });

  it.each(cases)("$id says who says so, and when that was read", ({ id, source, date }) => {
    expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)+$/);
    expect(URL.canParse(source)).toBe(true);
    expect(date).toMatch(/^20\d\d-[01]\d-[0-3]\d$/);
  });

  it("have an id each", () => {
    const ids = cases.map((each) => each.id);
    expect(ids.length).toBeGreaterThan(15);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
