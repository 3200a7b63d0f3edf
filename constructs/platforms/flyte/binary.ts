import { reloadOnSecretChange, serviceAccountValues, sidecars, tlsMounts } from "../../kubernetes/pod";
import type { ChartFacts } from "../../model/chart-facts";
import { COMMON_VALUES, type Guard, type Guards, THE_CONNECTION } from "../../model/guards";
import type { JsonObject } from "../../model/json";
import type { Chart, Connection } from "../../model/platform";
import { FLYTE_CHARTS, imageValues, ONE_CONFIGURATION } from "./edition";
import type { FlyteSettings } from "./settings";

/** One chart for two products, which differ by version. @param unverified of the same product. */
export const binaryChart = (verified: ChartFacts, unverified: string): Chart => ({
  name: "flyte-binary",
  repository: FLYTE_CHARTS,
  verified: [verified],
  supported: {
    oldest: ["v2.0.24", "v1.16.0"],
    form: "v2.0.24 or newer, or v1.16.0 or newer 1.x, with its leading v",
    unverified,
  },
});

/** The values of the chart of Flyte 2. */
export const FLYTE_VALUES = "https://github.com/flyteorg/flyte/blob/v2.0.42/charts/flyte-binary/values.yaml";

/** Sorts after every file of the chart; if two files set a key, Flyte uses the later one. */
export const CREDENTIALS_FILE = "999-database.yaml";

export const IN_CLEAR: Guard = { because: "it would be stored in clear text in a ConfigMap, or change the connection" };

const OTHER_ADDRESS: Guard = { because: "they could resolve the database's name to another address" };

/** Paths of both binaries' charts that change the connection, in addition to those that `wire` writes. */
export const binaryGuarded: readonly Guards[] = [
  COMMON_VALUES,
  {
    configuration: {
      database: THE_CONNECTION,
      externalConfigMap: ONE_CONFIGURATION,
      externalSecretRef: ONE_CONFIGURATION,
      inlineConfigMap: ONE_CONFIGURATION,
      inlineSecretRef: ONE_CONFIGURATION,
      inline: { database: IN_CLEAR },
    },
    deployment: {
      extraPodSpec: {
        // The pod would have these keys twice, and one of the two would be lost.
        containers: ONE_CONFIGURATION,
        initContainers: ONE_CONFIGURATION,
        volumes: ONE_CONFIGURATION,
        serviceAccountName: { setting: "serviceAccount" },
        serviceAccount: { setting: "serviceAccount" },
        hostAliases: OTHER_ADDRESS,
        dnsConfig: { nameservers: OTHER_ADDRESS },
      },
      command: ONE_CONFIGURATION,
      args: ONE_CONFIGURATION,
      image: { repository: { setting: "images" }, tag: { setting: "images" } },
      waitForDB: { image: { repository: { setting: "images" }, tag: { setting: "images" } } },
      extraEnvVarsConfigMap: { because: "variables can change the connection; list them in deployment.extraEnvVars" },
      extraEnvVarsSecret: { because: "variables can change the connection; list them in deployment.extraEnvVars" },
    },
  },
];

/** Common values of both binaries' charts: one pod, which migrates itself and ends before the next one starts. */
export function binaryValues(connection: Connection, settings: FlyteSettings): JsonObject {
  const { tls } = connection;
  const mounts = tlsMounts(tls);
  const waitForDB = imageValues(settings.images["wait-for-db"]);
  return {
    fullnameOverride: settings.release,
    serviceAccount: serviceAccountValues(connection.serviceAccount),
    deployment: {
      annotations: reloadOnSecretChange(connection.secret),
      image: imageValues(settings.images.flyte),
      waitForDB: waitForDB === undefined ? undefined : { image: waitForDB },
      extraVolumes: mounts?.volumes,
      extraVolumeMounts: mounts?.volumeMounts,
      // Before `wait-for-db`, which would otherwise wait for a proxy that has not started.
      preInitContainers: sidecars(tls),
    },
  };
}
