import { inPod } from "../../kubernetes/pod";
import type { Generation, ImageFacts } from "../../model/images";
import type { Connection, Migration, Revision, Servers } from "../../model/platform";
import { LIFTED } from "../limits";
import { expectedRevision } from "../servers";
import { FLYTE_VALUES } from "./binary";
import { options } from "./edition";
import type { FlyteSettings } from "./settings";

/** Images that the verified charts of Flyte 1 run. */
const IMAGES = {
  flyteadmin: "cr.flyte.org/flyteorg/flyteadmin-release:v1.16.8",
  datacatalog: "cr.flyte.org/flyteorg/datacatalog-release:v1.16.8",
} as const;

/** The images of Flyte 1 for a container. @param repositories upstream's, without registry. */
const ofFlyte1 = (name: string, repositories: Generation["repositories"], use: string): ImageFacts => ({
  generation: {
    title: "Flyte 1",
    repositories,
    names: [name],
    others: ["flyte-binary-v2"],
    from: [1],
    below: [2],
    because: "Flyte 2 reads its database from other keys",
    use,
    source: FLYTE_VALUES,
  },
});

export const FLYTE_1_SERVICES: Readonly<Record<string, ImageFacts>> = {
  flyteadmin: ofFlyte1("flyteadmin", ["flyteorg/flyteadmin-release", "flyteorg/flyteadmin"], IMAGES.flyteadmin),
  datacatalog: ofFlyte1("datacatalog", ["flyteorg/datacatalog-release", "flyteorg/datacatalog"], IMAGES.datacatalog),
};
export const FLYTE_1: Readonly<Record<string, ImageFacts>> = {
  flyte: ofFlyte1(
    "flyte",
    ["flyteorg/flyte-binary-release", "flyteorg/flyte-binary"],
    "cr.flyte.org/flyteorg/flyte-binary-release:v1.16.8",
  ),
  ...FLYTE_1_SERVICES,
};

/** The verified versions of flyteadmin. @param container key of its image. */
export const adminServers = (container: string): Servers => ({
  container,
  versions: [{ version: "v1.16.8", revision: "2025-05-29-add-index-executions-phase", packages: [], charts: ["v1.16.8"] }],
});

/** Where flyteadmin records its migrations; datacatalog records nothing. @param database key of flyteadmin's. */
export const adminRevision = (database: string, settings: FlyteSettings, servers: Servers): Revision => ({
  database,
  table: "migrations",
  // Others begin with `pg-`, in no chronological order.
  newest: "max(id) filter (where id ~ '^[0-9]{4}-')",
  expected: expectedRevision(settings, servers),
});

/** Session parameters that prevent the server's limits from ending a migration. */
const UNLIMITED = ` ${LIFTED.join(" ")}`;

/**
 * Flyte 1's migrations by hand: flyteadmin's, then datacatalog's. Host and options are arguments; the login comes from files.
 */
export function migrations(
  connection: Connection,
  settings: FlyteSettings,
  databases: { readonly admin: string; readonly catalog: string },
  files: {
    /** Where the Secret is mounted. */
    readonly secretPath: string;
    /** Arguments that point at the files with user name and password. */
    readonly credentials: readonly string[];
    readonly caFile: string;
  },
): readonly Migration[] {
  const { host, port, tls } = connection;
  const step = (name: keyof typeof IMAGES, database: string): Migration => ({
    name: `migrate-${name}`,
    image: settings.images[name] ?? IMAGES[name],
    command: [
      name,
      ...files.credentials,
      `--database.postgres.host=${host}`,
      `--database.postgres.port=${port}`,
      `--database.postgres.dbname=${database}`,
      `--database.postgres.options=${inPod(options(tls, settings), files.caFile)}${settings.transactionPooling ? "" : UNLIMITED}`,
      "migrate",
      "run",
    ],
    variables: {},
    secretPath: files.secretPath,
  });
  return [step("flyteadmin", databases.admin), step("datacatalog", databases.catalog)];
}
