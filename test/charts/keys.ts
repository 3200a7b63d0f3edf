import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { ChartFacts, ChartKeys } from "../../constructs/model/chart-facts";
import { UserError } from "../../constructs/model/errors";
import { isObject, type JsonObject } from "../../constructs/model/json";
import { run } from "../proof/tools";
import { copiesOf } from "./copies";

type Node = ChartKeys | string;
type Tree = { [key: string]: Node };

/** The values that a chart knows: of its defaults, its schema and its templates. @param directory the unpacked chart. */
export function chartKeys(directory: string): Pick<ChartFacts, "rejects" | "keys" | "copied" | "rows"> {
  const valuesFile = join(directory, "values.yaml");
  const values = existsSync(valuesFile) ? readFileSync(valuesFile, "utf8") : "";
  const defaults = (parse(values) ?? {}) as JsonObject;
  const schemaFile = join(directory, "values.schema.json");
  const schema = existsSync(schemaFile) ? (JSON.parse(readFileSync(schemaFile, "utf8")) as JsonObject) : null;
  const tree = joined(ofDefaults(defaults), schema === null ? {} : ofSchema(schema)) as Tree;
  // Defaults may be templates, too.
  const [written, helpers] = templatesOf(join(directory, "templates"));
  const templates = `${values}\n${written}\n${helpers}`;
  const references = referencesOf(templates);
  for (const { path } of references) addPath(tree, path);
  for (const { path, isCopied } of references) if (isCopied) open(tree, path);
  // Whatever a chart below takes is its own; and Helm hands `global` to each of them.
  for (const name of ["global", ...subcharts(directory)]) if (!isKeys(tree[name])) tree[name] = "object";
  for (const name of subcharts(directory)) tree[name] = "object";
  return {
    rejects: { types: schema !== null, keys: schema?.additionalProperties === false },
    keys: sortedKeys(tree) as ChartKeys,
    ...copiesOf(written, helpers),
  };
}

const isKeys = (node: Node | undefined): node is Tree => typeof node === "object";

function ofDefaults(value: unknown): Node {
  if (value === null || value === undefined) return "any";
  if (Array.isArray(value)) return "array";
  if (!isObject(value)) return "scalar";
  const entries = Object.entries(value);
  return entries.length === 0 ? "object" : Object.fromEntries(entries.map(([key, child]) => [key, ofDefaults(child)]));
}

/** Types and keys of a JSON Schema. Alternatives are joined. */
function ofSchema(schema: JsonObject): Node {
  const alternatives = [schema.anyOf, schema.oneOf].flatMap((list) => (Array.isArray(list) ? (list as readonly JsonObject[]) : []));
  const own = isObject(schema.properties) ? (schema.properties as JsonObject) : {};
  const keys = Object.entries(own).map(([key, child]) => [key, ofSchema(child as JsonObject)] as const);
  if (keys.length > 0) return Object.fromEntries(keys);
  const written = [schema.type].flat().filter((type) => typeof type === "string");
  const types = written.length > 0 ? written : alternatives.flatMap(({ type }) => [type].flat().filter((each) => typeof each === "string"));
  return types.length === 0 ? "any" : [...new Set(types as readonly string[])].join("|");
}

/** Of two trees the keys of both; the second knows the types better. */
function joined(a: Node, b: Node): Node {
  if (!isKeys(a) || !isKeys(b)) return isKeys(a) && (b === "object" || b === "any") ? a : b;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries([...keys].map((key) => [key, joined(a[key] ?? b[key] ?? "any", b[key] ?? a[key] ?? "any")]));
}

