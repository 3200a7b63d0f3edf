import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { aws } from "../../constructs/aws/target";
import { gcp } from "../../constructs/gcp/target";
import { local } from "../../constructs/local/target";
import { formatViolation, SpecError } from "../../constructs/model/errors";
import { resolveUnknown } from "../../constructs/model/resolve";
import { platforms } from "../../constructs/platforms/registry";
import { CLOUDS } from "../../infra/spec";

interface Written {
  readonly id: string;
  readonly title: string;
  readonly target: "aws" | "gcp" | "local";
  readonly spec: unknown;
}

const SPECS = join(__dirname, "..", "fixtures", "specs");
const targets = { aws, gcp, local };
const read = (file: string) => JSON.parse(readFileSync(join(SPECS, file), "utf8")) as readonly Written[];

/** What is said of a spec, all of it: `refused`, `warned` or `accepted`, and a line for each message. */
function verdictOf({ target, spec }: Written): readonly [string, readonly string[]] {
  try {
    const { warnings } = resolveUnknown(spec, { target: targets[target], platforms, sections: CLOUDS });
    return [warnings.length === 0 ? "accepted" : "warned", warnings.map(formatViolation)];
  } catch (error) {
    if (error instanceof SpecError) return ["refused", error.violations.map(formatViolation)];
    throw error;
  }
}

const tableOf = (specs: readonly Written[]): string =>
  specs
    .map((written) => {
      const [verdict, lines] = verdictOf(written);
      return [`${written.id} ${written.target} ${verdict}: ${written.title}`, ...lines.map((line) => `    ${line}`)].join("\n");
    })
    .join("\n");

/** Each file of verdicts was read by a person, line by line; `npm run test:update` writes it again, to be read again. */
describe("what is said of", () => {
  it("wrong specs, half of which were once accepted", async () => {
    await expect(`${tableOf(read("accepted.json"))}\n`).toMatchFileSnapshot(join(SPECS, "accepted.verdicts.txt"));
  });

  it("right specs of other teams: none is refused, and what is warned of costs money or safety", async () => {
    const specs = read("realistic.json");
    expect(specs.filter((written) => verdictOf(written)[0] === "refused").map(({ id, title }) => `${id} ${title}`)).toEqual([]);
    await expect(`${tableOf(specs)}\n`).toMatchFileSnapshot(join(SPECS, "realistic.verdicts.txt"));
  });
});
