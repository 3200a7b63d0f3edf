import { readFileSync } from "node:fs";
import type { Document, Node, YAMLError } from "yaml";
import { UserError } from "../constructs/model/errors";
import { isPlainObject } from "../constructs/model/json";
import { type Fault, findJsonFault } from "./json-text";

/** Extensions of files that contain an environment as data. */
export const DATA_ENDINGS = [".json", ".yaml", ".yml"] as const;

/** Key of the JSON Schema with which editors check a JSON file. */
const SCHEMA_KEY = "$schema";

/**
 * Reads a file of JSON or YAML 1.2 into plain data.
 *
 * @param file its name in messages.
 * @throws UserError with the line and column where it is not valid. Does not show the content, which may be secret.
 */
export function readDataFile(file: string, path: string): unknown {
  const text = readText(file, path);
  const { fault, value } = path.endsWith(".json") ? parseJson(text) : parseYaml(text);
  if (fault === null) return value;
  const before = text.slice(0, fault.offset).split("\n");
  throw new UserError(`${file}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}: ${fault.rule}`);
}

function readText(file: string, path: string): string {
  try {
    return readFileSync(path, "utf8").replace(/^\ufeff/, "");
  } catch (error) {
    throw new UserError(`${file} cannot be read (${(error as { readonly code?: string }).code ?? "unknown error"})`);
  }
}

interface Parsed {
  /** Null if the text is valid. */
  readonly fault: Fault | null;
  readonly value: unknown;
}

function parseJson(text: string): Parsed {
  const fault = findJsonFault(text);
  if (fault !== null) return { fault, value: null };
  const value: unknown = JSON.parse(text);
  if (!isPlainObject(value) || typeof value[SCHEMA_KEY] !== "string") return { fault, value };
  const { [SCHEMA_KEY]: _, ...spec } = value;
  return { fault, value: spec };
}

/** Loaded on demand: most environments are not YAML. */
const loadYaml = () => require("yaml") as typeof import("yaml");

function parseYaml(text: string): Parsed {
  try {
    // Even with a directive `%YAML 1.1`.
    const options = { schema: "core", merge: false, stringKeys: true, resolveKnownTags: false, prettyErrors: false } as const;
    const document = loadYaml().parseDocument(text, options);
    const [error] = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
    const fault = error === undefined ? findForeign(document) : toFault(error);
    return { fault, value: fault === null ? document.toJS() : null };
  } catch {
    // The parser reports no position.
    return { fault: { offset: 0, rule: "has too many levels or too many aliases" }, value: null };
  }
}

/** Replaces messages of the parser that mention its options. */
const RULES: Readonly<Partial<Record<YAMLError["code"], string>>> = {
  DUPLICATE_KEY: "this key appears twice in one object",
  MULTIPLE_DOCS: "a file must contain one environment; remove this second document",
  NON_STRING_KEY: "a key must be a text",
  TAG_RESOLVE_FAILED: "tags are not supported; remove it",
};

/** The parser's messages quote the file after a colon. */
const toFault = ({ code, message, pos }: YAMLError): Fault => ({
  offset: pos[0],
  rule: RULES[code] ?? lower(message.split(":", 1)[0] ?? ""),
});

const lower = (message: string): string => `${message.slice(0, 1).toLowerCase()}${message.slice(1)}`;

/** A number as JSON writes it. */
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/**
 * Rejects what JSON cannot express, and what Helm and kubectl (YAML 1.1) read differently: merge keys, and numbers such as `0123`, which
 * may be an account.
 */
function findForeign(document: Document): Fault | null {
  const { visit } = loadYaml();
  let fault: Fault | null = null;
  const stop = (node: Node, rule: string): symbol => {
    fault = { offset: node.range?.[0] ?? 0, rule };
    return visit.BREAK;
  };
  visit(document, {
    Alias: (_key, alias, above) => {
      const anchored = alias.resolve(document);
      if (anchored === undefined) return stop(alias, "this alias needs an earlier anchor of the same name");
      return above.includes(anchored) ? stop(alias, "this alias is inside its own anchor") : undefined;
    },
    Scalar: (key, scalar) => {
      if (scalar.type !== "PLAIN") return undefined;
      if (key === "key" && scalar.value === "<<")
        return stop(scalar, "YAML 1.2 has no merge keys; write the keys out, or an alias for the whole value");
      if (typeof scalar.value !== "number" || NUMBER.test(scalar.source ?? "")) return undefined;
      return stop(scalar, "other programs read this number differently; write it in quotes, or in decimal digits");
    },
  });
  return fault;
}
