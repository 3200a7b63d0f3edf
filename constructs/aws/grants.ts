import { ArnFormat, Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import type * as kms from "aws-cdk-lib/aws-kms";
import type { IConstruct } from "constructs";
import { TENANT_TAG } from "./task";

/** Permissions to read a version of a secret: GetSecretValue, and DescribeSecret for its stages. */
const READ = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"];
/** Permissions to add a version, and to move a stage to it. */
const WRITE = ["secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"];

/** Grants permission to read secrets, only in the identity's policy: a policy of the key or secret would make the stacks depend on each other. */
export function grantRead(grantee: iam.IGrantable, arns: readonly string[], key: kms.IKey | null): void {
  grant(grantee, READ, arns);
  if (key !== null) grantKey(grantee, ["kms:Decrypt"], key);
}

/** Grants permission to read secrets and to add versions to them. */
export function grantReadWrite(grantee: iam.IGrantable, arns: readonly string[], key: kms.IKey | null): void {
  if (arns.length > 0) grant(grantee, [...READ, ...WRITE], arns);
  if (key !== null) grantKey(grantee, ["kms:Decrypt", "kms:GenerateDataKey"], key);
}

/**
 * Grants permission to read the account's secrets whose tag begins with `beginning`, and to add versions to them. The policy has the same
 * length for any number of secrets.
 *
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_tags.html
 */
export function grantReadWriteTagged(grantee: iam.IGrantable & IConstruct, beginning: string): void {
  const all = Stack.of(grantee).formatArn({
    service: "secretsmanager",
    resource: "secret",
    resourceName: "*",
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  const conditions = { StringLike: { [`secretsmanager:ResourceTag/${TENANT_TAG}`]: `${beginning}*` } };
  grant(grantee, [...READ, ...WRITE], [all], conditions);
}

function grant(grantee: iam.IGrantable, actions: readonly string[], resources: readonly string[], conditions?: Conditions): void {
  grantee.grantPrincipal.addToPrincipalPolicy(new iam.PolicyStatement({ actions: [...actions], resources: [...resources], conditions }));
}
type Conditions = iam.PolicyStatementProps["conditions"];

/** Secrets Manager uses the key on the caller's behalf; nothing else may use it. */
function grantKey(grantee: iam.IGrantable, actions: readonly string[], key: kms.IKey): void {
  const service = `secretsmanager.${Stack.of(key).region}.amazonaws.com`;
  const { resource, conditions } = named(key.keyArn);
  grantee.grantPrincipal.addToPrincipalPolicy(
    new iam.PolicyStatement({
      actions: [...actions],
      resources: [resource],
      conditions: { StringEquals: { "kms:ViaService": service }, ...conditions },
    }),
  );
}

/** A policy cannot name a key by its alias; a condition can. https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html */
function named(arn: string): { readonly resource: string; readonly conditions: object } {
  const [before = "", alias] = arn.split(":alias/");
  if (alias === undefined) return { resource: arn, conditions: {} };
  return { resource: `${before}:key/*`, conditions: { "ForAnyValue:StringEquals": { "kms:ResourceAliases": `alias/${alias}` } } };
}
