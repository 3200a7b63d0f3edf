import { kubernetesNames } from "../constructs/model/names";
import type { Health, Kustomization, Patch, Release } from "../constructs/model/platform";
import type { Wired } from "../constructs/model/wire";
import { toYaml } from "./yaml";

/** Facts of a target for a platform's README.txt. */
export interface InstructionsSource {
  /** The file beside it that creates the Secret. */
  readonly secretFile: string;
  /** What the user must change before applying the files to a cluster; null if nothing. */
  readonly caution: string | null;
  /** Commands that start it on this machine, and the directory to type them in, if its database is here. */
  readonly start?: { readonly directory: string; readonly commands: readonly string[] } | undefined;
}

/** Returns a platform's README.txt: how to install it from its files. */
export function toInstructions(name: string, wired: Wired, from: InstructionsSource): string {
  const { secretFile, caution, start } = from;
  const { namespace, connection, wiring } = wired;
  const mind = [...(caution === null ? [] : [caution]), ...wiring.notes];
  return [
    `${titleOf(name, wired)}: ${wiring.release.kind === "helm" ? `release ${wired.release} in ` : ""}namespace ${namespace}`,
    "",
    `Database   ${Object.values(connection.databases).join(", ")} on ${connection.host}:${connection.port}`,
    `Secret     ${connection.secret} (${Object.keys(wiring.secret).join(", ")})`,
    `TLS        ${toTls(wired)}`,
    ...(wiring.health === null ? [] : [toHealth(wiring.health)]),
    "",
    ...(start === undefined || start.commands.length === 0
      ? []
      : [`On this machine, in ${start.directory}:`, "", ...start.commands.map((command) => `  ${command}`), ""]),
    "In a cluster, in the directory of this file:",
    "",
    ...toInstallation(wired, secretFile).map((command) => `  ${command}`),
    ...toPasted(wiring.release),
    ...(wiring.migrate.length === 0
      ? []
      : [
          "",
          "To migrate by hand, before an installation or with the release scaled to 0:",
          "",
          ...toMigration(wired).map((command) => `  ${command}`),
        ]),
    ...(mind.length === 0 ? [] : ["", "Mind:", "", ...mind.map((note) => `  - ${note}`)]),
    "",
    `A rotation changes user name and password in Secret ${connection.secret}. Reloader (stakater.com) restarts the pods; without it, run:`,
    "",
    `  ${toRestart(wired)}`,
    "",
    `Written by platform-postgres for platform ${name}.`,
    "",
  ].join("\n");
}

/** The command that restarts a platform's pods. */
export const toRestart = ({ namespace, release, wiring }: Wired): string =>
  `kubectl rollout restart ${toSelection(wiring.release, release)} --namespace ${namespace}`;

/** The command that stops a platform's pods. */
export const toStop = ({ namespace, release, wiring }: Wired): string =>
  `kubectl scale ${toSelection(wiring.release, release)} --replicas 0 --namespace ${namespace}`;

/** The kind of a platform as people know it, and its name if it differs. */
export const titleOf = (name: string, { kind, title }: Pick<Wired, "kind" | "title">): string =>
  name === kind ? title : `${title} ${name}`;

const toHealth = ({ path, asksDatabase }: Health): string =>
  `Health     GET ${path} ${asksDatabase ? "(queries the database)" : "(does not query the database)"}`;

function toTls({ connection: { tls, secret }, wiring }: Wired): string {
  if (tls.mode === "proxy") return "through a proxy, which verifies the server";
  const inSecret = Object.entries(wiring.secret).find(([, template]) =>
    template.some((part) => typeof part !== "string" && "caText" in part),
  );
  if (inSecret !== undefined) return `${tls.mode}, CA in Secret ${secret} (${inSecret[0]})`;
  return `${tls.mode}, CA in ConfigMap ${tls.ca.configMap}, mounted at ${tls.ca.mountPath}`;
}

function toInstallation({ namespace, release: name, wiring: { release } }: Wired, secretFile: string): readonly string[] {
  const objects = ["kubectl apply -f manifests.yaml", `kubectl apply -f ${secretFile}`];
  if (release.kind === "kustomize") {
    return [
      ...release.before.flatMap(toCommands),
      ...objects,
      "kubectl apply -k .",
      ...deploymentsOf(release).map(
        (deployment) => `kubectl rollout status deployment ${deployment} --namespace ${namespace} --timeout 15m`,
      ),
    ];
  }
  if (release.kind === "deployment") return [...objects, toPatching(name, namespace)];
  const chart = release.repository === null ? "./chart" : `${release.chart} --repo ${release.repository} --version ${release.version}`;
  return [
    ...objects,
    `helm upgrade --install ${name} ${chart} \\`,
    `    --namespace ${namespace} --values values.yaml${release.wait ? " --wait --timeout 30m" : ""}`,
  ];
}

/** The lines that the user's Deployment needs. */
const toPasted = (release: Release): readonly string[] =>
  release.kind === "deployment"
    ? [
        "",
        "Or paste these lines into the Deployment, and replace the container's name (the same as deployment-patch.yaml):",
        "",
        ...toYaml([release.patch])
          .trimEnd()
          .split("\n")
          .map((line) => `  ${line}`),
      ]
    : [];

/** Works for a Deployment of any chart that does not set the same fields. */
const toPatching = (deployment: string, namespace: string): string =>
  `kubectl patch deployment ${deployment} --namespace ${namespace} --patch-file deployment-patch.yaml`;

const toCommands = ({ base, definition }: Kustomization["before"][number]): readonly string[] => [
  `kubectl apply -k "${base}"`,
  `kubectl wait --for condition=established --timeout=60s crd/${definition}`,
];

/** A Job cannot be changed, so the one before is deleted. */
function toMigration({ namespace, release }: Wired): readonly string[] {
  const job = `job/${kubernetesNames(release).migrateJob} --namespace ${namespace}`;
  return [
    `kubectl delete ${job} --ignore-not-found`,
    "kubectl apply -f migrate-job.yaml",
    `kubectl logs ${job} --all-containers --follow --pod-running-timeout=5m`,
    `kubectl get ${job}`,
  ];
}

/** Selects the workloads that log in: by name, or by the chart's label for a release. */
function toSelection(release: Release, name: string): string {
  if (release.kind === "helm") return `${release.restarts.kinds.join(",")} --selector ${release.restarts.label}=${name}`;
  return `deployment ${release.kind === "deployment" ? name : deploymentsOf(release).join(" ")}`;
}

function deploymentsOf({ patches }: Kustomization): readonly string[] {
  const objects = patches.map(({ patch }: Patch) => patch as { kind?: string; metadata?: { name: string }; $patch?: string });
  return objects.flatMap(({ kind, metadata, $patch }) => (kind === "Deployment" && $patch === undefined ? [metadata?.name ?? ""] : []));
}
