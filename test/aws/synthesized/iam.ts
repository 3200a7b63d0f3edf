import { describe, expect, it } from "vitest";
import type { Template } from "../../../infra/aws/templates";
import { minimalAws, productionAws, withAws } from "../../fixtures/aws";
import { ofType, propertiesOf, templatesOf } from "../../fixtures/templates";

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: object;
}

const list = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);

/** Every right of every role of a stack: whose, the action, and whether it is on anything. */
function rightsIn(
  template: Template,
): readonly { readonly whose: string; readonly action: string; readonly anything: boolean; readonly condition: object }[] {
  return Object.entries(ofType(template, "AWS::IAM::Policy")).flatMap(([id, { Properties = {} }]) => {
    const { Statement } = Properties.PolicyDocument as { Statement: readonly Statement[] };
    return Statement.flatMap(({ Action, Resource, Condition = {} }) =>
      list(Action).map((action) => ({ whose: whoseOf(id), action, anything: list(Resource).includes("*"), condition: Condition })),
    );
  });
}

/** The role without its hash, its instance or its platform. */
const whoseOf = (id: string): string =>
  id
    .replace(/ServiceRoleDefaultPolicy[0-9A-F]{8}$|(Resource)?DefaultPolicy[0-9A-F]{8}$/, "")
    .replace(/^main|^(flyte|mlflow|prefect|skillflaw|kubeflowpipelines)/, "")
    .replace(/[0-9a-f]{32}$/, "");

/** Each right that a role has, and the call that needs it. */
const NEEDED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  provisioningFunction: {
    "secretsmanager:GetSecretValue": "GetSecretValue of the master's and the platforms' secrets",
    "secretsmanager:DescribeSecret": "comes with reading: its stages",
    "secretsmanager:PutSecretValue": "PutSecretValue of a platform's first passwords",
    "secretsmanager:UpdateSecretVersionStage": "UpdateSecretVersionStage, when a revoked version is forgotten",
    "kms:Decrypt": "Secrets Manager, for GetSecretValue",
    "kms:GenerateDataKey": "Secrets Manager, for PutSecretValue",
  },
  provisioningProviderframeworkonEvent: {
    "lambda:InvokeFunction": "Invoke of the provisioning function",
    "lambda:GetFunction": "GetFunction, until the function is active",
  },
  rotationFunction: {
    "secretsmanager:GetSecretValue": "GetSecretValue of the version in use and the pending one",
    "secretsmanager:DescribeSecret": "DescribeSecret: which version is pending",
    "secretsmanager:PutSecretValue": "PutSecretValue of the pending version",
    "secretsmanager:UpdateSecretVersionStage": "UpdateSecretVersionStage, the last step",
    "kms:Decrypt": "Secrets Manager, for GetSecretValue",
    "kms:GenerateDataKey": "Secrets Manager, for PutSecretValue",
  },
  DeletionProtectionFunction: {
    "rds:ModifyDBInstance": "ModifyDBInstance of the environment's instances: their deletion protection",
  },
  DeletionProtectionProviderframeworkonEvent: {
    "lambda:InvokeFunction": "Invoke of the function that protects",
    "lambda:GetFunction": "GetFunction, until the function is active",
  },
  reader: {
    "secretsmanager:GetSecretValue": "GetSecretValue by External Secrets",
    "secretsmanager:DescribeSecret": "DescribeSecret by External Secrets",
    "kms:Decrypt": "Secrets Manager, for GetSecretValue",
  },
  // CDK's own functions.
  LogRetention: {
    "logs:PutRetentionPolicy": "PutRetentionPolicy on the log groups that RDS makes",
    "logs:DeleteRetentionPolicy": "DeleteRetentionPolicy on the log groups that RDS makes",
  },
  ReleasesKubectlHandler: {
    "eks:DescribeCluster": "DescribeCluster, for the address of the cluster",
    "s3:GetObject*": "reads SkillFlaw's chart from the bootstrap bucket",
    "s3:GetBucket*": "reads SkillFlaw's chart from the bootstrap bucket",
    "s3:List*": "reads SkillFlaw's chart from the bootstrap bucket",
  },
  ReleasesKubectlProviderframeworkonEvent: {
    "lambda:InvokeFunction": "Invoke of the kubectl function",
    "lambda:GetFunction": "GetFunction, until the function is active",
  },
};

