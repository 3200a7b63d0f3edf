import * as pulumi from "@pulumi/pulumi";
import { operatorsOf } from "../../kubernetes/operators";
import { idOf } from "../../model/fields";
import { mapValues } from "../../model/json";
import type { Wired } from "../../model/wire";
import { PlatformReleases } from "../platform-releases";
import { type AccessComponent, serverOf } from "./access";
import type { Database } from "./database";
import { type GcpEnvironment, partType } from "./gcp-environment";
import { annotationsOf } from "./identity";

/** The platforms' releases in the cluster. It contains no data. */
export class Platforms extends pulumi.ComponentResource {
  constructor(
    scope: string,
    environment: GcpEnvironment,
    database: Database,
    access: AccessComponent,
    wired: Readonly<Record<string, Wired>>,
    opts: pulumi.ComponentResourceOptions,
  ) {
    super(partType(scope, "Platforms"), "platforms", {}, opts);
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
