import type * as pulumi from "@pulumi/pulumi";
import { isObject, type JsonObject, mapValues } from "../model/json";

/** A placeholder in an object for a deploy-time value; no other text has such letters. */
const standIn = (name: string): string => `\uE000${name}\uE000`;
const STAND_IN = /\uE000(\w+)\uE000/;

/** Properties of an object in a cluster, some of which may be deploy-time values. */
export type LateObject = Readonly<Record<string, unknown>>;

/**
 * Returns objects that contain deploy-time texts. Only objects with such a text wait for it, so that a preview shows all others.
 *
 * @param make is called once, with placeholders for the texts. It must not join two of them into one text.
 */
export function lateBound<N extends string>(
  make: (texts: Readonly<Record<N, string>>) => readonly JsonObject[],
  late: Readonly<Record<N, pulumi.Output<string>>>,
): readonly LateObject[] {
  const fill = (text: string, name: string) => late[name as N].apply((known) => text.replaceAll(standIn(name), known));
  const put = (value: unknown): unknown => {
    if (typeof value === "string") {
      const [, name] = STAND_IN.exec(value) ?? [];
      return name === undefined ? value : fill(value, name);
    }
    if (Array.isArray(value)) return value.map(put);
    return isObject(value) ? mapValues(value, put) : value;
  };
  return put(make(mapValues(late, (_text, name) => standIn(name)) as Readonly<Record<N, string>>)) as readonly LateObject[];
}
