import { join } from "node:path";
import type { NamedSpec } from "../../../infra/spec";
import { destroy, type Run, run } from "./double";
import type { ProjectCopy } from "./project";
import { type Engine, type Outcome, STACK } from "./scenarios";
import { readStateText, type Stack } from "./session";
import { inFiles, typeOf, World } from "./world";

/** The double of the engine, with the real program and the real runner. */
export class DoubleEngine implements Engine {
  readonly world: World;
  private messages = "";

  constructor(private readonly project: ProjectCopy) {
    this.world = this.worldWith({});
  }

  async up(spec: NamedSpec, faults = {}): Promise<Outcome> {
    this.project.write(spec);
    return this.note(toOutcome(await run(this.stack(faults), "up")));
  }

  async preview(spec: NamedSpec): Promise<Outcome> {
    this.project.write(spec);
    return this.note(toOutcome(await run(this.stack(), "preview")));
  }

  async destroy(): Promise<Outcome> {
    return this.note(toOutcome(destroy(this.stack())));
  }

  said(): string {
    return this.messages;
  }

  state(): string {
    return readStateText(this.stack());
  }

  stack(faults: Readonly<Record<string, string>> = {}, name = STACK): Stack {
    const state = join(this.project.directory, `${name}.state.json`);
    return { project: this.project.directory, stack: name, state, world: this.worldWith(faults) };
  }

  private note(outcome: Outcome): Outcome {
    this.messages += outcome.shown;
    return outcome;
  }

  private worldWith(faults: Readonly<Record<string, string>>): World {
    return new World(inFiles(join(this.project.directory, "world.json")), faults);
  }
}

/** In words that a scenario looks at. */
export function toOutcome({ code, operations, shown, outputs }: Run): Outcome {
  const changes: Record<string, number> = {};
  const made = operations.filter(({ urn }) => /^(gcp|kubernetes|random):/.test(typeOf(urn)));
  for (const { op } of made) changes[op] = (changes[op] ?? 0) + 1;
  return { ok: code === 0, changes, shown, outputs };
}
