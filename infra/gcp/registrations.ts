import * as pulumi from "@pulumi/pulumi";

/** A resource that a program registers with Pulumi. */
export interface Registration {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** URN; empty for the stack. */
  readonly parent: string;
  /** Whether a provider creates it; components are only names. */
  readonly custom: boolean;
  /** Properties, in the order of their names. Secrets and unknown values are `[secret]` and `[unknown]`. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Paths of the inputs that are marked as secret. */
  readonly secrets: readonly string[];
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  /** URNs. */
  readonly dependsOn: readonly string[];
  readonly ignoreChanges: readonly string[];
  /** Timeouts of operations; empty if the provider decides. */
  readonly timeouts: { readonly create?: string; readonly update?: string; readonly delete?: string };
  /** URN and ID of a provider; empty for the default provider. */
  readonly provider: string;
}

export interface Program {
  readonly project: string;
  readonly stack: string;
  /** A preview: ids and outputs are not known yet. */
  readonly preview: boolean;
  /** Settings of the stack. */
  readonly config?: Readonly<Record<string, string>>;
  /** Outputs that a provider would add, except in a preview. */
  readonly outputs?: (type: string, name: string, inputs: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
  /** Answers of data sources, by their token. */
  readonly calls?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Stand-in answers of a cluster. */
export const CALLS = {
  "gcp:container/getCluster:getCluster": { endpoint: "cluster.invalid", masterAuths: [{ clusterCaCertificate: "" }] },
};

export interface Registrations {
  readonly resources: readonly Registration[];
  /** The stack's outputs. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** How Pulumi marks values on the wire. https://github.com/pulumi/pulumi/blob/v3.248.0/sdk/nodejs/runtime/rpc.ts */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** A protobuf message of Pulumi's, of which only these are read. */
interface Request {
  getType(): string;
  getName(): string;
  getParent(): string;
  getCustom(): boolean;
  getProtect(): boolean;
  getRetainondelete(): boolean;
  getDependenciesList(): string[];
  getIgnorechangesList(): string[];
  getCustomtimeouts(): { toObject(): { readonly create: string; readonly update: string; readonly pb_delete: string } } | undefined;
  getAdditionalsecretoutputsList(): string[];
  getProvider(): string;
  getObject(): { toJavaScript(): Record<string, unknown> };
}
type Callback = (error: unknown, response?: { getUrn(): string }) => void;
interface Monitor {
  registerResource(request: Request, callback: Callback): void;
  registerResourceOutputs(request: { getUrn(): string; getOutputs(): { toJavaScript(): object } }, callback: Callback): void;
}

/** Parts of Pulumi's runtime that are not exported, which is why its version is pinned. */
const runtime = () => ({
  ...(require("@pulumi/pulumi/runtime/state") as { withLocalStorage<T>(run: () => Promise<T>): Promise<T> }),
  ...(require("@pulumi/pulumi/runtime/settings") as { getMonitor(): Monitor; waitForRPCs(): Promise<void> }),
  ...(require("@pulumi/pulumi/runtime/config") as { setAllConfig(config: object, secrets: string[]): void }),
});

/**
 * Runs a program without an engine or a provider, and records its registrations. Does not prove what a provider or a cloud would do.
 *
 * Runs may overlap, and leave no state behind.
 *
 * @throws the error of the program.
 */
export async function register(program: Program, run: () => object): Promise<Registrations> {
  const limit = Error.stackTraceLimit;
  // Pulumi records a stack trace for every promise. Without them, a run takes a fifth of the time.
  Error.stackTraceLimit = 0;
  try {
    return await runtime().withLocalStorage(() => registerWithin(program, run));
  } finally {
    Error.stackTraceLimit = limit;
  }
}

async function registerWithin(program: Program, run: () => object): Promise<Registrations> {
  const { getMonitor, waitForRPCs, setAllConfig } = runtime();
  const secretOutputs = new Map<string, readonly string[]>();
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => ({
        id: program.preview ? undefined : `${name}-id`,
        state: withSecrets(
          { ...inputs, ...(program.preview ? {} : program.outputs?.(type, name, inputs)) },
          secretOutputs.get(`${type} ${name}`) ?? [],
        ),
      }),
      call: ({ token, inputs }) => ({ ...inputs, ...program.calls?.[token] }),
    },
    program.project,
    program.stack,
    program.preview,
  );
  setAllConfig(program.config ?? {}, []);
  const resources: Registration[] = [];
  const urns: Urns = new Map();
  let outputs: Readonly<Record<string, unknown>> = {};
  const monitor = getMonitor();
  const forward = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, callback) => {
    secretOutputs.set(`${request.getType()} ${request.getName()}`, request.getAdditionalsecretoutputsList());
    forward(request, (error, response) => {
      if (response !== undefined) {
        const own = response.getUrn();
        urns.set(own, urnOf(program, request, urns));
        resources.push(toRegistration(request, own, urns));
      }
      callback(error, response);
    });
  };
  const forwardOutputs = monitor.registerResourceOutputs.bind(monitor);
  monitor.registerResourceOutputs = (request, callback) => {
    if (request.getUrn().includes("::pulumi:pulumi:Stack::"))
      outputs = clean(request.getOutputs().toJavaScript(), "", []) as Readonly<Record<string, unknown>>;
    forwardOutputs(request, callback);
  };
  // Not thrown inside: that would leave rejected promises that nothing catches.
  let failure: { readonly error: unknown } | null = null;
  await pulumi.runtime.runInPulumiStack(async () => {
    try {
      return run();
    } catch (error) {
      failure = { error };
      return {};
    }
  });
  await waitForRPCs();
  if (failure !== null) throw (failure as { readonly error: unknown }).error;
  return { resources: resources.sort((a, b) => (a.urn < b.urn ? -1 : 1)), outputs };
}

