import type * as pulumi from "@pulumi/pulumi";
import { isObject, type JsonObject, mapValues } from "../model/json";

/** Stands in an object for a text that is known only when something is deployed; no text of ours has such letters. */
const MARK = "\uE000late\uE000";

/** Properties of an object in a cluster, some of whose texts may be late. */
export type LateObject = Readonly<Record<string, unknown>>;

/**
 * Objects that are made of a text which is known late. Only what holds the text waits for it, so that a preview shows all the rest.
 *
 * @param make is called once, with a stand-in for the text.
 */
export function lateBound(make: (text: string) => readonly JsonObject[], late: pulumi.Output<string>): readonly LateObject[] {
  const put = (value: unknown): unknown => {
    if (typeof value === "string") return value.includes(MARK) ? late.apply((text) => value.replaceAll(MARK, text)) : value;
    if (Array.isArray(value)) return value.map(put);
    return isObject(value) ? mapValues(value, put) : value;
  };
  return put(make(MARK)) as readonly LateObject[];
}
