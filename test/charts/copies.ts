import type { ChartFacts } from "../../constructs/model/chart-facts";

/** A mention of a value in a template. */
interface Mention {
  readonly path: string;
  /** Whether it is only asked for, or copied with each line indented and no template evaluated. */
  readonly use: "asked" | "copied" | "other";
}

const VALUE = "\\$?\\.Values((?:\\.\\w+)+)";
const COPY = "\\|\\s*nindent\\s+\\d+\\s*-?\\}\\}";
const COPIES = [
  new RegExp(`\\{\\{-?\\s*with\\s+${VALUE}\\s*-?\\}\\}[^{}]*\\{\\{-?\\s*(?:toYaml\\s+)?\\.\\s*${COPY}\\s*\\{\\{-?\\s*end\\b`, "g"),
  new RegExp(`\\{\\{-?\\s*toYaml\\s+${VALUE}\\s*${COPY}`, "g"),
];

/**
 * How templates write values, as far as it can be told from their text.
 *
 * @param helpers files of definitions: another template may evaluate what they yield, so none of them counts as a copy.
 */
export function copiesOf(templates: string, helpers: string): Pick<ChartFacts, "copied" | "rows"> {
  return { copied: copiedIn(templates, helpers), rows: [...new Set(rowsIn(`${templates}\n${helpers}`))].sort() };
}

function copiedIn(templates: string, helpers: string): readonly string[] {
  // Values as a whole, or by a name that only the template knows.
  if (/\.Values(?![\w.]|\s+")/.test(`${templates}\n${helpers}`)) return [];
  const mentions = [...mentionsIn(templates), ...mentionsIn(helpers).map(({ path }): Mention => ({ path, use: "other" }))];
  const isOf = (path: string, above: string) => path === above || path.startsWith(`${above}.`);
  const isCopied = (path: string) =>
    mentions.every(
      (each) => each.use === "asked" || (each.path === path && each.use === "copied") || !(isOf(each.path, path) || isOf(path, each.path)),
    );
  const copied = mentions.filter(({ use }) => use === "copied").map(({ path }) => path);
  return [...new Set(copied)].filter(isCopied).sort();
}

function mentionsIn(templates: string): readonly Mention[] {
  const copied = new Set(
    COPIES.flatMap((pattern) => [...templates.matchAll(pattern)].map((match) => match.index + match[0].indexOf(".Values"))),
  );
  const dotted = [...templates.matchAll(/\.Values((?:\.\w+)+)/g)].map(({ index, 1: path = "" }): Mention => {
    const action = templates.slice(templates.lastIndexOf("{{", index), templates.indexOf("}}", index));
    const isAsked = /^\{\{-?\s*(else\s+)?if\b/.test(action) && !/\b(include|template|tpl)\b/.test(action);
    return { path: path.slice(1), use: isAsked ? "asked" : copied.has(index) ? "copied" : "other" };
  });
  const indexed = [...templates.matchAll(/\.Values\s+"([^"]+)"/g)].map(([, path = ""]): Mention => ({ path, use: "other" }));
  return [...dotted, ...indexed];
}

/** Lists that a template goes through, writing a text of an element without quotes and indenting none. */
function rowsIn(templates: string): readonly string[] {
  return [...templates.matchAll(new RegExp(`\\{\\{-?\\s*range\\s+([^}]*?:=\\s*)?${VALUE}\\s*-?\\}\\}`, "g"))].flatMap((match) => {
    const block = blockAt(templates, match.index + match[0].length);
    const key = /^\s*(\$\w+)\s*,/.exec(match[1] ?? "")?.[1];
    const written = [...block.matchAll(/\{\{-?\s*(.*?)\s*-?\}\}/gs)].map(([, action = ""]) => action);
    const outputs = written.filter(
      (action) => !/^(if|else|end|range|with|\/\*|\$\w+\s*:?=)/.test(action) && action !== key && !/^include "/.test(action),
    );
    const isIndented = outputs.some((action) => /\b(toYaml|toJson|n?indent|tpl|tplvalues)\b/.test(action));
    return !isIndented && outputs.some((action) => !/\bs?quote\b/.test(action)) ? [(match[2] ?? "").slice(1)] : [];
  });
}

/** What stands between an action that opens a block and its end. */
function blockAt(templates: string, start: number): string {
  let depth = 1;
  for (const { 1: word, index } of templates.slice(start).matchAll(/\{\{-?\s*(if|range|with|define|block|end)\b/g)) {
    depth += word === "end" ? -1 : 1;
    if (depth === 0) return templates.slice(start, start + index);
  }
  return templates.slice(start);
}
