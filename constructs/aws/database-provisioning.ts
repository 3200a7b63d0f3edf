import { CustomResource, Duration, Stack, Token } from "aws-cdk-lib";
import type * as ec2 from "aws-cdk-lib/aws-ec2";
import type * as lambda from "aws-cdk-lib/aws-lambda";
import * as logs from "aws-cdk-lib/aws-logs";
import { Provider } from "aws-cdk-lib/custom-resources";
import { Construct, type IConstruct } from "constructs";
import { UserError } from "../model/errors";
import { NAME } from "../model/names";
import type { Tenant } from "../model/spec";
import { readBundle } from "../package/bundle";
import type { DatabaseSecret } from "./database-secret";
import { grantReadWrite, grantReadWriteTagged } from "./grants";
import { createFunction } from "./postgres-functions";
import type { IRdsPostgres } from "./rds-postgres";
import { LOG_RETENTION_DAYS } from "./section";
import { functionSubnets, type Placement } from "./subnets";
import { FIRST_GENERATION, type ServerTask } from "./task";

export interface DatabaseProvisioningProps extends Placement {
  readonly postgres: IRdsPostgres;
  /** Subnets of the function, from which it reaches Secrets Manager. @defaultValue the private subnets, otherwise the isolated ones */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * Name of the environment. It marks the roles in the database, so that other environments do not change them.
   *
   * @defaultValue the stack's name, in lower case
   */
  readonly environment?: string;
  /**
   * PEM text of the server's certificate authority; null if the functions' program contains it, as it does for RDS regions.
   *
   * @defaultValue `null`
   */
  readonly ca?: string | null;
  /** Changes when the server is replaced, which references across stacks do not notice. @defaultValue `"1"` */
  readonly generation?: string;
  /** By platform. */
  readonly tenants: Readonly<Record<string, Tenant>>;
  /** By platform. */
  readonly secrets: Readonly<Record<string, DatabaseSecret>>;
  /**
   * Prefix of the tags (`tenantTag`) of the platforms' secrets: the functions may use every secret with such a tag, so their policies do not
   * grow with the number of secrets. Null lists each secret in the policies; IAM limits a role's policies to 10,240 characters.
   *
   * @defaultValue `null`
   */
  readonly secretTags?: string | null;
  /** Days to keep logs. @defaultValue `90` */
  readonly logRetentionDays?: number;
}

const TIMEOUT = Duration.minutes(10);
/** CloudFormation times out only after the function has reported the cause. */
const SERVICE_TIMEOUT = TIMEOUT.plus(Duration.minutes(1));

/**
 * Creates databases, roles, grants and passwords, and updates them with every deployment that changes the plan or the program. Deleting it
 * deletes nothing.
 */
export class DatabaseProvisioning extends Construct {
  /** Add a dependency on it to everything that logs in. */
  readonly resource: CustomResource;
  readonly function: lambda.Function;

  constructor(scope: Construct, id: string, props: DatabaseProvisioningProps) {
    super(scope, id);
    const { ca = null, generation = FIRST_GENERATION, logRetentionDays = LOG_RETENTION_DAYS } = props;
    this.function = createFunction(this, "Function", "provision", {
      network: { vpc: props.vpc, subnets: functionSubnets(props) },
      logRetentionDays,
      timeout: TIMEOUT,
      environment: {},
      task: null,
      description: "Creates the platforms' databases and logins",
    });
    grantSecrets(this.function, props);
    props.postgres.grantConnect(this.function);
    const provider = new Provider(this, "Provider", {
      onEventHandler: this.function,
      logGroup: new logs.LogGroup(this, "ProviderLog", { retention: logRetentionDays as logs.RetentionDays }),
    });
    this.resource = new CustomResource(this, "Resource", {
      serviceToken: provider.serviceToken,
      resourceType: "Custom::PostgresProvisioning",
      serviceTimeout: SERVICE_TIMEOUT,
      properties: {
        ...toServerTask(this, props),
        secrets: toArns(props),
        tenants: JSON.stringify(props.tenants),
        ...(ca === null ? {} : { ca }),
        ...(props.postgres.restart === null ? {} : { restart: props.postgres.restart }),
        generation,
        program: readBundle("functions").hash,
      },
    });
    // A grant or network rule that is created too late would fail the first deployment.
    this.resource.node.addDependency(this.function, ...this.function.connections.securityGroups);
  }
}

/** Grants a function permission to read and renew the platforms' secrets, and `others` by their ARNs. */
export function grantSecrets(
  grantee: lambda.Function,
  { secrets, secretTags = null, postgres }: DatabaseProvisioningProps,
  others: readonly string[] = [],
): void {
  const named = secretTags === null ? Object.values(secrets).map((secret) => secret.arn) : [];
  grantReadWrite(grantee, [...named, ...others], postgres.key);
  if (secretTags !== null) grantReadWriteTagged(grantee, secretTags);
}

/** Returns what a function needs to know about a server. */
export const toServerTask = (
  scope: IConstruct,
  { environment = environmentOf(scope), postgres }: Pick<DatabaseProvisioningProps, "environment" | "postgres">,
): ServerTask => ({
  environment,
  host: postgres.connection.host,
  port: postgres.connection.port,
  masterSecret: postgres.secret.secretArn,
});

/** Returns the default name of the environment, derived from the stack's name. @throws UserError if that is not a valid name. */
export function environmentOf(scope: IConstruct): string {
  const { stackName } = Stack.of(scope);
  const name = stackName.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  if (Token.isUnresolved(stackName) || !NAME.pattern.test(name))
    throw new UserError(`environment: is required, because the stack's name is not a valid environment name; write ${NAME.form}`);
  return name;
}

const toArns = ({ tenants, secrets }: DatabaseProvisioningProps): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(tenants).map(([platform, tenant]) => [tenant.secret, secrets[platform]?.arn ?? ""]));
