import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { local } from "../constructs/local/target";
import { mapValues } from "../constructs/model/json";
import { resolveUnknown } from "../constructs/model/resolve";
import { wirePlatforms } from "../constructs/model/wire";
import { platforms } from "../constructs/platforms/registry";
import aws from "../examples/environments/aws";
import existing from "../examples/environments/existing";
import googleCloud from "../examples/environments/google-cloud";
import onThisMachine from "../examples/environments/local";
import teams from "../examples/environments/teams";
import { planAws } from "../infra/aws/plan";
import { readDataFile } from "../infra/data-files";
import { planGcp } from "../infra/gcp/plan";
import { CLOUDS, type EnvironmentSpec, type NamedSpec } from "../infra/spec";
import { resolveAws } from "./fixtures/aws";
import { filesBelow, remove, temporary } from "./fixtures/cli";
import { resolveGcp } from "./fixtures/gcp";
import { ProjectCopy } from "./gcp/engine/project";

const FOLDER = join(__dirname, "..", "examples", "environments");

const small = readDataFile("small.yaml", join(FOLDER, "small.yaml")) as EnvironmentSpec;

/** Complete environments, with the names that their files give them. */
const specs = mapValues(
  { aws, existing, "google-cloud": googleCloud, local: onThisMachine, small, teams } satisfies Readonly<Record<string, EnvironmentSpec>>,
  (spec, name): NamedSpec => ({ ...spec, name }),
);

const planOn = {
  aws: (spec: NamedSpec) => planAws(resolveAws(spec), null),
  gcp: (spec: NamedSpec) => planGcp(resolveGcp(spec), null),
};
const onClouds = Object.values(specs).flatMap((spec) =>
  CLOUDS.filter((target) => spec[target] !== undefined).map((target) => ({ name: spec.name, target, spec })),
);
/** A cloud's database that exists is not on this machine. */
const onThisMachineToo = Object.values(specs).filter(({ instances }) =>
  Object.values(instances).every((each) => each.existing === undefined),
);

/** A double of what each cloud's deployment prints. */
const printed: Readonly<Record<(typeof CLOUDS)[number], (spec: NamedSpec) => object>> = {
  aws: ({ name, instances, platforms }) => ({
    [`postgres-${name}-access`]: {
      Instances: JSON.stringify(mapValues(instances, () => ({ host: "db.example.internal", port: 5432, masterSecret: "arn:master" }))),
      Platforms: JSON.stringify(mapValues(platforms, () => ({ secretArn: "arn:platform", readerRoleArn: null }))),
    },
  }),
  gcp: ({ name, instances, platforms }) => ({
    environment: name,
    instances: mapValues(instances, () => ({
      host: "db.example.internal",
      port: 5432,
      masterSecret: "projects/my-project/secrets/master",
      ca: "of the instance",
      connectionName: "my-project:europe-west4:main",
    })),
    platforms: mapValues(platforms, () => ({ secret: "projects/my-project/secrets/platform" })),
    next: "",
  }),
};

/** Files of every platform for a cluster. */
const FILES = ["manifests.yaml", "external-secret.yaml", "README.txt"];
const isApplication = (settings: object = {}): boolean => "platform" in settings && settings.platform === "application";

interface Summary {
  readonly platforms: Readonly<Record<string, { readonly title: string; readonly databases: readonly string[]; readonly login: string }>>;
}

describe("an example of an environment", () => {
  const project = new ProjectCopy(FOLDER);
  afterAll(() => project.remove());

  it("is looked at here", () => {
    expect(readdirSync(FOLDER).sort()).toEqual(Object.keys(specs).map((name) => `${name}.${name === "small" ? "yaml" : "ts"}`));
  });

  it.each(onThisMachineToo)("$name is valid on this machine, and its platforms can be wired", (spec) => {
    const environment = resolveUnknown(spec, { target: local, platforms, sections: CLOUDS });
    const wired = wirePlatforms(environment, platforms, () => ({ host: "localhost", port: 54320, sidecar: null }));
    expect(Object.keys(wired).sort()).toEqual(Object.keys(spec.platforms).sort());
  });

  it.each(onClouds)("$name can be planned on $target, and reports its placeholders", async ({ target, spec }) => {
    const { changes, examples } = await planOn[target](spec);
    expect(changes).toEqual([]);
    expect(examples.length).toBeGreaterThan(0);
  });

  it.each(onClouds)("$name, copied to infra/environments, is rendered for $target", ({ name, target, spec }) => {
    const outputs = join(project.directory, `${name}-outputs.json`);
    writeFileSync(outputs, JSON.stringify(printed[target](spec)));
    const { status, stdout, stderr } = project.run("render", ["--environment", name, "--cloud", target, "--outputs", outputs]);
    const directory = join("out", `${name}-${target}`);
    expect([status, stdout, stderr]).toEqual([0, expect.stringContaining(`files in ${directory}; start with`), ""]);
    const files = filesBelow(join(project.directory, directory)).map((file) => relative(join(project.directory, directory), file));
    const each = Object.entries(spec.platforms).flatMap(([platform, settings]) =>
      [...FILES, isApplication(settings) ? "deployment-patch.yaml" : "values.yaml"].map((file) => join(platform, file)),
    );
    expect(files).toEqual(expect.arrayContaining(each));
  });

  it("teams starts on this machine: several of one platform, and applications", () => {
    const machine = temporary();
    const variables = { PLATFORM_POSTGRES_DIRECTORY: machine };
    const { status, stdout, stderr } = project.run("start", ["--environment", "teams", "--once"], variables);
    expect([status, stdout], stderr).toEqual([0, expect.stringMatching(/✔ \d+ checks passed/)]);
    const output = join(machine, "out", "teams");
    const summary = JSON.parse(readFileSync(join(output, "summary.json"), "utf8")) as Summary;
    expect(mapValues(summary.platforms, ({ title, databases, login }) => [title, login, ...databases])).toEqual({
      mlflow: ["MLflow", "mlflow_a", "mlflow"],
      "mlflow-research": ["MLflow mlflow-research", "mlflow_research_a", "mlflow_research"],
      grafana: ["Application grafana", "grafana_a", "grafana"],
      "feature-store": ["Application feature-store", "feature_store_a", "features", "feature_store_events"],
    });
    expect(readdirSync(join(output, "feature-store")).sort()).toEqual([
      "README.txt",
      "deployment-patch.yaml",
      "manifests.yaml",
      "platform.env",
      "secret.yaml",
    ]);
    remove(machine, "teams");
  });
});