const withSecrets = (state: Record<string, unknown>, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(state).map(([key, value]) => [key, names.includes(key) && value !== undefined ? pulumi.secret(value) : value]),
  );

/** Maps URNs of the mocks, which contain only the nearest parent, to an engine's URNs, which states contain. */
type Urns = Map<string, string>;

function urnOf({ project, stack }: Program, request: Request, urns: Urns): string {
  const above = urns.get(request.getParent())?.split("::")[2] ?? "";
  const isTop = above === "" || above === "pulumi:pulumi:Stack";
  return `urn:pulumi:${stack}::${project}::${isTop ? "" : `${above}$`}${request.getType()}::${request.getName()}`;
}

function toRegistration(request: Request, own: string, urns: Urns): Registration {
  const urn = (mocked: string) => urns.get(mocked) ?? mocked;
  const secrets: string[] = [];
  const [, provider = "", id = ""] = /^(.*)::([^:]*)$/.exec(request.getProvider()) ?? [];
  return {
    urn: urn(own),
    type: request.getType(),
    name: request.getName(),
    parent: urn(request.getParent()),
    custom: request.getCustom(),
    inputs: clean(request.getObject().toJavaScript(), "", secrets) as Readonly<Record<string, unknown>>,
    secrets,
    protect: request.getProtect(),
    retainOnDelete: request.getRetainondelete(),
    dependsOn: request.getDependenciesList().map(urn).sort(),
    ignoreChanges: request.getIgnorechangesList(),
    timeouts: toTimeouts(request),
    provider: provider === "" ? "" : `${urn(provider)}::${id}`,
  };
}

function toTimeouts(request: Request): Registration["timeouts"] {
  const { create, update, pb_delete } = request.getCustomtimeouts()?.toObject() ?? {};
  return create === undefined ? {} : { create, update, delete: pb_delete };
}

/** Decodes a value of the wire; paths of secrets are added to `secrets`. */
function clean(value: unknown, path: string, secrets: string[]): unknown {
  if (value === UNKNOWN) return "[unknown]";
  if (Array.isArray(value)) return value.map((each, index) => clean(each, `${path}[${index}]`, secrets));
  if (typeof value !== "object" || value === null) return value;
  if (SIGNATURE in value) {
    secrets.push(path);
    return "[secret]";
  }
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, each]) => [key, clean(each, path === "" ? key : `${path}.${key}`, secrets)]));
}
