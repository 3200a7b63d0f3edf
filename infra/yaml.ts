import { Document, visit } from "yaml";
import type { Json } from "../constructs/model/json";

/** Texts to quote: line ends and defaults of YAML 1.1, characters that parsers drop, and leading blank lines, which blocks lose. */
const QUOTED = /[\u0085\u2028\u2029\ufeff]|^=$|^\s*[ \t]\n/;
const ESCAPED = /[\u0085\u2028\u2029\ufeff]/g;

/** Objects as YAML documents that parsers of YAML 1.1 (Helm, kubectl, PyYAML) and 1.2 read alike. */
export const toYaml = (objects: readonly Json[]): string => objects.map(toDocument).join("---\n");

function toDocument(object: Json): string {
  const document = new Document(object, { aliasDuplicateObjects: false, compat: "yaml-1.1" });
  visit(document, {
    Scalar: (_key, scalar) => {
      if (typeof scalar.value === "string" && QUOTED.test(scalar.value)) scalar.type = "QUOTE_DOUBLE";
    },
  });
  return document
    .toString({ lineWidth: 0 })
    .replaceAll(ESCAPED, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
