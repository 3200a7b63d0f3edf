import type { ChartKeys } from "../../constructs/model/chart-facts";
import type { Workload } from "../../infra/charts/workloads";

/** What a new platform is about. */
export interface Draft {
  /** Its key in the registry: `airflow`. */
  readonly name: string;
  readonly chart: string;
  readonly repository: string;
  readonly version: string;
  readonly keys: ChartKeys;
  /** Of a release with the chart's own defaults. */
  readonly workloads: readonly Workload[];
  /** Charts below it. */
  readonly subcharts: readonly string[];
}

/** The lists of a pod that most charts let a person add to, and what goes there. */
const LISTS: readonly (readonly [RegExp, string])[] = [
  [/^(extra)?env(Vars?|ironment)?$/i, "toEnv(variables, connection)"],
  [/^(extra)?volumes$/i, "mounts?.volumes"],
  [/^(extra)?volumeMounts$/i, "mounts?.volumeMounts"],
  [/^(extra)?initContainers$/i, "sidecars(connection.tls)"],
];
const DATABASES = /^(postgresql|postgres|mysql|mariadb)(-ha)?$/;
const MAY_DECIDE = /database|postgres|dsn|sqlalchemy|jdbc|connectionString|(^|\.)(extra)?env/i;

/** What a platform is called in code, and in the registry. */
export const variableOf = (name: string): string => camel(name);
export const registryKey = (name: string): string => (camel(name) === name ? name : `"${name}": ${camel(name)}`);

const camel = (name: string): string => name.replaceAll(/-(\w)/g, (_match, letter: string) => letter.toUpperCase());
const pascal = (name: string): string => camel(`-${name}`);

/** Every value of a chart, by its path. */
const pathsOf = (keys: ChartKeys, above: readonly string[] = []): readonly (readonly [readonly string[], string])[] =>
  Object.entries(keys).flatMap(([key, node]) =>
    typeof node === "string" ? [[[...above, key], node] as const] : pathsOf(node, [...above, key]),
  );

/** The files of a new platform, by their path in the checkout. */
export function scaffold(draft: Draft): Readonly<Record<string, string>> {
  const { name } = draft;
  const folder = `constructs/platforms/${name}`;
  return {
    [`${folder}/settings.ts`]: settings(draft),
    [`${folder}/rules.ts`]: rules(draft),
    [`${folder}/${name}.ts`]: platform(draft),
    [`test/fixtures/cases/${name}.ts`]: testCase(draft),
  };
}

const settings = ({ name }: Draft): string => `import type { CommonFields } from "../../model/common-fields";
import { integer, type Settings } from "../../model/fields";

export const ${camel(name)}Fields = {
  /** Connections that each process keeps open. @defaultValue \`5\` */
  poolSize: integer({ min: 1, max: 100, default: 5 }),
};

export type ${pascal(name)}Fields = typeof ${camel(name)}Fields;
export type ${pascal(name)}Settings = Settings<${pascal(name)}Fields & CommonFields>;
`;

const rules = ({ name }: Draft): string => `import type { PlatformRule } from "../../model/platform";
import type { ${pascal(name)}Fields } from "./settings";

/** What its documentation, its chart or a try says must not be. */
export const ${camel(name)}Rules: readonly PlatformRule<${pascal(name)}Fields>[] = [];
`;

