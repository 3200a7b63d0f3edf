import { CustomResource, Duration } from "aws-cdk-lib";
import type * as ec2 from "aws-cdk-lib/aws-ec2";
import type * as lambda from "aws-cdk-lib/aws-lambda";
import * as logs from "aws-cdk-lib/aws-logs";
import { Provider } from "aws-cdk-lib/custom-resources";
import { Construct } from "constructs";
import type { Tenant } from "../model/spec";
import { readBundle } from "../package/bundle";
import type { DatabaseSecret } from "./database-secret";
import { grantReadWrite, grantReadWriteTagged } from "./grants";
import { createFunction } from "./postgres-functions";
import type { IRdsPostgres } from "./rds-postgres";
import type { ServerTask } from "./task";

export interface DatabaseProvisioningProps {
  /** Name of the environment. */
  readonly environment: string;
  readonly postgres: IRdsPostgres;
  /** PEM text of the server's certificate authority; null if the functions' program contains it, as that of a region of RDS. */
  readonly ca: string | null;
  /** Changes when the server becomes another: references across stacks do not notice that. */
  readonly generation: string;
  /** By platform. */
  readonly tenants: Readonly<Record<string, Tenant>>;
  /** By platform. */
  readonly secrets: Readonly<Record<string, DatabaseSecret>>;
  /**
   * Beginning of the tags (`tenantTag`) of the platforms' secrets: the functions may use every secret with such a tag, and their policies
   * do not grow with the number of secrets. Null names each secret in the policies; IAM limits a role's policies to 10,240 characters.
   */
  readonly secretTags: string | null;
  readonly vpc: ec2.IVpc;
  readonly subnets: readonly ec2.ISubnet[];
  /** Days for which logs are kept. */
  readonly logRetentionDays: number;
}

const TIMEOUT = Duration.minutes(10);
/** CloudFormation gives up only after the function has said why. */
const SERVICE_TIMEOUT = TIMEOUT.plus(Duration.minutes(1));

/**
 * Makes databases, roles, grants and passwords, whenever what they should be changes: with every deployment that changes the plan, or
 * the program. Deleting it deletes nothing.
 */
export class DatabaseProvisioning extends Construct {
  /** Depend on it where something logs in. */
  readonly resource: CustomResource;
  readonly function: lambda.Function;

  constructor(scope: Construct, id: string, props: DatabaseProvisioningProps) {
    super(scope, id);
    this.function = createFunction(this, "Function", "provision", {
      network: props,
      logRetentionDays: props.logRetentionDays,
      timeout: TIMEOUT,
      environment: {},
      task: null,
      description: "Makes the platforms' databases and logins",
    });
    grantSecrets(this.function, props);
    props.postgres.grantConnect(this.function);
    const provider = new Provider(this, "Provider", {
      onEventHandler: this.function,
      logGroup: new logs.LogGroup(this, "ProviderLog", { retention: props.logRetentionDays as logs.RetentionDays }),
    });
    this.resource = new CustomResource(this, "Resource", {
      serviceToken: provider.serviceToken,
      resourceType: "Custom::PostgresProvisioning",
      serviceTimeout: SERVICE_TIMEOUT,
      properties: {
        ...toServerTask(props),
        secrets: toArns(props),
        tenants: JSON.stringify(props.tenants),
        ...(props.ca === null ? {} : { ca: props.ca }),
        ...(props.postgres.restart === null ? {} : { restart: props.postgres.restart }),
        generation: props.generation,
        program: readBundle("functions").hash,
      },
    });
    // A grant or a way in the network that comes too late would fail the first deployment.
    this.resource.node.addDependency(this.function, ...this.function.connections.securityGroups);
  }
}

/** Grants a function permission to read and renew the platforms' secrets, and `others` by their ARNs. */
export function grantSecrets(
  grantee: lambda.Function,
  { secrets, secretTags, postgres }: DatabaseProvisioningProps,
  others: readonly string[] = [],
): void {
  const named = secretTags === null ? Object.values(secrets).map((secret) => secret.arn) : [];
  grantReadWrite(grantee, [...named, ...others], postgres.key);
  if (secretTags !== null) grantReadWriteTagged(grantee, secretTags);
}

/** What a function needs to know about a server. */
export const toServerTask = ({ environment, postgres }: DatabaseProvisioningProps): ServerTask => ({
  environment,
  host: postgres.connection.host,
  port: postgres.connection.port,
  masterSecret: postgres.secret.secretArn,
});

const toArns = ({ tenants, secrets }: DatabaseProvisioningProps): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(tenants).map(([platform, tenant]) => [tenant.secret, secrets[platform]?.arn ?? ""]));
