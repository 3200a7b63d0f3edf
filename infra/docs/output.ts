import type { JsonObject } from "../../constructs/model/json";
import { DOCUMENTS } from "../documents/documents";
import type { Printed } from "../documents/schema";

/** What commands print with `--format json`, key by key. */
export const toDocumentTables = (): string => DOCUMENTS.map(toSection).join("\n");

const toSection = ({ name, command, json }: Printed): string =>
  [
    `## npm ${command === "start" ? command : `run ${command}`}`,
    "",
    `${json.description} Schema: [${name}.json](schemas/${name}.json).`,
    "",
    "| key | type | meaning |",
    "|---|---|---|",
    ...toRows(json, ""),
    "",
  ].join("\n");

/** @param path of the object, ending with a dot; empty for the document. */
function toRows({ properties }: JsonObject, path: string): readonly string[] {
  return Object.entries(properties as Readonly<Record<string, JsonObject>>).flatMap(([key, json]) => {
    const row = `| \`${path}${key}\` | ${toType(json)} | ${json.description} |`;
    const [inner, suffix] = json.items === undefined ? [json.additionalProperties, ".NAME"] : [json.items, "[]"];
    if (json.properties !== undefined) return [row, ...toRows(json, `${path}${key}.`)];
    const its = inner as JsonObject | undefined;
    return its?.properties === undefined ? [row] : [row, ...toRows(its, `${path}${key}${suffix}.`)];
  });
}

function toType({ type, enum: values, items }: JsonObject): string {
  if (Array.isArray(values)) return values.map((value) => `\`${JSON.stringify(value)}\``).join(", ");
  const types = [type].flat() as readonly string[];
  const named = types.map((each) => (each === "array" ? `array of ${(items as JsonObject).type}s` : each));
  return named.join(" or ");
}
