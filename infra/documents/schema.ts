import type { Json, JsonObject } from "../../constructs/model/json";

/** The schema of a JSON value, from which its type derives, so that the two always agree. */
export interface Schema<T> {
  /** As JSON Schema, draft 7. */
  readonly json: JsonObject;
  /** Exists only as a type. */
  readonly type?: T;
}

/** The type of the values that a schema allows. */
export type Of<S> = S extends Schema<infer T> ? T : never;

export const text = (description: string): Schema<string> => ({ json: { type: "string", description } });

export const flag = (description: string): Schema<boolean> => ({ json: { type: "boolean", description } });

/** A whole number that is not negative. */
export const count = (description: string): Schema<number> => ({ json: { type: "integer", minimum: 0, description } });

/** A number that is not negative. */
export const amount = (description: string): Schema<number> => ({ json: { type: "number", minimum: 0, description } });

export const oneOf = <const V extends string>(description: string, values: readonly V[]): Schema<V> => ({
  json: { type: "string", enum: [...values], description },
});

/** @param of must not allow null itself. */
export const orNull = <T>({ json }: Schema<T>): Schema<T | null> => ({
  json: { ...json, type: [json.type as string, "null"], ...(Array.isArray(json.enum) ? { enum: [...(json.enum as Json[]), null] } : {}) },
});

export const list = <T>(description: string, of: Schema<T>): Schema<readonly T[]> => ({
  json: { type: "array", items: of.json, description },
});

/** An object whose keys are names. */
export const byName = <T>(description: string, of: Schema<T>): Schema<Readonly<Record<string, T>>> => ({
  json: { type: "object", additionalProperties: of.json, description },
});

type Properties = Readonly<Record<string, Schema<unknown>>>;
type Values<P extends Properties> = { readonly [K in keyof P]: Of<P[K]> };

/** An object that has each of its keys, and no others. */
export const object = <P extends Properties>(description: string, properties: P): Schema<Values<P>> => ({
  json: {
    type: "object",
    description,
    properties: Object.fromEntries(Object.entries(properties).map(([key, { json }]) => [key, json])),
    required: Object.keys(properties),
    additionalProperties: false,
  },
});

/** What a command prints with `--format json`. */
export interface Printed {
  /** File name of its schema, without `.json`. */
  readonly name: string;
  /** The script that prints it, with its options. */
  readonly command: string;
  /** The schema of the whole document. */
  readonly json: JsonObject;
}

/** A document with the values `V`, its name and its version. */
export interface Document<V> extends Printed {
  print(values: V): string;
}

/** The values of a document. */
export type ValuesOf<D> = D extends Document<infer V> ? V : never;

/**
 * Defines a document.
 *
 * @param version is raised when a key is removed or changes its meaning. New keys do not raise it.
 */
export function defineDocument<P extends Properties>(
  name: string,
  version: number,
  command: string,
  description: string,
  properties: P,
): Document<Values<P>> {
  const id = `platform-postgres/${name}/${version}`;
  const { json } = object(description, { schema: oneOf("Name and version of this document.", [id]), ...properties });
  return { name, command, json, print: (values) => `${JSON.stringify({ schema: id, ...values }, null, 2)}\n` };
}

/** The file of a document's schema. */
export const toSchemaFile = ({ json }: Printed): string =>
  `${JSON.stringify({ $schema: "http://json-schema.org/draft-07/schema#", ...json }, null, 2)}\n`;
