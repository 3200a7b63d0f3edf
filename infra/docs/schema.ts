import { aws } from "../../constructs/aws/target";
import { gcp } from "../../constructs/gcp/target";
import { commonFields } from "../../constructs/model/common-fields";
import type { Fields } from "../../constructs/model/fields";
import { instanceFields } from "../../constructs/model/instance";
import { isObject, type Json, type JsonObject, mapValues } from "../../constructs/model/json";
import { NAME, RESERVED_NAME } from "../../constructs/model/names";
import type { Platform } from "../../constructs/model/platform";
import { objectSchema, type Schema, textSchema } from "../../constructs/model/schema";
import { environmentFields } from "../../constructs/model/spec";
import { platforms } from "../../constructs/platforms/registry";
import { type Docstrings, docstringsIn } from "./docstrings";

const kinds = Object.keys(platforms);
const refer = (pointer: string): Schema => ({ $ref: `#/definitions/${pointer}` });

/** An object of settings, with their docstrings as descriptions. */
const documented = (fields: Fields, docstrings: Docstrings): Schema => describe(objectSchema(fields), docstrings, "");

function describe(schema: Schema, docstrings: Docstrings, path: string): Schema {
  const below = (each: Json | undefined, key: string) => describeSetting(each as Schema, docstrings, path === "" ? key : `${path}.${key}`);
  const { properties, items } = schema;
  return {
    ...schema,
    ...(isObject(properties) ? { properties: mapValues(properties as JsonObject, below) } : {}),
    ...(isObject(items) ? { items: describe(items as Schema, docstrings, path) } : {}),
  };
}

function describeSetting(schema: Schema, docstrings: Docstrings, path: string): Schema {
  const [text, value = "`"] = docstrings.get(path)?.split(/ +@defaultValue /) ?? [];
  const isFree = schema.pattern !== undefined || schema.anyOf !== undefined;
  // A value is also the schema's default.
  const sentences = [text, isFree ? `Write ${schema.description}.` : "", value.includes("`") ? "" : `Default: ${value}.`];
  const description = text === undefined ? (schema.description ?? "") : sentences.filter((each) => each !== "").join(" ");
  return describe({ ...schema, description }, docstrings, path);
}

/** Docstrings of settings within another setting. */
const below = (key: string, docstrings: Docstrings): Docstrings => new Map([...docstrings].map(([path, text]) => [`${key}.${path}`, text]));

const ofInstances: Docstrings = new Map([
  ...docstringsIn("constructs/model/instance.ts", "export const instanceFields = {"),
  ...below("existing", docstringsIn("constructs/model/instance.ts", "const existing = {")),
]);

/** A target's section. Its settings of instances have two declarations. */
function sectionSchema(title: string, section: Fields, docstrings: Docstrings, ofOwn: Docstrings): Schema {
  const { properties, ...schema } = documented(section, docstrings);
  const { instances } = properties as Readonly<Record<string, Schema>>;
  const additionalProperties = describe(instances?.additionalProperties as Schema, new Map([...ofInstances, ...ofOwn]), "");
  return { title, ...schema, properties: { ...(properties as JsonObject), instances: { ...instances, additionalProperties } } };
}

const common = commonFields("");

/** A platform of a kind, with any name. */
function kindSchema(kind: string, { title, fields }: Platform): Schema {
  const { properties, ...schema } = objectSchema({ ...common, ...fields });
  const own = documented(fields, docstringsIn(`constructs/platforms/${kind}/settings.ts`, "Fields = {")).properties;
  const shared = mapValues(common, (_field, key) => refer(`common/properties/${key}`));
  return {
    title,
    ...schema,
    properties: { ...shared, ...(own as JsonObject), platform: { description: "The platform's kind", enum: [kind] } },
  };
}

/** Chooses the schema by `platform`. */
const NAMED: Schema = {
  title: "Platform",
  type: "object",
  properties: { platform: { description: "The platform's kind", enum: kinds } },
  required: ["platform"],
  allOf: kinds.map((kind) => ({
    if: { type: "object", properties: { platform: { const: kind } }, required: ["platform"] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
    then: refer(`kind-${kind}`),
  })),
};

const platformsSchema: Schema = {
  description: "Platforms, by name: the name of a kind, or another name and `platform`",
  type: "object",
  properties: Object.fromEntries(
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
    kinds.map((kind) => [kind, { if: { type: "object", required: ["platform"] }, then: refer("platform"), else: refer(`kind-${kind}`) }]),
  ),
  propertyNames: { ...textSchema(NAME), not: { pattern: RESERVED_NAME.source } },
  additionalProperties: refer("platform"),
};

/** JSON Schema of an environment's file: types and ranges of fields. Commands also check rules. */
export function environmentSchema(): Schema {
  const { properties, ...envelope } = documented(
    environmentFields,
    docstringsIn("constructs/model/spec.ts", "export const environmentFields = {"),
  );
  const ofAws = docstringsIn("constructs/aws/instance-fields.ts", "export const awsInstanceFields = {");
  const ofGcp = docstringsIn("constructs/gcp/section.ts", "const ownInstanceFields = {");
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    $id: "urn:platform-postgres:environment",
    title: "Environment of platform-postgres",
    ...envelope,
    properties: {
      $schema: { description: "Path of this schema, for editors", type: "string" },
      ...(properties as JsonObject),
      instances: {
        description: "PostgreSQL servers, by name",
        type: "object",
        minProperties: 1,
        propertyNames: textSchema(NAME),
        additionalProperties: refer("instance"),
      },
      platforms: platformsSchema,
      aws: sectionSchema("AWS", aws.section, docstringsIn("constructs/aws/section.ts", "export const awsFields = {"), ofAws),
      gcp: sectionSchema("Google Cloud", gcp.section, docstringsIn("constructs/gcp/section.ts", "export const gcpFields = {"), ofGcp),
    },
    // The name is the file's.
    required: ["instances", "platforms"],
    definitions: {
      instance: { title: "Instance", ...documented(instanceFields, ofInstances) },
      platform: NAMED,
      common: documented(common, docstringsIn("constructs/model/common-fields.ts", "export function commonFields(")),
      ...Object.fromEntries(Object.entries(platforms).map(([kind, platform]) => [`kind-${kind}`, kindSchema(kind, platform)])),
    },
  };
}
