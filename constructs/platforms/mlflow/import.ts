import type { ImportFacts } from "../../model/imports";

/**
 * Columns that hold addresses of artifacts, and of files of models.
 *
 * https://github.com/mlflow/mlflow/blob/v3.15.1/mlflow/store/tracking/dbmodels/models.py
 */
const LOCATIONS: ImportFacts["locations"] = [
  { table: "experiments", column: "artifact_location" },
  { table: "runs", column: "artifact_uri" },
  { table: "logged_models", column: "artifact_location" },
  { table: "model_versions", column: "source" },
  { table: "model_versions", column: "storage_location" },
  { table: "trace_tags", column: "value", where: { column: "key", is: "mlflow.artifactLocation" } },
];

/** @param version of MLflow that the environment runs. */
export const mlflowImport = (version: string): Partial<ImportFacts> => ({
  sqlite: {
    file: "mlflow.db",
    revisions: {},
    upgrade: `bring a copy up to date with MLflow ${version}: mlflow db upgrade sqlite:///copy.db`,
    directory: {
      name: "mlruns",
      remedy: `write it into a file with MLflow ${version}: mlflow migrate-filestore --source mlruns --target sqlite:///mlflow.db`,
    },
  },
  ownRows: { workspaces: 1, experiments: 1 },
  locations: LOCATIONS,
  renumbered: {
    table: "experiments",
    column: "experiment_id",
    also: [{ table: "entity_associations", column: "destination_id", where: { column: "destination_type", is: "experiment" } }],
    because: "MLflow's file store gives experiments IDs of 18 digits, and its column in PostgreSQL takes 10",
  },
  besides: [
    "Secrets of MLflow's gateway need the passphrase that encrypted them: set the same MLFLOW_CRYPTO_KEK_PASSPHRASE.",
    "Users of basic authentication are in another database, basic_auth.db, and stay there.",
  ],
});
