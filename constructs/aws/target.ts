import { defineTarget, type Target } from "../model/target";
import { connectionsOf } from "./classes";
import { awsClassRules, awsDiskRules } from "./disk-rules";
import { awsNetworkRules } from "./network-rules";
import { awsOwnInstanceRules } from "./own-instance-rules";
import { awsParameterRules, awsParameterWholeRules, reservedForSuperusers } from "./parameter-rules";
import { awsEndpointRules, awsPlaceRules } from "./place-rules";
import { awsRules } from "./rules";
import { AWS_ELSEWHERE, awsFields } from "./section";
import { awsWholeRules } from "./section-rules";
import { awsTagRules } from "./tag-rules";

/** For superusers (PostgreSQL's three, RDS's two and its own agents), provisioning, rotation, `doctor`, and a person at a prompt. */
const RESERVED_CONNECTIONS = 15;

/** A spec may request a proxy, which only another cloud has. */
const NO_PROXY = { rule: "has no effect on AWS", remedy: "pods connect to RDS directly, over verified TLS" };

/** Named, so that its section is documented wherever its type is shown. */
export interface Aws extends Target<typeof awsFields, "aws"> {}

/** RDS for PostgreSQL: pods connect directly, and verify the server with their region's certificate authorities. */
export const aws: Aws = defineTarget({
  name: "aws",
  section: awsFields,
  elsewhere: AWS_ELSEWHERE,
  rules: [...awsRules, ...awsDiskRules, ...awsEndpointRules, ...awsParameterRules],
  wholeRules: [
    ...awsWholeRules,
    ...awsNetworkRules,
    ...awsTagRules,
    ...awsOwnInstanceRules,
    ...awsClassRules,
    ...awsPlaceRules,
    ...awsParameterWholeRules,
  ],
  reservedConnections: RESERVED_CONNECTIONS,
  reservedByParameters: reservedForSuperusers,
  maxConnections: ({ size }) => connectionsOf(size.memoryGib),
  topology: (access) => ({ access: "direct", tls: "verify-full", caution: access === "sidecar" || access === "proxy" ? NO_PROXY : null }),
});
