import { App, Stack, Stage } from "aws-cdk-lib";
import { describe, expect, it } from "vitest";
import { context } from "../../cdk.json";
import { PostgresEnvironment } from "../../constructs/aws/environment";
import { isStateful } from "../../infra/aws/replacing";
import type { Template } from "../../infra/aws/templates";
import { minimalAws, NETWORK, productionAws } from "../fixtures/aws";
import { templatesOf } from "../fixtures/templates";

const spec = {
  name: "team",
  aws: { region: "eu-central-1", network: NETWORK },
  instances: { main: {} },
  platforms: { mlflow: {} },
} as const;

/** Only templates are read; the CDK's switches are this project's. */
const CONTEXT = { ...context, "aws:cdk:disable-asset-staging": true };
const made = (scope: App | Stage, its: unknown = spec) => new PostgresEnvironment(scope, "Postgres", { spec: its as typeof spec });
const namesOf = (app: App) =>
  app
    .synth()
    .stacks.map(({ stackName }) => stackName)
    .sort();

const countTypes = ({ Resources }: Template): Readonly<Record<string, number>> => {
  const types = Object.values(Resources).map(({ Type }) => Type);
  return Object.fromEntries([...new Set(types)].sort().map((type) => [type, types.filter((each) => each === type).length]));
};

const keptIn = ({ Resources }: Template) => Object.keys(Resources).filter((id) => isStateful(Resources[id]?.Type ?? ""));

describe("an environment in an app of one's own", () => {
  it("makes the stacks that this project's own app makes, but for the commands in their outputs", () => {
    for (const each of [minimalAws, productionAws]) {
      const app = new App({ context: CONTEXT });
      const { stacks } = new PostgresEnvironment(app, "Postgres", { spec: each as typeof spec });
      const ours = templatesOf(each);
      const parts = Object.entries(stacks).flatMap(([part, stack]) => (stack === null ? [] : [[part, stack] as const]));
      expect(parts.map(([part]) => part).sort()).toEqual(
        Object.keys(ours)
          .filter((part) => !part.includes("--"))
          .sort(),
      );
      const assembly = app.synth();
      for (const [part, stack] of parts) {
        const its = assembly.getStackByName(stack.stackName).template as Template;
        expect(countTypes(its)).toEqual(countTypes(ours[part as keyof typeof ours]));
        // What must never be made anew has the same ids.
        expect(keptIn(its)).toEqual(keptIn(ours[part as keyof typeof ours]));
      }
    }
  });

  it("stands in a stage, too, and beside other environments", () => {
    const app = new App({ context: CONTEXT });
    made(app);
    new PostgresEnvironment(app, "Other", { spec: { ...spec, name: "other" } });
    made(new Stage(app, "Production"), { ...spec, name: "production" });
    expect(namesOf(app)).toEqual(
      ["other", "team"].flatMap((name) => ["access", "database", "guard"].map((part) => `postgres-${name}-${part}`)),
    );
    const [stage] = app.synth().nestedAssemblies;
    expect(stage?.nestedAssembly.stacks.map(({ stackName }) => stackName)).toContain("postgres-production-database");
  });

  it("gives other stacks of the app its servers and platforms", () => {
    const app = new App({ context: CONTEXT });
    const { instances, platforms, environment } = made(app);
    expect(Object.keys(instances)).toEqual(["main"]);
    expect(Object.keys(platforms)).toEqual(["mlflow"]);
    expect(environment.instances.main?.maxConnections).toBeGreaterThan(100);
  });

  it("says all that is wrong at once, and that a stack contains no stacks", () => {
    const app = new App();
    const wrong = { ...spec, instances: { main: { storageGib: 5, backupRetentionDays: 99 } } };
    expect(() => made(app, wrong)).toThrow(/storageGib: .*\n.*backupRetentionDays: /);
    expect(() => made(new Stack(app, "Mine") as unknown as App)).toThrow(
      "Postgres: creates stacks, so it cannot be in the stack Mine; create it in the app or a stage",
    );
  });

  it("refuses misspelt keys when it is compiled", () => {
    // @ts-expect-error: there is no such setting.
    const wrong = () => new PostgresEnvironment(new App(), "Postgres", { spec: { ...spec, instances: { main: { storageGb: 50 } } } });
    expect(wrong).toThrow('instances.main.storageGb: unknown key; did you mean "storageGib"?');
  });
});
