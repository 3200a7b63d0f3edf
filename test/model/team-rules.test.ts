import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { aws } from "../../constructs/aws/target";
import { gcp } from "../../constructs/gcp/target";
import { local } from "../../constructs/local/target";
import { formatViolation, SpecError, violation } from "../../constructs/model/errors";
import { resolveUnknown } from "../../constructs/model/resolve";
import { checkExamples } from "../../constructs/model/team-examples";
import type { TeamRule } from "../../constructs/model/team-rule";
import { platforms } from "../../constructs/platforms/registry";

const ROOT = join(__dirname, "..", "..");
const context = { targets: [aws, gcp, local], platforms };

const PAGE = readFileSync(join(ROOT, "docs", "how-to", "add-a-rule.md"), "utf8");

/** The rules of the page that says how to write some. */
async function documented(): Promise<readonly TeamRule[]> {
  const [, code = ""] = /```ts\n(.*?)```/s.exec(PAGE) ?? [];
  mkdirSync(join(ROOT, ".local"), { recursive: true });
  const directory = mkdtempSync(join(ROOT, ".local", "rules-"));
  try {
    const file = join(directory, "rules.ts");
    writeFileSync(file, code.replaceAll('"../constructs/', '"../../constructs/'));
    return ((await import(file)) as { default: readonly TeamRule[] }).default;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

let [names, sizes, regions] = [] as unknown as [TeamRule, TeamRule, TeamRule];
let rule: TeamRule;
beforeAll(async () => {
  [names, sizes, regions] = (await documented()) as [TeamRule, TeamRule, TeamRule];
  rule = { ...names, id: "team-rule", check: () => [] };
});

const spec = { name: "staging", instances: { main: {} }, platforms: { prefect: {} } };

function refusal(written: object, rules: unknown, target: typeof aws | typeof local = local): string {
  try {
    resolveUnknown(written, { target, platforms, sections: ["aws"], rules: rules as readonly TeamRule[] } as never);
    return "accepted";
  } catch (error) {
    return (error as Error).message;
  }
}

describe("rules of a team", () => {
  it("of the page about them hold what their examples say, and its message is what they print", () => {
    expect(checkExamples([names, sizes, regions], context)).toEqual([]);
    expect(PAGE).toContain(refusal(spec, [names]));
  });

  it("are checked together with this project's", () => {
    const huge = { ...spec, instances: { main: { size: { vcpus: 16, memoryGib: 64 }, backupRetentionDays: 0 } } };
    expect(refusal(huge, [names, sizes])).toBe(
      [
        "invalid spec:",
        "  - instances.main.backupRetentionDays: must be at least 1 with pointInTimeRecovery, got 0; keep backups for 1 to 35 days, or set pointInTimeRecovery to false [point-in-time-recovery-needs-backups]",
        '  - name: must end with -dev or -prod, got "staging"; rename the environment\'s file [team-names-say-the-stage]',
        '  - instances.main.size.vcpus: is more than the 8 of our plan, got 16; ask finance first; then write acknowledge: { "team-sizes-are-in-the-plan": "<reason>" } [team-sizes-are-in-the-plan]',
      ].join("\n"),
    );
  });

  it("can be acknowledged, and a mistyped id is found", () => {
    const huge = { ...spec, instances: { main: { size: { vcpus: 16, memoryGib: 64 } } } };
    const given = { target: local, platforms, rules: [sizes] };
    const acknowledge = { "team-sizes-are-in-the-plan": "finance agreed in May" };
    expect(resolveUnknown({ ...huge, acknowledge }, given).warnings.map(formatViolation)).toContain(
      "instances.main.size.vcpus: is more than the 8 of our plan, got 16; acknowledged: finance agreed in May [team-sizes-are-in-the-plan]",
    );
    expect(refusal({ ...spec, acknowledge: { "team-size-are-in-the-plan": "finance agreed in May" } }, [sizes])).toContain(
      'acknowledge.team-size-are-in-the-plan: is not a rule ID; did you mean "team-sizes-are-in-the-plan"?',
    );
  });

  it("see settings of one cloud, and name the path where they were written", () => {
    const aws_ = { region: "eu-central-1", network: null, instances: { main: { size: { vcpus: 16, memoryGib: 64 } } } };
    expect(refusal({ ...spec, aws: aws_ }, [sizes], aws)).toContain("\n  - aws.instances.main.size.vcpus: is more than the 8 of our plan");
  });

  it("find nothing where they read what is malformed", () => {
    expect(refusal({ ...spec, instances: { main: { size: 5 } } }, [sizes])).not.toContain("team-sizes-are-in-the-plan");
  });

  it.each<[string, () => unknown, string]>([
    ["is none", () => [{ id: "team-rule" }], "rule team-rule of this team must be an object with a function check"],
    ["is nothing", () => [null], "rule 1 of this team must be an object with a function check"],
    [
      "has no id",
      () => [{ ...rule, id: "Team" }],
      "rule Team of this team must have an ID of at least two lower-case words, joined by hyphens",
    ],
    [
      "has no severity",
      () => [{ ...rule, severity: "fatal" }],
      "rule team-rule of this team must have one of the severities error, acknowledge, warning",
    ],
    ["is there twice", () => [rule, rule], "rule team-rule of this team has the same ID as another rule; choose another one"],
    [
      "has an id of ours",
      () => [{ ...rule, id: "parameter-is-owned" }],
      "rule parameter-is-owned of this team has the same ID as another rule; choose another one",
    ],
    [
      "fails",
      () => [{ ...rule, check: ({ platforms: { flyte } }: { platforms: { flyte: { kind: string } } }) => [violation(flyte.kind, "", "")] }],
      "rule team-rule of this team could not be checked: Cannot read properties of undefined (reading 'kind')",
    ],
    [
      "returns no list",
      () => [{ ...rule, check: () => true }],
      "rule team-rule of this team could not be checked: check must return a list of violations, each with path, rule, got and remedy",
    ],
  ])("are named where one %s", (_, rules, message) => {
    expect(refusal(spec, rules())).toBe(message);
  });

  it("whose examples are wrong are named", () => {
    const never: TeamRule = { ...names, check: () => [] };
    const always: TeamRule = { ...names, check: () => [violation("name", "is wrong", "x")] };
    const malformed: TeamRule = { ...names, passing: { ...names.passing, instances: { main: { storageGib: 1 } } } };
    expect(checkExamples([never], context)).toEqual(["team-names-say-the-stage: does not find its failing example"]);
    expect(checkExamples([always], context)).toEqual([
      'team-names-say-the-stage: rejects its passing example: name: is wrong, got "x" [team-names-say-the-stage]',
    ]);
    expect(checkExamples([malformed], context)).toEqual([
      "team-names-say-the-stage: rejects its passing example: instances.main.storageGib: must be a whole number from 10 to 65536, got 1",
    ]);
  });
});

describe("a team's error", () => {
  it("is a SpecError, as this project's", () => {
    expect(() => resolveUnknown(spec, { target: local, platforms, rules: [names] })).toThrow(SpecError);
  });
});
