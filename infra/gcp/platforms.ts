import * as pulumi from "@pulumi/pulumi";
import { PlatformReleases } from "../../constructs/gcp/platform-releases";
import { operatorsOf } from "../../constructs/kubernetes/operators";
import { idOf } from "../../constructs/model/fields";
import { mapValues } from "../../constructs/model/json";
import type { Wired } from "../../constructs/model/wire";
import { type AccessComponent, serverOf } from "./access";
import type { Database } from "./database";
import type { GcpEnvironment } from "./environment";
import { annotationsOf } from "./identity";

/** The platforms' releases in the cluster. Nothing in it holds data. */
export class Platforms extends pulumi.ComponentResource {
  constructor(
    environment: GcpEnvironment,
    database: Database,
    access: AccessComponent,
    wired: Readonly<Record<string, Wired>>,
    opts: pulumi.ComponentResourceOptions,
  ) {
    super("platform-postgres:infra:Platforms", "platforms", {}, opts);
    const { cluster, project, authProxyVersion } = environment.section;
    if (cluster === null) throw new TypeError("there is no cluster");
    const platforms = mapValues(wired, (each, name) => {
      const resolved = environment.platforms[name];
      const { ca, connectionName, reader } = serverOf(database, resolved?.instance ?? "");
      const read = each.connection.reader === null ? null : reader;
      const instances = connectionName === null ? null : { primary: connectionName, reader: read?.connectionName ?? null };
      const secretId = access.secrets[name]?.secretId ?? "";
      const reached = resolved?.access ?? "direct";
      const clientAnnotations = annotationsOf(environment, each, reached);
      const after = [...(access.ready[name] ?? []), ...(read?.ready ?? [])];
      return { wired: each, access: reached, secretId, ca, instances, clientAnnotations, after };
    });
    new PlatformReleases(
      "releases",
      {
        externalSecrets: { project: idOf(project), cluster: idOf(cluster.name), location: cluster.location },
        operators: operatorsOf(cluster),
        authProxyVersion,
        platforms,
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
