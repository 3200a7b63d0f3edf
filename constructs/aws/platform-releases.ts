import { createHash } from "node:crypto";
import { CfnParameter, type CfnResource, Duration, Fn, type NestedStack, RemovalPolicy, Stack } from "aws-cdk-lib";
import type * as ec2 from "aws-cdk-lib/aws-ec2";
import * as eks from "aws-cdk-lib/aws-eks-v2";
import { Asset } from "aws-cdk-lib/aws-s3-assets";
import { Construct, type IConstruct } from "constructs";
import { toOwner } from "../kubernetes/objects";
import type { Operator } from "../kubernetes/operators";
import { inNamespace, objectsOf, type PlatformObject, toPlatformObjects } from "../kubernetes/platform-objects";
import { UserError } from "../model/errors";
import type { JsonObject } from "../model/json";
import type { HelmRelease } from "../model/platform";
import type { Wired } from "../model/wire";
import { chartDirectory } from "../package/root";
import { environmentOf } from "./database-provisioning";
import { secretReader } from "./external-secrets";
import { createInnerStack } from "./inner-stack";
import { createKubectlLayer } from "./kubectl-layer";
import { regionRoots } from "./regions";
import { FIRST_GENERATION } from "./task";

/** The ARNs of a platform's secret, and of the role that External Secrets reads it with. */
export type PlatformAccess =
  | { readonly secretArn: string; readonly readerRoleArn: string }
  /** Both, separated by a space, for a platform whose release is in a nested stack. Changing between the two forms reinstalls the release. */
  | { readonly arns: string };

/** A platform to install, and the access of External Secrets to its secret. */
export interface PlatformRelease {
  readonly wired: Wired;
  readonly access: PlatformAccess;
  /** PEM text of the database's certificate authority. @defaultValue RDS's authorities of the stack's region */
  readonly ca?: string;
  /** Changes when the database is replaced, which references across stacks do not notice. @defaultValue `"1"` */
  readonly generation?: string;
}

/** A cluster by its name. The construct makes itself an administrator of it. */
export interface NamedCluster {
  readonly name: string;
  readonly vpc: ec2.IVpc;
  /** Private subnets that can reach the cluster's endpoint. */
  readonly subnets: readonly ec2.ISubnet[];
  /** Its members, which the functions become, can reach the cluster's endpoint. */
  readonly securityGroup: ec2.ISecurityGroup;
}

export interface PlatformReleasesProps {
  /** Name of the environment. It marks each release, so that other environments do not overwrite it. @defaultValue the stack's name, in lower case */
  readonly environment?: string;
  /** The cluster by name, or a cluster of `aws-cdk-lib/aws-eks-v2` with a `kubectlProvider`. */
  readonly cluster: NamedCluster | eks.ICluster;
  /** Region of the platforms' secrets. @defaultValue the stack's region */
  readonly region?: string;
  /** Operators to install before the platforms. @defaultValue `[]` */
  readonly operators?: readonly Operator[];
  /** By platform. A kustomization is rendered as files, not installed. */
  readonly platforms: Readonly<Record<string, PlatformRelease>>;
}

/** Lambda's own limit, within which helm must finish. */
const INSTALLATION = Duration.minutes(14);
const SECRET_TIMEOUT = Duration.minutes(5);
/** Letters of a hash in a label. */
const HASH_LENGTH = 16;
/** Until the cluster knows a new access entry, it responds with "Unauthorized". */
const ACCESS_TIMEOUT = Duration.minutes(10);

/**
 * The platforms' Helm releases in an existing EKS cluster, each with its Secret, which exists before the release starts. An application
 * without a chart gets everything except the release.
 */
export class PlatformReleases extends Construct {
  /** By platform. */
  readonly charts: Readonly<Record<string, eks.HelmChart>>;

  constructor(scope: Construct, id: string, props: PlatformReleasesProps) {
    super(scope, id);
    const { environment = environmentOf(this), region = Stack.of(this).region } = props;
    const { cluster, before } = "clusterName" in props.cluster ? { cluster: props.cluster, before: [] } : reachCluster(this, props.cluster);
    const operators = createOperators(this, cluster, props);
    for (const operator of operators) operator.node.addDependency(...before);
    const charts = Object.entries(props.platforms).map(
      ([name, platform]) =>
        [
          name,
          createRelease(placeRelease(this, name, platform), cluster, { environment, region }, platform, [...before, ...operators]),
        ] as const,
    );
    this.charts = Object.fromEntries(charts.filter((each): each is [string, eks.HelmChart] => each[1] !== null));
  }
}

