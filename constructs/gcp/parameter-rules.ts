import { violation } from "../model/errors";
import { GIB, type InstanceSettings } from "../model/instance";
import { ownEntry } from "../model/json";
import { bytesOf, showBytes } from "../model/parameter-values";
import { toPlainValue } from "../model/parameters";
import { checkEach, checkItems } from "../model/rule";
import { notOffered, OFFERED } from "../model/rules/extensions";
import { misplacedCron, unread } from "../model/rules/parameter-modules";
import { created, type InstanceRule, type WholeRule } from "../model/target";
import { CHECKED, GUIDE } from "./rules";
import type { gcpFields } from "./section";
import { SECTION } from "./section-rules";

/** Extensions that exist only on an instance with their flag. https://cloud.google.com/sql/docs/postgres/extensions */
const FLAGGED: readonly string[] = ["anon", "pg_bigm", "pg_cron", "pg_hint_plan", "pg_squeeze", "pg_wait_sampling", "pgaudit", "pglogical"];

const isOn = ({ parameters }: InstanceSettings, flag: string): boolean => {
  const written = parameters[flag];
  return written !== undefined && toPlainValue({ type: "bool" }, written) === "on";
};
const flagOf = (module: string): string => `cloudsql.enable_${module}`;

/** Rules about Cloud SQL flags. */
export const gcpParameterRules: readonly InstanceRule[] = [
  created({
    id: "gcp-module-flags-are-read",
    source: `${GUIDE}/extensions`,
    why: "The parameters of a module that is not loaded have no effect: no audit is logged, and no job starts.",
    date: CHECKED,
    severity: "warning",
    check: (instance, path) =>
      unread(
        instance,
        path,
        (module) => isOn(instance, flagOf(module)),
        (module) => `set ${flagOf(module)} to on`,
      ),
    passing: { parameters: { "pgaudit.log": "ddl", "cloudsql.enable_pgaudit": "on" } },
    failing: { parameters: { "pgaudit.log": "ddl" } },
  }),
  created({
    id: "gcp-effective-cache-is-in-range",
    source: "https://cloud.google.com/sql/docs/postgres/flags",
    why: "Cloud SQL's list of flags gives a range from 10 % to 70 % of the memory; values that are usual elsewhere exceed it.",
    date: "2026-11-30",
    severity: "warning",
    check: (instance, path) => {
      const bytes = bytesOf(instance, "effective_cache_size");
      const memory = instance.size.memoryGib * GIB;
      const rule = `is outside the documented range of Cloud SQL: 10 % (${showBytes(memory / 10)}) to 70 % (${showBytes(memory * 0.7)}) of the memory`;
      return bytes === null || (bytes >= memory / 10 && bytes <= memory * 0.7)
        ? []
        : [
            violation(
              `${path}.parameters.effective_cache_size`,
              rule,
              instance.parameters.effective_cache_size,
              "leave it out for 40 %; a number without a unit counts blocks of 8 kB",
            ),
          ];
    },
    passing: { parameters: { effective_cache_size: "5GB" } },
    failing: { parameters: { effective_cache_size: "6GB" } },
  }),
];

/** https://cloud.google.com/sql/docs/postgres/extensions */
const CLOUD_SQL: readonly string[] = [
  ...OFFERED,
  ...FLAGGED,
  ..."google_ml_integration pg_background pg_ivm pg_squeeze pgfincore pgtt plproxy postgis_sfcgal temporal_tables unit".split(" "),
];

/** Rules about Cloud SQL flags and extensions together with the platforms of their instance. */
export const gcpParameterWholeRules: readonly WholeRule<typeof gcpFields>[] = [
  {
    id: "gcp-extensions-are-offered",
    source: "https://cloud.google.com/sql/docs/postgres/extensions",
    why: "CREATE EXTENSION fails for an extension that Cloud SQL does not offer, so the platform is not provisioned.",
    date: "2026-11-30",
    severity: "warning",
    check: ({ instances, platforms }) =>
      notOffered(
        instances,
        platforms,
        CLOUD_SQL,
        "Cloud SQL",
        "SELECT name FROM pg_available_extensions lists the extensions of an instance",
      ),
    passing: { section: SECTION, instances: { at: {} }, platforms: { app: { extensions: ["vector"] } } },
    failing: { section: SECTION, instances: { at: {} }, platforms: { app: { extensions: ["timescaledb"] } } },
  },
  {
    id: "gcp-extensions-have-their-flag",
    source: `${GUIDE}/extensions`,
    why: "CREATE EXTENSION fails until the flag has loaded the module, so the platform is not provisioned.",
    date: CHECKED,
    severity: "error",
    check: ({ instances, platforms }) =>
      checkEach(platforms, ({ instance: name, extensions }, platform) => {
        const instance = ownEntry(instances, name ?? "");
        if (instance === undefined || instance.existing !== null) return [];
        return checkItems(extensions, (extension) => {
          const flag = flagOf(extension);
          if (!FLAGGED.includes(extension) || isOn(instance, flag)) return [];
          const rule = `must be on for the extension ${extension} of ${platform}`;
          return [
            violation(
              `instances.${name}.parameters.${flag}`,
              rule,
              instance.parameters[flag],
              `write it into gcp.instances.${name}.parameters`,
            ),
          ];
        });
      }),
    passing: {
      section: SECTION,
      instances: { at: { parameters: { "cloudsql.enable_pg_cron": "on" } } },
      platforms: { app: { extensions: ["pg_cron"] } },
    },
    failing: { section: SECTION, instances: { at: {} }, platforms: { app: { extensions: ["pg_cron"] } } },
  },
  {
    id: "gcp-pg-cron-is-in-its-database",
    source: "https://github.com/citusdata/pg_cron/blob/main/pg_cron.sql",
    why: "CREATE EXTENSION pg_cron fails in every database except the one that the flag names, so the platform is not provisioned.",
    date: "2026-11-30",
    severity: "error",
    check: ({ instances, platforms }) => misplacedCron(instances, platforms),
    passing: {
      section: SECTION,
      instances: { at: { parameters: { "cron.database_name": "app" } } },
      platforms: { app: { databases: [{ name: "app", extensions: ["pg_cron"] }] } },
    },
    failing: { section: SECTION, instances: { at: {} }, platforms: { app: { databases: [{ name: "app", extensions: ["pg_cron"] }] } } },
  },
];
