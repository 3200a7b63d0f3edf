import { isObject, type Json, type JsonObject } from "./json";
import type { Path } from "./values";

/** A text among values (numbers and booleans as text), and its path. Elements of a list are identified by name, otherwise by number. */
export interface TextAt {
  readonly path: Path;
  readonly text: string;
  /** Whether it is an element of a list, or directly within one. */
  readonly isOfItem: boolean;
  /** Whether it belongs to a container that the values add, with its own image. */
  readonly isOfContainer: boolean;
}

/** Lists of containers: `extraInitContainers`, `sidecars`. An image elsewhere does not create a container. */
const CONTAINERS = /(containers|sidecars)$/i;

/** Returns all texts among values. */
export function textsIn(values: JsonObject): readonly TextAt[] {
  const visit = (value: Json | undefined, path: Path, isOfItem: boolean, isOfContainer: boolean): readonly TextAt[] => {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value))
      return value.flatMap((item: Json, index) => {
        const named = isObject(item) && typeof item.name === "string" ? item.name : String(index);
        const isContainer = stepMatches(path.at(-1), CONTAINERS) && isObject(item) && typeof item.image === "string";
        return visit(item, [...path, { named }], true, isOfContainer || isContainer);
      });
    if (!isObject(value)) return [{ path, text: String(value), isOfItem, isOfContainer }];
    const isItem = typeof path.at(-1) === "object";
    // An element that is identified by its name contains that text itself.
    return Object.entries(value as JsonObject).flatMap(([key, child]) =>
      visit(child, isItem && key === "name" && typeof child === "string" ? path : [...path, key], isItem, isOfContainer),
    );
  };
  return visit(values, [], false, false);
}

/** Returns the containers that values add, with their own image. */
export const containersIn = (texts: readonly TextAt[]): readonly Path[] =>
  texts.filter(({ path, isOfContainer }) => isOfContainer && path.at(-1) === "image").map(({ path }) => path.slice(0, -1));

const stepMatches = (step: Path[number] | undefined, pattern: RegExp): boolean => typeof step === "string" && pattern.test(step);

