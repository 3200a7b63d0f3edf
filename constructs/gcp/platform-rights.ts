import type * as pulumi from "@pulumi/pulumi";
import { kubernetesNames } from "../model/names";
import type { Topology } from "../model/target";
import type { Wired } from "../model/wire";
import { type ClientIdentity, type IdentityProject, principalOf } from "./client-identity";
import type { Postgres } from "./cloud-sql-postgres";
import { allowSecret, type DatabaseSecret } from "./database-secret";
import { proxyAccounts, resourceName } from "./names";
import { allowConnections, createIdentity } from "./workload-identity";

export interface PlatformRightsArgs {
  /** Name of the environment, and of the platform in it. */
  readonly environment: string;
  readonly platform: string;
  readonly wired: Wired;
  readonly access: Topology["access"];
  readonly postgres: Postgres;
  readonly secret: DatabaseSecret | undefined;
  /** The project that the cluster's identities belong to. */
  readonly project: IdentityProject;
  /** The Google identity of a service account with the Auth Proxy. */
  clientOf(namespace: string, account: string): ClientIdentity;
}

/** Grants a platform its permissions: External Secrets reads its secret; its pods, or its proxy's, connect to its instance. */
export function createPlatformRights(parent: pulumi.Resource, args: PlatformRightsArgs): readonly pulumi.Resource[] {
  const { environment, platform, wired, access, secret } = args;
  const { connectionName, reader: first } = args.postgres;
  const named = { name: platform, kind: wired.kind };
  const reader = principalOf(args.project, wired.namespace, kubernetesNames(wired.release).secretStore);
  const read =
    secret === undefined
      ? []
      : allowSecret(resourceName(named, "reader"), secret.name, reader, "read", { parent, dependsOn: [secret.resource] });
  const replica = wired.connection.reader === null ? null : first;
  const connect =
    connectionName === null
      ? []
      : proxyAccounts(wired, access).flatMap((account) => {
          const client = args.clientOf(wired.namespace, account);
          const made = createIdentity(resourceName(named, `${account}-identity`), client, environment, { parent });
          const allow = (name: string, instance: pulumi.Output<string>) =>
            allowConnections(resourceName(named, name), client.member, instance, { parent, dependsOn: [...made] });
          const toReplica = replica === null ? [] : [allow(`${account}-replica`, replica.connectionName)];
          return [...made, allow(account, connectionName), ...toReplica];
        });
  return [...read, ...connect];
}