/**
 * Imports an existing cluster, with permission to change it. In two steps: an imported cluster ignores the options that would create its
 * provider, and the provider needs a cluster.
 */
function reachCluster(scope: Construct, { name, vpc, subnets, securityGroup }: NamedCluster) {
  const attributes = { clusterName: name, vpc };
  const named = eks.Cluster.fromClusterAttributes(scope, "NamedCluster", attributes);
  const kubectlProvider = new eks.KubectlProvider(scope, "Kubectl", {
    cluster: named,
    kubectlLayer: createKubectlLayer(scope, "KubectlLayer"),
    privateSubnets: [...subnets],
    securityGroups: [securityGroup],
  });
  const access = new eks.AccessEntry(scope, "Access", {
    cluster: named,
    principal: kubectlProvider.role?.roleArn ?? "",
    accessPolicies: [
      eks.AccessPolicy.fromAccessPolicyName("AmazonEKSClusterAdminPolicy", { accessScopeType: eks.AccessScopeType.CLUSTER }),
    ],
  });
  const cluster = eks.Cluster.fromClusterAttributes(scope, "Cluster", { ...attributes, kubectlProvider });
  // Retries until the cluster grants access; resources that install or apply fail at the first rejection.
  const ready = new eks.KubernetesObjectValue(scope, "Ready", {
    cluster,
    objectType: "namespace",
    objectName: "kube-system",
    jsonPath: ".metadata.name",
    timeout: ACCESS_TIMEOUT,
  });
  ready.node.addDependency(access);
  return { cluster, before: [ready] };
}

function createOperators(scope: Construct, cluster: eks.ICluster, { operators = [] }: PlatformReleasesProps): readonly eks.HelmChart[] {
  return operators.map(
    ({ id, ...operator }) =>
      // Others in the cluster may use it by then: it remains when this stack is deleted, fails or no longer requests it. The next stack adopts it.
      new eks.HelmChart(scope, id, {
        cluster,
        ...operator,
        createNamespace: true,
        wait: true,
        timeout: INSTALLATION,
        removalPolicy: RemovalPolicy.RETAIN,
      }),
  );
}

/** Where a release's constructs are created: below `scope`, under `id`. */
interface Place {
  readonly scope: Construct;
  readonly id: string;
}

/** Changing the namespace or the name creates another release: its owner is checked again, and the previous release is uninstalled. */
function placeRelease(scope: Construct, name: string, { wired, access }: PlatformRelease): Place | null {
  const { namespace, release, wiring } = wired;
  if (wiring.release.kind === "kustomize") return null;
  // No name contains a dot.
  if ("arns" in access)
    return { scope: createInnerStack(scope, name, `Release ${release} in namespace ${namespace}`), id: `${namespace}.${release}` };
  return { scope, id: namespace === name && release === name ? name : `${name}-${namespace}-${release}` };
}

/** Returns null if no chart installs the platform. */
function createRelease(
  place: Place | null,
  cluster: eks.ICluster,
  { environment, region }: Required<Pick<PlatformReleasesProps, "environment" | "region">>,
  platform: PlatformRelease,
  before: readonly IConstruct[],
): eks.HelmChart | null {
  const { wired } = platform;
  const { release } = wired.wiring;
  if (place === null || release.kind === "kustomize") return null;
  const own = new Construct(place.scope, place.id);
  const apply = (name: string, manifest: readonly JsonObject[], after: readonly IConstruct[], kept: object = {}) => {
    const applied = new eks.KubernetesManifest(own, name, { cluster, manifest: manifest.map(withoutUndefined), overwrite: true, ...kept });
    applied.node.addDependency(...after);
    return applied;
  };
  // A namespace may contain objects of others: it is never deleted with the platform.
  const all = toObjects(platform, findArns(own, platform.access), region);
  const namespace = apply("Namespace", objectsOf(all, "namespace"), before, { prune: false, removalPolicy: RemovalPolicy.RETAIN });
  // Creation fails if it exists: the next objects would overwrite another environment's, and a rollback would delete them.
  const owner = apply("Owner", [toOwner(wired, environment)], [namespace], { overwrite: false });
  const { manifest, mark } = markSecret(own, inNamespace(all), platform.access);
  const objects = apply("Objects", manifest, [owner]);
  const secret = new eks.KubernetesObjectValue(own, "SecretReady", {
    cluster,
    objectType: "secret",
    objectName: wired.connection.secret,
    objectNamespace: wired.namespace,
    // Empty, and so waited for, until External Secrets has written this manifest. A condition Ready may belong to the previous one.
    jsonPath: `.metadata.labels.${mark}`,
    timeout: SECRET_TIMEOUT,
  });
  secret.node.addDependency(objects);
  if (release.kind === "deployment") return null;
  const chart = createChart(own, cluster, wired, release);
  propertiesOf(chart).addPropertyOverride("DatabaseGeneration", platform.generation ?? FIRST_GENERATION);
  chart.node.addDependency(secret);
  return chart;
}