const NAME = /^[A-Za-z_][A-Za-z0-9_.]*$/;
/** A process variable by its form, such as `PGHOST` or `DATABASE.HOST`. */
export const IN_CAPITALS = /^_?[A-Z][A-Z0-9_]*(\.|$)/;
/** `NAME: value`, `NAME=value` and `"NAME": value`, but not a shell's `$NAME` or `${NAME:-value}`. */
const ASSIGNED = /(?<![\w$.{-])["']?(_?[A-Z][A-Z0-9_.]*)["']?\s*[:=]/g;
/** The same within a map without line breaks, and an entry of a list: `{ NAME: value }`, `- name: NAME`, `envName: NAME`. */
const IN_BRACES = /(?<!\$)\{\s*["']?(_?[A-Z][A-Z0-9_.]*)["']?\s*:/g;
const NAMED = /(?:name|key|var|variable)["']?\s*:\s*["']?(_?[A-Za-z][A-Za-z0-9_.]*)/gi;

/** The same in a command, which may also unset one: any word that is not read. */
const WORD = /(?<![\w$.{-])(_?[A-Z][A-Z0-9_.]*)/g;

/**
 * Returns the process variables that a text names: as an element of a list, under any key, and in YAML or in lines `NAME=value` within the
 * text, which a chart or a program may parse.
 */
export function variablesInText({ path, text, isOfItem }: TextAt): readonly string[] {
  if (NAME.test(text)) return isOfItem && IN_CAPITALS.test(text) ? [text] : [];
  return [path.some(isCommand) ? WORD : ASSIGNED, IN_BRACES, NAMED].flatMap((pattern) =>
    [...text.matchAll(pattern)].map(([, name = ""]) => name),
  );
}

/** Lists of options, or maps that a chart writes as options: `extraArgs`, `extraFlags`, `gunicornOpts`. */
const OPTIONS = /(args|flags|opts|options)$/i;
/** Texts that start a program, in words. */
const COMMANDS = /(command|entrypoint|script)$/i;
/** Keys for other programs, and for metadata that no program reads. */
const ASIDE = /(probe|annotations|labels|selector)$/i;
/** An option as programs and charts compare it: `backendStoreUri`, `backend_store_uri` and `--backend-store-uri=x` are one. */
export const toOption = (text: string): string => (text.split("=")[0] ?? "").toLowerCase().replaceAll(/[^a-z0-9]/g, "");

/** An option that a text or a key names. */
export interface OptionAt {
  /** As `toOption` returns it; a single letter for `-w`. */
  readonly option: string;
  /** Whether it may be an abbreviated option, as Gunicorn accepts. */
  readonly isBeginning: boolean;
}

/** Returns the option in the keys above a text, if a chart writes them as options. */
export function optionsAbove(path: Path): readonly OptionAt[] {
  const below = path[path.findIndex(isOptions) + 1];
  return path.some(isOptions) && typeof below === "string" ? [{ option: toOption(below), isBeginning: false }] : [];
}

const isOptions = (step: Path[number]): boolean => OPTIONS.test(typeof step === "string" ? step : step.named);
const isCommand = (step: Path[number]): boolean => stepMatches(step, COMMANDS) || isOptions(step);

/** Whether a text is where the platform's program reads neither variables nor options: in a probe, or in metadata. */
export const isAside = (path: Path): boolean => path.some((step) => stepMatches(step, ASIDE));

/** Returns options in the keys above a text, in a list of options, and at every `--option` in a command, with any quoting. */
export function optionsAt({ path, text }: TextAt): readonly OptionAt[] {
  const at = path.findIndex(isOptions);
  const isItem = at !== -1 && at === path.length - 2 && typeof path.at(-1) === "object";
  const words = text.replaceAll(/["'\\]/g, "").split(/[\s,[\]{}]+/);
  const long = !path.some(isCommand) ? [] : words.filter((word) => word.startsWith("--") && word.length > 3);
  const short = at === -1 ? [] : words.filter((word) => /^-[A-Za-z]/.test(word));
  return [
    ...optionsAbove(path),
    ...(isItem ? [{ option: toOption(text), isBeginning: false }] : []),
    ...long.map((word) => ({ option: toOption(word), isBeginning: at !== -1 })),
    ...short.map((word) => ({ option: word.slice(1, 2).toLowerCase(), isBeginning: false })),
  ];
}

/** Whether a text becomes an argument of a program. */
export const isOfOptions = (path: Path): boolean => path.some(isOptions);

/** Whether a text has a line break or a control character other than a tab. */
export const hasControl = (text: string): boolean => /[^\P{Cc}\t]|[\u2028\u2029]/u.test(text);

// A raw literal yields its own text, line by line, and nothing else.
const LITERAL = '"[^"\\\\\\n]*"|`[^`]*`';
const FIELD = "(?:\\.(?!Values\\b|Files\\b|Subcharts\\b)[A-Za-z]\\w*)+|(?!println\\b)[a-zA-Z]\\w*(?:\\.[A-Za-z]\\w*)*";
const PIPED = `quote|squote|lower|upper|trunc\\s+\\d+|trimSuffix\\s+(?:${LITERAL})`;
/**
 * A template action that yields one line: a name of the release or chart, a field or word without arguments (such as Flyte's own
 * `workflow.name`), a literal without escapes, a chart's definition of a name. Anything else, such as `println` or `.Values`, may write lines.
 */
const ONE_LINE = new RegExp(
  `\\{\\{\\s*(?:${LITERAL}|${FIELD}|include\\s+"[\\w.-]*[Nn]ame(?:space)?"\\s+[.$])(?:\\s*\\|\\s*(?:${PIPED}))*\\s*\\}\\}`,
  "g",
);

/** Whether a template in a text may yield more than one line, and therefore other values. */
export const mayWriteLines = (text: string): boolean => text.replaceAll(ONE_LINE, "").includes("{{");

/** Keys that import all variables of a Secret, ConfigMap or file: `envFrom`, `extraEnvVarsSecret`, `extraSecretNamesForEnvFrom`. */
const SOURCES = /env(ironment)?(var(iable)?s?)?(from|secrets?|configmaps?|cms?|files?)|(secret|configmap)s?(names?)?(for|as)env/;

/** Returns the value above a text that imports all variables of an object, for a container of the chart; null if there is none. */
export function sourceOf({ path, isOfContainer }: TextAt): Path | null {
  const index = path.findIndex((step) => typeof step === "string" && SOURCES.test(step.toLowerCase().replaceAll(/[^a-z]/g, "")));
  return index === -1 || isOfContainer ? null : path.slice(0, index + 1);
}

/** Whether a text that a chart may parse contains `envFrom:`. */
export const namesSource = (text: string): boolean => /env_?from["']?\s*:/i.test(text);

/** Normalizes a path: removes parts that do not change it. */
function normal(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** Whether a mount would put files at or below a directory. */
export const isMountBelow = ({ path, text }: TextAt, directory: string): boolean =>
  typeof path.at(-1) === "string" && /mount_?path$/i.test(String(path.at(-1))) && `${normal(text)}/`.startsWith(`${normal(directory)}/`);
