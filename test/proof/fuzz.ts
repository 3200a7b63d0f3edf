import "../../infra/docs/script";

import * as fc from "fast-check";
import pc from "picocolors";
import { aws } from "../../constructs/aws/target";
import { gcp } from "../../constructs/gcp/target";
import { local } from "../../constructs/local/target";
import { mutatedSpec } from "../fixtures/mutations";
import { refusal } from "../fixtures/specs";

const RUNS = 20_000;
/** Milliseconds of processor time that a person does not notice. A busy machine does not count. */
const SLOW = 100;

/** The same specs in every run. */
const SEED = 13;

/** Mutated specs, each on every target. Anything but an environment or a SpecError is thrown, with the number of the spec. */
let refused = 0;
let slowest = 0;
let late = 0;
for (const [index, spec] of fc.sample(mutatedSpec, { numRuns: RUNS, seed: SEED }).entries()) {
  for (const target of [local, aws, gcp]) {
    const start = process.cpuUsage();
    try {
      if (refusal(spec, target) !== "accepted") refused += 1;
    } catch (error) {
      throw new Error(`spec ${index} on ${target.name}`, { cause: error });
    }
    const { user, system } = process.cpuUsage(start);
    const took = (user + system) / 1_000;
    slowest = Math.max(slowest, took);
    if (took > SLOW) late += 1;
  }
}
process.stdout.write(
  `${pc.green("✔")} ${RUNS} specs on 3 targets: ${refused} refusals, each a SpecError; slowest ${slowest.toFixed(0)} ms, ${late} above ${SLOW} ms\n`,
);
process.exitCode = late === 0 ? 0 : 1;
