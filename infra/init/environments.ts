import { inspect } from "node:util";
import type { CLOUDS, EnvironmentSpec } from "../spec";

export type CloudName = (typeof CLOUDS)[number];

/** Answers about AWS. Null leaves the default, or is not known yet. */
export interface AwsAnswers {
  readonly region: string;
  readonly account: string | null;
  /** Null creates a network. */
  readonly vpc: string | null;
  readonly privateSubnets: readonly { readonly id: string; readonly zone: string }[];
}

/** Answers about Google Cloud. Null becomes a placeholder, which `pulumi up` rejects. */
export interface GcpAnswers {
  readonly region: string;
  readonly project: string | null;
  readonly projectNumber: string | null;
  readonly network: string;
  readonly cluster: string | null;
}

/** The content of a new project. */
export interface Answers {
  readonly platforms: readonly string[];
  /** Null without an environment on it. */
  readonly aws: AwsAnswers | null;
  readonly gcp: GcpAnswers | null;
}

/** An environment's file. */
export interface EnvironmentFile {
  readonly name: string;
  /** The comment at its start. */
  readonly about: readonly string[];
  readonly spec: EnvironmentSpec;
}

/** Platforms that are rejected in production, with what a spec for this machine needs. */
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
  "An environment has its file's name, and names of servers and secrets begin with it: rename the file before you deploy, not after.";

/** Returns a project's environments: one on this machine, and one on each cloud of the answers. @param clouds all of the project. */
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

const HAS_EXAMPLE = "Replace each { example: ... } with your ID in quotes: until then you can plan this environment, but not deploy it.";

/** The text of an environment's file. */
export function toEnvironmentText({ about, spec }: EnvironmentFile): string {
  // With the same quotes as the rest of the file.
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
