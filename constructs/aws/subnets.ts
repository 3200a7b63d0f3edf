import type * as ec2 from "aws-cdk-lib/aws-ec2";
import { UserError } from "../model/errors";

/** A place in a network. */
export interface Placement {
  readonly vpc: ec2.IVpc;
  /** The subnets; each construct documents its default. */
  readonly vpcSubnets?: ec2.SubnetSelection;
}

/**
 * Returns subnets for databases: by default isolated ones, otherwise private ones with internet access.
 *
 * @throws UserError if there are fewer than two: RDS needs two zones.
 */
export function databaseSubnets({ vpc, vpcSubnets }: Placement): readonly ec2.ISubnet[] {
  const subnets = vpcSubnets === undefined ? firstOf(vpc.isolatedSubnets, vpc.privateSubnets) : vpc.selectSubnets(vpcSubnets).subnets;
  if (subnets.length < 2)
    throw new UserError(`vpcSubnets: must be at least two private subnets in different zones, got ${subnets.length}; name them`);
  return subnets;
}

/**
 * Returns subnets for functions: by default private ones with internet access, for Secrets Manager; otherwise isolated ones, which need an endpoint.
 *
 * @throws UserError if there is none.
 */
export function functionSubnets({ vpc, vpcSubnets }: Placement): readonly ec2.ISubnet[] {
  const subnets = vpcSubnets === undefined ? firstOf(vpc.privateSubnets, vpc.isolatedSubnets) : vpc.selectSubnets(vpcSubnets).subnets;
  if (subnets.length === 0) throw new UserError("vpcSubnets: must be at least one private subnet, got none; name one");
  return subnets;
}

const firstOf = (preferred: readonly ec2.ISubnet[], others: readonly ec2.ISubnet[]) => (preferred.length > 0 ? preferred : others);
