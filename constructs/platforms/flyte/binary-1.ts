import { caPath, inPod } from "../../kubernetes/pod";
import { mergeValues } from "../../model/values";
import { binaryChart, binaryGuarded, binaryValues, CREDENTIALS_FILE } from "./binary";
import { type FlyteEdition, localDatabase, options, passwordFile, SIMPLE_PROTOCOL, YAML_PASSWORD, YAML_USERNAME } from "./edition";
import flyteBinary1 from "./facts/flyte-binary-v1.16.8.json";
import { adminRevision, adminServers, FLYTE_1, migrations } from "./flyte-1";

/** Flyte's services open flyteadmin's two pools, the scheduler's, the resource manager's and the catalog's; its migration one more. */
const POOLS = 5;
const CONFIGURATION = "/etc/flyte/config.d";
/** Flyte 2 has other tables of the same names. */
const DATABASE = "flyteadmin";

const SERVERS = adminServers("flyte");

/** Flyte 1 in one pod, with one database. The chart accepts flat keys and writes them nested; flat keys in a later file win. */
export const binary1: FlyteEdition = {
  chart: binaryChart(flyteBinary1, "v1.16.7"),
  servers: SERVERS,
  images: ["flyte", "wait-for-db", "flyteadmin", "datacatalog"],
  imageFacts: FLYTE_1,
  serviceAccounts: () => [],
  sidecarBeforeMigrations: true,
  transactionPooling: SIMPLE_PROTOCOL,
  health: { path: "/healthcheck", asksDatabase: false },
  guarded: [...binaryGuarded, { configuration: { inline: { database: { maxOpenConnections: { setting: "maxOpenConnections" } } } } }],
  databases: () => ({ main: { name: DATABASE, extensions: [] } }),
  revisions: (settings) => [adminRevision("main", settings, SERVERS)],
  connections: ({ maxOpenConnections }) => [
    { opener: "flyte", pool: maxOpenConnections, processes: POOLS, replicas: 1, overlaps: false, migration: 1 },
  ],
  secret: () => ({
    [CREDENTIALS_FILE]: ["database:\n  username: ", ...YAML_USERNAME, "\n  password: ", ...YAML_PASSWORD, "\n"],
  }),
  values: (connection, settings) => {
    const { maxOpenConnections, connMaxLifeTime } = settings;
    const { host, port, databases, secret, tls } = connection;
    return mergeValues(binaryValues(connection, settings), {
      configuration: {
        database: { host, port, dbname: databases.main, options: inPod(options(tls, settings), caPath(tls)) },
        inline: { database: { maxOpenConnections, maxIdleConnections: maxOpenConnections, connMaxLifeTime } },
        inlineSecretRef: secret,
      },
    });
  },
  migrate: (connection, settings) =>
    migrations(
      connection,
      settings,
      { admin: connection.databases.main ?? "", catalog: connection.databases.main ?? "" },
      {
        secretPath: CONFIGURATION,
        credentials: ["--config", `${CONFIGURATION}/*.yaml`],
        caFile: caPath(connection.tls),
      },
    ),
  files: (connection, settings) => ({
    "config.yaml": ["database:\n", ...localDatabase(connection, connection.databases.main ?? "", settings, "  ")],
    ...passwordFile,
  }),
  notes: () => [],
};
