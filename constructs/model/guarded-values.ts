import { type CommonFields, commonFields } from "./common-fields";
import { violation } from "./errors";
import type { Fields, Report, Settings } from "./fields";
import { type Guard, type Guards, type Platform, THE_CONNECTION } from "./platform";
import type { Topology } from "./target";
import { ifReadable, UNREADABLE, withSettings } from "./unreadable";
import { collision, isBelow, isNamed, leafPaths, type Path, showPath } from "./values";
import { placeholderWiring } from "./wire";

/** A guard, and the path of the value that it guards. */
export type GuardAt = readonly [path: Path, guard: Guard];

/**
 * The user's values win, except over the wiring: what `wire` writes is guarded, and what the platform names besides. The former is not
 * known without a topology, or if a setting that decides it is malformed.
 */
export function checkValues(
  name: string,
  platform: Platform,
  settings: Settings<CommonFields>,
  topology: Topology | null,
  report: Report,
): void {
  const path = `platforms.${name}.values`;
  const userPaths = leafPaths(settings.values);
  if (userPaths.length === 0) return;
  const wire = () => topology && placeholderWiring(platform, withReadableNumbers(name, platform, settings), topology).release;
  const release = ifReadable(wire, null);
  if (release?.kind === "kustomize" || release?.kind === "deployment") {
    report(
      violation(
        path,
        `must be empty, ${platform.title} has no Helm chart`,
        settings.values,
        release.kind === "kustomize" ? "patch the rendered files instead" : "write them into your own chart or manifests",
      ),
    );
    return;
  }
  const named = ifReadable(() => guardsOf(platform, settings), []);
  const guarded = [...(release === null ? [] : leafPaths(release.values)), ...named.map(([own]) => own)];
  let reported: Path | undefined;
  for (const userPath of userPaths) {
    const variable = guardOfVariable(userPath, platform);
    if (variable === null && collision(userPath, guarded) === null) continue;
    // A variable is reported once; its value follows it and is not reported again.
    if (reported !== undefined && isBelow(userPath, reported)) continue;
    reported = userPath;
    const remedy = toRemedy(nearestGuard(userPath, named) ?? variable ?? THE_CONNECTION, name);
    report({ path: `${path}.${showPath(userPath)}`, rule: "is set by the wiring", got: null, remedy });
  }
}

/** Settings with defaults for malformed numbers and names of Kubernetes, which do not decide which values are wired. */
function withReadableNumbers(name: string, platform: Platform, settings: Settings<CommonFields>): Settings<CommonFields> {
  const fields: Fields = { ...commonFields(name), ...platform.fields };
  const isHarmless = ([key, { min }]: readonly [string, Fields[string]]) => min !== undefined || key === "namespace" || key === "release";
  const isMalformed = (key: string) => ifReadable(() => settings[key as keyof CommonFields], UNREADABLE) === UNREADABLE;
  const malformed = Object.entries(fields).filter((entry) => isHarmless(entry) && isMalformed(entry[0]));
  return withSettings(settings, Object.fromEntries(malformed.map(([key, field]) => [key, field.default]))) as Settings<CommonFields>;
}

/** The values that a platform guards besides what its wiring writes. */
export const guardsOf = (platform: Platform, settings: Settings<CommonFields>): readonly GuardAt[] =>
  platform.guarded(settings).flatMap((guards) => flatten(guards, []));

function flatten(guards: Guards, above: Path): readonly GuardAt[] {
  return Object.entries(guards).flatMap(([key, at]): readonly GuardAt[] => {
    const path = [...above, key];
    if (isList(at)) return at.map(({ name, guard }) => [[...path, { named: name }], guard]);
    return isGuard(at) ? [[path, at]] : flatten(at, path);
  });
}

const isList = (at: Guards[string]): at is Extract<Guards[string], readonly unknown[]> => Array.isArray(at);

/** Only a guard has a text in it. */
const isGuard = (at: Guard | Guards): at is Guard => Object.values(at).some((value) => typeof value === "string");

function guardOfVariable(path: Path, { guardedVariables }: Platform): Guard | null {
  const variables = variablesOf(path).map((variable) => variable.toUpperCase());
  const found = Object.entries(guardedVariables).find(([beginning]) => variables.some((variable) => variable.startsWith(beginning)));
  return found?.[1] ?? null;
}

/**
 * The process variables in a path: what stands below a key such as `env` or `extraEnvVars`, and in any other list what is named in
 * capitals. Some programs read them in any case.
 */
const variablesOf = (path: Path): readonly string[] =>
  path.flatMap((step, index) => {
    const above = path[index - 1];
    if (typeof above === "string" && ENVIRONMENT.test(above)) return [isNamed(step) ? step.named : step];
    return isNamed(step) && CAPITALS.test(step.named) ? [step.named] : [];
  });

// Looks back from the end: looking for a beginning takes the square of a long key.
const ENVIRONMENT = /$(?<=[Ee]nv[A-Za-z]*)/;
const CAPITALS = /^[A-Z][A-Z0-9_]*(\.|$)/;

/** What the platform says of the guarded path that is nearest to the user's: the same or above it, else the first below. */
function nearestGuard(userPath: Path, guards: readonly GuardAt[]): Guard | null {
  const touched = guards.filter(([own]) => collision(userPath, [own]) !== null);
  const above = touched.filter(([own]) => own.length <= userPath.length).sort(([a], [b]) => b.length - a.length);
  return (above[0] ?? touched[0])?.[1] ?? null;
}

const toRemedy = (guard: Guard, name: string): string =>
  "setting" in guard ? `use platforms.${name}.${guard.setting}` : `remove it, ${guard.because}`;
