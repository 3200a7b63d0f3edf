import { GO_WORDS } from "../../model/dead-connections";
import type { Guard, Guards } from "../../model/guards";
import type { ImageFacts } from "../../model/images";
import type { JsonObject } from "../../model/json";
import type {
  Chart,
  Connection,
  Demand,
  Migration,
  PlatformDatabase,
  ProcessText,
  Revision,
  SecretTemplate,
  Servers,
  Tls,
} from "../../model/platform";
import type { FlyteSettings } from "./settings";

/** One way to run Flyte, as data and pure functions of the settings. */
export interface FlyteEdition {
  readonly chart: Chart;
  readonly servers: Servers;
  readonly images: readonly string[];
  readonly imageFacts: Readonly<Record<string, ImageFacts>>;
  serviceAccounts(settings: FlyteSettings): readonly string[];
  readonly sidecarBeforeMigrations: boolean;
  readonly transactionPooling: { readonly works: boolean; readonly note: string };
  readonly health: { readonly path: string; readonly asksDatabase: boolean };
  readonly guarded: readonly Guards[];
  databases(): Readonly<Record<string, PlatformDatabase>>;
  revisions(settings: FlyteSettings): readonly Revision[];
  connections(settings: FlyteSettings): readonly Demand[];
  secret(connection: Connection): Readonly<Record<string, SecretTemplate>>;
  values(connection: Connection, settings: FlyteSettings): JsonObject;
  migrate(connection: Connection, settings: FlyteSettings): readonly Migration[];
  files(connection: Connection, settings: FlyteSettings): Readonly<Record<string, ProcessText>>;
  notes(settings: FlyteSettings): readonly string[];
}

export const ONE_CONFIGURATION: Guard = { because: "configuration from elsewhere would replace the connection" };
/** Settings of each `database` section of Flyte in addition to the connection. */
export const POOL_SETTINGS: Guards = {
  maxOpenConnections: { setting: "maxOpenConnections" },
  connMaxLifeTime: { setting: "connMaxLifeTime" },
};
/** Flyte 1 prepares statements, which a pooler in transaction mode loses. */
export const SIMPLE_PROTOCOL = { works: true, note: "`transactionPooling: true` adds default_query_exec_mode=simple_protocol" } as const;

export const FLYTE_CHARTS = "https://flyteorg.github.io/flyte";

/**
 * The end of Flyte's DSN. Without it, Flyte writes `sslmode=disable`. A key that libpq does not have is sent to the server, which
 * rejects it (such as `pool_mode`, which Flyte's own page recommends).
 */
export function options(tls: Tls, { transactionPooling }: Pick<FlyteSettings, "transactionPooling">): ProcessText {
  const verified: ProcessText = tls.mode === "proxy" ? ["sslmode=disable"] : [`sslmode=${tls.mode} sslrootcert=`, { caFile: true }];
  return [...verified, ` ${GO_WORDS}`, ...(transactionPooling ? [" default_query_exec_mode=simple_protocol"] : [])];
}

/** User name and password for YAML; passwords here contain no quote. */
export const YAML_USERNAME: SecretTemplate = ["'", { field: "username", encoding: "raw" }, "'"];
export const YAML_PASSWORD: SecretTemplate = ["'", { field: "password", encoding: "raw" }, "'"];

/** Returns repository and tag for the charts, which join them with a colon: a digest keeps its `@sha256` with the repository. */
export function imageValues(image: string | undefined): JsonObject | undefined {
  if (image === undefined) return undefined;
  const colon = image.lastIndexOf(":");
  return { repository: image.slice(0, colon), tag: image.slice(colon + 1) };
}

const PASSWORD_FILE = "pass.txt";

/**
 * Returns the content of `database` in a `config.yaml`, for a process outside Kubernetes.
 *
 * @param indent spaces before each line.
 */
export function localDatabase(connection: Connection, database: string, settings: FlyteSettings, indent: string): ProcessText {
  const { host, port, tls } = connection;
  return [
    `${indent}maxOpenConnections: ${settings.maxOpenConnections}\n`,
    // Flyte 2 has no default, and would open a connection for each query.
    `${indent}maxIdleConnections: ${settings.maxOpenConnections}\n`,
    `${indent}connMaxLifeTime: ${settings.connMaxLifeTime}\n`,
    `${indent}postgres:\n`,
    `${indent}  host: "${host}"\n${indent}  port: ${port}\n${indent}  dbname: "${database}"\n`,
    `${indent}  username: `,
    { field: "username", encoding: "raw" },
    `\n${indent}  passwordPath: "`,
    { file: PASSWORD_FILE },
    `"\n${indent}  options: "`,
    ...options(tls, settings),
    '"\n',
  ];
}

/** The file that a local `config.yaml` reads the password from. */
export const passwordFile: Readonly<Record<string, ProcessText>> = { [PASSWORD_FILE]: [{ field: "password", encoding: "raw" }] };
