import { NESTED } from "../../../infra/aws/templates";
import type { Handler } from "./handlers";
import { type Artifact, type DeployedTemplate, importsOf, inOrder, resolve, type Scope } from "./template";

export type Status =
  | "CREATE_COMPLETE"
  | "ROLLBACK_COMPLETE"
  | "ROLLBACK_FAILED"
  | "UPDATE_COMPLETE"
  | "UPDATE_ROLLBACK_COMPLETE"
  | "UPDATE_ROLLBACK_FAILED"
  | "DELETE_FAILED";

interface Physical {
  readonly id: string;
  readonly type: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly policy: string;
}

interface Stack {
  status: Status;
  terminationProtection: boolean;
  template: DeployedTemplate;
  /** Of a nested stack. */
  parameters: Readonly<Record<string, unknown>>;
  readonly resources: Map<string, Physical>;
  outputs: Readonly<Record<string, unknown>>;
}

const NAMED_ONLY: Handler = { create: () => undefined, update: () => undefined, delete: () => undefined };

/** What stands in the way of a group's or key's deletion: an instance that uses it. */
const USED_BY_INSTANCES = ["AWS::RDS::DBSubnetGroup", "AWS::RDS::DBParameterGroup", "AWS::EC2::SecurityGroup"];

/**
 * A double of CloudFormation: creates, updates, rolls back and deletes stacks as its documentation says, honours deletion policies,
 * termination protection and exports in use, and notes what a stack leaves behind.
 *
 * It does not prove what a resource's own service accepts, but for what `handlers.ts` knows; it replaces only parameter groups, and one
 * thing happens after the other.
 */
export class CloudFormation {
  readonly stacks = new Map<string, Stack>();
  /** What stacks have left behind, by physical id. */
  readonly orphans = new Map<string, Physical>();
  /** What a person sees: a line for each failure. */
  readonly events: string[] = [];
  /** Messages that creations fail with, by the beginning of the logical id. */
  readonly faults = new Map<string, string>();
  private made = 0;
  private readonly handlers: Readonly<Record<string, Handler>>;

  constructor(handlers: Readonly<Record<string, Handler>>) {
    this.handlers = { ...handlers, [NESTED]: this.nested };
  }

  /**
   * A nested stack, whose template stands in the property `TemplateBody` in the place of its address. Deleting one that was complete is
   * not the rollback of what it created, even where it is part of its parent's.
   */
  private readonly nested: Handler = {
    create: (id, { TemplateBody: body, Parameters: parameters }) => {
      this.create({ name: id, template: JSON.parse(String(body)) }, parameters as Stack["parameters"]);
      this.requireComplete(id);
    },
    update: (id, _before, { TemplateBody: body, Parameters: parameters }) => {
      this.update({ name: id, template: JSON.parse(String(body)) }, parameters as Stack["parameters"]);
      this.requireComplete(id);
    },
    delete: (id) => {
      this.delete(id);
      if (this.stacks.has(id)) throw new Error(`Embedded stack ${id} was not deleted`);
    },
  };

  private requireComplete(name: string): void {
    if (!/^(CREATE|UPDATE)_COMPLETE$/.test(this.stackOf(name).status))
      throw new Error(`Embedded stack ${name} failed: ${this.events.at(-1)}`);
  }

  create({ name, template }: Pick<Artifact, "name" | "template">, parameters: Stack["parameters"] = {}): void {
    // The CLI's first change set has made the stack before.
    const stack: Stack = { ...this.stackOf(name), template, parameters, status: "CREATE_COMPLETE" };
    this.stacks.set(name, stack);
    const failure = this.apply(name, stack, template);
    if (failure === null) return;
    const isClean = this.deleteAll(name, stack, [...stack.resources.keys()], true);
    stack.status = isClean ? "ROLLBACK_COMPLETE" : "ROLLBACK_FAILED";
  }

