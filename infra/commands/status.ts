import { lookAtStatus } from "../../constructs/provisioning/status";
import { reachDeployed } from "../cloud-session";
import {
  type CloudOptions,
  createCommand,
  type FormatOptions,
  main,
  withCloudOptions,
  withExamples,
  withFormat,
  withVia,
} from "../command";
import { statusDocument } from "../documents/status-document";
import { toAbout } from "../documents/values";
import { type Session, withServers } from "../local/session";
import { type SeenInstance, toStatusPage } from "../local/status-report";

interface Options extends CloudOptions, FormatOptions {}

const command = createCommand(
  "status",
  "Show a running environment on a page: servers, replicas, connections, sizes, logins and migrations. Changes nothing.",
);

withExamples(
  withFormat(withVia(withCloudOptions(command))),
  ["", "what runs on this machine"],
  ["--cloud aws -e production --outputs cdk-outputs.json", "what is deployed"],
  ["--format json", "for a program"],
);

export const program = main<Options>(command, async (invocation) => {
  const { environment, cloud, progress, options } = invocation;
  const look = async ({ instances }: Pick<Session, "instances">): Promise<number> => {
    const seen: SeenInstance[] = [];
    for (const { name, scope, access } of instances) {
      progress.doing(`looking at ${name}`);
      const { host, port } = access.server;
      seen.push({ name, host, port, maxConnections: scope.instance.maxConnections, status: await lookAtStatus(scope, access) });
    }
    progress.stop();
    process.stdout.write(
      options.format === "json"
        ? statusDocument.print({ ...toAbout(environment), instances: seen.map(toValues) })
        : toStatusPage(seen, new Date()),
    );
    return 0;
  };
  return cloud === null ? withServers(environment, progress, look, { creates: false }) : look(await reachDeployed(invocation, cloud));
});

const toValues = ({ name, host, port, maxConnections, status }: SeenInstance) => {
  const { platforms, startedAt, certificateEnd, connections, replicas, ...server } = status;
  return {
    name,
    host,
    port,
    ...server,
    startedAt: startedAt.toISOString(),
    certificateEnd: certificateEnd?.toISOString() ?? null,
    connections: { ...connections, expected: maxConnections },
    replicas,
    platforms,
  };
};

if (require.main === module) void program.run();
