import { Duration, Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import type * as lambda from "aws-cdk-lib/aws-lambda";
import * as secretsmanager from "aws-cdk-lib/aws-secretsmanager";
import { Construct, type IConstruct } from "constructs";
import type { Tenant } from "../model/spec";
import type { TenantLogins } from "../provisioning/access";
import { type DatabaseProvisioningProps, grantSecrets, toServerTask } from "./database-provisioning";
import { createFunction } from "./postgres-functions";
import { LOG_RETENTION_DAYS, ROTATION_DAYS } from "./section";
import { functionSubnets } from "./subnets";
import { FIRST_GENERATION, ROTATION_SECONDS, type RotationTask, VARIABLES } from "./task";

export interface SecretRotationProps extends DatabaseProvisioningProps {
  /** Constructs to create before rotation: provisioning, access to Secrets Manager. @defaultValue `[]` */
  readonly after?: readonly IConstruct[];
  /** Whether to rotate the master's secret as well. @defaultValue whether this library created the server */
  readonly includeMaster?: boolean;
  /** Days between two rotations. @defaultValue `30` */
  readonly rotationDays?: number;
}

const MASTER = "master";

/** Returns the part of a tenant that rotation uses. Changing anything else does not change the function. */
const toTenantLogins = ({ owner, logins, databases, secret }: Tenant): TenantLogins => ({
  owner,
  logins: logins.map(({ name }) => ({ name })),
  databases: databases.map(({ name }) => ({ name })),
  secret,
});

const toTenants = ({ tenants, secrets }: SecretRotationProps): RotationTask["tenants"] =>
  Object.fromEntries(
    Object.entries(secrets).flatMap(([platform, { tenant: tag }]) => {
      const tenant = tenants[platform];
      return tag === null || tenant === undefined ? [] : [[tag, toTenantLogins(tenant)]];
    }),
  );

/** Rotates the passwords of the platforms and the master. No password is rotated before it is provisioned. */
export class SecretRotation extends Construct {
  readonly function: lambda.Function;

  constructor(scope: Construct, id: string, props: SecretRotationProps) {
    super(scope, id);
    const {
      ca = null,
      generation = FIRST_GENERATION,
      after = [],
      rotationDays = ROTATION_DAYS,
      logRetentionDays = LOG_RETENTION_DAYS,
    } = props;
    const { includeMaster = props.postgres.restart !== null } = props;
    const task: RotationTask = { ca, tenants: toTenants(props) };
    this.function = createFunction(this, "Function", "rotate", {
      network: { vpc: props.vpc, subnets: functionSubnets(props) },
      logRetentionDays,
      timeout: Duration.seconds(ROTATION_SECONDS),
      environment: { [VARIABLES.task]: Stack.of(this).toJsonString(toServerTask(this, props)), GENERATION: generation },
      task,
      description: "Rotates the passwords of PostgreSQL",
    });
    const master = includeMaster ? [props.postgres.secret.secretArn] : [];
    grantSecrets(this.function, props, master);
    props.postgres.grantConnect(this.function);
    this.function.addPermission("SecretsManager", {
      principal: new iam.ServicePrincipal("secretsmanager.amazonaws.com"),
      sourceAccount: Stack.of(this).account,
    });
    const schedules = [
      // A platform may have the name of the master's schedule; no name contains a dot.
      ...Object.entries(props.secrets).map(([name, { arn }]) => [name === MASTER ? `Schedule.${name}` : `Schedule-${name}`, arn] as const),
      ...master.map((arn) => [`Schedule-${MASTER}`, arn] as const),
    ];
    for (const [scheduleId, secretId] of schedules) {
      const schedule = new secretsmanager.CfnRotationSchedule(this, scheduleId, {
        secretId,
        rotationLambdaArn: this.function.functionArn,
        rotationRules: { automaticallyAfterDays: rotationDays },
        // Provisioning has just created them, so there is no need for new ones.
        rotateImmediatelyOnUpdate: false,
      });
      schedule.node.addDependency(this.function, ...this.function.connections.securityGroups, ...after);
    }
  }
}
