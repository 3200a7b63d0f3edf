import { violation } from "../model/errors";
import type { InstanceSettings } from "../model/instance";
import { ownEntry } from "../model/json";
import { unread } from "../model/parameter-modules";
import { toPlainValue } from "../model/parameters";
import { checkEach, checkItems } from "../model/rule";
import { created, type InstanceRule, type WholeRule } from "../model/target";
import type { gcpFields } from "./section";

/** Extensions that exist only on an instance with their flag. https://cloud.google.com/sql/docs/postgres/extensions */
const FLAGS: Readonly<Record<string, string>> = {
  anon: "cloudsql.enable_anon",
  pg_bigm: "cloudsql.enable_pg_bigm",
  pg_cron: "cloudsql.enable_pg_cron",
  pg_hint_plan: "cloudsql.enable_pg_hint_plan",
  pg_squeeze: "cloudsql.enable_pg_squeeze",
  pg_wait_sampling: "cloudsql.enable_pg_wait_sampling",
  pgaudit: "cloudsql.enable_pgaudit",
  pglogical: "cloudsql.enable_pglogical",
};

const isOn = ({ parameters }: InstanceSettings, flag: string): boolean => {
  const written = parameters[flag];
  return written !== undefined && toPlainValue({ type: "bool" }, written) === "on";
};
const flagOf = (module: string): string => `cloudsql.enable_${module}`;

/** Rules about flags of Cloud SQL alone. */
export const gcpParameterRules: readonly InstanceRule[] = [
  created({
    id: "gcp-module-flags-are-read",
    source: "https://cloud.google.com/sql/docs/postgres/extensions",
    why: "Someone believes that the audit or the schedule is on, and nothing reads its parameters.",
    date: "2026-11-30",
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
];

const SECTION = { project: "ml-project", projectNumber: "123456789012", region: "europe-west4", network: "ml" };

/** Rules about flags of Cloud SQL and the platforms of their instance. */
export const gcpParameterWholeRules: readonly WholeRule<typeof gcpFields>[] = [
  {
    id: "gcp-extensions-have-their-flag",
    source: "https://cloud.google.com/sql/docs/postgres/extensions",
    why: "CREATE EXTENSION fails until the flag has loaded the module, and the platform is not provisioned.",
    date: "2026-11-30",
    severity: "error",
    check: ({ instances, platforms }) =>
      checkEach(platforms, ({ instance: name, extensions }, platform) => {
        const instance = ownEntry(instances, name ?? "");
        if (instance === undefined || instance.existing !== null) return [];
        return checkItems(extensions, (extension) => {
          const flag = ownEntry(FLAGS, extension);
          if (flag === undefined) return [];
          if (isOn(instance, flag)) return [];
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
];
