import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isObject, type Json, type JsonObject } from "../../constructs/model/json";
import type { Schema } from "../../constructs/model/schema";
import { platforms } from "../../constructs/platforms/registry";
import { toTable } from "./facts";
import { environmentSchema } from "./schema";

const TOLD = join(__dirname, "..", "..", "test", "fixtures", "specs");

/** Effects of a change in the words of this page, by `plan`'s level. */
const LEVELS: Readonly<Record<string, string>> = {
  lost: "**loses data or protection**",
  refused: "**is refused**",
  outage: "interrupts",
  cost: "costs",
  other: "while in use",
};

/** The worst effect that `plan` reports for a change of each field. A test compares those files with `plan`. */
function readEffects(cloud: "aws" | "gcp"): ReadonlyMap<string, string> {
  const text = readFileSync(join(TOLD, `plan-fields-${cloud}.txt`), "utf8");
  return new Map(
    text.split("\n\n").map((each) => {
      const [field = "", first = ""] = each.split("\n");
      return [field, LEVELS[first.trim().split(":")[0] ?? ""] ?? ""];
    }),
  );
}

const EFFECTS = { aws: readEffects("aws"), gcp: readEffects("gcp") };

interface Row {
  readonly path: string;
  readonly schema: Schema;
  readonly isRequired: boolean;
}

/** The settings of an object, and of objects and lists within it, each after its parent. */
function rowsOf({ properties, required }: Schema, above = ""): readonly Row[] {
  const isRequired = (key: string) => Array.isArray(required) && required.includes(key);
  return Object.entries((properties ?? {}) as JsonObject).flatMap(([key, value]) => {
    const schema = value as Schema;
    const path = above === "" ? key : `${above}.${key}`;
    const items = isObject(schema.items) ? (schema.items as Schema) : null;
    return [{ path, schema, isRequired: isRequired(key) }, ...rowsOf(schema, path), ...(items === null ? [] : rowsOf(items, `${path}[]`))];
  });
}

const code = (text: string): string => `\`${text}\``;

/** A type in JSON's words, with its limits. */
function typeOf(schema: Schema): string {
  const { type, enum: values, minimum, maximum, anyOf } = schema as Readonly<Record<string, Json>>;
  if (Array.isArray(values)) return values.length > 8 ? "one of a list" : values.map((each) => code(JSON.stringify(each))).join(", ");
  if (Array.isArray(anyOf)) return anyOf.some((each) => isObject(each) && each.type === "null") ? "text, null" : "text";
  const names = (Array.isArray(type) ? type : [type]).map((each) =>
    each === "string" ? "text" : each === "array" ? "list" : String(each),
  );
  const limits = minimum === undefined || maximum === undefined ? "" : `, ${group(minimum)} to ${group(maximum)}`;
  return `${names.join(", ").replace("undefined", "object")}${limits}`;
}

const group = (number: Json): string => Number(number).toLocaleString("en-US");

function defaultOf({ default: value, description = "" }: Schema, isRequired: boolean): string {
  if (value !== undefined) return code(JSON.stringify(value));
  const [, said] = /Default: (.+?)\.$/.exec(String(description)) ?? [];
  return said ?? (isRequired ? "required" : "");
}

const meaningOf = ({ description = "" }: Schema): string =>
  String(description)
    .replace(/ Default: .+\.$/, "")
    .replaceAll(/`npm run (\w+)( --)?/g, "`npx platform-postgres $1");

/** @param effects columns with effects of changes: a title, and the words by path. */
function toRows(schema: Schema, effects: readonly (readonly [title: string, of: (path: string) => string])[] = []): readonly string[] {
  return toTable(
    ["setting", "type", "default", "what it is", ...effects.map(([title]) => title)],
    rowsOf(schema).map(({ path, schema: each, isRequired }) => [
      code(path),
      typeOf(each),
      defaultOf(each, isRequired),
      meaningOf(each),
      ...effects.map(([, of]) => of(path)),
    ]),
  );
}

const changing = (cloud: "aws" | "gcp", title: string, above: string) =>
  [title, (path: string) => EFFECTS[cloud].get(`${above}.${path}`) ?? ""] as const;

/** The page of all settings. */
export function settingsPage(): string {
  const { properties, definitions } = environmentSchema() as unknown as {
    readonly properties: Readonly<Record<string, Schema>>;
    readonly definitions: Readonly<Record<string, Schema>>;
  };
  const { $schema, instances, platforms: _, aws, gcp, ...own } = properties;
  const definition = (name: string): Schema => definitions[name] as Schema;
  /** Leaves out the kind, and the settings that every platform has. */
  const ownOf = (kind: string): Schema => {
    const its = definition(`kind-${kind}`);
    const entries = Object.entries(its.properties as JsonObject).filter(
      ([key, each]) => key !== "platform" && isObject(each) && each.$ref === undefined,
    );
    return { ...its, properties: Object.fromEntries(entries) };
  };
  /** Settings of an instance that only a target's section has. */
  const instanceOf = (section: Schema): Schema => {
    const all = ((section.properties as JsonObject).instances as JsonObject).additionalProperties as Schema;
    const shared = Object.keys(definition("instance").properties as JsonObject);
    return { properties: Object.fromEntries(Object.entries(all.properties as JsonObject).filter(([key]) => !shared.includes(key))) };
  };
  return [
    "# Settings",
    "",
    "All settings of an environment's file, with types, defaults, units and what changing each does to a deployed instance.",
    "",
    "`npm run docs` writes this page from the code. The last columns show the worst effect that `plan` reports for a change: *costs* and *while in use* continue",
    "without an interruption, *interrupts* restarts or moves the instance, and an empty cell means no effect on it.",
    "[Rules](rules.md) lists further checks. Editors show these settings with [the JSON Schema](schemas/environment.json).",
    "",
    "## Environment",
    "",
    "`instances` and `platforms` are required; the environment has its file's name.",
    "",
    ...toRows({ properties: own as JsonObject }),
    "",
    "## Instance",
    "",
    "Below `instances`, by a name that you choose.",
    "",
    ...toRows(definition("instance"), [
      changing("aws", "changing it on RDS", "instances.main"),
      changing("gcp", "on Cloud SQL", "instances.main"),
    ]),
    "",
    "## AWS",
    "",
    "Below `aws`: the environment's place on AWS.",
    "",
    ...toRows(aws as Schema, [changing("aws", "changing it", "aws")]),
    "",
    "## AWS instance",
    "",
    "Below `aws.instances`, by the instance's name: every setting of an instance, and these. Settings here take precedence; `parameters` and `size` are merged.",
    "",
    ...toRows(instanceOf(aws as Schema)),
    "",
    "## Google Cloud",
    "",
    "Below `gcp`: the environment's place on Google Cloud.",
    "",
    ...toRows(gcp as Schema, [changing("gcp", "changing it", "gcp")]),
    "",
    "## Google Cloud instance",
    "",
    "Below `gcp.instances`, by the instance's name: every setting of an instance, and these. Settings here take precedence; `parameters` and `size` are merged.",
    "",
    ...toRows(instanceOf(gcp as Schema), [changing("gcp", "changing it", "gcp.instances.main")]),
    "",
    "## Platform",
    "",
    "Below `platforms`, by the kind or by a name that you choose. Every platform has these; those of each kind follow.",
    "",
    ...toRows(definition("common")),
    "",
    ...Object.entries(platforms).flatMap(([kind, { title }]) => [`## ${title}`, "", ...toRows(ownOf(kind)), ""]),
  ].join("\n");
}
