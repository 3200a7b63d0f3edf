import { type Json, type JsonObject, mapValues } from "./json";

/** What a field accepts, as JSON Schema (draft 7): never less than the field, and more only if a schema cannot express the check. */
export type Schema = JsonObject;

/** A pattern without flags other than `u`, which JSON Schema implies: it has no others. */
function patternOf(pattern: RegExp): string {
  if (pattern.flags.replace("u", "") !== "") throw new TypeError(`${pattern} has flags that JSON Schema does not support`);
  return pattern.source.replaceAll("\\/", "/");
}

/** The form of a text. */
interface TextForm {
  readonly pattern: RegExp;
  /** In words, for messages in editors. */
  readonly form: string;
  /** Characters; the field's own limit, which is not in the schema, if it is left out. */
  readonly longest?: number;
}

export const textSchema = ({ pattern, form, longest }: TextForm): Schema => ({
  type: "string",
  pattern: patternOf(pattern),
  patternErrorMessage: `must be ${form}`,
  ...(longest === undefined ? {} : { maxLength: longest }),
});

/** Returns the source of a pattern that matches a word in any case. */
export const inAnyCase = (word: string): string => word.replaceAll(/[a-z]/g, (letter) => `[${letter.toUpperCase()}${letter}]`);

export function objectSchema(fields: Readonly<Record<string, { readonly required: boolean; readonly schema: Schema }>>): Schema {
  const required = Object.keys(fields).filter((key) => fields[key]?.required);
  return {
    type: "object",
    properties: mapValues(fields, ({ schema }) => schema),
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
}

export function withoutDefault({ default: _, ...schema }: Schema): Schema {
  return schema;
}

const listOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : value === undefined ? [] : [value]);

/** Also accepts null. */
export function orNull(schema: Schema): Schema {
  const { type, enum: values, anyOf } = schema;
  return {
    ...schema,
    ...(type === undefined ? {} : { type: [...listOf(type), "null"] }),
    ...(values === undefined ? {} : { enum: [...listOf(values), null] }),
    ...(anyOf === undefined ? {} : { anyOf: [...listOf(anyOf), { type: "null" }] }),
  };
}

/** Undoes `orNull`, for a type. */
export function exceptNull(schema: Schema): Schema {
  const { type, ...rest } = withoutDefault(schema);
  const types = listOf(type).filter((each) => each !== "null");
  return { ...rest, type: types.length === 1 ? types[0] : types };
}
