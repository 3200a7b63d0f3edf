import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/fixtures/global-setup.ts"],
    setupFiles: ["test/fixtures/clean-environment.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // One more than cores: half of the time they wait for PostgreSQL.
    maxWorkers: 3,
    // No test changes a module; loading each once per worker saves three seconds.
    isolate: false,
  },
});