  update({ name, template }: Pick<Artifact, "name" | "template">, parameters: Stack["parameters"] = {}): void {
    const stack = this.stackOf(name);
    const before = { template: stack.template, resources: new Map(stack.resources), parameters: stack.parameters };
    stack.parameters = parameters;
    const failure = this.refuseLostExports(name, template) ?? this.apply(name, stack, template);
    if (failure !== null) {
      stack.parameters = before.parameters;
      stack.status = this.rollBack(name, stack, before) ? "UPDATE_ROLLBACK_COMPLETE" : "UPDATE_ROLLBACK_FAILED";
      return;
    }
    const removed = [...stack.resources.keys()].filter((id) => template.Resources[id] === undefined);
    // What cannot be deleted then is reported, and forgotten.
    this.deleteAll(name, stack, removed, false);
    stack.template = template;
    stack.status = "UPDATE_COMPLETE";
  }

  /** @throws what the API answers. */
  delete(name: string): void {
    const stack = this.stackOf(name);
    if (stack.terminationProtection) throw new Error(`Stack [${name}] cannot be deleted while TerminationProtection is enabled`);
    for (const [exported, user] of this.usesOf(name))
      throw new Error(`Delete canceled. Cannot delete export ${exported} as it is in use by ${user}.`);
    if (this.deleteAll(name, stack, [...stack.resources.keys()], false)) this.stacks.delete(name);
    else stack.status = "DELETE_FAILED";
  }

  stackOf(name: string): Stack {
    const none = {
      status: "CREATE_COMPLETE" as const,
      terminationProtection: false,
      template: { Resources: {} },
      outputs: {},
      parameters: {},
    };
    const found = this.stacks.get(name) ?? { ...none, resources: new Map<string, Physical>() };
    this.stacks.set(name, found);
    return found;
  }

  /** Creates and changes what a template has; null, or what failed. */
  private apply(name: string, stack: Stack, template: DeployedTemplate): string | null {
    const scope = this.scopeOf(name, stack);
    for (const id of inOrder(template)) {
      const { Type: type, Properties = {}, DeletionPolicy: policy = "Delete" } = template.Resources[id] ?? { Type: "" };
      const had = stack.resources.get(id);
      try {
        const properties = resolve(Properties, scope) as Physical["properties"];
        const physical = { id: this.idOf(had, `${name}-${id}`, type, properties), type, properties, policy };
        // What fails is there, too, and has to be taken away; but CDK's framework ignores the deletion of what it could not create.
        if (!type.startsWith("Custom::")) stack.resources.set(id, physical);
        this.handle(had, physical, id);
        stack.resources.set(id, physical);
      } catch (error) {
        if (had !== undefined) stack.resources.set(id, had);
        this.events.push(`${name} ${id} ${type}: ${(error as Error).message}`);
        return (error as Error).message;
      }
    }
    stack.outputs = Object.fromEntries(Object.entries(template.Outputs ?? {}).map(([key, { Value }]) => [key, resolve(Value, scope)]));
    return null;
  }

  /** A parameter group of another family is another group; nothing else here is ever replaced. */
  private idOf(had: Physical | undefined, name: string, type: string, { Family: family }: Physical["properties"]): string {
    if (type !== "AWS::RDS::DBParameterGroup") return had?.id ?? `${name}-${++this.made}`;
    if (had?.properties.Family === family) return had?.id ?? "";
    if (had !== undefined) this.orphans.set(had.id, had);
    return `${name}-${++this.made}|${family}`;
  }

  private handle(had: Physical | undefined, now: Physical, logicalId: string): void {
    const handler = this.handlers[now.type] ?? NAMED_ONLY;
    if (had === undefined) {
      handler.create(now.id, now.properties);
      for (const [beginning, message] of this.faults) if (logicalId.startsWith(beginning)) throw new Error(message);
    } else if (JSON.stringify(had.properties) !== JSON.stringify(now.properties))
      handler.update(had.id, had.properties, now.properties, false);
  }

