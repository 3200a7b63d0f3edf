import type { ChartFacts, ChartKeys } from "./chart-facts";
import { type CommonFields, commonFields } from "./common-fields";
import { violation } from "./errors";
import type { Fields, Report, Settings } from "./fields";
import { type Guard, type Guards, THE_CONNECTION } from "./guards";
import type { JsonObject } from "./json";
import { kubernetesNames } from "./names";
import { factsOf, type Platform } from "./platform";
import type { Topology } from "./target";
import { ifReadable, UNREADABLE, withSettings } from "./unreadable";
import {
  containersIn,
  hasControl,
  IN_CAPITALS,
  isAside,
  isMountBelow,
  isOfOptions,
  mayWriteLines,
  type OptionAt,
  optionsAbove,
  optionsAt,
  type TextAt,
  textsIn,
  toOption,
  variablesInText,
} from "./value-texts";
import { atValue, collision, isBelow, isNamed, leafPaths, type Path, scalarAt, showPath } from "./values";
import { placeholderWiring } from "./wire";

/** A guard, and the path of the value that it guards. */
export type GuardAt = readonly [path: Path, guard: Guard];

/**
 * The user's values win, except over the wiring: the values that `wire` writes are guarded, and those that the platform lists. The former
 * are unknown without a topology, or if a setting that decides them is malformed.
 */
export function checkValues(
  name: string,
  platform: Platform,
  settings: Settings<CommonFields>,
  topology: Topology | null,
  report: Report,
): void {
  const path = `platforms.${name}`;
  const { values } = settings;
  const userPaths = leafPaths(values);
  const texts = textsIn(values);
  if (userPaths.length === 0 && texts.length === 0) return;
  const wire = () => topology && placeholderWiring(platform, withReadableNumbers(name, platform, settings), topology).release;
  const release = ifReadable(wire, null);
  if (release?.kind === "kustomize" || release?.kind === "deployment") {
    report(
      violation(
        `${path}.values`,
        `must be empty, because ${platform.title} has no Helm chart`,
        values,
        release.kind === "kustomize" ? "patch the rendered files instead" : "write them into your own chart or manifests",
      ),
    );
    return;
  }
  const named = ifReadable(() => guardsOf(platform, settings), []);
  const wired = release === null ? {} : release.values;
  const written = leafPaths(wired);
  const guarded = [...written, ...named.map(([own]) => own)];
  const reported: Path[] = [];
  // A variable is reported once; its value follows it and is not reported again.
  const tell = (at: Path, rule: string, remedy: string) => {
    if (reported.some((above) => showPath(at) === showPath(above) || isBelow(at, above))) return;
    reported.push(at);
    report(atValue(path, at, rule, remedy));
  };
  const containers = containersIn(texts);
  for (const at of userPaths) {
    const isTheirs = isOfOthers(at, platform) || containers.some((container) => isBelow(at, container));
    const variable = isTheirs ? null : guardOfVariable(variablesOf(at), platform);
    if (variable === null && collision(at, guarded) === null) continue;
    const nearest = nearestGuard(at, named);
    if (nearest?.unless !== undefined && nearest.unless === scalarAt(values, at) && collision(at, written) === null) continue;
    tell(at, WIRED, toRemedy(nearest ?? variable ?? guardOfOption(optionsAbove(at), platform) ?? THE_CONNECTION, name));
  }
  const facts = ifReadable(() => chartFactsOf(platform, settings), null);
  const directories = [...platform.guardedDirectories, ...mountsIn(wired)];
  for (const at of texts) {
    const object = objectGuard(at, texts, settings.release);
    const found = object === null ? findingOf(at, platform, facts, directories) : { rule: WIRED, guard: object };
    if (found !== null) tell(at.path, found.rule, "guard" in found ? toRemedy(found.guard, name) : found.remedy);
  }
}

const WIRED = "is set by the wiring";
const ONE_LINE = { rule: "must not contain a line break or a control character", remedy: "write it on one line" };
const A_TEMPLATE = { rule: "is a template that can set other values", remedy: "write the rendered text instead" };
const A_MERGE = { rule: "must not contain the key <<, which YAML 1.1 reads as a merge", remedy: "write out the merged keys" };
const FILES: Guard = { because: "the connection is read from files in this directory" };

