import "./script";

import { aws } from "../../constructs/aws/target";
import { gcp } from "../../constructs/gcp/target";
import { local } from "../../constructs/local/target";
import { formatViolation, type Violation } from "../../constructs/model/errors";
import { type Fields, readFields } from "../../constructs/model/fields";
import { completeInstance, type InstanceSpec, instanceFields } from "../../constructs/model/instance";
import { type JsonObject, mapValues } from "../../constructs/model/json";
import type { Platform } from "../../constructs/model/platform";
import { readPlatform } from "../../constructs/model/platform-settings";
import type { Rule, Severity } from "../../constructs/model/rule";
import { instanceRules } from "../../constructs/model/rules/instance-rules";
import { platformRules } from "../../constructs/model/rules/platform-rules";
import { type Companion, togetherRules } from "../../constructs/model/rules/together-rules";
import { wholeRules } from "../../constructs/model/rules/whole-rules";
import type { WholeRule } from "../../constructs/model/target";
import { platforms } from "../../constructs/platforms/registry";

/** A rule with the results of its examples. */
export interface TriedRule {
  readonly id: string;
  readonly severity: Severity;
  readonly why: string;
  readonly source: string;
  readonly date: string;
  /** Its subject, as a heading: `AWS`, `MLflow`. */
  readonly about: string;
  /** The examples, as a person writes them. */
  readonly passing: unknown;
  readonly failing: unknown;
  readonly foundInPassing: readonly Violation[];
  readonly foundInFailing: readonly Violation[];
}

const never = ({ path, rule }: Violation) => {
  throw new Error(`a malformed example: ${path} ${rule}`);
};

/** Tries the examples of rules about one kind of subject. */
const tried = <Subject, Example>(
  about: string,
  rules: readonly Rule<Subject, Example>[],
  path: string,
  complete: (example: Example) => Subject,
): readonly TriedRule[] =>
  rules.map(({ id, severity, why, source, date, check, passing, failing }) => ({
    id,
    severity,
    why,
    source,
    date,
    about,
    passing,
    failing,
    foundInPassing: check(complete(passing), path),
    foundInFailing: check(complete(failing), path),
  }));

const completeExample = (example: InstanceSpec) => completeInstance(readFields(instanceFields, example, "", never), example);

const triedWhole = <X extends Fields>(about: string, fields: X, rules: readonly WholeRule<X>[]): readonly TriedRule[] =>
  tried(about, rules, "", ({ name = "test", labels = {}, owner = null, section, instances = {}, platforms: placed = {} }) => ({
    name,
    labels,
    owner,
    section: readFields(fields, section, "", never),
    instances: mapValues(instances, completeExample),
    platforms: mapValues(
      placed,
      ({ namespace, release, serviceAccount = null, readFromReplica = false, values = {}, ...rest }, platform) => ({
        settings: { namespace: namespace ?? platform, release: release ?? platform, serviceAccount, readFromReplica, values },
        instance: "at",
        access: "sidecar" as const,
        serviceAccounts: [],
        databases: [],
        extensions: [],
        ...rest,
      }),
    ),
  }));

const completePlatform = (name: string, platform: Platform, example: JsonObject) => readPlatform(name, platform, example, "", never);

/** The platforms of an example, complete. */
const companionsOf = (example: Readonly<Record<string, JsonObject>>): readonly Companion[] =>
  Object.entries(example).map(([name, { platform: kind = name, ...its }]) => {
    const platform = (platforms as Record<string, Platform>)[String(kind)] as Platform;
    return { name, kind: String(kind), platform, settings: completePlatform(name, platform, its) };
  });

/** Every rule of this project, by its subject. */
export const triedRules = (): readonly TriedRule[] => [
  ...tried("Every instance", instanceRules, "instances.main", completeExample),
  ...triedWhole<Fields>("Every environment", {}, wholeRules),
  ...tried("AWS", aws.rules, "instances.main", completeExample),
  ...triedWhole("AWS", aws.section, aws.wholeRules),
  ...tried("Google Cloud", gcp.rules, "instances.main", completeExample),
  ...triedWhole("Google Cloud", gcp.section, gcp.wholeRules),
  ...tried("This machine", local.rules, "instances.main", completeExample),
  ...Object.entries(platforms as Record<string, Platform>).flatMap(([name, platform]) =>
    tried(platform.title, platformRules(name, platform), `platforms.${name}`, (example) => completePlatform(name, platform, example)),
  ),
  ...tried("Several platforms", togetherRules(platforms), "platforms", companionsOf),
];

