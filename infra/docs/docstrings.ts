import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(__dirname, "..", "..");

/** Docstrings of settings by path, such as `network.privateSubnets.zone`. */
export type Docstrings = ReadonlyMap<string, string>;

/** Returns what an editor shows for each setting below a declaration. Throws an Error if the file does not contain it. */
export function docstringsIn(file: string, declaration: string): Docstrings {
  const text = readFileSync(join(ROOT, file), "utf8");
  const found = new Map<string, string>();
  const above: { readonly indent: number; readonly key: string }[] = [];
  let docstring: string[] = [];
  const start = text.indexOf(declaration);
  if (start < 0) throw new Error(`${file} has no ${declaration}`);
  for (const line of text.slice(start).split("\n").slice(1)) {
    if (/^ {0,2}\}/.test(line) && !/^ {2}\}\),?$/.test(line)) break;
    if (/^\s*\/?\*/.test(line)) {
      if (/^\s*\/\*\*/.test(line)) docstring = [];
      docstring.push(line.replace(/^\s*(\/\*\*|\*\/|\*)\s?/, "").replace(/\s*\*\/$/, ""));
      continue;
    }
    const [, indent = "", key = ""] = /^(\s+)"?([\w-]+)"?: /.exec(line) ?? [];
    if (key !== "") {
      while ((above.at(-1)?.indent ?? -1) >= indent.length) above.pop();
      above.push({ indent: indent.length, key });
      if (docstring.length > 0) found.set(above.map((each) => each.key).join("."), docstring.join(" ").trim());
    }
    docstring = [];
  }
  return found;
}
