/** A role that a deployment needs. The documentation's table shows this list. */
export interface Role {
  /** Its name in the console and the documentation. */
  readonly title: string;
  readonly role: string;
  /** Its purpose, and the project where it is needed. */
  readonly reason: string;
  /** Types of resources whose API calls it allows. */
  readonly types: readonly string[];
}

/**
 * Roles for a person who runs `pulumi up`. A preview and `destroy` need the same, because every run refreshes.
 *
 * https://cloud.google.com/iam/docs/understanding-roles
 */
export const ROLES: readonly Role[] = [
  {
    title: "Cloud SQL Admin",
    role: "roles/cloudsql.admin",
    reason: "instances, replicas, the master's login",
    types: ["gcp:sql/databaseInstance:DatabaseInstance", "gcp:sql/user:User"],
  },
  {
    title: "Compute Network Admin",
    role: "roles/compute.networkAdmin",
    reason: "the range; in the project of the network",
    types: ["gcp:compute/globalAddress:GlobalAddress", "gcp:servicenetworking/connection:Connection"],
  },
  {
    title: "Service Networking Admin",
    role: "roles/servicenetworking.networksAdmin",
    reason: "the peering; in the project of the network",
    types: ["gcp:servicenetworking/connection:Connection"],
  },
  {
    title: "DNS Administrator",
    role: "roles/dns.admin",
    reason: "the private names; for a shared network in its project, too",
    types: ["gcp:dns/managedZone:ManagedZone", "gcp:dns/recordSet:RecordSet"],
  },
  {
    title: "Secret Manager Admin",
    role: "roles/secretmanager.admin",
    reason: "secrets, and who may read them",
    types: [
      "gcp:secretmanager/secret:Secret",
      "gcp:secretmanager/secretVersion:SecretVersion",
      "gcp:secretmanager/secretIamMember:SecretIamMember",
    ],
  },
  {
    title: "Monitoring AlertPolicy Editor",
    role: "roles/monitoring.alertPolicyEditor",
    reason: "alerts",
    types: ["gcp:monitoring/alertPolicy:AlertPolicy"],
  },
  {
    // `logging.notificationRules.*`: a condition on a log is a rule of Cloud Logging.
    title: "Logs Configuration Writer",
    role: "roles/logging.configWriter",
    reason: "the alerts on failed backups and rotations, which read a log",
    types: ["gcp:monitoring/alertPolicy:AlertPolicy"],
  },
  {
    title: "Project IAM Admin",
    role: "roles/resourcemanager.projectIamAdmin",
    reason: "who may connect",
    types: ["gcp:projects/iAMMember:IAMMember"],
  },
  {
    title: "Kubernetes Engine Admin",
    role: "roles/container.admin",
    reason: "with `cluster`: everything in the cluster",
    types: ["kubernetes:"],
  },
  {
    title: "Service Usage Admin",
    role: "roles/serviceusage.serviceUsageAdmin",
    reason: "with `enableApis`, and with `encryptionKey` for the identities of the services that use the key",
    types: ["gcp:projects/service:Service", "gcp:projects/serviceIdentity:ServiceIdentity"],
  },
  {
    title: "Cloud KMS Admin",
    role: "roles/cloudkms.admin",
    reason: "with `encryptionKey`; on that key",
    types: ["gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember"],
  },
  {
    title: "Service Account Admin",
    role: "roles/iam.serviceAccountAdmin",
    reason: 'with `cluster.serviceAccounts: "google"`',
    types: ["gcp:serviceaccount/account:Account", "gcp:serviceaccount/iAMMember:IAMMember"],
  },
];