const HEADING = `# Rules

<!-- npm run docs writes this page. -->

A message that ends with an id in brackets comes from one of these rules; messages about a field's form have none. An *error* is rejected, because
the vendor rejects it or it has destroyed data. *Acknowledge* is rejected until the environment has \`acknowledge: { "<id>": "<reason>" }\`. A *warning*
is shown, with the reason if the environment acknowledges it. To write rules for your team, see [Add a rule](../how-to/add-a-rule.md).
`;

/** A value as TypeScript, on one line. */
const written = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(written).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  const pairs = entries.map(([key, each]) => `${/^[A-Za-z_]\w*$/.test(key) ? key : JSON.stringify(key)}: ${written(each)}`);
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
};

const LONGEST_EXAMPLE = 400;
const shortened = (text: string): string => (text.length > LONGEST_EXAMPLE ? `${text.slice(0, LONGEST_EXAMPLE)} ...` : text);

/** `image-is-pinned` of `flyte-image-is-pinned` and `mlflow-image-is-pinned`. */
function commonEnd(ids: readonly string[]): string {
  const [first = [], ...others] = ids.map((id) => id.split("-"));
  const from = first.findIndex((_, index) => others.every((words) => words.join("-").endsWith(`-${first.slice(index).join("-")}`)));
  return first.slice(from).join("-");
}

/** Rules that differ only in their platform. */
type Alike = readonly [TriedRule, ...TriedRule[]];

const toEntry = ([{ id, about, severity, why, source, date, passing, failing, foundInFailing }, ...others]: Alike): string =>
  [
    others.length === 0 ? `### ${id}` : `### ${commonEnd([id, ...others.map((each) => each.id)])}`,
    "",
    ...(others.length === 0 ? [] : [`\`${[id, ...others.map((each) => each.id)].join("`, `")}\`; the example is ${about}'s.`, ""]),
    `${severity[0]?.toUpperCase()}${severity.slice(1)}. ${why}`,
    "",
    "```text",
    ...foundInFailing.map(formatViolation),
    "```",
    "",
    `- reported: \`${shortened(written(failing))}\``,
    `- accepted: \`${shortened(written(passing))}\``,
    `- [source](${source}), read ${date}`,
  ].join("\n");

/** The page of all rules, `docs/reference/rules.md`. */
export function rulesPage(rules: readonly TriedRule[] = triedRules()): string {
  const groups = new Map<string, Alike>();
  for (const rule of rules) {
    const key = [rule.why, rule.source, rule.severity].join(" ");
    const alike = groups.get(key);
    groups.set(key, alike === undefined ? [rule] : [...alike, rule]);
  }
  const entries = [...groups.values()].flatMap((alike) =>
    alike.length > 2
      ? [{ subject: "Every platform", entry: toEntry(alike) }]
      : alike.map((rule) => ({ subject: rule.about, entry: toEntry([rule]) })),
  );
  const subjects = [...new Set(entries.map(({ subject }) => subject))];
  const chapters = subjects.map((subject) =>
    [`## ${subject}`, ...entries.filter((each) => each.subject === subject).map(({ entry }) => entry)].join("\n\n"),
  );
  return `${[HEADING, ...chapters].join("\n")}\n`;
}

/** Rules whose source was last read more than a year before a day, oldest first. */
export function staleRules(today: Date, rules: readonly TriedRule[] = triedRules()): readonly TriedRule[] {
  const limit = new Date(today);
  limit.setUTCFullYear(limit.getUTCFullYear() - 1);
  const before = limit.toISOString().slice(0, 10);
  return rules.filter(({ date }) => date < before).sort((a, b) => a.date.localeCompare(b.date));
}

if (require.main === module) {
  const stale = staleRules(new Date());
  for (const { id, date, source } of stale) process.stdout.write(`${date} ${id} ${source}\n`);
  process.stdout.write(
    `${stale.length === 0 ? "no rule has" : `${stale.length} rules have`} a source that was last read more than a year ago\n`,
  );
  process.exitCode = stale.length === 0 ? 0 : 1;
}
