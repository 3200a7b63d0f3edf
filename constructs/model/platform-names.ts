import type { CommonFields } from "./common-fields";
import { violation } from "./errors";
import type { Report, Settings } from "./fields";
import { isPlainObject, mapValues, ownEntry } from "./json";
import { databaseName, FIRST_DATABASE, NAME, RESERVED_NAME } from "./names";
import type { PlatformDatabase, Platforms } from "./platform";
import { nearest, suggest } from "./suggest";

/** Returns the kind of a platform: its setting `platform`, otherwise its name. Null for an unknown kind, which is reported. */
export function kindOf(name: string, written: unknown, platforms: Platforms, report: Report): string | null {
  const known = Object.keys(platforms);
  const path = `platforms.${name}`;
  const said = isPlainObject(written) ? ownEntry(written, "platform") : undefined;
  const kind = said === undefined ? name : said;
  if (typeof kind === "string" && known.includes(kind)) return checkName(name, kind, report);
  if (said !== undefined) {
    report(violation(`${path}.platform`, "must name a platform", said, suggest(typeof said === "string" ? said : "", known)));
    return null;
  }
  if (typeof written === "string" && known.includes(written)) {
    report(violation(path, "must be an object", written, `write { platform: "${written}" }`));
    return null;
  }
  report({ path, rule: "unknown platform", got: null, remedy: toRemedy(name, written, platforms) });
  return null;
}

/** Returns what to write if the kind of a platform is unknown. */
function toRemedy(name: string, written: unknown, platforms: Platforms): string {
  const known = Object.keys(platforms);
  // `kind: "mlflow"`, or `platfrom: "mlflow"`.
  const misnamed = isPlainObject(written) ? Object.entries(written).find(([, value]) => known.includes(value as string)) : undefined;
  if (misnamed !== undefined) return `write platform: "${misnamed[1]}" in place of ${misnamed[0]}`;
  const near = nearest(name, known);
  if (near !== null) return `did you mean "${near}"?`;
  const meant = known.filter((each) => name.includes(each));
  if (meant.length > 0) return `add platform: ${meant.map((each) => `"${each}"`).join(" or ")}`;
  const quoted = (isAny: boolean) =>
    known
      .filter((kind) => platforms[kind]?.fitsAnyProgram === isAny)
      .sort()
      .map((kind) => `"${kind}"`);
  const [any] = quoted(true);
  return `add platform: ${any === undefined ? "" : `${any} for any other program, or `}one of ${quoted(false).join(", ")}`;
}

/** Checks a platform's name; the names of kinds are valid. */
function checkName(name: string, kind: string, report: Report): string | null {
  const path = `platforms.${name}`;
  if (name === kind) return kind;
  if (NAME.pattern.test(name) && !RESERVED_NAME.test(name)) return kind;
  const rule = RESERVED_NAME.test(name)
    ? "name must not be pg or begin with pg-, because PostgreSQL reserves roles that begin with pg_"
    : `name must be ${NAME.form}`;
  report(violation(path, rule, name));
  return null;
}

/** Returns a platform's databases with their names: from the spec, otherwise the kind's if the platform is named like it, otherwise derived from the platform's name. */
export function nameDatabases(
  name: string,
  kind: string,
  usual: Readonly<Record<string, PlatformDatabase>>,
  written: Settings<CommonFields>["databases"],
  report: Report,
): Readonly<Record<string, PlatformDatabase>> {
  const path = `platforms.${name}.databases`;
  for (const key of Object.keys(written))
    if (!Object.hasOwn(usual, key))
      report({ path: `${path}.${key}`, rule: "unknown key", got: null, remedy: suggest(key, Object.keys(usual)) });
  const isOnly = new Set(Object.values(usual).map((database) => database.name)).size === 1;
  /** Returns the first of the keys for one database. */
  const firstOf = (usualName: string) => Object.keys(usual).find((key) => usual[key]?.name === usualName) ?? FIRST_DATABASE;
  const derive = (usualName: string) => {
    const first = firstOf(usualName);
    return name === kind ? usualName : databaseName(name, isOnly || first === FIRST_DATABASE ? null : first);
  };
  const byName = new Map<string, string>();
  return mapValues(usual, (database, key) => {
    const own = ownEntry(written, key);
    const its = own?.name ?? derive(database.name);
    const other = byName.get(its) ?? key;
    if (firstOf(database.name) !== firstOf(usual[other]?.name ?? ""))
      report(violation(`${path}.${key}`, `must differ from the database of ${other}`, its));
    byName.set(its, other);
    return { name: its, extensions: [...new Set([...database.extensions, ...(own?.extensions ?? [])])] };
  });
}
