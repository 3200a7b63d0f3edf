import type { ImportFacts } from "../../model/imports";

/** @param version of Prefect that the environment runs. */
export const prefectImport = (version: string): Partial<ImportFacts> => ({
  sqlite: {
    file: "prefect.db",
    // Migrations differ between the two databases: https://github.com/PrefectHQ/prefect/tree/3.9.1/src/prefect/server/database/_migrations/versions
    revisions: { "50737cdaee36": "14806cb26270", "91e2b8f3d6a4": "27d8f4e1a6c9" },
    upgrade:
      `bring a copy up to date with Prefect ${version}: ` +
      "PREFECT_SERVER_DATABASE_CONNECTION_URL=sqlite+aiosqlite:///copy.db prefect server database upgrade -y",
    directory: null,
  },
  ownRows: { block_type: 54, block_schema: 64, block_schema_reference: 26 },
  besides: [
    "The key that encrypts blocks is a row, and moves with them, unless the old server had PREFECT_SERVER_ENCRYPTION_KEY: set the same one.",
    "Runs that were running stay so: stop workers before the import, and start them again with the new server's address.",
  ],
});
