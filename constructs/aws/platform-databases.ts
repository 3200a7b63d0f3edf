import type * as ec2 from "aws-cdk-lib/aws-ec2";
import type * as iam from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { UserError, type Violation } from "../model/errors";
import { mapValues, ownEntry } from "../model/json";
import { withRenamedPaths } from "../model/renamed-paths";
import { resolveUnknown } from "../model/resolve";
import type { CoreSpec, Environment, Exact, ExactPlatforms } from "../model/spec";
import { suggest } from "../model/suggest";
import { type Wired, wirePlatforms } from "../model/wire";
import { platforms as registry } from "../platforms/registry";
import { DatabaseProvisioning, environmentOf } from "./database-provisioning";
import { DatabaseSecret } from "./database-secret";
import { INSTANCE, INSTANCE_PATHS, regionOf } from "./rds-instance";
import type { IRdsPostgres } from "./rds-postgres";
import { SecretRotation } from "./secret-rotation";
import type { Placement } from "./subnets";
import { aws } from "./target";
import { tenantTag } from "./task";

/** Platforms, as a spec has them: `{ mlflow: { workers: 4 } }`. */
type PlatformsSpec = CoreSpec<typeof registry>["platforms"];

type OfKinds<S> = ExactPlatforms<typeof registry, { readonly platforms: S }> extends { readonly platforms: infer E } ? E : unknown;

export interface PlatformDatabasesProps<S extends PlatformsSpec = PlatformsSpec> extends Placement {
  readonly postgres: IRdsPostgres;
  /** The platforms and their settings, as in a spec, checked by the same rules: `{ mlflow: {} }`. */
  readonly platforms: S & Exact<S, PlatformsSpec> & OfKinds<S>;
  /** Subnets of the functions, from which they reach Secrets Manager. @defaultValue the private subnets, otherwise the isolated ones */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * Name of the environment. It marks the roles in the database, so that other environments do not change them.
   *
   * @defaultValue the stack's name, in lower case
   */
  readonly environment?: string;
  /** PEM text of the server's certificate authority; null for RDS's own. @defaultValue `null` */
  readonly ca?: string | null;
  /** Reasons for settings that rules would otherwise reject, by rule ID. @defaultValue `{}` */
  readonly acknowledge?: Readonly<Record<string, string>>;
  /** Days between two rotations of a password. @defaultValue `30` */
  readonly rotationDays?: number;
  /** Whether to rotate the master's password as well. @defaultValue whether this library created the server */
  readonly includeMaster?: boolean;
  /** Days to keep logs; CloudWatch Logs must allow the number. @defaultValue `90` */
  readonly logRetentionDays?: number;
}

/**
 * Databases, logins, secrets and their rotation for platforms on one server: the same as an environment's `AccessStack`, in your own stack.
 * Functions in the network create them at deployment. Deleting it deletes no database.
 *
 * @throws SpecError with all errors in the platforms, and everything that does not fit the server.
 */
export class PlatformDatabases<S extends PlatformsSpec = PlatformsSpec> extends Construct {
  /** By platform: the secret with its current login, in JSON with `username` and `password`. */
  readonly secrets: Readonly<Record<keyof S & string, DatabaseSecret>>;
  /** By platform: its connection, and the values for its chart. */
  readonly wired: Readonly<Record<keyof S & string, Wired>>;
  /** Add a dependency on `provisioning.resource` to everything that logs in. */
  readonly provisioning: DatabaseProvisioning;
  readonly rotation: SecretRotation;
  /** Findings that are allowed but worth knowing. */
  readonly warnings: readonly Violation[];

  constructor(scope: Construct, id: string, props: PlatformDatabasesProps<S>) {
    super(scope, id);
    const { postgres, platforms, environment: name = environmentOf(this), acknowledge = {}, ...others } = props;
    const region = regionOf(this);
    const spec = {
      name,
      acknowledge: { ...postgres.acknowledge, ...acknowledge },
      aws: { region, instances: { [INSTANCE]: postgres.toSpec(region) } },
      instances: { [INSTANCE]: {} },
      platforms,
    };
    const names = { ...INSTANCE_PATHS, name: "environment" };
    const environment = withRenamedPaths(names, () => resolveUnknown(spec, { target: aws, platforms: registry }));
    this.warnings = environment.warnings;
    const tenants = environment.instances[INSTANCE]?.tenants ?? {};
    const secrets = mapValues(
      tenants,
      (_tenant, platform) =>
        new DatabaseSecret(this, `${platform}-secret`, {
          description: `Database login of ${platform} in ${name}`,
          key: postgres.key,
          tenant: tenantTag(name, INSTANCE, platform),
        }),
    );
    const common = { ...others, postgres, environment: name, tenants, secrets };
    this.provisioning = new DatabaseProvisioning(this, "provisioning", common);
    this.rotation = new SecretRotation(this, "rotation", { ...common, after: [this.provisioning.resource] });
    this.secrets = secrets as typeof this.secrets;
    this.wired = wirePlatforms(environment as unknown as Environment, registry, () => postgres.connection) as typeof this.wired;
  }

  /** Grants a function or role permission to read a platform's login. Also allow it to connect: `postgres.connections.allowDefaultPortFrom(it)`. @throws UserError */
  grantRead(platform: keyof S & string, grantee: iam.IGrantable): void {
    const secret = ownEntry<DatabaseSecret>(this.secrets, platform);
    if (secret === undefined) throw new UserError(`there is no platform ${platform}; ${suggest(platform, Object.keys(this.secrets))}`);
    secret.grantRead(grantee);
  }
}
