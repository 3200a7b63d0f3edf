import { local } from "../../constructs/local/target";
import { peak, peakOf } from "../../constructs/model/budget";
import type { CommonFields } from "../../constructs/model/common-fields";
import type { Settings } from "../../constructs/model/fields";
import type { JsonObject } from "../../constructs/model/json";
import type { Chart, Demand, Migration, Platform, Servers } from "../../constructs/model/platform";
import { resolveUnknown } from "../../constructs/model/resolve";
import { type Wired, wirePlatforms } from "../../constructs/model/wire";
import { platforms } from "../../constructs/platforms/registry";
import { readRelease } from "../charts/renderings";
import { receiversOf, type Workload, workloadsOf } from "../charts/workloads";
import { toKustomization } from "../output";
import { toYaml } from "../yaml";

export type PlatformName = keyof typeof platforms;

/** Ways to run a platform that its page shows, if there are several: a title, and the spec's settings. */
const SHOWN: Readonly<Partial<Record<PlatformName, Readonly<Record<string, JsonObject>>>>> = {
  flyte: {
    "Flyte 2 (`flyte-binary` v2)": {},
    "Flyte 1 in one pod (`flyte-binary` v1.16)": { chartVersion: "v1.16.8" },
    "Flyte 1 in several pods (`flyte-core` v1.16)": { chart: "flyte-core" },
  },
  prefect: { "One Deployment": {}, "With Redis": { redisHost: "redis.example.internal", replicas: 2 } },
  skillflaw: {
    "One pod": {},
    "Several pods": {
      instance: "main",
      replicas: 3,
      redisHost: "redis.example.internal",
      secretKeySecret: "skillflaw-key",
      configClaim: "skillflaw-files",
      images: {
        skillflaw: "registry.example.internal/skillflaw_backend@sha256:0000000000000000000000000000000000000000000000000000000000000000",
      },
    },
  },
  "kubeflow-pipelines": {
    "Kubeflow Pipelines": {
      images: { "api-server": "ghcr.io/kubeflow/kfp-api-server:master", "cache-server": "ghcr.io/kubeflow/kfp-cache-server:master" },
    },
  },
};

/** Releases that platforms' pages show, for `npm run charts` to render. */
export const shownSettings = (name: PlatformName): readonly JsonObject[] => Object.values(SHOWN[name] ?? { [name]: {} });

/** Rules that the documentation's pages acknowledge. */
export const ACKNOWLEDGED = { "kubeflow-pipelines-is-for-development": "a page of the documentation" };

/** The code's facts of a platform, as Markdown. */
export function toFacts(name: PlatformName): string {
  const shown = Object.entries(SHOWN[name] ?? { [name]: {} });
  return shown.map(([title, settings]) => toSection(name, shown.length === 1 ? null : title, settings)).join("\n");
}

function toSection(name: PlatformName, title: string | null, written: JsonObject): string {
  const { wired, settings } = wire(name, written);
  const platform: Platform = platforms[name];
  const heading = title === null ? "##" : "###";
  return [
    ...(title === null ? [] : [`## ${title}`, "", toSpec(name, written), ""]),
    `${heading} What it needs`,
    "",
    ...toNeeds(platform, settings, wired),
    "",
    `${heading} What is set`,
    "",
    "```yaml",
    toYaml([toSet(wired)]).trimEnd(),
    "```",
    "",
    `${heading} How to migrate by hand`,
    "",
    ...toMigration(wired.wiring.migrate),
    "",
    `${heading} How to check`,
    "",
    ...toChecks(name, platform, settings, wired),
    "",
    `${heading} How it pools`,
    "",
    ...toPools(platform, settings),
    "",
  ].join("\n");
}

function toSet({ namespace, wiring: { release } }: Wired): JsonObject {
  if (release.kind === "helm") return release.values;
  return release.kind === "deployment" ? release.patch : toKustomization(release, namespace);
}

const toSpec = (name: string, written: JsonObject): string => `\`\`\`json\n${JSON.stringify({ platforms: { [name]: written } })}\n\`\`\``;

function wire(name: PlatformName, written: JsonObject): { readonly wired: Wired; readonly settings: Settings<CommonFields> } {
  const spec = { name: "docs", acknowledge: ACKNOWLEDGED, instances: { main: {} }, platforms: { [name]: written } };
  const environment = resolveUnknown(spec, { target: local, platforms });
  const wired = wirePlatforms(environment, platforms, () => ({ host: "db.example.internal", port: 5432, sidecar: null }))[name];
  const settings = environment.platforms[name]?.settings;
  if (wired === undefined || settings === undefined) throw new TypeError(`${name} was not wired`);
  return { wired, settings };
}

const code = (text: string): string => `\`${text}\``;

