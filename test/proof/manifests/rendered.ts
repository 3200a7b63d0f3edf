import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { aws } from "../../../constructs/aws/target";
import { gcp } from "../../../constructs/gcp/target";
import { toSecret } from "../../../constructs/kubernetes/objects";
import { objectsOf, toPlatformObjects } from "../../../constructs/kubernetes/platform-objects";
import { local } from "../../../constructs/local/target";
import type { JsonObject } from "../../../constructs/model/json";
import { resolveUnknown } from "../../../constructs/model/resolve";
import { wirePlatforms } from "../../../constructs/model/wire";
import { awsCloud } from "../../../infra/aws/cloud";
import type { Deployment } from "../../../infra/cloud";
import { gcpCloud } from "../../../infra/gcp/cloud";
import type { ProjectEnvironment } from "../../../infra/load";
import { toPlatformFiles } from "../../../infra/output";
import { CLOUDS, type NamedSpec } from "../../../infra/spec";
import { toYaml } from "../../../infra/yaml";
import { CA, type ContractCase, CREDENTIAL, calledOf, HOST, platformOf, settingsOf } from "../../contract/case";
import { CLUSTER as EKS, NETWORK, productionAws } from "../../fixtures/aws";
import { cases } from "../../fixtures/cases";
import { existingGcp, fullGcp, CLUSTER as GKE, SECTION } from "../../fixtures/gcp";
import { registrationsOf } from "../../fixtures/registrations";
import { ofType, templatesOf } from "../../fixtures/templates";

/** Objects that one host delivers for one platform, or for an environment. */
export interface Rendered {
  readonly what: string;
  readonly objects: readonly JsonObject[];
}

/** A host, and the way that pods connect by. */
interface Way {
  readonly title: string;
  readonly host: "local" | "aws" | "gcp";
  readonly access: "auto" | "direct" | "sidecar" | "proxy";
  readonly section: object;
}

const WAYS: readonly Way[] = [
  { title: "local", host: "local", access: "auto", section: {} },
  { title: "aws", host: "aws", access: "auto", section: { region: "eu-central-1", network: NETWORK, cluster: EKS } },
  { title: "aws, no cluster", host: "aws", access: "auto", section: { region: "eu-central-1", network: NETWORK } },
  ...(["direct", "sidecar", "proxy"] as const).map(
    (access): Way => ({ title: `gcp, ${access}`, host: "gcp", access, section: { ...SECTION, cluster: GKE } }),
  ),
  {
    title: "gcp, sidecar with a Google service account",
    host: "gcp",
    access: "sidecar",
    section: { ...SECTION, cluster: { ...GKE, serviceAccounts: "google" } },
  },
  { title: "gcp, direct, no cluster", host: "gcp", access: "direct", section: SECTION },
];

/** Whether a platform can take a way. */
const isPossible = (each: ContractCase, { access }: Way): boolean =>
  access !== "sidecar" || platformOf(each).sidecarBeforeMigrations(settingsOf(each));

function resolveFor(each: ContractCase, { host, access, section }: Way): ProjectEnvironment {
  const { name, acknowledge = {}, settings, platforms } = each;
  const called = calledOf(each);
  const platform = { ...settings, access, ...(called === name ? {} : { platform: name }) };
  const spec = {
    name: "contract",
    acknowledge,
    instances: { main: {} },
    platforms: { [called]: platform },
    ...(host === "local" ? {} : { [host]: section }),
  };
  const target = { local, aws, gcp }[host];
  return resolveUnknown(spec, { target: target as never, platforms, sections: CLOUDS }) as ProjectEnvironment;
}

