import { Tags } from "aws-cdk-lib";
import type * as kms from "aws-cdk-lib/aws-kms";
import * as secretsmanager from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import { retain } from "./retain";
import { TENANT_TAG } from "./task";

export interface DatabaseSecretProps {
  readonly description: string;
  /** Null takes the account's own key for Secrets Manager. */
  readonly key: kms.IKey | null;
  /** How its first version is made; null leaves it empty. Any change of it makes a new password that the database does not know. */
  readonly generate: secretsmanager.CfnSecret.GenerateSecretStringProperty | null;
  /** Tag by which the functions find the secret's platform: `tenantTag`; null for a master's secret. */
  readonly tenant: string | null;
}

/** A secret with a login's name and password, retained, and readable over TLS only. */
export class DatabaseSecret extends Construct {
  readonly arn: string;
  /** Value of its tag; null for a master's secret. */
  readonly tenant: string | null;

  constructor(scope: Construct, id: string, props: DatabaseSecretProps) {
    super(scope, id);
    // Not the L2: it always generates a password, also where the database's program makes one.
    const secret = new secretsmanager.CfnSecret(this, "Resource", {
      description: props.description,
      kmsKeyId: props.key?.keyArn,
      generateSecretString: props.generate ?? undefined,
    });
    retain(secret);
    this.tenant = props.tenant;
    if (props.tenant !== null) Tags.of(secret).add(TENANT_TAG, props.tenant);
    retain(new secretsmanager.CfnResourcePolicy(this, "Policy", { secretId: secret.ref, resourcePolicy: tlsOnly() }));
    this.arn = secret.ref;
  }
}

/** https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples.html */
const tlsOnly = (): object => ({
  Version: "2012-10-17",
  Statement: [
    {
      Sid: "OnlyOverTls",
      Effect: "Deny",
      Principal: "*",
      Action: "secretsmanager:*",
      // Of a secret's own policy: the secret.
      Resource: "*",
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    },
  ],
});