function toNeeds(platform: Platform, settings: Settings<CommonFields>, wired: Wired): readonly string[] {
  const { wiring, connection } = wired;
  const chart = platform.chart(settings);
  const databases = Object.values(platform.databases(settings)).map(
    ({ name, extensions }) => `${code(name)}${extensions.length === 0 ? "" : ` with ${extensions.map(code).join(", ")}`}`,
  );
  return toTable(
    ["", ""],
    [
      ...(chart === null ? [] : toChart(chart)),
      ...toServers(platform.servers(settings)),
      ["driver", `${platform.driver.name}: ${platform.driver.dialect}`],
      ["PostgreSQL", `${platform.minimumMajorVersion} or newer`],
      ["databases", databases.join(", ")],
      ["rights", ["ownership of its databases", ...platform.roleAttributes.map(code)].join(", ")],
      ["Secret", `${code(connection.secret)}: ${Object.keys(wiring.secret).map(code).join(", ")}`],
      [
        "logs in",
        receiversOf(workloadsIn(wired, settings, chart), connection.secret)
          .map(code)
          .join(", "),
      ],
      [
        "a sidecar starts before its migrations",
        platform.sidecarBeforeMigrations(settings) ? "yes" : "no: connect directly, or through one proxy for all",
      ],
      ...(chart === null ? [] : [["images to replace", platform.images(settings).map(code).join(", ")] as const]),
    ],
  );
}

/** Versions of its server that were tested. */
const toServers = (servers: Servers | null): readonly (readonly [string, string])[] =>
  servers === null
    ? []
    : [
        [
          "server",
          `verified ${servers.versions
            .map(({ version, charts }) =>
              charts.length === 0 ? `${code(version)}, by ${code(`images.${servers.container}`)}` : code(version),
            )
            .join("; ")}`,
        ],
      ];

/** The rendered workloads, or the user's Deployment. */
function workloadsIn(
  { kind, wiring: { release } }: Wired,
  { chartVersion: version }: Settings<CommonFields>,
  chart: Chart | null,
): readonly Workload[] {
  if (release.kind === "deployment") return workloadsOf([release.patch]);
  return readRelease(kind, { chart: chart?.name ?? "", version }, release).workloads;
}

const toChart = ({ name, repository, verified, supported }: Chart): readonly (readonly [string, string])[] => [
  ["chart", `${code(name)}, ${repository === null ? "this project's own" : `<${repository}>`}`],
  ["versions", `verified ${verified.map(({ version }) => code(version)).join(", ")}; ${supported.form}`],
];

function toMigration(steps: readonly Migration[]): readonly string[] {
  if (steps.length === 0) return ["No command is needed: it migrates when it starts."];
  const shown = steps.map(({ image, command }) => `# in ${image}\n${command.map(quoted).join(" ")}`);
  return ["`migrate-job.yaml` runs, with the platform's Secret and CA:", "", "```sh", shown.join("\n"), "```"];
}

const quoted = (word: string): string => (/^[\w./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

function toChecks(name: string, platform: Platform, settings: Settings<CommonFields>, { wiring, connection }: Wired): readonly string[] {
  const { health } = wiring;
  const revisions = platform.revisions(settings).map(({ database, table, newest, expected }) => {
    const known =
      expected === null
        ? "`npx platform-postgres doctor` shows it"
        : `the verified version expects ${code(expected)}, and \`npx platform-postgres doctor\` compares`;
    return `In database ${code(connection.databases[database] ?? "")}: \`select ${newest} from ${table}\`; ${known}.`;
  });
  if (health === null) return ["`npx platform-postgres doctor` logs in as it does, and checks its rights, its certificate and its limits."];
  const { path, asksDatabase } = health;
  return [
    `\`GET ${path}\` (${asksDatabase ? "queries the database" : "does not query the database"}). If it runs on this machine or is forwarded to it, check it with \`npx platform-postgres doctor --url ${name}=http://localhost:PORT\`.`,
    ...revisions,
  ];
}

function toPools(platform: Platform, settings: Settings<CommonFields>): readonly string[] {
  const demands = platform.connections(settings);
  const readers = platform.readerConnections(settings);
  const { works, note } = platform.transactionPooling(settings);
  return [
    ...toDemands(demands),
    "",
    `Together at most **${peak(demands)}**, which is also the limit of each of its logins.`,
    "",
    ...(readers.length === 0
      ? []
      : [
          "On the instance's first read replica, if it has one:",
          "",
          ...toDemands(readers),
          "",
          `Together at most **${peak(readers)}**.`,
          "",
        ]),
    `Behind a pooler in transaction mode: ${works ? "yes" : "no"}; ${note}.`,
  ];
}

const toDemands = (demands: readonly Demand[]): readonly string[] =>
  toTable(
    ["opener", "pool", "processes", "replicas", "an update overlaps", "migration", "at most"],
    demands.map((demand) => [
      demand.opener,
      String(demand.pool),
      String(demand.processes),
      String(demand.replicas),
      demand.overlaps ? "yes" : "no",
      String(demand.migration),
      String(peakOf(demand)),
    ]),
  );

export function toTable(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)];
}