/** Returns the resource behind one of the CDK's custom resources. */
const propertiesOf = (construct: Construct): CfnResource => construct.node.findChild("Resource").node.defaultChild as CfnResource;

/** Makes External Secrets label the Secret with a hash of the manifest, so that CloudFormation can wait for this version. */
function markSecret(
  scope: Construct,
  objects: readonly JsonObject[],
  access: PlatformAccess,
): { readonly manifest: readonly JsonObject[]; readonly mark: string } {
  // References are resolved to names of outputs, which are known.
  const own = objects.filter(({ kind }) => kind === "ExternalSecret");
  // In a nested stack the manifest contains a parameter, not its value: without `access`, the hash would not change with it.
  const text = JSON.stringify(Stack.of(scope).resolve("arns" in access ? [own, access] : own));
  const mark = `platform-postgres-${createHash("sha256").update(text).digest("hex").slice(0, HASH_LENGTH)}`;
  const manifest = objects.map((object) => (object.kind === "ExternalSecret" ? withLabel(object, mark) : object));
  return { manifest, mark };
}

/** Adds the labels: with a metadata template, External Secrets no longer copies its own labels. */
function withLabel(externalSecret: JsonObject, mark: string): JsonObject {
  const { metadata, spec } = externalSecret as {
    readonly metadata: JsonObject;
    readonly spec: JsonObject & { readonly target: JsonObject };
  };
  const labels = { ...(metadata.labels as JsonObject), [mark]: "true" };
  const template = { ...(spec.target.template as JsonObject), metadata: { labels } };
  return { ...externalSecret, spec: { ...spec, target: { ...spec.target, template } } };
}

type Arns = Extract<PlatformAccess, { readonly secretArn: string }>;

/** In a nested stack, splits a parameter: some functions of CloudFormation do not accept another stack's output. */
function findArns(scope: Construct, access: PlatformAccess): Arns {
  if (!("arns" in access)) return access;
  const inner = Stack.of(scope) as NestedStack;
  const both = new CfnParameter(inner, "Access").valueAsString;
  inner.setParameter("Access", access.arns);
  return { secretArn: Fn.select(0, Fn.split(" ", both)), readerRoleArn: Fn.select(1, Fn.split(" ", both)) };
}

function toObjects(
  { wired, ca, generation = FIRST_GENERATION }: PlatformRelease,
  { secretArn, readerRoleArn }: Arns,
  region: string,
): readonly PlatformObject[] {
  const annotations = { "platform-postgres/database": generation };
  return toPlatformObjects(wired, {
    secret: { key: secretArn, store: secretReader(region, readerRoleArn), annotations },
    ca: ca ?? knownRoots(region),
    access: [],
  });
}

/** @throws UserError in a stack without a region, or in a region that is newer than this library. */
function knownRoots(region: string): string {
  const roots = regionRoots(region);
  if (roots === "")
    throw new UserError("ca: is required if the database's region is not known; pass the PEM text of its certificate authorities");
  return roots;
}

function createChart(scope: Construct, cluster: eks.ICluster, wired: Wired, release: HelmRelease): eks.HelmChart {
  const source =
    release.repository === null
      ? { chartAsset: new Asset(scope, "ChartFiles", { path: chartDirectory(wired.kind) }) }
      : { chart: release.chart, repository: release.repository, version: release.version };
  return new eks.HelmChart(scope, "Chart", {
    cluster,
    ...source,
    release: wired.release,
    namespace: wired.namespace,
    createNamespace: false,
    values: withoutUndefined(release.values),
    wait: release.wait,
    timeout: INSTALLATION,
  });
}

/** CDK rejects `undefined` in JSON. Deploy-time values are strings here, and pass. */
const withoutUndefined = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
