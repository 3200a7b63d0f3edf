import { UserError } from "../constructs/model/errors";
import { ownEntry } from "../constructs/model/json";
import { suggest } from "../constructs/model/suggest";
import type { Server } from "../constructs/provisioning/connect";
import type { Cloud, Deployment } from "./cloud";
import { aboutOf, type CloudOptions, type Invocation } from "./command";
import { npmCommand } from "./command-line";
import type { ProjectEnvironment } from "./load";
import type { ReachableInstance, Session } from "./local/session";

/** Milliseconds during which a command waits for a server that fails over. */
const PATIENCE = 30_000;

/** The servers of an environment that has been deployed, with the person's own credentials. @throws UserError */
export async function reachDeployed(
  invocation: Invocation<CloudOptions>,
  cloud: Cloud,
): Promise<Pick<Session, "environment" | "instances">> {
  const { environment, progress, options } = invocation;
  const deployment = readDeployment(invocation, cloud);
  const via = readVia(options.via ?? [], environment);
  const patience = { deadlineMs: PATIENCE, onRetry: (sentence: string) => progress.doing(`waiting: ${sentence}`) };
  const provision = `run ${npmCommand("provision", aboutOf(invocation))}`;
  const closing = (platform: string) => `run ${npmCommand("provision", aboutOf(invocation), ["--close", platform])}`;
  const reach = async ([name, instance]: readonly [string, ProjectEnvironment["instances"][string]]): Promise<ReachableInstance> => {
    const access = { ...(await deployment.access(name, ownEntry(via, name) ?? null, patience)), provision, closing };
    return { name, scope: { environment: environment.name, instance }, access, ca: deployment.ca(name), directory: null };
  };
  return { environment, instances: await Promise.all(Object.entries(environment.instances).map(reach)) };
}

/** What exists of an environment, by the file that `--outputs` names. @throws UserError */
export function readDeployment({ environment, options }: Invocation<CloudOptions>, cloud: Cloud): Deployment {
  if (options.outputs === undefined)
    throw new UserError(`--outputs is missing; give the file that this command writes: ${cloud.outputsCommand(environment.name)}`);
  return cloud.readDeployment(environment, options.outputs);
}

/** `HOST:PORT`, or `INSTANCE=HOST:PORT` where there are several. */
function readVia(written: readonly string[], environment: ProjectEnvironment): Readonly<Record<string, NonNullable<Server["via"]>>> {
  const names = Object.keys(environment.instances);
  return Object.fromEntries(
    written.map((each) => {
      const [, name = names.length === 1 ? (names[0] ?? "") : "", host = "", port = ""] = /^(?:([^=]*)=)?([^:]+):(\d+)$/.exec(each) ?? [];
      if (host === "") throw new UserError(`--via ${each}: must be HOST:PORT, such as localhost:5433`);
      if (!names.includes(name))
        throw new UserError(
          `--via ${each}: must name an instance (${names.join(", ")}), as in ${names[0]}=${host}:${port}; ${suggest(name, names)}`,
        );
      return [name, { host, port: Number(port) }];
    }),
  );
}
