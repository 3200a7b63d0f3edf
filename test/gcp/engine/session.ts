import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type resourceMessages from "@pulumi/pulumi/proto/resource_pb";
import { RegisterResourceResponse } from "@pulumi/pulumi/proto/resource_pb";
import { diffConfig, KUBERNETES, serverOf } from "./cluster-provider";
import { fromWire, hide, mark, pick, secretKeys, toStruct, withIgnored } from "./wire";
import type { Inputs, World } from "./world";

/** A resource, as a state keeps it between runs. */
export interface Kept {
  readonly urn: string;
  readonly type: string;
  readonly custom: boolean;
  readonly id: string;
  /** Secrets are only marked as such. */
  readonly inputs: Inputs;
  readonly outputs: Inputs;
  readonly parent: string;
  readonly dependencies: readonly string[];
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  /** `URN::ID`; empty where none was chosen. */
  readonly provider: string;
}

export type Operation = "create" | "update" | "replace" | "same" | "delete" | "discard";
export type Operations = readonly { readonly op: Operation; readonly urn: string }[];

/** What a session is about. */
export interface Stack {
  /** Folder with `Pulumi.yaml`. */
  readonly project: string;
  readonly stack: string;
  /** File with the state, as `pulumi stack export` writes it. */
  readonly state: string;
  readonly world: World;
  /** Node.js to run the program with. */
  readonly node?: string;
}

type Request = InstanceType<typeof resourceMessages.RegisterResourceRequest>;

export const readStateText = ({ state }: Pick<Stack, "state">): string => (existsSync(state) ? readFileSync(state, "utf8") : "");

export function readState(stack: Pick<Stack, "state">): readonly Kept[] {
  const text = readStateText(stack);
  return text === "" ? [] : (JSON.parse(text) as { readonly deployment: { readonly resources: readonly Kept[] } }).deployment.resources;
}

export function writeState({ state }: Pick<Stack, "state">, resources: readonly Kept[]): void {
  writeFileSync(state, JSON.stringify({ version: 3, deployment: { resources } }));
}

/** One run of the double of Pulumi's engine: what it was told, and what it did. */
export class Session {
  readonly operations: { readonly op: Operation; readonly urn: string }[] = [];
  shown = "";
  private readonly kept: Map<string, Kept>;
  private readonly registered = new Set<string>();
  private refusals = 0;

  constructor(
    private readonly stack: Pick<Stack, "stack" | "state" | "world">,
    private readonly project: string,
    private readonly isPreview: boolean,
  ) {
    this.kept = new Map(readState(stack).map((each) => [each.urn, each]));
  }

  get isRefused(): boolean {
    return this.refusals > 0;
  }

  show(text: string): void {
    this.shown += text;
  }

  refuse(message: string): void {
    this.refusals += 1;
    this.show(`error: ${message}\n`);
  }

  /** Keeps the state. */
  end(): void {
    if (!this.isPreview) writeState(this.stack, [...this.kept.values()]);
  }

  /** Reads what there is, with the providers as the state has them: what the program would say of them is not asked. */
  refresh(): void {
    for (const each of [...this.kept.values()]) {
      if (!each.custom || each.type.startsWith("pulumi:")) continue;
      const server = serverOf(this.providerOf(each)?.inputs);
      if (server !== null && !this.stack.world.answers(server)) {
        this.refuse(`refreshing ${each.urn}: ${UNREACHABLE}`);
        return;
      }
      const found = this.stack.world.things[`${each.urn} ${each.id}`];
      if (found === undefined) this.kept.delete(each.urn);
      else this.kept.set(each.urn, { ...each, inputs: pick(each.inputs, found), outputs: pick(each.outputs, found) });
    }
  }

  private providerOf({ provider }: Pick<Kept, "provider">): Kept | undefined {
    return this.kept.get(provider.slice(0, provider.lastIndexOf("::")));
  }

  /** Deletes what the program has not registered, in an order in which nothing loses what it depends on. */
  deleteUnregistered(): void {
    for (const each of inOrderOfDeletion([...this.kept.values()].filter(({ urn }) => !this.registered.has(urn)))) {
      if (each.protect) {
        this.refuse(`resource "${each.urn}" cannot be deleted because it is protected`);
        return;
      }
      const isKept = !each.custom || each.type.startsWith("pulumi:") || each.retainOnDelete;
      try {
        if (!this.isPreview && !isKept) this.stack.world.delete(each.urn, each.id);
      } catch (error) {
        this.refuse(`deleting ${each.urn}: ${(error as Error).message}`);
        return;
      }
      this.kept.delete(each.urn);
      this.operations.push({ op: isKept ? "discard" : "delete", urn: each.urn });
    }
  }

