import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take longest, the longest first: begun at the end, they would keep one core busy and leave the other idle. */
const LONG = [
  "infra/commands",
  "majors",
  "gcp/engine",
  "lifecycle",
  "infra/local",
  "infra/aws",
  "infra/snapshot",
  "infra/environments",
  "synthesized",
  "registered",
  "doctor",
  "provision.test",
  "dry-run",
  "infra/deployed",
  "aws/turns",
  "aws/functions",
  "escalation",
  "gcp/job",
  "attacks",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const index = LONG.findIndex((part) => moduleId.includes(part));
      return index < 0 ? LONG.length : index;
    };
    return [...files].sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  // Examples import the package by its name.
  resolve: { alias: { "platform-postgres": resolve(import.meta.dirname, "constructs") } },
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/fixtures/global-setup.ts"],
    setupFiles: ["test/fixtures/clean-environment.ts"],
    // For hangs: a busy machine must not end a test that works.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    sequence: { sequencer: LongestFirst },
    // Most of what tests make is garbage soon: a larger nursery takes a tenth of the time off.
    execArgv: ["--max-semi-space-size=64"],
    // One more than cores: half of the time they wait for PostgreSQL.
    maxWorkers: 3,
    // No test changes a module; loading each once per worker saves three seconds.
    isolate: false,
  },
});
