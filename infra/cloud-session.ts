import { UserError } from "../constructs/model/errors";
import { ownEntry } from "../constructs/model/json";
import { suggest } from "../constructs/model/suggest";
import type { ServerAccess } from "../constructs/provisioning/access";
import type { Server } from "../constructs/provisioning/connect";
import type { Cloud, Deployment } from "./cloud";
import { aboutOf, type CloudOptions, type Invocation } from "./command";
import { npmCommand } from "./command-line";
import type { ProjectEnvironment } from "./load";
import type { ReachableInstance, Session } from "./local/session";

/** Milliseconds for which a command waits for a server that fails over. */
const PATIENCE = 30_000;

/** The servers of a deployed environment, with the user's own credentials. @throws UserError */
export async function reachDeployed(
  invocation: Invocation<CloudOptions>,
  cloud: Cloud,
): Promise<Pick<Session, "environment" | "instances">> {
  const { environment } = invocation;
  const instances = Object.keys(environment.instances).map((name) => reach(invocation, cloud, name, null));
  return { environment, instances: await Promise.all(instances) };
}

/** One instance of it, which `--via` need not name. @throws UserError */
export const reachInstance = (invocation: Invocation<CloudOptions>, cloud: Cloud, name: string): Promise<ReachableInstance> =>
  reach(invocation, cloud, name, name);

async function reach(invocation: Invocation<CloudOptions>, cloud: Cloud, name: string, meant: string | null): Promise<ReachableInstance> {
  const { environment } = invocation;
  const instance = environment.instances[name];
  if (instance === undefined) throw new TypeError(`no instance ${name}`);
  const deployment = readDeployment(invocation, cloud);
  const { via, patience, provision } = wayTo(invocation, name, meant);
  const access = await deployment.access(name, via, patience);
  const closing = (platform: string) => `run ${npmCommand("provision", aboutOf(invocation), ["--close", platform])}`;
  const server = withTunnel(access.server, deployment, environment, name);
  return {
    name,
    scope: { environment: environment.name, instance },
    access: { ...access, server, provision, closing },
    ca: deployment.ca(name),
    directory: null,
  };
}

/** Returns what a platform's login needs: the server, the CA and the platform's secret, but not the master's. @throws UserError */
export function connectDeployed(invocation: Invocation<CloudOptions>, cloud: Cloud, name: string): Connection {
  const deployment = readDeployment(invocation, cloud);
  const { via, patience, provision } = wayTo(invocation, name, name);
  const { server, store } = deployment.connect(name, via, patience);
  const reached = withTunnel(server, deployment, invocation.environment, name);
  return { access: { server: reached, store, patience, provision }, ca: deployment.ca(name) };
}

/** The near end of the first instance's tunnel on this machine; the tunnels of the others use the next ports. */
const FIRST_PORT = 5433;

/** A server whose error explains how to open a tunnel if nothing else reaches it. */
function withTunnel(server: Server, deployment: Deployment, { instances }: ProjectEnvironment, name: string): Server {
  if (server.via != null) return server;
  const names = Object.keys(instances);
  const port = FIRST_PORT + names.indexOf(name);
  const { command, placeholders } = deployment.tunnel(name, port);
  const via = `${names.length === 1 ? "" : `${name}=`}localhost:${port}`;
  const lines = [
    "To reach it from this machine, open a tunnel in another terminal:",
    `  ${command}`,
    ...placeholders.map((each) => `    ${each}`),
    `Then run this again with --via ${via}`,
  ];
  return { ...server, unreachable: lines.join("\n") };
}

/** How to log in to a server as a platform. */
export interface Connection {
  readonly access: Pick<ServerAccess, "server" | "store" | "patience" | "provision">;
  /** PEM text of the CA. */
  readonly ca: string;
}

/** Where to connect, how long to wait, and the command that provisions. @param meant the instance of a `--via` that names none. */
function wayTo(invocation: Invocation<CloudOptions>, name: string, meant: string | null) {
  const { environment, progress, options } = invocation;
  const via = ownEntry(readVia(options.via ?? [], environment, meant), name) ?? null;
  const onRetry = (sentence: string) => progress.doing(`waiting: ${sentence.split("\n")[0]}`);
  return { via, patience: { deadlineMs: PATIENCE, onRetry }, provision: `run ${npmCommand("provision", aboutOf(invocation))}` };
}

/** Reads a deployed environment from the file that `--outputs` names. @throws UserError */
export function readDeployment({ environment, options }: Invocation<CloudOptions>, cloud: Cloud): Deployment {
  if (options.outputs === undefined)
    throw new UserError(`--outputs is missing; give the file that this command writes: ${cloud.outputsCommand(environment.name)}`);
  return cloud.readDeployment(environment, options.outputs);
}

/** Parses `HOST:PORT`, or `INSTANCE=HOST:PORT` if there are several instances. */
function readVia(
  written: readonly string[],
  environment: ProjectEnvironment,
  meant: string | null,
): Readonly<Record<string, NonNullable<Server["via"]>>> {
  const names = Object.keys(environment.instances);
  const usual = meant ?? (names.length === 1 ? names[0] : null) ?? "";
  return Object.fromEntries(
    written.map((each) => {
      const [, name = usual, host = "", port = ""] = /^(?:([^=]*)=)?([^:]+):(\d+)$/.exec(each) ?? [];
      if (host === "") throw new UserError(`--via ${each}: must be HOST:PORT, such as localhost:5433`);
      if (!names.includes(name))
        throw new UserError(
          `--via ${each}: must name an instance (${names.join(", ")}), as in ${names[0]}=${host}:${port}; ${suggest(name, names)}`,
        );
      return [name, { host, port: Number(port) }];
    }),
  );
}
