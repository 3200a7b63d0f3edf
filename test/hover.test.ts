import { describe, expect, it } from "vitest";
import { awsInstanceFields } from "../constructs/aws/instance-fields";
import { awsFields } from "../constructs/aws/section";
import { gcpFields } from "../constructs/gcp/section";
import { commonFields } from "../constructs/model/common-fields";
import type { Field, Fields } from "../constructs/model/fields";
import { DEFAULT_PARAMETERS, instanceFields } from "../constructs/model/instance";
import type { Platform } from "../constructs/model/platform";
import { environmentFields } from "../constructs/model/spec";
import { platforms } from "../constructs/platforms/registry";
import { docstringsIn } from "../infra/docs/docstrings";

/** Defaults that depend on something else, in words. */
const IN_WORDS: Readonly<Record<string, string>> = {
  platform: "the platform's name",
  namespace: "the platform's name",
  release: "the platform's name",
  chartVersion: "the newest verified version",
  maxStorageGib: "five times `storageGib`",
};

/** Every setting by its path, groups and what is in them. */
const settingsOf = (fields: Fields, path = ""): readonly (readonly [string, Field<unknown>])[] =>
  Object.entries(fields).flatMap(([key, field]) => [
    [`${path}${key}`, field] as const,
    ...settingsOf(field.fields ?? {}, `${path}${key}.`),
  ]);

/** What its docstring has to end with; null where there is nothing to say. */
function defaultOf(path: string, { required, default: value, fields }: Field<unknown>): string | null {
  if (required || (fields !== undefined && value !== null && !Array.isArray(value))) return null;
  if (value === DEFAULT_PARAMETERS) return "`DEFAULT_PARAMETERS`";
  return IN_WORDS[path] ?? `\`${JSON.stringify(value)}\``;
}

/** Its own settings stand beside it. */
const { fields: ofExisting = {}, ...existing } = instanceFields.existing;
const DECLARATIONS: readonly (readonly [string, string, Fields])[] = [
  ["constructs/model/instance.ts", "export const instanceFields = {", { ...instanceFields, existing }],
  ["constructs/model/instance.ts", "const existing = {", ofExisting],
  ["constructs/model/spec.ts", "export const environmentFields = {", environmentFields],
  ["constructs/model/common-fields.ts", "export function commonFields(", commonFields("platform")],
  ["constructs/aws/section.ts", "export const awsFields = {", awsFields],
  ["constructs/aws/instance-fields.ts", "export const awsInstanceFields = {", awsInstanceFields],
  ["constructs/gcp/section.ts", "export const gcpFields = {", gcpFields],
  ...Object.entries(platforms as Readonly<Record<string, Platform>>).map(
    ([name, { fields }]) => [`constructs/platforms/${name}/settings.ts`, "Fields = {", fields] as const,
  ),
];

describe("what an editor shows of a setting", () => {
  it.each(DECLARATIONS)("in %s (%s) is a docstring with its default", (file, declaration, fields) => {
    const docstrings = docstringsIn(file, declaration);
    const settings = settingsOf(fields);
    expect(settings.length).toBeGreaterThan(0);
    const shown = settings.map(([path]) => [path, docstrings.get(path) ?? "no docstring"]);
    const wanted = settings.map(([path, field]) => {
      const [text = ""] = (docstrings.get(path) ?? "a docstring").split(" @defaultValue ");
      const value = defaultOf(path, field);
      return [path, value === null ? text : `${text} @defaultValue ${value}`];
    });
    expect(shown).toEqual(wanted);
  });
});
