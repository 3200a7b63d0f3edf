const EUROPE = ["eu-central-1", "eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1"];
const ASIA = ["ap-south-1", "ap-northeast-2", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1"];
const US = ["us-east-1", "us-east-2", "us-west-1", "us-west-2"];
const US_WITHOUT_CALIFORNIA = ["us-east-1", "us-east-2", "us-west-2"];

/**
 * Regions to which RDS copies backups, by the region that they come from: AWS's page as of 2023-06. RDS has added pairs since, which
 * `aws rds describe-source-regions` lists.
 * https://github.com/awsdocs/amazon-rds-user-guide/blob/0598514cf7ab4d1a41619be1a4421b2314357ecf/doc_source/USER_ReplicateBackups.md
 */
const DESTINATIONS: Readonly<Record<string, readonly string[]>> = {
  "ap-south-1": ["ap-southeast-1", ...US_WITHOUT_CALIFORNIA],
  "ap-northeast-3": ["ap-northeast-1"],
  "ap-northeast-2": ["ap-southeast-1", "ap-northeast-1", ...US_WITHOUT_CALIFORNIA],
  "ap-southeast-1": [...ASIA, ...US_WITHOUT_CALIFORNIA],
  "ap-southeast-2": ["ap-southeast-1", "us-east-1", "us-west-1", "us-west-2"],
  "ap-northeast-1": ["ap-northeast-3", "ap-northeast-2", "ap-southeast-1", ...US_WITHOUT_CALIFORNIA],
  "ca-central-1": ["eu-west-1", ...US],
  "eu-central-1": [...EUROPE, ...US_WITHOUT_CALIFORNIA],
  "eu-west-1": ["ca-central-1", ...EUROPE, ...US],
  "eu-west-2": [...EUROPE, "us-east-1"],
  "eu-west-3": [...EUROPE, "us-east-1"],
  "eu-north-1": [...EUROPE, "us-east-1"],
  "sa-east-1": ["us-east-1", "us-east-2"],
  "us-east-1": [...ASIA, "ca-central-1", ...EUROPE, "sa-east-1", ...US],
  "us-east-2": [
    "ap-south-1",
    "ap-northeast-2",
    "ap-southeast-1",
    "ap-northeast-1",
    "ca-central-1",
    "eu-central-1",
    "eu-west-1",
    "sa-east-1",
    ...US,
  ],
  "us-west-1": ["ap-southeast-2", "ca-central-1", "eu-west-1", ...US],
  "us-west-2": [...ASIA, "ca-central-1", "eu-central-1", "eu-west-1", ...US],
};

/** Whether RDS is known to copy backups from one region to another. */
export const isKnownPair = (from: string, to: string): boolean => DESTINATIONS[from]?.includes(to) ?? false;
