import { violation } from "../model/errors";
import { type InstanceSettings, writtenMaxConnections } from "../model/instance";
import { ownEntry } from "../model/json";
import { setParameter } from "../model/parameter-values";
import { toPlainValue } from "../model/parameters";
import { checkEach, checkItems } from "../model/rule";
import { notOffered, OFFERED } from "../model/rules/extensions";
import { misplacedCron, preloadable, unread } from "../model/rules/parameter-modules";
import { listOf } from "../model/rules/parameter-texts";
import { created, type InstanceRule, type Whole, type WholeRule } from "../model/target";
import { connectionsOf } from "./classes";
import { CHECKED, GUIDE } from "./rules";
import type { awsFields } from "./section";

const PG_CRON = "https://github.com/citusdata/pg_cron/blob/main/pg_cron.sql";

const RESERVED = "rds.rds_superuser_reserved_connections";
/** RDS's default, which the target's reserve includes. */
const RESERVED_BY_DEFAULT = 2;
/** Memory of the largest medium class. GiB. */
const SMALL_GIB = 4;
/** A larger share of all connections is more than people need. */
const LARGEST_RESERVE = 0.25;

/** Connections that a spec reserves for members of `rds_superuser`, beyond RDS's default. */
export function reservedForSuperusers({ parameters }: InstanceSettings): number {
  const written = parameters[RESERVED];
  const plain = written === undefined ? null : toPlainValue({ type: "integer", min: 0, max: 262143 }, written);
  return plain === null ? 0 : Math.max(Number(plain) - RESERVED_BY_DEFAULT, 0);
}

/** Modules that RDS for PostgreSQL can load at startup. */
const MODULES: readonly string[] = [
  "auto_explain",
  "hll",
  "orafce",
  "pg_bigm",
  "pg_cron",
  "pg_hint_plan",
  "pg_prewarm",
  "pg_similarity",
  "pg_stat_statements",
  "pg_tle",
  "pg_transport",
  "pgactive",
  "pgaudit",
  "pglogical",
  "pgtle",
  "plprofiler",
];
const STATISTICS = "pg_stat_statements";

/** Extensions that work only if their module is loaded at startup, except those that RDS loads by default. */
const PRELOADED: readonly string[] = ["pg_cron", "pg_tle", "pgaudit", "pglogical"];

const librariesOf = ({ parameters }: InstanceSettings): readonly string[] | null => {
  const written = parameters.shared_preload_libraries;
  return written === undefined ? null : listOf(String(written));
};