const OURS: Guard = { because: "this project creates the object with this name" };

const PODS: Guard = { setting: "replicas" };

/** Evaluates the template of a name: a literal stands for itself, and every name that a chart knows begins with the release's. */
function evaluated(name: string, release: string): string {
  const parts = name.split("}}").map((part) => part.split("{{"));
  return parts.map(([before = "", action]) => before + (action === undefined ? "" : (LITERAL.exec(action)?.[1] ?? release))).join("");
}
const LITERAL = /^\s*["`]([^"`]*)["`]/;

/** Returns why an object in values is guarded: it would replace one of ours, or start further pods. */
function objectGuard({ path, text }: TextAt, texts: readonly TextAt[], release: string): Guard | null {
  const ours = Object.values(kubernetesNames(release));
  const isOurs = (name: string) => ours.includes(evaluated(name, release));
  const [above, key] = path.slice(-2);
  if (key === "fullnameOverride" && path.length > 1 && isOurs(text)) return OURS;
  if (text.includes("\n") && /^[ \t]*kind[ \t]*:/m.test(text) && namesInYaml(text).some(isOurs)) return OURS;
  if (key !== "name") return null;
  const name = evaluated(text, release);
  if (above === "scaleTargetRef") return name === release || name.startsWith(`${release}-`) ? PODS : null;
  if (above !== "metadata") return null;
  const kind = texts.find(({ path: at }) => showPath(at) === showPath([...path.slice(0, -2), "kind"]))?.text ?? "";
  return isOurs(text) || (name === release && evaluated(kind, release) === "Deployment") ? OURS : null;
}

