/** A project's options or answers, as typed. */
export interface Given {
  readonly cloud?: string;
  readonly platforms?: string;
  readonly awsRegion?: string;
  readonly awsAccount?: string;
  readonly awsVpc?: string;
  readonly awsSubnets?: string;
  readonly gcpRegion?: string;
  readonly gcpProject?: string;
  readonly gcpProjectNumber?: string;
  readonly gcpNetwork?: string;
  readonly gcpCluster?: string;
}

/** An option about a cloud. */
export type CloudKey = Exclude<keyof Given, "cloud" | "platforms">;