/** Rules about RDS parameters. */
export const awsParameterRules: readonly InstanceRule[] = [
  created({
    id: "aws-preloaded-modules-are-known",
    source: `${GUIDE}/Appendix.PostgreSQL.CommonDBATasks.Extensions.html`,
    why: "RDS rejects an unknown module when it creates the parameter group.",
    date: CHECKED,
    severity: "acknowledge",
    check: (instance, path) => preloadable(instance, path, MODULES, "RDS is not known to load"),
    passing: { parameters: { shared_preload_libraries: "pg_stat_statements,pg_cron" } },
    failing: { parameters: { shared_preload_libraries: "pg_stat_statements,timescaledb" } },
  }),
  created({
    id: "aws-module-parameters-are-read",
    source: `${GUIDE}/Appendix.PostgreSQL.CommonDBATasks.Extensions.html`,
    why: "The parameters of a module that is not loaded have no effect: no audit is logged, and no job starts.",
    date: CHECKED,
    severity: "warning",
    check: (instance, path) => {
      const session = listOf(String(instance.parameters.session_preload_libraries ?? "")) ?? [];
      const loaded = [...(librariesOf(instance) ?? []), ...session];
      return unread(
        instance,
        path,
        (module) => loaded.includes(module),
        (module) => `add ${module} to shared_preload_libraries`,
      );
    },
    passing: { parameters: { "pgaudit.log": "ddl", shared_preload_libraries: "pg_stat_statements,pgaudit" } },
    failing: { parameters: { "pgaudit.log": "ddl" } },
  }),
  created({
    id: "aws-huge-pages-need-memory",
    source: `${GUIDE}/PostgreSQL.Concepts.General.FeatureSupport.HugePages.html`,
    why: "RDS does not start an instance that cannot have huge pages; by default, it disables them for micro, small and medium classes.",
    date: CHECKED,
    severity: "warning",
    check: (instance, path) =>
      setParameter(instance, "huge_pages")?.plain === "on" && instance.size.memoryGib <= SMALL_GIB
        ? [
            violation(
              `${path}.parameters.huge_pages`,
              `may prevent a class with ${instance.size.memoryGib} GiB from starting`,
              instance.parameters.huge_pages,
              "remove it; RDS enables huge pages on larger classes",
            ),
          ]
        : [],
    passing: { parameters: { huge_pages: "on" } },
    failing: { size: { vcpus: 2, memoryGib: 4 }, parameters: { huge_pages: "on" } },
  }),
  created({
    id: "aws-reserve-leaves-connections",
    source: `${GUIDE}/Appendix.PostgreSQL.CommonDBATasks.Parameters.html`,
    why: "Only members of rds_superuser get these connections, and no platform's login is one.",
    date: CHECKED,
    severity: "warning",
    check: (instance, path) => {
      const connections = writtenMaxConnections(instance) ?? connectionsOf(instance.size.memoryGib);
      const reserved = reservedForSuperusers(instance) + RESERVED_BY_DEFAULT;
      if (reserved <= connections * LARGEST_RESERVE) return [];
      const rule = `reserves ${reserved} of ${connections} connections, which no platform can use`;
      return [violation(`${path}.parameters.${RESERVED}`, rule, instance.parameters[RESERVED], "lower it; RDS's default is 2")];
    },
    passing: { parameters: { [RESERVED]: 20 } },
    failing: { parameters: { [RESERVED]: 800 } },
  }),
  created({
    id: "aws-statistics-stay-loaded",
    source: `${GUIDE}/USER_PerfInsights.UsingDashboard.AnalyzeDBLoad.AdditionalMetrics.PostgreSQL.html`,
    why: "RDS loads pg_stat_statements unless a parameter group changes that, and without it Performance Insights shows no statement statistics.",
    date: CHECKED,
    severity: "warning",
    check: (instance, path) => {
      const libraries = librariesOf(instance);
      return libraries === null || libraries.includes(STATISTICS)
        ? []
        : [
            violation(
              `${path}.parameters.shared_preload_libraries`,
              `removes ${STATISTICS}, which RDS loads by default and Performance Insights reads`,
              instance.parameters.shared_preload_libraries,
              `add ${STATISTICS}`,
            ),
          ];
    },
    passing: { parameters: { shared_preload_libraries: "pg_stat_statements,pgaudit" } },
    failing: { parameters: { shared_preload_libraries: "" } },
  }),
];

/** Returns the extensions that a spec allows; null if it allows all. */
function allowedBy({ parameters, existing }: InstanceSettings): readonly string[] | null {
  const written = parameters["rds.allowed_extensions"];
  if (written === undefined || existing !== null) return null;
  const names = String(written)
    .split(",")
    .map((each) => each.trim());
  return names.includes("*") ? null : names;
}

/** https://docs.aws.amazon.com/AmazonRDS/latest/PostgreSQLReleaseNotes/postgresql-extensions.html */
const RDS: readonly string[] = [
  ...OFFERED,
  ...`apg_plan_mgmt autoinc aws_commons aws_lambda aws_s3 bool_plperl flow_control hstore_plperl insert_username intagg jsonb_plperl log_fdw
  moddatetime mysql_fdw old_snapshot pg_tle pg_transport pgactive pgcollection plcoffee plls plperl plprofiler plrust pltcl postgis_sfcgal
  rds_tools test_parser xml2`.split(/\s+/),
];

/** Returns the instances whose parameters come from the spec, not from an existing group. */
const ofSpec = ({ section, instances }: Whole<typeof awsFields>): Whole<typeof awsFields>["instances"] =>
  Object.fromEntries(Object.entries(instances).filter(([name]) => (ownEntry(section.instances, name)?.parameterGroup ?? null) === null));