/** The text of its templates, and that of the definitions that they include. */
function templatesOf(directory: string): readonly [string, string] {
  if (!existsSync(directory)) return ["", ""];
  const files = readdirSync(directory, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  const textOf = (chosen: typeof files) =>
    chosen
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
      .join("\n")
      // Comments of templates show how they are used.
      .replaceAll(/\{\{-?\s*\/\*[\s\S]*?\*\/\s*-?\}\}/g, "");
  const isHelper = ({ name }: (typeof files)[number]) => name.startsWith("_");
  return [textOf(files.filter((file) => !isHelper(file))), textOf(files.filter(isHelper))];
}

interface Reference {
  readonly path: readonly string[];
  /** Whether everything below it reaches what is rendered, whatever it is called. */
  readonly isCopied: boolean;
}

/** What writes a value with everything below it, whatever it is called. */
const COPIES = /\b(toYaml|toJson|tpl|tplvalues|range|merge\w*|omit|pick|deepCopy)\b/;
const PIPED = /\|\s*(toYaml|toJson|deepCopy)\b/;
const COPIES_DOT = /\b(toYaml|toJson|omit|pick|deepCopy)\s+\.(?!\w)|\brange\b[^}]*\s\.\s*-?\}\}/;
/** Letters after a `with` in which its block copies what it is about. */
const BLOCK = 600;

/** Where templates read values. */
function referencesOf(templates: string): readonly Reference[] {
  const dotted = [...templates.matchAll(/\bValues((?:\.[A-Za-z_]\w*)+)/g)].map((match) => ({
    index: match.index,
    path: (match[1] ?? "").slice(1).split("."),
  }));
  const indexed = [...templates.matchAll(/\bindex\s+\$?\.Values((?:\s+"[^"]+")+)/g)].map((match) => ({
    index: match.index,
    path: [...(match[1] ?? "").matchAll(/"([^"]+)"/g)].map(([, key = ""]) => key),
  }));
  return [...dotted, ...indexed].map(({ index, path }) => {
    const action = templates.slice(templates.lastIndexOf("{{", index), index);
    const rest = templates.slice(index, templates.indexOf("}}", index));
    const isWith = /^\{\{-?\s*(else\s+)?with\b/.test(action);
    const block = templates.slice(index, index + BLOCK).split(/\{\{-?\s*end\b/)[0] ?? "";
    return { path, isCopied: COPIES.test(action) || PIPED.test(rest) || (isWith && COPIES_DOT.test(block)) };
  });
}

function addPath(tree: Tree, [step = "", ...rest]: readonly string[]): void {
  const child = tree[step];
  if (child === undefined) tree[step] = rest.length === 0 ? "any" : below(rest);
  else if (isKeys(child) && rest.length > 0) addPath(child, rest);
}

const below = (path: readonly string[]): Tree => {
  const tree: Tree = {};
  addPath(tree, path);
  return tree;
};

/** What is copied is copied with all that is below it. */
function open(tree: Tree, path: readonly string[]): void {
  const found = path.reduce<Node | undefined>((inner, step) => (isKeys(inner) ? inner[step] : undefined), tree);
  if (!isKeys(found)) return;
  const map: Tree = found;
  for (const key of Object.keys(map)) open(map, [key]);
  map["*"] = "any";
}

/** What the charts below a chart are called in its values. */
export function subcharts(directory: string): readonly string[] {
  const { dependencies = [] } = parse(readFileSync(join(directory, "Chart.yaml"), "utf8")) as {
    dependencies?: readonly { readonly name: string; readonly alias?: string }[];
  };
  return dependencies.map(({ name, alias }) => alias ?? name);
}

const sortedKeys = (node: Node): Node =>
  isKeys(node)
    ? Object.fromEntries(
        Object.entries(node)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, child]) => [key, sortedKeys(child)]),
      )
    : node;

/** A chart's folder; an archive is unpacked below `scratch`. @throws UserError where there is no chart in it. */
export function unpacked(path: string, scratch: string): string {
  const isArchive = !statSync(path).isDirectory();
  if (isArchive) run("tar", ["-xzf", path, "-C", scratch]);
  const directory = isArchive ? join(scratch, readdirSync(scratch)[0] ?? "") : path;
  if (!existsSync(join(directory, "Chart.yaml"))) throw new UserError(`${path} is not a chart, it has no Chart.yaml`);
  return directory;
}
