import { describe, expect, it } from "vitest";
import { misfits } from "../../constructs/model/chart-values";
import type { CommonFields } from "../../constructs/model/common-fields";
import type { Settings } from "../../constructs/model/fields";
import { guardsOf } from "../../constructs/model/guarded-values";
import type { Guard } from "../../constructs/model/guards";
import { isObject, type Json, type JsonObject } from "../../constructs/model/json";
import { type Chart, factsOf } from "../../constructs/model/platform";
import { textsIn } from "../../constructs/model/value-texts";
import { isNamed, leafPaths, type Path, showPath } from "../../constructs/model/values";
import type { Wired } from "../../constructs/model/wire";
import { type ContractCase, DIRECT, platformOf, refusal, settingsOf, waysOf, wire } from "./case";

/** What a platform with a Helm chart promises besides. */
export interface HelmCase extends ContractCase {
  /** Values that would decide the connection, show a password or open connections that nobody counted. */
  readonly hostile: readonly JsonObject[];
  /** Values that look like it, and do not. */
  readonly harmless: readonly JsonObject[];
  /** A value that the wiring sets, and the field of the spec that a refusal names; null where the wiring sets it. */
  readonly guarded: { readonly values: JsonObject; readonly path: string; readonly field: string | null };
  /** A named list that a person may add to. */
  readonly list: { readonly path: readonly string[]; readonly item: JsonObject };
}

function valuesOf({ wiring: { release } }: Wired): JsonObject {
  if (release.kind !== "helm") throw new TypeError("not a Helm release");
  return release.values;
}

/** Where values hold a password, rather than the name of what holds one. */
export const passwordsIn = (values: JsonObject): readonly string[] =>
  leafPaths(values)
    .map(showPath)
    .filter((path) => /password$/i.test(path));

/** Every promise about a release's values. */
export function helmContract(each: HelmCase): void {
  const platform = platformOf(each);
  const settings = settingsOf(each);
  const chart = platform.chart(settings) as Chart;
  const facts = factsOf(chart, (settings as Settings<CommonFields>).chartVersion);
  const unknownOf = (values: JsonObject) => misfits(values, facts).filter(({ rule }) => rule.startsWith("is not a value"));

  const remedyOf = (guard: Guard): string =>
    "setting" in guard ? `use platforms.${each.name}.${guard.setting}` : `remove it, because ${guard.because}`;

  describe(`${each.title}: values`, () => {
    it.each(waysOf(each))("writes none that the chart does not know: $access, $tls", (way) => {
      expect(misfits(valuesOf(wire(each, way)), facts)).toEqual([]);
    });

    it("holds no password", () => {
      expect(passwordsIn(valuesOf(wire(each, DIRECT)))).toEqual([]);
    });

    it("refuses a guarded value and names the field to use instead", () => {
      const { field } = each.guarded;
      const remedy = remedyOf(field === null ? { because: "it follows from the connection" } : { setting: field });
      expect(refusal(each, { ...each.settings, values: each.guarded.values })).toBe(
        `invalid spec:\n  - platforms.${each.name}.values.${each.guarded.path}: is set by the wiring; ${remedy}`,
      );
    });

    const guards = guardsOf(platform, settings).map(([path, guard]) => [showPath(path), path, guard] as const);
    it.each(guards)("guards %s, which the chart knows", (_shown, path, guard) => {
      expect(unknownOf(valueAt(path))).toEqual([]);
      const fields = [...Object.keys(platform.fields), "replicas", "release", "namespace", "images", "serviceAccount"];
      if ("setting" in guard) expect(fields).toContain(guard.setting);
      expect(refusal(each, { ...each.settings, values: valueAt(path) })).toContain(`: is set by the wiring; ${remedyOf(guard)}`);
    });

    it.each(Object.entries(platform.guardedVariables))(
      "guards variables that begin with %s, in a list and in a map",
      (beginning, guard) => {
        for (const values of [
          { anywhere: { env: [{ name: `${beginning}X`, value: "1" }] } },
          { anywhereEnv: { [`${beginning}X`]: "1" } },
        ]) {
          const path = showPath(leafPaths(values)[0] ?? []);
          expect(refusal(each, { ...each.settings, values })).toContain(
            `platforms.${each.name}.values.${path}: is set by the wiring; ${remedyOf(guard)}`,
          );
        }
      },
    );

    it.each(Object.entries(platform.guardedOptions))(
      "guards the option %s in each spelling, as a key, in a list and in a text",
      (option, guard) => {
        const words = option.split("-");
        const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
        const spellings = [option, words.join("_"), words.map(capital).join(""), words.join("").toUpperCase(), `${option} `];
        const texts =
          option.length === 1
            ? [`-v -${option} x`, `-${option}x`]
            : [`-v --${option}=x`, `--${words[0]}'${option.slice(words[0]?.length)}' x`];
        for (const values of [
          ...(option.length === 1 ? [] : spellings.flatMap((key) => [{ extraArgs: { [key]: "x" } }, { extraFlags: [`${key}=x`] }])),
          ...texts.map((text) => ({ extraArgs: { gunicornOpts: text } })),
        ]) {
          const path = showPath(textsIn(values)[0]?.path ?? []);
          expect(refusal(each, { ...each.settings, values })).toContain(
            `platforms.${each.name}.values.${path}: is set by the wiring; ${remedyOf(guard)}`,
          );
        }
      },
    );

    // Written out, because the guards themselves cannot tell what they forgot.
    it.each(each.hostile.map((values) => [JSON.stringify(values), values] as const))("refuses %s", (_shown, values) => {
      expect(refusal(each, { ...each.settings, values })).toContain(`platforms.${each.name}.values.`);
    });

    it.each(each.harmless.map((values) => [JSON.stringify(values), values] as const))("lets %s pass", (_shown, values) => {
      expect(refusal(each, { ...each.settings, values })).toBe("accepted");
    });

    it("joins what a person adds to a list that the wiring may fill", () => {
      const values = each.list.path.reduceRight<Json>((inner, key) => ({ [key]: inner }), [each.list.item]) as JsonObject;
      const merged = valuesOf(wire({ ...each, settings: { ...each.settings, values } }, DIRECT));
      const own = (at(valuesOf(wire(each, DIRECT)), each.list.path) ?? []) as Json[];
      expect(at(merged, each.list.path)).toEqual([...own, each.list.item]);
    });
  });
}

/** Values with something at a path. */
const valueAt = (path: Path): JsonObject =>
  path.reduceRight<Json>((inner, step) => (isNamed(step) ? [{ name: step.named, value: inner }] : { [step]: inner }), "x") as JsonObject;

const at = (values: JsonObject, path: readonly string[]): Json | undefined =>
  path.reduce<Json | undefined>((inner, key) => (isObject(inner) ? (inner as JsonObject)[key] : undefined), values);
