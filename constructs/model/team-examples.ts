import { formatViolation, SpecError, type Violation } from "./errors";
import type { Platforms } from "./platform";
import { resolveUnknown } from "./resolve";
import type { Target } from "./target";
import type { TeamRule } from "./team-rule";

/** What the examples of a team's rules are resolved against. */
export interface ExampleContext {
  /** An example is resolved for the first one whose section it has, or for the last one. */
  readonly targets: readonly Target[];
  readonly platforms: Platforms;
}

/** Returns errors in the examples of a team's rules: none if each rule accepts its passing example and finds its failing one. */
export const checkExamples = (rules: readonly TeamRule[], context: ExampleContext): readonly string[] =>
  rules.flatMap((rule) => [
    ...found(rule, rule.passing, context).map((each) => `${rule.id}: rejects its passing example: ${formatViolation(each)}`),
    ...(found(rule, rule.failing, context).some(({ id }) => id === rule.id) ? [] : [`${rule.id}: does not find its failing example`]),
  ]);

/** Ignores warnings of other rules. */
function found(rule: TeamRule, example: TeamRule["passing"], { targets, platforms }: ExampleContext): readonly Violation[] {
  const target = targets.find(({ name }) => Object.hasOwn(example, name)) ?? targets.at(-1);
  if (target === undefined) throw new TypeError("checkExamples needs a target");
  const spec = { name: "example", instances: { main: {} }, platforms: {}, ...example };
  const sections = targets.map(({ name }) => name);
  try {
    return resolveUnknown(spec, { target, platforms, sections, rules: [rule] }).warnings.filter(({ id }) => id === rule.id);
  } catch (error) {
    if (error instanceof SpecError) return error.violations;
    throw error;
  }
}
