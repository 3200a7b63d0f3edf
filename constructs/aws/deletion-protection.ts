import { CustomResource, Duration } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import * as logs from "aws-cdk-lib/aws-logs";
import { Provider } from "aws-cdk-lib/custom-resources";
import { Construct } from "constructs";
import { createFunction } from "./postgres-functions";
import type { RdsPostgres } from "./rds-postgres";
import { LOG_RETENTION_DAYS } from "./section";
import { FIRST_GENERATION } from "./task";

export interface DeletionProtectionProps {
  readonly instances: readonly {
    readonly postgres: RdsPostgres;
    /** Whether RDS prevents its deletion. @defaultValue the instance's `deletionProtection` */
    readonly isProtected?: boolean;
    /** Changes when the instance is replaced, which references across stacks do not notice. @defaultValue `"1"` */
    readonly generation?: string;
  }[];
  /** Days to keep logs. @defaultValue `90` */
  readonly logRetentionDays?: number;
}

const TIMEOUT = Duration.minutes(10);
/** CloudFormation times out only after the function has reported the cause. */
const SERVICE_TIMEOUT = TIMEOUT.plus(Duration.minutes(1));

/**
 * Turns RDS's deletion protection on or off once the instances exist. Put it into a stack that is deployed after theirs.
 *
 * In the instances' own template, it would be on from the start: a deployment that fails could not be rolled back (ROLLBACK_FAILED), and
 * a second instance that fails would block the stack of the first.
 */
export class DeletionProtection extends Construct {
  constructor(scope: Construct, id: string, { instances, logRetentionDays = LOG_RETENTION_DAYS }: DeletionProtectionProps) {
    super(scope, id);
    const protect = createFunction(this, "Function", "protect", {
      // The function runs outside the network, so it reaches the RDS API without an endpoint.
      network: null,
      timeout: TIMEOUT,
      environment: {},
      task: null,
      description: "Turns the deletion protection of PostgreSQL on or off",
      logRetentionDays,
    });
    protect.addToRolePolicy(
      new iam.PolicyStatement({
        actions: ["rds:ModifyDBInstance"],
        resources: instances.map(({ postgres }) => postgres.instance.instanceArn),
      }),
    );
    const provider = new Provider(this, "Provider", {
      onEventHandler: protect,
      logGroup: new logs.LogGroup(this, "ProviderLog", { retention: logRetentionDays as logs.RetentionDays }),
    });
    const named = (isOn: boolean) =>
      instances
        .filter(({ postgres, isProtected = postgres.settings.deletionProtection }) => isProtected === isOn)
        .map((each) => each.postgres.instance.instanceIdentifier);
    const resource = new CustomResource(this, "Resource", {
      serviceToken: provider.serviceToken,
      resourceType: "Custom::PostgresDeletionProtection",
      serviceTimeout: SERVICE_TIMEOUT,
      properties: {
        protect: named(true),
        release: named(false),
        generations: instances.map(({ generation = FIRST_GENERATION }) => generation),
      },
    });
    resource.node.addDependency(protect);
  }
}
