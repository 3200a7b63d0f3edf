import type { CommonFields } from "./common-fields";
import { UserError, type Violation } from "./errors";
import type { Fields, Settings } from "./fields";
import { isObject } from "./json";
import { checkRules, type Finding, type Rule, SEVERITIES } from "./rule";
import type { Whole, WholePlatform } from "./target";

/** A platform as a team's rule sees it. */
export interface TeamPlatform extends Pick<WholePlatform, "instance" | "access"> {
  /** A key of the registry, such as `mlflow`. */
  readonly kind: string;
  readonly settings: Settings<CommonFields>;
}

/** The subject of a team's rule: a complete environment on one target, with its section. */
export interface TeamSubject extends Omit<Whole<Fields>, "platforms"> {
  /** `aws`, `gcp` or `local`. */
  readonly target: string;
  readonly platforms: Readonly<Record<string, TeamPlatform>>;
}

/**
 * A team's rule about a whole environment. Its findings have paths from the top of the spec, such as `instances.main.size`.
 *
 * Its examples are specs; each is completed by a name, an instance `main` and no platforms.
 */
export type TeamRule = Rule<TeamSubject, Readonly<Record<string, unknown>>>;

/** Rules may have been written without a compiler. */
function toViolations(found: unknown): readonly Violation[] {
  const isViolation = (each: unknown) => isObject(each) && ["path", "rule", "remedy"].every((key) => typeof each[key] === "string");
  if (Array.isArray(found) && found.every(isViolation)) return found;
  throw new TypeError("check must return a list of violations, each with path, rule, got and remedy");
}

const ID = /^[a-z0-9]+(-[a-z0-9]+)+$/;

/**
 * Returns the findings of a team's rules.
 *
 * @param taken IDs of this project's rules.
 * @throws UserError if a rule is malformed, has the ID of another rule, or fails.
 */
export function checkTeamRules(rules: readonly TeamRule[], subject: TeamSubject, taken: readonly string[]): readonly Finding[] {
  const ids = new Set(taken);
  return rules.flatMap((rule, index) => {
    const name = `rule ${isObject(rule) && typeof rule.id === "string" ? rule.id : index + 1} of this team`;
    if (!isObject(rule) || typeof rule.check !== "function") throw new UserError(`${name} must be an object with a function check`);
    if (!ID.test(rule.id)) throw new UserError(`${name} must have an ID of at least two lower-case words, joined by hyphens`);
    if (!SEVERITIES.includes(rule.severity)) throw new UserError(`${name} must have one of the severities ${SEVERITIES.join(", ")}`);
    if (ids.has(rule.id)) throw new UserError(`${name} has the same ID as another rule; choose another one`);
    ids.add(rule.id);
    try {
      return checkRules([{ ...rule, check: (...given) => toViolations(rule.check(...given)) }], subject, "");
    } catch (error) {
      throw new UserError(`${name} could not be checked: ${error instanceof Error ? error.message : String(error)}`);
    }
  });
}
