import catalogue from "./catalogue.json";

/**
 * What a provider accepts for an input property.
 *
 * Types, requirements and replacements are from the schemas of Pulumi's providers (gcp 9.35, random 4.21, kubernetes 4.34); allowed
 * values, which no schema has, from the source of Google's provider and its documentation. Contains only the types in use.
 */
export interface Property {
  readonly type: "string" | "integer" | "number" | "boolean" | "object" | "list" | "map";
  readonly required: boolean;
  /** Whether changing it replaces the resource. */
  readonly replaces: boolean;
  readonly secret: boolean;
  /** Null if any value is allowed. */
  readonly values: readonly string[] | null;
}

/** Returns the properties of a resource type by path, in which `[]` is any entry of a list; null for a type that it does not contain. */
export function propertiesOf(type: string): Readonly<Record<string, Property>> | null {
  const written = (catalogue as Readonly<Record<string, Readonly<Record<string, string>>>>)[type];
  if (written === undefined) return null;
  return Object.fromEntries(Object.entries(written).map(([path, text]) => [path, parse(text)]));
}

/** `string required replaces = A|B`. */
function parse(text: string): Property {
  const [words = "", values] = text.split(" = ");
  const [type, ...flags] = words.split(" ");
  return {
    type: type as Property["type"],
    required: flags.includes("required"),
    replaces: flags.includes("replaces"),
    secret: flags.includes("secret"),
    values: values?.split("|") ?? null,
  };
}

/** Returns every value of an object by its path in the catalogue's notation, including objects and lists. */
export function* pathsOf(value: unknown, path = ""): Generator<readonly [path: string, value: unknown]> {
  if (path !== "") yield [path, value];
  if (Array.isArray(value)) for (const each of value) yield* pathsOf(each, `${path}[]`);
  else if (typeof value === "object" && value !== null)
    for (const [key, each] of Object.entries(value)) yield* pathsOf(each, path === "" ? key : `${path}.${key}`);
}
