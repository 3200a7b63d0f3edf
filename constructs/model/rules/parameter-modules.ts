import { show, type Violation, violation } from "../errors";
import type { InstanceSettings } from "../instance";
import { ownEntry } from "../json";
import { checkEach, checkItems } from "../rule";
import type { WholePlatform } from "../target";
import { listOf } from "./parameter-texts";

/** Lists of modules that a server loads when it starts, or for each session. */
const LISTS = ["shared_preload_libraries", "session_preload_libraries", "local_preload_libraries"] as const;

/** Modules that a server loads only on request, by the prefix of their parameters. */
const MODULES_BY_PREFIX: Readonly<Record<string, string>> = {
  auto_explain: "auto_explain",
  cron: "pg_cron",
  pg_bigm: "pg_bigm",
  pg_hint_plan: "pg_hint_plan",
  pgaudit: "pgaudit",
  pglogical: "pglogical",
};

/** Finds parameters of modules that the server does not load, which have no effect. */
export const unread = (
  { parameters }: InstanceSettings,
  path: string,
  isLoaded: (module: string) => boolean,
  toRemedy: (module: string) => string,
): readonly Violation[] =>
  checkEach(parameters, (value, name) => {
    const module = name.includes(".") ? ownEntry(MODULES_BY_PREFIX, name.split(".", 1)[0] ?? "") : undefined;
    if (module === undefined || isLoaded(module)) return [];
    return [violation(`${path}.parameters.${name}`, `has no effect, because ${module} is not loaded`, value, toRemedy(module))];
  });

const nameOf = (library: string): string => library.replace(/^\$libdir\//, "").replace(/\.so$/, "");

/** Finds modules that a host does not have, in every list of them. */
export const preloadable = (
  { parameters }: InstanceSettings,
  path: string,
  modules: readonly string[],
  rule: string,
): readonly Violation[] =>
  checkItems(LISTS, (name) => {
    const written = parameters[name];
    const unknown = written === undefined ? undefined : listOf(String(written))?.find((each) => !modules.includes(nameOf(each)));
    return unknown === undefined
      ? []
      : [violation(`${path}.parameters.${name}`, `names ${show(unknown)}, which ${rule}`, written, `it has ${modules.join(", ")}`)];
  });

/** The parameter with pg_cron's database, and its default. */
const CRON_DATABASE = "cron.database_name";
const CRON_DEFAULT = "postgres";

/** Finds pg_cron in a database where it cannot be created. @param instances whose parameters the spec sets. */
export const misplacedCron = (
  instances: Readonly<Record<string, InstanceSettings>>,
  platforms: Readonly<Record<string, WholePlatform>>,
): readonly Violation[] =>
  checkEach(platforms, ({ instance: name, databases }) => {
    const instance = ownEntry(instances, name ?? "");
    if (instance === undefined || instance.existing !== null) return [];
    const written = instance.parameters[CRON_DATABASE];
    return databases
      .filter((database) => database.extensions.includes("pg_cron") && database.name !== String(written ?? CRON_DEFAULT))
      .map((database) =>
        violation(
          `instances.${name}.parameters.${CRON_DATABASE}`,
          `must be ${database.name}, the database that gets the extension pg_cron`,
          written,
          `the default is ${CRON_DEFAULT}; a server has pg_cron in one database, and its jobs can run in others`,
        ),
      );
  });
