import { join } from "node:path";
import type { Outputs } from "../../../constructs/aws/stacks/outputs";
import type { Tenant } from "../../../constructs/model/spec";
import { readOutputs } from "../../../infra/aws/outputs";
import type { Result } from "../tools";
import type { Made } from "./double";
import type { Subject } from "./subjects";
import type { Version, World } from "./world";

/** A platform's part of a deployed environment. */
export interface DeployedTenant {
  readonly platform: string;
  readonly tenant: Tenant;
  readonly secretArn: string;
  /** Its instance's. */
  readonly host: string;
}

/** An environment in a world: what deploys it, and what has become of it, as AWS tells. */
export class Deployment {
  outputs: Outputs = { instances: {}, platforms: {}, rotation: null };

  constructor(
    readonly world: World,
    readonly subject: Subject,
    private readonly directory: string,
  ) {}

  /** Each tenant of each instance. */
  get tenants(): readonly DeployedTenant[] {
    return Object.entries(this.subject.environment.instances).flatMap(([instance, { tenants }]) =>
      Object.entries(tenants).map(([platform, tenant]) => ({
        platform,
        tenant,
        secretArn: this.outputs.platforms[platform]?.secretArn ?? "",
        host: this.outputs.instances[instance]?.host ?? "",
      })),
    );
  }

  async deploy(): Promise<Result> {
    const file = join(this.directory, "cdk-outputs.json");
    const options = ["--method=direct", "--require-approval=never", "--progress=events", "--outputs-file", file];
    const result = await this.world.cdk(["deploy", "--all", ...this.subject.options, ...options], this.subject.variables);
    if (result.code === 0) this.outputs = readOutputs(this.subject.environment.name, file);
    return result;
  }

  destroy(): Promise<Result> {
    return this.world.cdk(["destroy", "--all", "--force", ...this.subject.options], this.subject.variables);
  }

  /** The environment's stacks and what became of them. */
  async stacks(): Promise<Readonly<Record<string, string>>> {
    interface Answer {
      readonly Stacks: readonly { readonly StackName: string; readonly StackStatus: string }[];
    }
    const { Stacks: stacks } = await this.world.aws.ask<Answer>("cloudformation", "describe_stacks");
    const own = stacks.filter((each) => each.StackName !== "CDKToolkit");
    return Object.fromEntries(own.map((each) => [each.StackName, each.StackStatus]));
  }

  /** Where the instances of RDS listen that are available, without replicas. */
  async hosts(): Promise<readonly string[]> {
    interface Answer {
      readonly DBInstances: readonly {
        readonly DBInstanceStatus: string;
        readonly Endpoint: { readonly Address: string };
        readonly ReadReplicaSourceDBInstanceIdentifier?: string;
      }[];
    }
    const { DBInstances: instances } = await this.world.aws.ask<Answer>("rds", "describe_db_instances");
    const primaries = instances.filter((each) => each.ReadReplicaSourceDBInstanceIdentifier === undefined);
    const available = primaries.filter(({ DBInstanceStatus }) => DBInstanceStatus === "available");
    return available.map(({ Endpoint }) => Endpoint.Address).sort();
  }

  /** What CloudFormation made of some types, in its order. */
  made(...types: readonly string[]): readonly Made[] {
    return this.world.aws.made.filter(({ type }) => types.includes(type));
  }

  /** The version of a secret in a stage. */
  async version(arn: string, stage: string): Promise<Version> {
    const found = (await this.world.versions(arn)).find(({ stages }) => stages.includes(stage));
    if (found === undefined) throw new Error(`secret ${arn} has no version ${stage}`);
    return found;
  }

  /** The ARNs of all of its secrets. */
  get secrets(): readonly string[] {
    return [...this.tenants.map(({ secretArn }) => secretArn), ...Object.values(this.outputs.instances).map((each) => each.masterSecret)];
  }

  /** What may not change by itself: roles, databases, and the versions of secrets. */
  async state(): Promise<readonly unknown[]> {
    const state: unknown[] = [];
    for (const { host } of Object.values(this.outputs.instances)) state.push(await this.world.catalogue(host));
    for (const arn of this.secrets) state.push(await this.world.versions(arn));
    return state;
  }

  /** Provisions an instance again, as CloudFormation would have it done after a change. @returns what was changed. */
  async provisionAgain(instance: string): Promise<string> {
    const own = ({ id }: Made) => id.startsWith(`${instance}provisioning`);
    const resource = this.made("Custom::PostgresProvisioning").findLast(own);
    const provision = this.made("AWS::Lambda::Function").findLast((each) => own(each) && each.properties.Handler === "program.provision");
    const event = { RequestType: "Update", PhysicalResourceId: resource?.physicalId, ResourceProperties: resource?.properties };
    const before = this.world.aws.logs.length;
    const input = { FunctionName: provision?.physicalId, Payload: JSON.stringify(event) };
    const { FunctionError, Payload } = await this.world.aws.ask<{ FunctionError?: string; Payload: string }>("lambda", "invoke", input);
    if (FunctionError !== undefined) throw new Error(Payload);
    return this.world.aws.logs.slice(before).join("");
  }
}