/** What a deployment prints, with secrets of one platform. */
const printed = (called: string, hasCluster: boolean): Readonly<Record<"aws" | "gcp", object>> => ({
  aws: {
    "postgres-contract-access": {
      Instances: JSON.stringify({
        main: { host: HOST, port: 5432, masterSecret: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:m" },
      }),
      Platforms: JSON.stringify({
        [called]: {
          secretArn: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:p",
          readerRoleArn: hasCluster ? "arn:aws:iam::111122223333:role/reader" : null,
        },
      }),
    },
  },
  gcp: {
    environment: "contract",
    instances: {
      main: {
        host: HOST,
        port: 5432,
        masterSecret: "projects/my-project/secrets/m",
        ca: CA,
        connectionName: "my-project:europe-west4:main",
      },
    },
    platforms: { [called]: { secret: "projects/my-project/secrets/p" } },
    next: "",
  },
});

const parse = (content: string): readonly JsonObject[] => parseAllDocuments(content).map((document) => document.toJS() as JsonObject);

/** What is read back of the files that `npm start` and `npm run render` write for a cluster: all but values of charts and patches. */
function renderCase(each: ContractCase, way: Way, directory: string): readonly JsonObject[] {
  const environment = resolveFor(each, way);
  const called = calledOf(each);
  const deployment = way.host === "local" ? null : readDeployment(environment, way, called, directory);
  const reach = { host: HOST, port: 5432, sidecar: null };
  const wired = wirePlatforms(environment, each.platforms, (platform) => deployment?.reach(platform) ?? reach)[called];
  if (wired === undefined) throw new TypeError(`${called} was not wired`);
  const source =
    deployment === null
      ? { secret: null, ca: CA, access: [] }
      : { secret: deployment.secret(called), ca: deployment.ca("main"), access: deployment.accessObjects(called, wired) };
  const objects = toPlatformObjects(wired, source);
  const secret = deployment === null ? [toSecret(wired, CREDENTIAL, CA)] : objectsOf(objects, "store", "secret");
  const files = toPlatformFiles(called, wired, { objects, secretFile: "", caution: null });
  const written = files.filter(({ path }) => /(manifests|migrate-job)\.yaml$/.test(path)).map(({ content }) => content);
  return [...written, toYaml(secret)].flatMap(parse);
}

function readDeployment(environment: ProjectEnvironment, { host, section }: Way, called: string, directory: string): Deployment {
  const file = join(directory, "outputs.json");
  writeFileSync(file, JSON.stringify(printed(called, "cluster" in section)[host as "aws" | "gcp"]));
  return host === "aws" ? awsCloud.readDeployment(environment as never, file) : gcpCloud.readDeployment(environment as never, file);
}

/** Every platform of the contract on every host, by every way of access that it can take there. */
export function renderCases(): readonly Rendered[] {
  const directory = mkdtempSync(join(tmpdir(), "platform-postgres-manifests-"));
  try {
    return cases.flatMap((each) =>
      WAYS.filter((way) => isPossible(each, way)).map((way) => ({
        what: `${each.title}${each.called === undefined ? "" : ` called ${each.called}`}: ${way.title}`,
        objects: renderCase(each, way, directory),
      })),
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What a deployment itself applies to the cluster: objects in templates on AWS, and with Pulumi on Google Cloud. */
export async function renderDeployments(): Promise<readonly Rendered[]> {
  const google = [
    fullGcp,
    existingGcp,
    { ...fullGcp, name: "accounts", gcp: { ...fullGcp.gcp, cluster: { ...GKE, serviceAccounts: "google" } } },
  ];
  const onGoogle = await Promise.all(
    (google as readonly NamedSpec[]).map(async (spec) => {
      const { resources } = await registrationsOf(spec);
      const own = resources.filter(
        ({ type, custom }) => custom && type.startsWith("kubernetes:") && !type.startsWith("kubernetes:helm.sh"),
      );
      return { what: `environment ${spec.name}: pulumi up`, objects: own.map(({ inputs }) => inputs as JsonObject) };
    }),
  );
  const manifests = Object.values(ofType(templatesOf(productionAws).platforms, "Custom::AWSCDK-EKS-KubernetesResource"));
  const applied = manifests.flatMap(({ Properties: { Manifest } = {} }) => JSON.parse(toText(Manifest)) as readonly JsonObject[]);
  return [...onGoogle, { what: `environment ${productionAws.name}: cdk deploy`, objects: applied }];
}

/** A text of a template, with a word in the place of each reference. */
function toText(value: unknown): string {
  if (typeof value === "string") return value;
  const [separator, parts] = (value as { readonly "Fn::Join"?: readonly [string, readonly unknown[]] })["Fn::Join"] ?? ["", ["reference"]];
  return parts.map((part) => (typeof part === "string" ? part : "reference")).join(separator);
}
