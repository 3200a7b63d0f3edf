import { THE_CONNECTION } from "../../model/guards";
import { definePlatform, helmRelease, type Platform } from "../../model/platform";
import { binary1 } from "./binary-1";
import { binary2 } from "./binary-2";
import { core1 } from "./core-1";
import type { FlyteEdition } from "./edition";
import { rightsRule } from "./rights";
import { flyteRules } from "./rules";
import { type Edition, editionOf, type FlyteFields, type FlyteSettings, flyteFields } from "./settings";

const EDITIONS: Readonly<Record<Edition, FlyteEdition>> = { "binary-2": binary2, "binary-1": binary1, "core-1": core1 };

const edition = (settings: FlyteSettings): FlyteEdition => EDITIONS[editionOf(settings)];

const NOTES = ["Set Flyte's data storage (buckets and their credentials) in values."];

/** Named, so that its settings are documented wherever its type is shown. */
export interface Flyte extends Platform<FlyteFields, string> {}

/** Flyte: pgx, with a DSN that Flyte joins from its configuration files. Three charts, and two products under one name. */
export const flyte: Flyte = definePlatform({
  title: "Flyte",
  fields: flyteFields,
  driver: { name: "pgx", dialect: "keyword/value DSN, joined by Flyte from YAML files; TLS in its options" },
  newestMajorVersion: 18,
  // pgx reads settings that a DSN lacks from PG*; Flyte reads any key of its files from a variable in capitals (`DATABASE.POSTGRES.HOST`).
  guardedVariables: {
    DATABASE: THE_CONNECTION,
    RUNS: THE_CONNECTION,
    // The name in its documentation; a password in it would be stored in the release without any use.
    FLYTE_DATABASE: { because: "Flyte reads no such variable" },
  },
  // Its configuration consists of all files there; the later file wins.
  guardedDirectories: ["/etc/flyte", "/etc/db"],
  otherPrograms: ["console", "flyteconnector", "flyteconsole", "deployment.waitForDB"],
  oncePerCluster: {
    // Also: the definitions of its resources and its webhook have one name in a cluster; Flyte 2's executor has no setting for a namespace.
    because: "each handles the runs of all namespaces, and fails those that the other started",
    source:
      "https://github.com/flyteorg/flyte/blob/51877f899c9f95e0cb5efe90444eb0c6c6ea48a9/flytepropeller/pkg/controller/handler.go#L338-L353",
    date: "2026-11-30",
  },
  rules: [...flyteRules, rightsRule((settings) => edition(settings).chart)],
  chart: (settings) => edition(settings).chart,
  images: (settings) => edition(settings).images,
  imageFacts: (settings) => edition(settings).imageFacts,
  guarded: (settings) => edition(settings).guarded,
  transactionPooling: (settings) => edition(settings).transactionPooling,
  serviceAccounts: (settings) => edition(settings).serviceAccounts(settings),
  sidecarBeforeMigrations: (settings) => edition(settings).sidecarBeforeMigrations,
  databases: (settings) => edition(settings).databases(),
  servers: (settings) => edition(settings).servers,
  revisions: (settings) => edition(settings).revisions(settings),
  imports: () => ({
    // A row for each migration, in every database.
    ownRows: { migrations: Number.POSITIVE_INFINITY },
    besides: ["Executions name objects of the metadata bucket: keep the bucket, and the prefix within it."],
  }),
  connections: (settings) => edition(settings).connections(settings),
  wire: (connection, settings) => {
    const its = edition(settings);
    return {
      secret: its.secret(connection),
      release: helmRelease(its.chart, settings, its.values(connection, settings)),
      files: its.files(connection, settings),
      // It starts only with a cluster's API and a bucket.
      start: null,
      migrate: its.migrate(connection, settings),
      health: its.health,
      notes: [...its.notes(settings), ...NOTES],
    };
  },
});
