import { beforeEach, describe, expect, it, vi } from "vitest";
import type { CloudKey, Given } from "../../infra/init/given";
import { ask } from "../../infra/init/questions";
import { problemWith } from "../../infra/init/validate";

/** What a person types at each question, in order: wrong answers first. */
const typed: Record<string, string[]> = {};
/** What the prompt shows after each. */
const shown: string[] = [];

vi.mock("@clack/prompts", () => ({
  CANCEL_SYMBOL: Symbol("cancel"),
  multiselect: async ({ message }: { readonly message: string }) => (message.startsWith("Clouds") ? ["aws", "gcp"] : ["mlflow"]),
  text: async ({ message, defaultValue, validate }: TextQuestion) => {
    for (const value of typed[message.split("?")[0] ?? ""] ?? [""]) {
      const problem = validate?.(value);
      if (problem === undefined) return value || defaultValue;
      shown.push(problem);
    }
    throw new Error(`${message} was left with a wrong answer`);
  },
}));

interface TextQuestion {
  readonly message: string;
  readonly defaultValue: string;
  readonly validate?: (value: string | undefined) => string | undefined;
}

const VPC = "vpc-0a1b2c3d4e5f60718";
const SUBNETS = "subnet-0a1b2c3d4e5f60711:eu-central-1a,subnet-0a1b2c3d4e5f60712:eu-central-1b";

describe("the questions of init", () => {
  beforeEach(() => {
    for (const key of Object.keys(typed)) delete typed[key];
    shown.length = 0;
  });

  it("reject a wrong answer at once, by the rules of the options, and take the next one", async () => {
    Object.assign(typed, {
      "Region of RDS": ["eu-centrla-1", "eu-central-1"],
      "ID of an existing VPC": [VPC],
      "Two or more private subnets, as id:zone, separated by commas": ["subnet-1", SUBNETS],
      "Project ID": ["A", "my-project"],
    });
    expect(await ask({})).toMatchObject({ awsRegion: "eu-central-1", awsVpc: VPC, awsSubnets: SUBNETS, gcpProject: "my-project" });
    expect(shown).toEqual([
      expect.stringMatching(/^aws\.region: .*"eu-central-1"/),
      "--aws-subnets: must be IDs with their zones, such as subnet-0a1b2c3d:eu-central-1a, got subnet-1",
      expect.stringMatching(/^gcp\.project: /),
    ]);
  });

  it("take the defaults", async () => {
    expect(await ask({})).toMatchObject({ awsRegion: "eu-central-1", awsAccount: "", gcpRegion: "europe-west4", gcpNetwork: "default" });
    expect(shown).toEqual([]);
  });

  const wrong: readonly (readonly [key: CloudKey, value: string, path: string, others: Given])[] = [
    ["awsRegion", "europe-west4", "aws.region", {}],
    ["awsAccount", "12", "aws.account", {}],
    ["awsVpc", "default", "aws.network.vpc", {}],
    ["awsSubnets", SUBNETS.replaceAll("eu-central", "eu-west"), "aws.network.privateSubnets", { awsVpc: VPC }],
    ["awsSubnets", "subnet-0a1b2c3d4e5f60711:eu-central-1a", "aws.network.privateSubnets", { awsVpc: VPC }],
    ["gcpProject", "My Project", "gcp.project", {}],
    ["gcpProjectNumber", "12a", "gcp.projectNumber", {}],
    ["gcpRegion", "eu-central-1", "gcp.region", {}],
    ["gcpNetwork", "a b", "gcp.network", {}],
    ["gcpCluster", "ML", "gcp.cluster.name", {}],
  ];
  it.each(wrong)("reject %s %s", (key, value, path, others) => {
    expect(problemWith(key, value, others)).toMatch(new RegExp(`^${path.replaceAll(".", "\\.")}[^:]*: `));
  });

  it("judge no other answer than their own", () => {
    // The subnets of this VPC are asked for next.
    expect(problemWith("awsVpc", VPC, {})).toBeUndefined();
    expect(problemWith("gcpRegion", "europe-west1", { gcpProject: "A", awsRegion: "x", platforms: "mlflo" })).toBeUndefined();
  });
});
