import { Tags } from "aws-cdk-lib";
import type * as iam from "aws-cdk-lib/aws-iam";
import type * as kms from "aws-cdk-lib/aws-kms";
import * as secretsmanager from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import { grantRead } from "./grants";
import { retain } from "./retain";
import { TENANT_TAG } from "./task";

export interface DatabaseSecretProps {
  /** @defaultValue `"Database login"` */
  readonly description?: string;
  /** Null uses the account's own key for Secrets Manager. @defaultValue `null` */
  readonly key?: kms.IKey | null;
  /**
   * How its first version is generated; null leaves the secret empty. Any change generates a new password that the database does not know.
   *
   * @defaultValue `null`
   */
  readonly generate?: secretsmanager.CfnSecret.GenerateSecretStringProperty | null;
  /** Tag that the functions find the secret's platform by: `tenantTag`; null for a master's secret. @defaultValue `null` */
  readonly tenant?: string | null;
}

/** A secret with a login's name and password. It is retained, and readable only over TLS. */
export class DatabaseSecret extends Construct {
  readonly arn: string;
  /** Value of its tag; null for a master's secret. */
  readonly tenant: string | null;
  /** The secret, for other CDK constructs. */
  readonly secret: secretsmanager.ISecret;
  private readonly key: kms.IKey | null;

  constructor(scope: Construct, id: string, props: DatabaseSecretProps = {}) {
    super(scope, id);
    const { tenant = null, key = null } = props;
    // Not the L2: it always generates a password, even if the provisioning program creates one.
    const secret = new secretsmanager.CfnSecret(this, "Resource", {
      description: props.description ?? "Database login",
      kmsKeyId: key?.keyArn,
      generateSecretString: props.generate ?? undefined,
    });
    retain(secret);
    this.tenant = tenant;
    this.key = key;
    if (tenant !== null) Tags.of(secret).add(TENANT_TAG, tenant);
    retain(new secretsmanager.CfnResourcePolicy(this, "Policy", { secretId: secret.ref, resourcePolicy: tlsOnly() }));
    this.arn = secret.ref;
    this.secret = secretsmanager.Secret.fromSecretCompleteArn(this, "Secret", secret.ref);
  }

  /** Grants permission to read it, only in the identity's policy. */
  grantRead(grantee: iam.IGrantable): void {
    grantRead(grantee, [this.arn], this.key);
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
      // In a secret's own policy: the secret.
      Resource: "*",
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    },
  ],
});