function platform(draft: Draft): string {
  const { name, chart, repository, version, workloads } = draft;
  const containers = workloads.flatMap(({ kind, name: workload, containers }) =>
    containers.map(
      ({ name: container, role, image }) => `${kind} ${workload}: ${role === "main" ? "" : `${role} `}${container} (${image})`,
    ),
  );
  const candidates = pathsOf(draft.keys)
    .filter(([path, type]) => MAY_DECIDE.test(path.join(".")) && listFor(path, type) === null)
    .map(([path]) => path.join("."));
  const guarded = guards(draft);
  const values = toCode(valuesOf(draft), "  ");
  const helpers = ["reloadOnSecretChange", "serviceAccountValues", "sidecars", "tlsMounts", "tlsVariables", "toEnv"];
  const always = ["tlsVariables", ...(values.includes("mounts") ? ["tlsMounts"] : [])];
  const used = helpers.filter((helper) => always.includes(helper) || values.includes(`${helper}(`));
  const parameters = ["connection", "settings", "variables"].map((each) => (values.includes(each) ? each : `_${each}`));
  return `import { ${used.join(", ")} } from "../../kubernetes/pod";
${guarded === "COMMON_VALUES" ? 'import { COMMON_VALUES } from "../../model/guards";\n' : ""}import type { JsonObject } from "../../model/json";
import {
  type Chart,
  type Connection,
  type Demand,
  definePlatform,
  helmRelease,
  type Platform,
  type Variables,
  type WiringDefinition,
} from "../../model/platform";
import { PLAIN_SECRET } from "../../model/secret";
import newest from "./facts/${chart}-${version}.json";
import { ${camel(name)}Rules } from "./rules";
import { type ${pascal(name)}Fields, type ${pascal(name)}Settings, ${camel(name)}Fields } from "./settings";

// The chart starts, with its own defaults:
${containers.map((line) => `//   ${line}`).join("\n")}
// Values whose names sound like the database's or like variables. Wire or guard each that can decide the connection:
${(candidates.length === 0 ? ["none"] : candidates).map((line) => `//   ${line}`).join("\n")}

const CHART: Chart = {
  name: "${chart}",
  repository: "${repository}",
  verified: [newest],
  supported: { oldest: ["${version}"], form: "${version} or newer", unverified: "${unverified(version)}" },
};

/** Named, so that its settings are documented wherever its type is shown. */
export interface ${pascal(name)} extends Platform<${pascal(name)}Fields, "main"> {}

export const ${camel(name)}: ${pascal(name)} = definePlatform({
  title: "${pascal(name)}",
  fields: ${camel(name)}Fields,
  driver: { name: "libpq", dialect: "PG* variables" },
  rules: ${camel(name)}Rules,
  chart: () => CHART,
  guarded: () => [${guarded}],
  transactionPooling: () => ({ works: false, note: "it was not tried" }),
  databases: () => ({ main: { name: "${camel(name).toLowerCase()}", extensions: [] } }),
  connections,
  wire,
});

function connections({ poolSize, replicas }: ${pascal(name)}Settings): readonly Demand[] {
  return [{ opener: "server", pool: poolSize, processes: 1, replicas, overlaps: true, migration: 1 }];
}

function wire(connection: Connection<"main">, settings: ${pascal(name)}Settings): WiringDefinition {
  const variables: Variables = {
    PGHOST: connection.host,
    PGPORT: String(connection.port),
    PGDATABASE: connection.databases.main,
    PGUSER: { secretKey: "username" },
    PGPASSWORD: { secretKey: "password" },
    ...tlsVariables(connection.tls),
  };
  return {
    secret: PLAIN_SECRET,
    release: helmRelease(CHART, settings, releaseValues(connection, settings, variables)),
    variables,
    health: null,
  };
}

function releaseValues(${parameters[0]}: Connection<"main">, ${parameters[1]}: ${pascal(name)}Settings, ${parameters[2]}: Variables): JsonObject {
${values.includes("mounts") ? "  const mounts = tlsMounts(connection.tls);\n" : ""}  return ${values};
}
`;
}

/** A version of the same major that nobody has released yet, as far as is known. */
const unverified = (version: string): string =>
  version.replace(/(\d+)(\D*)$/, (_match, patch: string, rest: string) => `${Number(patch) + 1}${rest}`);

/** The common guards, as far as the chart has what they guard. */
function guards({ keys }: Draft): string {
  const account = keys.serviceAccount;
  const hasAccount = typeof account === "object" && account.create !== undefined && account.name !== undefined;
  if (keys.fullnameOverride !== undefined && hasAccount) return "COMMON_VALUES";
  const own = [
    ...(keys.fullnameOverride === undefined ? [] : ['fullnameOverride: { setting: "release" }']),
    ...(hasAccount ? ['serviceAccount: { create: { setting: "serviceAccount" }, name: { setting: "serviceAccount" } }'] : []),
  ];
  return own.length === 0 ? "" : `{ ${own.join(", ")} }`;
}

type Code = string | { readonly [key: string]: Code };

/** What is found in the values to wire: each as the code that makes it. */
function valuesOf({ keys, subcharts }: Draft): Code {
  const found: { path: readonly string[]; code: string }[] = [];
  const add = (path: readonly string[], code: string) => found.push({ path, code });
  for (const [path, type] of pathsOf(keys)) {
    const key = path.at(-1) ?? "";
    const list = listFor(path, type);
    if (list !== null) add(path, list);
    else if (/^(fullnameOverride)$/.test(path.join("."))) add(path, "settings.release");
    else if (path.length === 1 && /^(replicas|replicaCount)$/.test(key)) add(path, "settings.replicas");
    else if (
      /^(deploymentAnnotations|commonAnnotations)$/.test(key) ||
      (path.length <= 2 && key === "annotations" && hasPodLists(keys, path))
    )
      add(path, "reloadOnSecretChange(connection.secret)");
  }
  const account = keys.serviceAccount;
  if (typeof account === "object" && account.create !== undefined && account.name !== undefined)
    add(["serviceAccount"], "serviceAccountValues(connection.serviceAccount)");
  for (const name of subcharts.filter((each) => DATABASES.test(each))) add([name], "{ enabled: false }");
  return found.reduce<Code>((values, { path, code }) => withCode(values, path, code), {});
}

/** What goes into a list of a pod. */
function listFor(path: readonly string[], type: string): string | null {
  const list = LISTS.find(([pattern]) => pattern.test(path.at(-1) ?? ""));
  return list !== undefined && /array|any/.test(type) ? list[1] : null;
}

/** Whether a map has a pod's lists, so that its annotations are those of a workload. */
function hasPodLists(keys: ChartKeys, path: readonly string[]): boolean {
  const beside = path
    .slice(0, -1)
    .reduce<ChartKeys | string | undefined>((inner, key) => (typeof inner === "object" ? inner[key] : undefined), keys);
  return typeof beside === "object" && Object.keys(beside).some((key) => LISTS.some(([pattern]) => pattern.test(key)));
}

function withCode(values: Code, [key = "", ...rest]: readonly string[], code: string): Code {
  const map = typeof values === "string" ? {} : values;
  return { ...map, [key]: rest.length === 0 ? code : withCode(map[key] ?? {}, rest, code) };
}

function toCode(code: Code, indent: string): string {
  if (typeof code === "string") return code;
  const lines = Object.entries(code).map(
    ([key, value]) => `${indent}  ${/^\w+$/.test(key) ? key : JSON.stringify(key)}: ${toCode(value, `${indent}  `)},`,
  );
  return lines.length === 0 ? "{}" : `{\n${lines.join("\n")}\n${indent}}`;
}

/** Where the chart takes variables. */
const environmentOf = ({ keys }: Draft): readonly string[] =>
  pathsOf(keys).find(([path, type]) => LISTS[0]?.[0].test(path.at(-1) ?? "") && type.includes("array"))?.[0] ?? ["extraEnv"];

const testCase = (draft: Draft): string => `import { platforms } from "../../../constructs/platforms/registry";
import type { HelmCase } from "../../contract/helm";

export const ${camel(draft.name)}Cases: readonly HelmCase[] = [
  {
    title: "${pascal(draft.name)}",
    name: "${draft.name}",
    platforms,
    settings: {},
    // fromLibpqVariables or fromUrl("VARIABLE") of ../logins, or a function beside them.
    login: () => {
      throw new Error("write in test/fixtures/cases/${draft.name}.ts how ${pascal(draft.name)} puts its login together");
    },
    guarded: ${
      draft.keys.fullnameOverride === undefined
        ? '{ values: { serviceAccount: { name: "other" } }, path: "serviceAccount.name", field: "serviceAccount" }'
        : '{ values: { fullnameOverride: "other" }, path: "fullnameOverride", field: "release" }'
    },
    list: { path: ${JSON.stringify(environmentOf(draft))}, item: { name: "LEVEL", value: "debug" } },
    hostile: [],
    harmless: [],
  },
];
`;

/** The registry with one more platform, on one line or on several. */
export const withEntry = (registry: string, entry: string): string =>
  registry.replace(/,?\s*\} satisfies Platforms/, `, ${entry} } satisfies Platforms`);

/** A file with one more line of a kind, in the order of the others. */
export function withLine(text: string, line: string, before: RegExp): string {
  const lines = text.split("\n");
  const index = lines.findIndex((each) => before.test(each));
  return [...lines.slice(0, index), line, ...lines.slice(index)].join("\n");
}