  private rollBack(name: string, stack: Stack, before: Pick<Stack, "template" | "resources">): boolean {
    let isClean = true;
    for (const [id, physical] of before.resources) {
      const now = stack.resources.get(id);
      if (now === undefined || JSON.stringify(now.properties) === JSON.stringify(physical.properties)) continue;
      isClean =
        this.attempt(name, id, () => this.handlers[physical.type]?.update(physical.id, now.properties, physical.properties, true)) &&
        isClean;
      stack.resources.set(id, physical);
    }
    const added = [...stack.resources.keys()].filter((id) => !before.resources.has(id));
    return this.deleteAll(name, stack, added, true) && isClean;
  }

  /** In the opposite order of creation. @param isRollback of the operation that created them: `RetainExceptOnCreate` does not keep then. */
  private deleteAll(name: string, stack: Stack, ids: readonly string[], isRollback: boolean): boolean {
    let isClean = true;
    for (const id of [...ids].reverse()) {
      const physical = stack.resources.get(id);
      if (physical === undefined) continue;
      const isKept = physical.policy === "Retain" || (physical.policy === "RetainExceptOnCreate" && !isRollback);
      if (isKept) this.orphans.set(physical.id, physical);
      else if (!this.attempt(name, id, () => this.remove(physical))) {
        isClean = false;
        continue;
      }
      stack.resources.delete(id);
    }
    return isClean;
  }

  private remove(physical: Physical): void {
    if (USED_BY_INSTANCES.includes(physical.type)) {
      const all = [...[...this.stacks.values()].flatMap(({ resources }) => [...resources.values()]), ...this.orphans.values()];
      const user = all.find(
        ({ type, properties }) => type === "AWS::RDS::DBInstance" && JSON.stringify(properties).includes(`"${physical.id}`),
      );
      if (user !== undefined) throw new Error(`${physical.type} ${physical.id} is in use by ${user.id}`);
    }
    this.handlers[physical.type]?.delete(physical.id, physical.properties);
  }

  private attempt(name: string, id: string, run: () => void): boolean {
    try {
      run();
      return true;
    } catch (error) {
      this.events.push(`${name} ${id}: ${(error as Error).message}`);
      return false;
    }
  }

  private scopeOf(name: string, stack: Stack): Scope {
    return {
      ref: (id) => stack.parameters[id] ?? stack.resources.get(id)?.id,
      attribute: (id, attribute) => {
        const physical = stack.resources.get(id);
        return physical?.type === NESTED ? this.stackOf(physical.id).outputs[attribute.replace("Outputs.", "")] : undefined;
      },
      output: (other, output) => {
        const found = this.stacks.get(other)?.outputs[output];
        if (found === undefined) throw new Error(`Stack ${other} has no output ${output}`);
        return found;
      },
      imported: (exported) => {
        const found = [...this.stacks.entries()].find(([other, { template }]) => other !== name && exportsOf(template).includes(exported));
        if (found === undefined) throw new Error(`No export named ${exported} found.`);
        return exported;
      },
    };
  }

  /** Exports of a stack that others import, and who. */
  private usesOf(name: string): readonly (readonly [exported: string, user: string])[] {
    const own = exportsOf(this.stackOf(name).template);
    return [...this.stacks.entries()].flatMap(([user, { template }]) =>
      importsOf(template)
        .filter((each) => own.includes(each))
        .map((each) => [each, user] as const),
    );
  }

  private refuseLostExports(name: string, next: DeployedTemplate): string | null {
    const lost = this.usesOf(name).find(([exported]) => !exportsOf(next).includes(exported));
    return lost === undefined ? null : `Export ${lost[0]} cannot be deleted as it is in use by ${lost[1]}`;
  }
}

const exportsOf = ({ Outputs = {} }: DeployedTemplate): readonly string[] =>
  Object.values(Outputs).flatMap(({ Export }) => (Export === undefined ? [] : [Export.Name]));
