import assert from "node:assert/strict";
import type { NamedSpec } from "../../../infra/spec";
import { CLUSTER, SECTION } from "../../fixtures/gcp";
import { CANARY, type World } from "./world";

/** What an engine did. */
export interface Outcome {
  readonly ok: boolean;
  /** How many resources were created, updated, replaced, deleted, or the same. The real engine counts components, too. */
  readonly changes: Readonly<Record<string, number>>;
  /** What a person would see. */
  readonly shown: string;
  /** What the stack prints. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** An engine with one stack, whose providers are a world of stand-ins. */
export interface Engine {
  readonly world: World;
  /** @param faults what the world's next creations fail with, by type. */
  up(spec: NamedSpec, faults?: Readonly<Record<string, string>>): Promise<Outcome>;
  preview(spec: NamedSpec): Promise<Outcome>;
  destroy(): Promise<Outcome>;
  /** The state, as it is kept. */
  state(): string;
  /** All that a person has seen so far. */
  said(): string;
}

export interface Scenario {
  readonly what: string;
  run(engine: Engine): Promise<string>;
}

export const STACK = "scenario";

const spec: NamedSpec = {
  name: STACK,
  gcp: { ...SECTION, cluster: CLUSTER },
  instances: { main: {} },
  platforms: { mlflow: {} },
};
const withMain = (change: object): NamedSpec => ({ ...spec, instances: { main: change } });
const SENTENCE = "role mlflow_owner was created by another role; drop it, or give the platform another database";

const instanceOf = ({ things }: World) => {
  const [key = ""] = Object.keys(things).filter((each) => each.includes("DatabaseInstance"));
  return { key, ...(things[key] as { readonly name: string; readonly settings: { readonly tier: string } }) };
};
const shownOf = (changes: Outcome["changes"]): string =>
  Object.entries(changes)
    .map(([op, count]) => `${count} ${op}`)
    .join(", ");
const none = (changes: Outcome["changes"], ...operations: readonly string[]) =>
  assert.deepEqual(
    operations.filter((op) => (changes[op] ?? 0) > 0),
    [],
    shownOf(changes),
  );

/** One after the other: each begins where the one before has ended. */
export const SCENARIOS: readonly Scenario[] = [
  {
    what: "a deployment that cannot provision fails with the program's sentence, and keeps what it has made",
    run: async (engine) => {
      const { ok, shown } = await engine.up(spec, { "kubernetes:batch/v1:Job": SENTENCE });
      assert.equal(ok, false);
      assert.ok(shown.includes(SENTENCE), shown);
      const made = Object.keys(engine.world.things);
      assert.ok(made.some((key) => key.includes("DatabaseInstance")) && !made.some((key) => key.includes("helm.sh")), made.join("\n"));
      return `${made.length} things made`;
    },
  },
  {
    what: "the next deployment makes only the rest, and prints where everything is",
    run: async (engine) => {
      const before = Object.keys(engine.world.things);
      const { ok, changes, shown, outputs } = await engine.up(spec);
      assert.ok(ok, shown);
      none(changes, "update", "replace", "delete");
      const made = Object.keys(engine.world.things);
      assert.ok(before.every((key) => made.includes(key)));
      assert.ok(made.length - before.length <= (changes.create ?? 0), shownOf(changes));
      assert.match(JSON.stringify(outputs), /"host":"main\.scenario\.postgres\.internal"/);
      return shownOf(changes);
    },
  },
  {
    what: "a preview of the same finds nothing to do",
    run: async (engine) => {
      const { ok, changes, shown } = await engine.preview(spec);
      assert.ok(ok, shown);
      none(changes, "create", "update", "replace", "delete");
      assert.ok((changes.same ?? 0) > 30);
      return shownOf(changes);
    },
  },
  {
    what: "another size is an update in place",
    run: async (engine) => {
      const { name } = instanceOf(engine.world);
      const { ok, changes, shown } = await engine.up(withMain({ size: { vcpus: 4, memoryGib: 16 } }));
      assert.ok(ok, shown);
      none(changes, "create", "replace", "delete");
      const instance = instanceOf(engine.world);
      assert.deepEqual([instance.name, instance.settings.tier], [name, "db-custom-4-16384"]);
      return shownOf(changes);
    },
  },
  {
    what: "another region, which would replace the protected instance, is refused",
    run: async (engine) => {
      const { ok, shown } = await engine.up({
        ...withMain({ size: { vcpus: 4, memoryGib: 16 } }),
        gcp: { ...SECTION, cluster: CLUSTER, region: "europe-west1" },
      });
      assert.equal(ok, false);
      assert.match(shown, /protect/);
      assert.match(instanceOf(engine.world).key, /DatabaseInstance/);
      return /[^\n]*protect[^\n]*/.exec(shown)?.[0].trim().slice(0, 150) ?? "";
    },
  },
  {
    what: "a destroy is refused, and has deleted nothing: neither databases nor platforms nor rights",
    run: async (engine) => {
      const before = engine.world.things;
      const { ok, shown } = await engine.destroy();
      assert.equal(ok, false);
      assert.match(shown, /protect/);
      assert.deepEqual(engine.world.things, before);
      return `${Object.keys(before).length} things are there`;
    },
  },
  {
    what: "state and messages hold no password",
    run: async (engine) => {
      assert.ok(JSON.stringify(engine.world.things).includes(CANARY), "the world has no password to look for");
      assert.ok(engine.state().includes("DatabaseInstance") && !engine.state().includes(CANARY));
      assert.ok(engine.said().includes(SENTENCE) && !engine.said().includes(CANARY));
      return `${engine.state().length} letters of state, ${engine.said().length} of messages`;
    },
  },
  {
    what: "a destroy is allowed step by step: deletionProtection off, up, destroy; what others use stays",
    run: async (engine) => {
      const open = withMain({ size: { vcpus: 4, memoryGib: 16 }, deletionProtection: false });
      const { ok, changes, shown } = await engine.up(open);
      assert.ok(ok, shown);
      none(changes, "create", "replace", "delete");
      const destroyed = await engine.destroy();
      assert.ok(destroyed.ok, destroyed.shown);
      const left = Object.keys(engine.world.things).map((key) => key.split("::")[2]?.split("$").at(-1));
      assert.deepEqual(left.sort(), [
        "gcp:compute/globalAddress:GlobalAddress",
        "gcp:servicenetworking/connection:Connection",
        "kubernetes:core/v1:Namespace",
      ]);
      return `${shownOf(changes)}; then ${shownOf(destroyed.changes)}`;
    },
  },
];
