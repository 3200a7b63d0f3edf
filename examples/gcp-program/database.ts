import { CloudSqlAlerts } from "platform-postgres/gcp/cloud-sql-alerts";
import { CloudSqlPostgres } from "platform-postgres/gcp/cloud-sql-postgres";
import { PlatformDatabases } from "platform-postgres/gcp/platform-databases";

/** A database for MLflow in an existing network, in your own Pulumi program. The Kubernetes provider names the GKE cluster. */
const network = "projects/my-project/global/networks/ml";
const postgres = new CloudSqlPostgres("main", { network, settings: { size: { vcpus: 2, memoryGib: 8 }, storageGib: 50 } });
new CloudSqlAlerts("main", { postgres, notificationChannels: [] });
const databases = new PlatformDatabases("databases", { postgres, projectNumber: "123456789012", platforms: { mlflow: {} } });
export const login = databases.secrets.mlflow.name;