/** Rights on anything, and why. */
const ON_ANYTHING: Readonly<Record<string, string>> = {
  "LogRetention logs:PutRetentionPolicy": "RDS names its log groups after the instance, whose name is not known before",
  "LogRetention logs:DeleteRetentionPolicy": "RDS names its log groups after the instance, whose name is not known before",
};

describe("rights", () => {
  const templates = templatesOf(productionAws);
  const rights = Object.values(templates).flatMap(rightsIn);

  it("are all needed by a call that has a name here, and none is missing", () => {
    const given = [...new Set(rights.map(({ whose, action }) => `${whose} ${action}`))].sort();
    const named = Object.entries(NEEDED).flatMap(([whose, actions]) => Object.keys(actions).map((action) => `${whose} ${action}`));
    expect(given).toEqual(named.sort());
  });

  it("are on something, but for those with a reason", () => {
    const onAnything = rights.filter(({ anything }) => anything).map(({ whose, action }) => `${whose} ${action}`);
    expect([...new Set(onAnything)].sort()).toEqual(Object.keys(ON_ANYTHING).sort());
  });

  it("on keys hold only by way of Secrets Manager in the region", () => {
    const onKeys = rights.filter(({ action }) => action.startsWith("kms:"));
    expect(onKeys.length).toBeGreaterThan(5);
    for (const { condition } of onKeys)
      expect(condition).toEqual({ StringEquals: { "kms:ViaService": "secretsmanager.eu-central-1.amazonaws.com" } });
  });

  it("on an alias hold for the key that it points to: a policy names keys by their own ARN only", () => {
    const kmsKey = "arn:aws:kms:eu-central-1:111122223333:alias/ml/databases";
    const { database, access } = templatesOf(withAws(minimalAws, { kmsKey }));
    expect(propertiesOf(database, "AWS::RDS::DBInstance").KmsKeyId).toBe(kmsKey);
    expect(propertiesOf(access, "AWS::SecretsManager::Secret").KmsKeyId).toBe(kmsKey);
    const statements = Object.values(ofType(access, "AWS::IAM::Policy")).flatMap(
      ({ Properties = {} }) => (Properties.PolicyDocument as { Statement: readonly Statement[] }).Statement,
    );
    const onKeys = statements.filter(({ Action }) => list(Action).some((action) => action.startsWith("kms:")));
    expect(onKeys.length).toBeGreaterThan(1);
    for (const { Resource, Condition } of onKeys)
      expect([Resource, Condition]).toEqual([
        "arn:aws:kms:eu-central-1:111122223333:key/*",
        {
          StringEquals: { "kms:ViaService": "secretsmanager.eu-central-1.amazonaws.com" },
          "ForAnyValue:StringEquals": { "kms:ResourceAliases": "alias/ml/databases" },
        },
      ]);
  });

  it("of External Secrets are those of one service account of one namespace, to one secret", () => {
    const roles = Object.entries(ofType(templates.access, "AWS::IAM::Role")).filter(([id]) => id.includes("reader"));
    expect(roles).toHaveLength(Object.keys(productionAws.platforms).length);
    const subjects = roles.map(([, { Properties = {} }]) => {
      const { Statement } = Properties.AssumeRolePolicyDocument as {
        Statement: { Condition: { StringEquals: Record<string, string> } }[];
      };
      return Object.values(Statement[0]?.Condition.StringEquals ?? {});
    });
    expect(subjects.map(([subject]) => subject).sort()).toEqual([
      "system:serviceaccount:flyte:flyte-db-store",
      "system:serviceaccount:kubeflow:kubeflow-pipelines-db-store",
      "system:serviceaccount:mlflow:mlflow-db-store",
      "system:serviceaccount:prefect:prefect-db-store",
      "system:serviceaccount:skillflaw:skillflaw-db-store",
    ]);
    expect(subjects.every(([, audience]) => audience === "sts.amazonaws.com")).toBe(true);
  });

  it("let only Secrets Manager of this account call the rotation", () => {
    const [permission] = Object.values(ofType(templates.access, "AWS::Lambda::Permission"));
    expect(permission?.Properties).toMatchObject({
      Action: "lambda:InvokeFunction",
      Principal: "secretsmanager.amazonaws.com",
      SourceAccount: "111122223333",
    });
  });

  it("come by identities alone: no policy of a key or secret names another stack's role", () => {
    expect(JSON.stringify(ofType(templates.database, "AWS::KMS::Key"))).not.toContain("Fn::GetStackOutput");
    expect(Object.keys(ofType(templates.database, "AWS::SecretsManager::ResourcePolicy"))).toHaveLength(1);
  });
});
