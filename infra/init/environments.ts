import { inspect } from "node:util";
import type { CLOUDS, EnvironmentSpec } from "../spec";

export type CloudName = (typeof CLOUDS)[number];

/** What a person says of AWS; null where it is not known yet, or the default serves. */
export interface AwsAnswers {
  readonly region: string;
  readonly account: string | null;
  /** Null creates a network. */
  readonly vpc: string | null;
  readonly privateSubnets: readonly { readonly id: string; readonly zone: string }[];
}

/** What a person says of Google Cloud. Null becomes an example, which is refused when it is deployed. */
export interface GcpAnswers {
  readonly region: string;
  readonly project: string | null;
  readonly projectNumber: string | null;
  readonly network: string;
  readonly cluster: string | null;
}

/** What a project begins with. */
export interface Answers {
  readonly platforms: readonly string[];
  /** Null where there is no environment on it. */
  readonly aws: AwsAnswers | null;
  readonly gcp: GcpAnswers | null;
}

/** An environment's file. */
export interface EnvironmentFile {
  readonly name: string;
  /** What its first lines say. */
  readonly about: readonly string[];
  readonly spec: EnvironmentSpec;
}

/** A platform that a spec of production refuses, with what a spec on this machine needs. */
const FOR_DEVELOPMENT: Readonly<Record<string, { readonly acknowledge: string; readonly settings: object }>> = {
  "kubeflow-pipelines": {
    acknowledge: "kubeflow-pipelines-is-for-development",
    settings: {
      images: { "api-server": "ghcr.io/kubeflow/kfp-api-server:master", "cache-server": "ghcr.io/kubeflow/kfp-cache-server:master" },
    },
  },
};

/** Platforms that are left out of environments on a cloud. */
export const onThisMachineOnly = ({ platforms }: Answers): readonly string[] =>
  platforms.filter((each) => Object.hasOwn(FOR_DEVELOPMENT, each));

const RENAME =
  "An environment is called as its file. Names of servers and secrets begin with that: rename it before you deploy, not after.";

/** The environments of a project: one on this machine, and one on each cloud of the answers. @param clouds all that the project is on. */
export function toEnvironments(answers: Answers, clouds: readonly CloudName[]): readonly EnvironmentFile[] {
  const { aws, gcp } = answers;
  const nameOn = (cloud: CloudName): string => (clouds.length > 1 ? `production-${cloud}` : "production");
  return [
    localEnvironment(answers),
    ...(aws === null ? [] : [{ name: nameOn("aws"), about: ["Databases on Amazon RDS.", RENAME], spec: onAws(answers, aws) }]),
    ...(gcp === null ? [] : [{ name: nameOn("gcp"), about: ["Databases on Cloud SQL.", RENAME], spec: onGcp(answers, gcp) }]),
  ];
}

function localEnvironment({ platforms }: Answers): EnvironmentFile {
  const special = Object.entries(FOR_DEVELOPMENT).filter(([name]) => platforms.includes(name));
  const acknowledge = Object.fromEntries(special.map(([, each]) => [each.acknowledge, "this machine is for development"]));
  const spec = {
    ...(special.length === 0 ? {} : { acknowledge }),
    instances: { main: { highAvailability: false } },
    platforms: Object.fromEntries(platforms.map((name) => [name, FOR_DEVELOPMENT[name]?.settings ?? {}])),
  };
  return { name: "local", about: ["What npm start runs on this machine."], spec: spec as EnvironmentSpec };
}

/** An instance with a standby in a second zone, and a week of backups: those are defaults. */
const productionOf = ({ platforms }: Answers) => ({
  instances: { main: { size: { vcpus: 2, memoryGib: 8 }, storageGib: 50 } },
  platforms: Object.fromEntries(platforms.filter((name) => !Object.hasOwn(FOR_DEVELOPMENT, name)).map((name) => [name, {}])),
});

const onAws = (answers: Answers, { region, account, vpc, privateSubnets }: AwsAnswers): EnvironmentSpec => ({
  aws: {
    region,
    ...(account === null ? {} : { account }),
    ...(vpc === null ? {} : { network: { vpc, privateSubnets } }),
  },
  ...productionOf(answers),
});

const onGcp = (answers: Answers, { region, project, projectNumber, network, cluster }: GcpAnswers): EnvironmentSpec => ({
  gcp: {
    project: project ?? { example: "my-project" },
    projectNumber: projectNumber ?? { example: "123456789012" },
    region,
    network,
    cluster: { name: cluster ?? { example: "ml-platform" }, location: region },
  },
  ...productionOf(answers),
});

const HAS_EXAMPLE = "Replace each { example: ... } by your own id in quotes: until then it can be planned, and not deployed.";

/** The text of an environment's file. */
export function toEnvironmentText({ about, spec }: EnvironmentFile): string {
  // In the quotes of the rest of the file.
  const written = inspect(spec, { depth: null, breakLength: 100 }).replaceAll(/'([^'"\\]*)'/g, '"$1"');
  const lines = written.includes("{ example:") ? [...about, HAS_EXAMPLE] : about;
  return [
    'import type { EnvironmentSpec } from "platform-postgres/spec";',
    "",
    "/**",
    ...lines.map((line) => ` * ${line}`),
    " */",
    `export default ${written} satisfies EnvironmentSpec;`,
    "",
  ].join("\n");
}