const namesInYaml = (text: string): readonly string[] =>
  [...text.matchAll(/\bname\s*:([^\n]*)$/gm)].map(([, name = ""]) => name.trim().replaceAll(/^["']|["']$/g, ""));

type Finding = { readonly rule: string; readonly remedy: string } | { readonly rule: string; readonly guard: Guard };

/** Returns how a text, or the keys above it, would change the wiring once the chart or the program parses it. */
function findingOf(at: TextAt, platform: Platform, facts: ChartFacts | null, directories: readonly string[]): Finding | null {
  const steps = at.path.map((step) => (isNamed(step) ? step.named : step));
  if (at.path.includes("<<")) return A_MERGE;
  if (steps.some(hasControl)) return ONE_LINE;
  const isTheirs = at.isOfContainer || isOfOthers(at.path, platform);
  if (facts === null || !isAtOrBelow(at.path, facts.copied)) {
    if (hasControl(at.text) && ((isOfOptions(at.path) && !isTheirs) || (facts !== null && isWrittenByItself(at.path, facts))))
      return ONE_LINE;
    if (mayWriteLines(at.text) || steps.some(mayWriteLines) || at.path.some((step) => !isNamed(step) && step.includes("{{")))
      return A_TEMPLATE;
    if (!isTheirs && variablesOf(at.path).some((variable) => variable.includes("{{"))) return A_TEMPLATE;
  }
  if (isTheirs || isAside(at.path)) return null;
  const guard = guardOfVariable([...variablesOf(at.path), ...variablesInText(at)], platform) ?? guardOfOption(optionsAt(at), platform);
  if (guard !== null) return { rule: WIRED, guard };
  return directories.some((directory) => isMountBelow(at, directory)) ? { rule: WIRED, guard: FILES } : null;
}

/** Returns the facts of a platform's chart; null without a chart. */
const chartFactsOf = (platform: Platform, settings: Settings<CommonFields>): ChartFacts | null => {
  const chart = platform.chart(settings);
  return chart === null ? null : factsOf(chart, settings.chartVersion);
};

/** Returns the values that a platform's chart knows; none without a chart. */
export const keysOf = (platform: Platform, settings: Settings<CommonFields>): ChartKeys => chartFactsOf(platform, settings)?.keys ?? {};

/** Whether a value belongs to a program other than the platform. */
const isOfOthers = (path: Path, { otherPrograms }: Platform): boolean => isAtOrBelow(path, otherPrograms);

/** @param paths their keys joined by dots. */
const isAtOrBelow = (path: Path, paths: readonly string[]): boolean =>
  paths.some((each) => each.split(".").every((key, index) => path[index] === key));

/** Whether the chart reads a value by its own key as one text, which its templates may write without quotes, or within such a list. */
function isWrittenByItself(path: Path, { keys, rows }: ChartFacts): boolean {
  if (isAtOrBelow(path, rows)) return true;
  let node: ChartKeys | string | undefined = keys;
  for (const step of path)
    node = typeof node === "object" && typeof step === "string" && Object.hasOwn(node, step) ? node[step] : undefined;
  return typeof node === "string" && /scalar|string|any/.test(node);
}

/** Returns where the release's containers mount the wiring's volumes. */
const mountsIn = (wired: JsonObject): readonly string[] =>
  textsIn(wired)
    .filter(({ path }) => path.at(-1) === "mountPath")
    .map(({ text }) => text);

function guardOfOption(options: readonly OptionAt[], { guardedOptions }: Platform): Guard | null {
  const guards = Object.entries(guardedOptions).map(([option, guard]) => ({ option: toOption(option), guard }));
  const found = options.flatMap(({ option, isBeginning }) =>
    guards.filter((each) => each.option === option || (isBeginning && option.length > 1 && each.option.startsWith(option))),
  );
  return found[0]?.guard ?? null;
}

/** Replaces malformed numbers and Kubernetes names by defaults: they do not decide which values are wired. */
function withReadableNumbers(name: string, platform: Platform, settings: Settings<CommonFields>): Settings<CommonFields> {
  const fields: Fields = { ...commonFields(name), ...platform.fields };
  const isHarmless = ([key, { min }]: readonly [string, Fields[string]]) => min !== undefined || key === "namespace" || key === "release";
  const isMalformed = (key: string) => ifReadable(() => settings[key as keyof CommonFields], UNREADABLE) === UNREADABLE;
  const malformed = Object.entries(fields).filter((entry) => isHarmless(entry) && isMalformed(entry[0]));
  return withSettings(settings, Object.fromEntries(malformed.map(([key, field]) => [key, field.default]))) as Settings<CommonFields>;
}

/** Returns the values that a platform guards in addition to those of its wiring. */
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

/** Only a guard contains a string. */
const isGuard = (at: Guard | Guards): at is Guard => Object.values(at).some((value) => typeof value === "string");

/** Matches libpq's variables, and not others such as `PGVECTOR_URL`. libpq reads them only in capitals. */
const OF_LIBPQ = /^PG([A-Z]+$|CONNECT_TIMEOUT)/;

/** A guarded name that ends in `=` is one variable's full name. */
function guardOfVariable(names: readonly string[], { guardedVariables, variablesInAnyCase }: Platform): Guard | null {
  const variables = names.map((variable) => `${variablesInAnyCase ? variable.toUpperCase() : variable}=`);
  const found = Object.entries(guardedVariables).find(([beginning]) =>
    beginning === "PG" ? names.some((name) => OF_LIBPQ.test(name)) : variables.some((variable) => variable.startsWith(beginning)),
  );
  return found?.[1] ?? null;
}

/** Returns the process variables in a path: those below a key such as `env`, `extraEnvVars` or a ConfigMap's `data`, and names in capitals in any other list. */
const variablesOf = (path: Path): readonly string[] =>
  path.flatMap((step, index) => {
    const above = path[index - 1];
    if (typeof above === "string" && ENVIRONMENT.test(above)) return [isNamed(step) ? step.named : step];
    return isNamed(step) && IN_CAPITALS.test(step.named) ? [step.named] : [];
  });

// Searches from the end: searching for the beginning takes quadratic time in a long key.
const ENVIRONMENT = /$(?<=env[a-z]*|^(?:string)?data)/i;

/** Returns the guard of the path nearest to the user's: the same or above it, otherwise the first below. */
function nearestGuard(userPath: Path, guards: readonly GuardAt[]): Guard | null {
  const touched = guards.filter(([own]) => collision(userPath, [own]) !== null);
  const above = touched.filter(([own]) => own.length <= userPath.length).sort(([a], [b]) => b.length - a.length);
  return (above[0] ?? touched[0])?.[1] ?? null;
}

const toRemedy = (guard: Guard, name: string): string =>
  "setting" in guard ? `use platforms.${name}.${guard.setting}` : `remove it, because ${guard.because}`;
