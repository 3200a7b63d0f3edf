import { mapValues } from "../../constructs/model/json";
import { lookAtStatus } from "../../constructs/provisioning/status";
import type { Backups, Machine } from "../cloud-instance";
import { reachDeployed, readDeployment } from "../cloud-session";
import {
  aboutOf,
  type CloudOptions,
  createCommand,
  type FormatOptions,
  main,
  withCloudOptions,
  withExamples,
  withFormat,
  withVia,
} from "../command";
import { npmCommand } from "../command-line";
import type { ValuesOf } from "../documents/schema";
import { statusDocument } from "../documents/status-document";
import { toAbout } from "../documents/values";
import { type Session, withServers } from "../local/session";
import { type Rotation, type SeenInstance, toStatusPage } from "../local/status-report";

interface Options extends CloudOptions, FormatOptions {}

const command = createCommand(
  "status",
  "Show the state of a running environment: servers, replicas, backups, connections, sizes, logins and migrations. Changes nothing.",
);

withExamples(
  withFormat(withVia(withCloudOptions(command))),
  ["", "show what runs on this machine"],
  ["--cloud aws -e production --outputs cdk-outputs.json", "show a deployment"],
  ["--format json", "print JSON for a program"],
);

export const program = main<Options>(command, async (invocation) => {
  const { environment, cloud, progress, options } = invocation;
  const deployment = cloud === null ? null : readDeployment(invocation, cloud);
  const look = async ({ instances }: Pick<Session, "instances">): Promise<number> => {
    const seen: SeenInstance[] = [];
    for (const { name, scope, access, directory } of instances) {
      progress.doing(`inspecting ${name}`);
      const { host, port } = access.server;
      const [status, view] = await Promise.all([lookAtStatus(scope, access), deployment?.view(name) ?? null]);
      seen.push({ name, host, port, maxConnections: scope.instance.maxConnections, status, view, isHere: directory !== null });
    }
    progress.stop();
    const rotation: Rotation = {
      days: deployment?.rotationDays ?? null,
      command: (platform) => npmCommand("rotate", { ...aboutOf(invocation), via: [] }, ["--platform", platform]),
    };
    process.stdout.write(
      options.format === "json"
        ? statusDocument.print({ ...toAbout(environment), instances: seen.map(toValues) })
        : toStatusPage(seen, { rotation, now: new Date() }),
    );
    return 0;
  };
  return cloud === null ? withServers(environment, progress, look, { creates: false }) : look(await reachDeployed(invocation, cloud));
});

type InstanceValues = ValuesOf<typeof statusDocument>["instances"][number];

const toValues = ({ name, host, port, maxConnections, status, view }: SeenInstance): InstanceValues => {
  const { platforms, startedAt, certificateEnd, connections, replicas, ...server } = status;
  return {
    name,
    host,
    port,
    ...server,
    startedAt: startedAt.toISOString(),
    certificateEnd: toText(certificateEnd),
    connections: { ...connections, expected: maxConnections },
    replicas,
    machine: toMachineValues(view?.machine.value ?? null),
    backups: toBackupsValues(view?.backups.value ?? null),
    notVisible: (["machine", "backups"] as const).flatMap((part) => {
      const problem = view?.[part].problem ?? null;
      return problem === null ? [] : [{ part, problem }];
    }),
    platforms: mapValues(platforms, ({ passwordSince, ...its }) => ({ ...its, passwordSince: toText(passwordSince) })),
  };
};

function toMachineValues(machine: Machine | null): InstanceValues["machine"] {
  if (machine === null) return null;
  const { type, diskGib, state, zone, standby } = machine;
  return { type, diskGib, state, zone, hasStandby: standby !== null, standbyZone: standby?.zone ?? null };
}

const toBackupsValues = (backups: Backups | null): InstanceValues["backups"] =>
  backups === null ? null : { ...backups, oldest: toText(backups.oldest), latest: toText(backups.latest) };

const toText = (moment: Date | null): string | null => moment?.toISOString() ?? null;

if (require.main === module) void program.run();
