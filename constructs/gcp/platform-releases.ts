import { relative } from "node:path";
import * as helm from "@pulumi/kubernetes/helm/v3";
import * as pulumi from "@pulumi/pulumi";
import { toNamespace } from "../kubernetes/objects";
import type { Operator } from "../kubernetes/operators";
import { inNamespace, toPlatformObjects } from "../kubernetes/platform-objects";
import type { JsonObject } from "../model/json";
import type { HelmRelease } from "../model/platform";
import type { Topology } from "../model/target";
import type { Wired } from "../model/wire";
import { chartDirectory } from "../package/root";
import { AUTH_PROXY_VERSION, type ProxiedInstances, toProxyObjects } from "./auth-proxy";
import { type ExternalSecretsArgs, secretReader } from "./external-secrets";
import { createObject } from "./kubernetes-object";
import { type LateObject, lateBound } from "./late-bound";
import { resourceName } from "./names";

/** A platform to install, and the connections of its pods. */
export interface PlatformRelease {
  readonly wired: Wired;
  readonly access: Topology["access"];
  /** The platform's secret, as External Secrets names it: its name in the project. */
  readonly secretId: string;
  /** PEM text of the database's certificate authority. */
  readonly ca: pulumi.Output<string>;
  /** Instances for the Auth Proxy; null if the database is not Cloud SQL. */
  readonly instances: ProxiedInstances<pulumi.Output<string>> | null;
  /** Annotations of the service account that its proxy runs as. @defaultValue `{}` */
  readonly clientAnnotations?: JsonObject;
  /** Resources that must exist before its pods start: databases, logins, and the permissions of its service accounts. */
  readonly after: readonly pulumi.Resource[];
}

export interface PlatformReleasesArgs {
  readonly externalSecrets: ExternalSecretsArgs;
  /** Operators to install before the platforms. @defaultValue `[]` */
  readonly operators?: readonly Operator[];
  /** Version of the Auth Proxy. @defaultValue `"2.28.0"` */
  readonly authProxyVersion?: string;
  /** By platform. A kustomization is rendered as files, not installed. */
  readonly platforms: Readonly<Record<string, PlatformRelease>>;
}

/** Seconds. */
const INSTALLATION = 1_800;
const SECRET_TIMEOUT = 300;

/**
 * The platforms' Helm releases in an existing GKE cluster, each with its Secret, which exists before the release starts. An application
 * without a chart gets everything except the release.
 */
export class PlatformReleases extends pulumi.ComponentResource {
  /** By platform. */
  readonly releases: Readonly<Record<string, helm.Release>>;

  constructor(name: string, args: PlatformReleasesArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("platform-postgres:gcp:PlatformReleases", name, {}, opts);
    const before = [...createNamespaces(this, args), ...createOperators(this, args)];
    const releases = Object.entries(args.platforms).map(
      ([platform, each]) => [platform, createRelease(this, platform, each, args, before)] as const,
    );
    this.releases = Object.fromEntries(releases.filter((each): each is [string, helm.Release] => each[1] !== null));
    this.registerOutputs({});
  }
}

/** A namespace may contain objects of others, or another platform: it is never deleted with one, and may already exist. */
function createNamespaces(parent: PlatformReleases, { platforms }: PlatformReleasesArgs): readonly pulumi.Resource[] {
  const installed = Object.values(platforms).filter(({ wired }) => wired.wiring.release.kind !== "kustomize");
  const byName = new Map(installed.map(({ wired }) => [wired.namespace, toNamespace(wired)]));
  return [...byName].map(([namespace, object]) => createObject(`namespace-${namespace}`, object, { parent, retainOnDelete: true }));
}

function createOperators(parent: PlatformReleases, { operators = [] }: PlatformReleasesArgs): readonly pulumi.Resource[] {
  return operators.map(
    ({ release, namespace, chart, repository, version, values }) =>
      new helm.Release(
        chart,
        {
          name: release,
          chart,
          version,
          repositoryOpts: { repo: repository },
          namespace,
          createNamespace: true,
          values,
          atomic: true,
          timeout: INSTALLATION,
        },
        // Others in the cluster may use it by then: it remains.
        { parent, retainOnDelete: true },
      ),
  );
}

/** Returns null if no chart installs the platform. */
function createRelease(
  parent: PlatformReleases,
  platform: string,
  each: PlatformRelease,
  args: PlatformReleasesArgs,
  before: readonly pulumi.Resource[],
): helm.Release | null {
  const { wired } = each;
  const { release } = wired.wiring;
  if (release.kind === "kustomize") return null;
  const objects = toObjects(each, args).map((object) =>
    createObject(resourceName({ name: platform, kind: wired.kind }, nameOf(object)), object, {
      parent,
      dependsOn: [...before, ...each.after],
    }),
  );
  return release.kind === "helm" ? createChart(parent, platform, wired, release, objects) : null;
}

/** Returns kind and name, which are unique in the namespace. */
function nameOf({ kind, metadata }: LateObject): string {
  return `${String(kind).toLowerCase()}-${(metadata as { readonly name: string }).name}`;
}

/** Returns the objects that the chart's pods need in their namespace. */
function toObjects(
  each: PlatformRelease,
  { externalSecrets, authProxyVersion = AUTH_PROXY_VERSION }: PlatformReleasesArgs,
): readonly LateObject[] {
  const { wired, access, clientAnnotations = {} } = each;
  const secret = { key: each.secretId, store: secretReader(externalSecrets), annotations: AWAITED };
  const { ca, instances } = each;
  const make = (caText: string, proxy: readonly JsonObject[]) =>
    inNamespace(toPlatformObjects(wired, { secret, ca: caText, access: proxy }));
  if (instances === null) return lateBound((late) => make(late.ca, []), { ca });
  const { primary, reader } = instances;
  const makeAll = (late: { readonly ca: string; readonly primary: string }, readerName: string | null) =>
    make(
      late.ca,
      toProxyObjects(wired, access, { primary: late.primary, reader: readerName, version: authProxyVersion }, clientAnnotations),
    );
  return reader === null
    ? lateBound((late) => makeAll(late, null), { ca, primary })
    : lateBound((late) => makeAll(late, late.reader), { ca, primary, reader });
}

/** Waits for the Secret: a release whose pods start without it would fail, and waiting for them would time out without a reason. */
const AWAITED: JsonObject = { "pulumi.com/waitFor": "condition=Ready", "pulumi.com/timeoutSeconds": String(SECRET_TIMEOUT) };

function createChart(
  parent: PlatformReleases,
  platform: string,
  wired: Wired,
  release: HelmRelease,
  dependsOn: readonly pulumi.Resource[],
): helm.Release {
  const source =
    release.repository === null
      ? // Relative, as providers read it, so that the state is the same on every machine.
        { chart: relative(process.cwd(), chartDirectory(wired.kind)) }
      : { chart: release.chart, repositoryOpts: { repo: release.repository }, version: release.version };
  return new helm.Release(
    // Operators are also releases, with any name without a dot.
    platform === wired.kind ? platform : resourceName({ name: platform, kind: wired.kind }, "release"),
    {
      ...source,
      name: wired.release,
      namespace: wired.namespace,
      createNamespace: false,
      values: release.values,
      // Does not wait for a chart whose post-install hook makes the pods ready: both would wait for each other.
      skipAwait: !release.wait,
      atomic: release.wait,
      cleanupOnFail: true,
      timeout: INSTALLATION,
    },
    { parent, dependsOn: [...dependsOn] },
  );
}
