/* Programs that somebody writes with the package, as texts: they are compiled and run where it is installed. */

/** What somebody writes who builds databases with the package. */
export const APP = `
import { App, CfnOutput, Stack } from "aws-cdk-lib";
import { SecurityGroup, Vpc } from "aws-cdk-lib/aws-ec2";
import { PlatformDatabases } from "platform-postgres/aws/platform-databases";
import { PlatformReleases } from "platform-postgres/aws/platform-releases";
import { RdsAlarms } from "platform-postgres/aws/rds-alarms";
import { RdsPostgres } from "platform-postgres/aws/rds-postgres";

const app = new App({ outdir: process.argv[2] });
const stack = new Stack(app, "App", { env: { region: "eu-central-1" } });
const vpc = new Vpc(stack, "Vpc");
const postgres = new RdsPostgres(stack, "Main", { vpc });
new RdsAlarms(stack, "Alarms", { postgres });
const { wired } = new PlatformDatabases(stack, "Databases", { vpc, postgres, platforms: { prefect: { poolSize: 7 } } });
const cluster = { name: "ml", vpc, subnets: vpc.privateSubnets, securityGroup: new SecurityGroup(stack, "Cluster", { vpc }) };
new PlatformReleases(stack, "Releases", { cluster, platforms: {} });
new CfnOutput(stack, "Wired", { value: stack.toJsonString(wired) });
app.synth();
`;

/** The same on Google Cloud, as a program of Pulumi's. */
export const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
import { CloudSqlAlerts } from "platform-postgres/gcp/cloud-sql-alerts";
import { CloudSqlPostgres } from "platform-postgres/gcp/cloud-sql-postgres";
import { PlatformDatabases } from "platform-postgres/gcp/platform-databases";

const place = { project: "my-project", region: "europe-west4", environment: "app" };
const postgres = new CloudSqlPostgres("main", { ...place, network: "projects/my-project/global/networks/default" });
new CloudSqlAlerts("main", { postgres, notificationChannels: [] });
const { wired } = new PlatformDatabases("databases", { postgres, projectNumber: "123456789012", platforms: { prefect: { poolSize: 7 } } });
export const connectionName: pulumi.Output<string> = postgres.connectionName;
export const values = wired.prefect.wiring.release;
`;

/** Runs a program without an engine; prints what it registers. A cluster has no certificate here. */
export const RUN = `
const pulumi = require("@pulumi/pulumi");
const registered = [];
pulumi.runtime.setMocks({
  newResource: ({ type, name, inputs }) => { registered.push({ type, name, inputs }); return { id: name, state: { ...inputs, name, connectionName: "p:r:" + name, serverCaCerts: [], privateIpAddress: "10.0.0.3", result: "x" } }; },
  call: ({ inputs }) => ({ ...inputs, endpoint: "", masterAuths: [] }),
}).then(() => pulumi.runtime.runInPulumiStack(async () => require(process.argv[2])));
process.once("beforeExit", () => console.log(JSON.stringify(registered)));
`;

/** What somebody writes who has a database, and no cloud: an ES module. */
export const SCRIPT = `
import { aws } from "platform-postgres/aws/target";
import { resolve } from "platform-postgres/model/resolve";
import { wirePlatforms } from "platform-postgres/model/wire";
import { platforms } from "platform-postgres/platforms/registry";
import { provision } from "platform-postgres/provisioning/provision";

const spec = { name: "script", aws: { region: "eu-central-1" }, instances: { main: {} }, platforms: { mlflow: {}, prefect: {} } };
const environment = resolve(spec, { target: aws, platforms });
const wired = wirePlatforms(environment, platforms, () => ({ host: "db.example.internal", port: 5432, sidecar: null }));
console.log(typeof provision, wired.prefect.wiring.release.chart, Object.keys(wired.mlflow.wiring.variables).length > 0);
`;

/** Imports each subpath it is given; prints those that fail. */
export const LOAD = `
for (const subpath of process.argv.slice(2)) {
  try { require(subpath); } catch (error) { console.log(subpath + ": " + error.message.split("\\n")[0]); }
}
`;