/** Rules about RDS parameters and extensions together with the platforms of their instance. */
export const awsParameterWholeRules: readonly WholeRule<typeof awsFields>[] = [
  {
    id: "aws-extensions-are-offered",
    source: "https://docs.aws.amazon.com/AmazonRDS/latest/PostgreSQLReleaseNotes/postgresql-extensions.html",
    why: "CREATE EXTENSION fails for an extension that RDS does not offer, so the platform is not provisioned.",
    date: CHECKED,
    severity: "warning",
    check: ({ instances, platforms }) =>
      notOffered(instances, platforms, RDS, "RDS", "SHOW rds.extensions lists the extensions of an instance"),
    passing: { section: { region: "eu-central-1" }, instances: { at: {} }, platforms: { app: { extensions: ["vector"] } } },
    failing: { section: { region: "eu-central-1" }, instances: { at: {} }, platforms: { app: { extensions: ["timescaledb"] } } },
  },
  {
    id: "aws-allowed-extensions-include-platforms",
    source: `${GUIDE}/PostgreSQL.Concepts.General.FeatureSupport.Extensions.html`,
    why: "CREATE EXTENSION fails for an extension that is not on the list, so the platform is not provisioned.",
    date: CHECKED,
    severity: "error",
    check: ({ instances, platforms }) =>
      checkEach(instances, (instance, name) => {
        const allowed = allowedBy(instance);
        if (allowed === null) return [];
        const missing = Object.entries(platforms).flatMap(([platform, { instance: its, extensions }]) =>
          its === name ? extensions.filter((each) => !allowed.includes(each)).map((each) => `${each} (${platform})`) : [],
        );
        const path = `instances.${name}.parameters.rds.allowed_extensions`;
        return missing.length === 0
          ? []
          : [violation(path, `must include ${missing.join(", ")}`, instance.parameters["rds.allowed_extensions"], "add them")];
      }),
    passing: {
      section: { region: "eu-central-1" },
      instances: { at: { parameters: { "rds.allowed_extensions": "pg_trgm, vector" } } },
      platforms: { prefect: { extensions: ["pg_trgm"] } },
    },
    failing: {
      section: { region: "eu-central-1" },
      instances: { at: { parameters: { "rds.allowed_extensions": "vector" } } },
      platforms: { prefect: { extensions: ["pg_trgm"] } },
    },
  },
  {
    id: "aws-extensions-are-preloaded",
    source: `${GUIDE}/Appendix.PostgreSQL.CommonDBATasks.Extensions.html`,
    why: "If the module was not loaded at startup, CREATE EXTENSION fails or the extension does nothing.",
    date: CHECKED,
    severity: "error",
    check: (subject) =>
      checkEach(subject.platforms, ({ instance: name, extensions }, platform) => {
        const instance = ownEntry(ofSpec(subject), name ?? "");
        if (instance === undefined || instance.existing !== null) return [];
        const libraries = librariesOf(instance) ?? [STATISTICS];
        return checkItems(extensions, (extension) =>
          PRELOADED.includes(extension) && !libraries.includes(extension)
            ? [
                violation(
                  `instances.${name}.parameters.shared_preload_libraries`,
                  `must include ${extension}, for the extension of ${platform}`,
                  instance.parameters.shared_preload_libraries,
                  `write "${[...libraries, extension].join(",")}"`,
                ),
              ]
            : [],
        );
      }),
    passing: {
      section: { region: "eu-central-1" },
      instances: { at: { parameters: { shared_preload_libraries: "pg_stat_statements,pg_cron" } } },
      platforms: { app: { extensions: ["pg_cron"] } },
    },
    failing: {
      section: { region: "eu-central-1" },
      instances: { at: {} },
      platforms: { app: { extensions: ["pg_cron"] } },
    },
  },
  {
    id: "aws-pg-cron-is-in-its-database",
    source: PG_CRON,
    why: "CREATE EXTENSION pg_cron fails in every database except the one that the parameter names, so the platform is not provisioned.",
    date: CHECKED,
    severity: "error",
    check: (subject) => misplacedCron(ofSpec(subject), subject.platforms),
    passing: {
      section: { region: "eu-central-1" },
      instances: { at: { parameters: { "cron.database_name": "app" } } },
      platforms: { app: { databases: [{ name: "app", extensions: ["pg_cron"] }] } },
    },
    failing: {
      section: { region: "eu-central-1" },
      instances: { at: {} },
      platforms: { app: { databases: [{ name: "app", extensions: ["pg_cron"] }] } },
    },
  },
];
