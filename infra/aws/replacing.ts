/** Resources that contain data, or without which data cannot be read or reached. */
export const STATEFUL = [
  "AWS::RDS::DBInstance",
  "AWS::RDS::DBSubnetGroup",
  "AWS::KMS::Key",
  "AWS::SecretsManager::Secret",
  "AWS::EC2::VPC",
  "AWS::EC2::Subnet",
] as const;

/**
 * Properties whose change makes CloudFormation replace a resource, always or in some cases, by type. Copied from the resources' schemas,
 * because loading those takes as long as the rest of a plan.
 *
 * Without the properties that the schema marks because of snapshots, clusters and other engines: RDS updates an instance in place.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbinstance.html
 */
const REPLACING: Readonly<Record<(typeof STATEFUL)[number], readonly string[]>> = {
  "AWS::RDS::DBInstance": [
    "AvailabilityZone",
    "BackupTarget",
    "CharacterSetName",
    "CustomIAMInstanceProfile",
    "DBClusterIdentifier",
    "DBClusterSnapshotIdentifier",
    "DBInstanceIdentifier",
    "DBName",
    "DBSnapshotIdentifier",
    "DBSubnetGroupName",
    "DBSystemId",
    "Engine",
    "KmsKeyId",
    "MasterUsername",
    "NcharCharacterSetName",
    "PerformanceInsightsKMSKeyId",
    "Port",
    "RestoreTime",
    "SourceDBClusterIdentifier",
    "SourceDBInstanceAutomatedBackupsArn",
    "SourceDBInstanceIdentifier",
    "SourceDbiResourceId",
    "SourceRegion",
    "StorageEncrypted",
    "Timezone",
    "UseLatestRestorableTime",
  ],
  "AWS::RDS::DBSubnetGroup": ["DBSubnetGroupName"],
  "AWS::KMS::Key": [],
  "AWS::SecretsManager::Secret": ["Name"],
  "AWS::EC2::VPC": ["CidrBlock", "InstanceTenancy", "Ipv4IpamPoolId", "Ipv4NetmaskLength", "VpcEncryptionControl"],
  "AWS::EC2::Subnet": [
    "AvailabilityZone",
    "AvailabilityZoneId",
    "CidrBlock",
    "Ipv4IpamPoolId",
    "Ipv4NetmaskLength",
    "Ipv6CidrBlock",
    "Ipv6IpamPoolId",
    "Ipv6Native",
    "Ipv6NetmaskLength",
    "OutpostArn",
    "VpcId",
  ],
};

/** Properties of an instance that the schema marks, but RDS updates in place. */
export const UPDATED_IN_PLACE = [
  "AutoMinorVersionUpgrade",
  "BackupRetentionPeriod",
  "DBParameterGroupName",
  "MultiAZ",
  "PreferredMaintenanceWindow",
  "StorageType",
];

export const isStateful = (type: string): type is (typeof STATEFUL)[number] => (STATEFUL as readonly string[]).includes(type);

/** Properties that differ and replace a resource of the type. */
export const replacedBy = (type: (typeof STATEFUL)[number], before: object, after: object): readonly string[] =>
  changedNames(before, after).filter((name) => REPLACING[type].includes(name));

/** Names of the entries that differ between two objects. */
export function changedNames(before: object, after: object): readonly string[] {
  const [had, has] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  const names = [...new Set([...had.keys(), ...has.keys()])];
  return names.filter((name) => JSON.stringify(had.get(name)) !== JSON.stringify(has.get(name)));
}
