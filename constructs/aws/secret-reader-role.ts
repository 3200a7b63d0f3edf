import * as iam from "aws-cdk-lib/aws-iam";
import type * as kms from "aws-cdk-lib/aws-kms";
import { Construct } from "constructs";
import { kubernetesNames } from "../model/names";
import { grantRead } from "./grants";

export interface SecretReaderRoleProps {
  readonly namespace: string;
  /** The platform's Helm release. */
  readonly release: string;
  /** ARN of the cluster's OIDC provider. */
  readonly oidcProvider: string;
  readonly secretArn: string;
  /** Encrypts the secret; null for the account's own key. @defaultValue `null` */
  readonly key?: kms.IKey | null;
}

/** The role that External Secrets reads a platform's secret with: for one service account of the cluster, and one secret. */
export class SecretReaderRole extends Construct {
  readonly roleArn: string;

  constructor(scope: Construct, id: string, props: SecretReaderRoleProps) {
    super(scope, id);
    // Written out, because the provider's ARN is known: the L2 would compute it with a custom resource.
    const issuer = props.oidcProvider.slice(props.oidcProvider.indexOf("oidc-provider/") + "oidc-provider/".length);
    const subject = `system:serviceaccount:${props.namespace}:${kubernetesNames(props.release).secretStore}`;
    const conditions = { StringEquals: { [`${issuer}:sub`]: subject, [`${issuer}:aud`]: "sts.amazonaws.com" } };
    const role = new iam.Role(this, "Resource", {
      assumedBy: new iam.FederatedPrincipal(props.oidcProvider, conditions, "sts:AssumeRoleWithWebIdentity"),
      description: `External Secrets reads the database secret of ${props.release}`,
    });
    grantRead(role, [props.secretArn], props.key ?? null);
    this.roleArn = role.roleArn;
  }
}