  /** @throws Error with what a person would be shown. */
  register(request: Request): InstanceType<typeof RegisterResourceResponse> {
    const urn = this.urnOf(request);
    if (this.registered.has(urn)) throw new Error(`Duplicate resource URN '${urn}'; try giving it a unique name`);
    this.registered.add(urn);
    const object = (request.getObject()?.toJavaScript() ?? {}) as Inputs;
    const secret = [...secretKeys(object), ...request.getAdditionalsecretoutputsList()];
    const resource = { urn, type: request.getType(), custom: request.getCustom(), secret, written: fromWire(object) as Inputs };
    const made = this.makeAny(resource, request);
    const old = this.kept.get(urn);
    const kept: Kept = {
      urn,
      type: resource.type,
      custom: resource.custom,
      id: made.id,
      inputs: hide(made.inputs ?? resource.written, secret),
      outputs: hide(made.outputs, secret),
      parent: request.getParent(),
      dependencies: request.getDependenciesList(),
      protect: request.getProtect() ?? false,
      retainOnDelete: request.getRetainondelete() ?? false,
      provider: request.getProvider(),
    };
    if (old === undefined && made.inputs === undefined) this.operations.push({ op: "create", urn });
    // Kept in the order of creation, which is one that dependencies allow.
    if (!this.isPreview) this.kept.set(urn, kept);
    return toResponse(urn, made.id, mark(made.outputs, secret));
  }

  /** What a resource is told after a refusal, so that the program ends by itself. Nothing is made. */
  pretend(request: Request): InstanceType<typeof RegisterResourceResponse> {
    const inputs = fromWire(request.getObject()?.toJavaScript() ?? {}) as Inputs;
    return toResponse(this.urnOf(request), "", this.stack.world.imagine(request.getType(), inputs));
  }

  private urnOf(request: Request): string {
    const above = request.getParent().split("::")[2] ?? "";
    const isTop = above === "" || above === "pulumi:pulumi:Stack";
    return `urn:pulumi:${this.stack.stack}::${this.project}::${isTop ? "" : `${above}$`}${request.getType()}::${request.getName()}`;
  }

  private makeAny(resource: Resource, request: Request): Made {
    if (!resource.custom) return { id: "", outputs: resource.written };
    if (resource.type.startsWith("pulumi:")) return { id: this.idOfProvider(resource), outputs: resource.written };
    return this.make(resource, request);
  }

  /** A provider that is replaced is another one, and everything that it has made is replaced with it. */
  private idOfProvider({ urn, type, written }: Resource): string {
    const old = this.kept.get(urn);
    if (old === undefined) return "1";
    const replaces = type === KUBERNETES ? diffConfig(old.inputs, written) : [];
    if (replaces.length === 0) return old.id;
    this.show(`${urn} is replaced, because of ${replaces.join(", ")}\n`);
    return String(Number(old.id) + 1);
  }

  /** What the engine and a provider do with a resource of a provider: check, compare, and create, update or replace. */
  private make({ urn, secret, written }: Resource, request: Request): Required<Made> {
    const { world } = this.stack;
    const old = this.kept.get(urn);
    const checked = world.check(urn, old?.inputs ?? null, written);
    if (checked.failures.length > 0)
      throw new Error(`${urn}: ${checked.failures.map(([property, why]) => `${property}: ${why}`).join("; ")}`);
    const note = (op: Operation) => this.operations.push({ op, urn });
    if (old === undefined) {
      note("create");
      const { inputs } = checked;
      return this.isPreview ? { id: "", inputs, outputs: inputs } : { ...world.create(urn, inputs), inputs };
    }
    const inputs = withIgnored(checked.inputs, old.inputs, request.getIgnorechangesList());
    // As providers do: with what there was, and not with what was once asked for.
    const { changed, replaces } = world.diff(urn, pick(old.inputs, old.outputs), hide(inputs, secret), request.getIgnorechangesList());
    const isOthers = old.provider !== request.getProvider();
    if (changed.length === 0 && !isOthers) {
      note("same");
      return { id: old.id, inputs, outputs: { ...world.things[`${urn} ${old.id}`] } };
    }
    if (replaces.length > 0 || isOthers) {
      if (old.protect) throw new Error(`unable to replace resource "${urn}" as it is currently marked for protection`);
      note("replace");
      if (this.isPreview) return { id: "", inputs, outputs: inputs };
      // A name that is written is free only when the one before is gone.
      if (!old.retainOnDelete) world.delete(urn, old.id);
      return { ...world.create(urn, inputs), inputs };
    }
    note("update");
    return { id: old.id, inputs, outputs: this.isPreview ? inputs : world.update(urn, old.id, inputs, old.outputs) };
  }
}

interface Resource {
  readonly urn: string;
  readonly type: string;
  readonly custom: boolean;
  readonly secret: readonly string[];
  readonly written: Inputs;
}

interface Made {
  readonly id: string;
  readonly inputs?: Inputs;
  readonly outputs: Inputs;
}

/** https://github.com/pulumi/pulumi-kubernetes/blob/9497796/provider/pkg/provider/provider.go */
const UNREACHABLE =
  'failed to read resource state due to unreachable cluster. If the cluster was deleted, you can remove this resource from Pulumi state by rerunning the operation with the PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"';

function toResponse(urn: string, id: string, outputs: Inputs) {
  const response = new RegisterResourceResponse();
  response.setUrn(urn);
  response.setId(id);
  response.setObject(toStruct(outputs));
  return response;
}

/** What nothing else needs comes first. */
function inOrderOfDeletion(gone: readonly Kept[]): readonly Kept[] {
  const ordered: Kept[] = [];
  let left = [...gone];
  while (left.length > 0) {
    const needed = new Set(left.flatMap(({ parent, dependencies }) => [parent, ...dependencies]));
    const free = left.filter(({ urn }) => !needed.has(urn));
    if (free.length === 0) throw new TypeError("resources depend on each other");
    ordered.push(...free);
    left = left.filter((each) => !free.includes(each));
  }
  return ordered;
}
