import { CfnOutput } from "aws-cdk-lib";
import * as ec2 from "aws-cdk-lib/aws-ec2";
import type { Construct } from "constructs";
import { operatorsOf } from "../../kubernetes/operators";
import { idOf } from "../../model/fields";
import { wirePlatforms } from "../../model/wire";
import { platforms as registry } from "../../platforms/registry";
import { PlatformReleases } from "../platform-releases";
import type { IRdsPostgres } from "../rds-postgres";
import type { AccessStack } from "./access-stack";
import { type AwsEnvironment, caOf, generationOf } from "./aws-environment";
import { EnvironmentStack, type PrivateNetwork, placeIn } from "./environment-stack";

/** The platforms' releases in the cluster. It can be deployed alone, and cannot change a database. */
export class PlatformsStack extends EnvironmentStack {
  constructor(
    scope: Construct,
    environment: AwsEnvironment,
    network: PrivateNetwork | null,
    servers: Readonly<Record<string, IRdsPostgres>>,
    access: AccessStack["platforms"],
  ) {
    super(scope, { environment, part: "platforms", description: `Platforms of ${environment.name}` });
    const { cluster, region } = environment.section;
    if (cluster?.clusterSecurityGroup == null) throw new TypeError("there is no cluster to install releases in");
    const wired = wirePlatforms(environment, registry, ({ instance }) => {
      const server = servers[instance];
      if (server === undefined) throw new TypeError(`no instance ${instance}`);
      return server.connection;
    });
    const platforms = Object.entries(wired).map(([name, each]) => {
      const its = access[name];
      if (its === undefined) throw new TypeError(`no secret of ${name}`);
      const instance = environment.platforms[name]?.instance ?? "";
      const generation = generationOf(environment, instance);
      return [name, { wired: each, access: its, ca: caOf(environment, instance), generation }] as const;
    });
    const releases = new PlatformReleases(this, "Releases", {
      cluster: {
        name: idOf(cluster.name),
        ...placeIn(this, environment, network),
        securityGroup: ec2.SecurityGroup.fromSecurityGroupId(this, "ClusterGroup", idOf(cluster.clusterSecurityGroup), { mutable: false }),
      },
      environment: environment.name,
      region,
      operators: operatorsOf(cluster),
      platforms: Object.fromEntries(platforms),
    });
    const installed = Object.entries(releases.charts).map(([name, chart]) => `${name} ${chart.version ?? "(its own chart)"}`);
    new CfnOutput(this, "Installed", { description: "Helm releases", value: installed.join(", ") });
  }
}
