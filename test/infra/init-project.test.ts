import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { transformSync } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { aws } from "../../constructs/aws/target";
import { gcp } from "../../constructs/gcp/target";
import { local } from "../../constructs/local/target";
import { resolveUnknown } from "../../constructs/model/resolve";
import { platforms } from "../../constructs/platforms/registry";
import { CLOUDS } from "../../infra/spec";
import { InstalledPackage } from "../fixtures/installed";

const ROOT = resolve(__dirname, "..", "..");
const TSC = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");
const installed = new InstalledPackage();
afterAll(() => installed.remove());

const PLAN = ".github/workflows/plan.yaml";
const SUBNETS = "subnet-0a1b2c3d4e5f60711:eu-west-1a, subnet-0a1b2c3d4e5f60712:eu-west-1b";
const AWS = [
  "--aws-region=eu-west-1",
  "--aws-account=111122223333",
  "--aws-vpc=vpc-0a1b2c3d4e5f60718",
  `--aws-subnets=${SUBNETS}`,
] as const;
const GCP = [
  "--gcp-region=europe-west1",
  "--gcp-project=ours-123",
  "--gcp-project-number=210987654321",
  "--gcp-network=ml",
  "--gcp-cluster=training",
] as const;
const EVERY_PLATFORM = `--platforms=${Object.keys(platforms).join(",")}`;

/** Makes a project that there has to be, and lists its files. */
function make(name: string, ...options: readonly string[]): Readonly<Record<string, string>> {
  const { status, stderr } = installed.init(name, ...options);
  expect([status, status === 0 ? "" : stderr]).toEqual([0, ""]);
  return installed.filesOf(name);
}

interface Spec {
  readonly platforms: Readonly<Record<string, object>>;
  readonly aws?: object;
  readonly gcp?: object;
}

/** What an environment's file exports. */
function read(text = ""): Spec {
  const exported: { exports: { default?: Spec } } = { exports: {} };
  new Function("module", transformSync(text, { loader: "ts", format: "cjs" }).code)(exported);
  return exported.exports.default as Spec;
}

const manifestOf = (files: Readonly<Record<string, string>>) =>
  JSON.parse(files["package.json"] ?? "") as {
    readonly name: string;
    readonly scripts: Readonly<Record<string, string>>;
    readonly dependencies: Readonly<Record<string, string>>;
    readonly optionalDependencies: Readonly<Record<string, string>>;
  };

describe("init", () => {
  const both = make("both", "--cloud=aws,gcp", EVERY_PLATFORM, ...AWS, ...GCP);

  it("writes a project: environments, what deploys them, rules, workflows and a page", () => {
    expect(Object.keys(both).sort()).toEqual([
      PLAN,
      ".github/workflows/test.yaml",
      ".gitignore",
      "Pulumi.yaml",
      "README.md",
      "cdk.json",
      "environments/local.ts",
      "environments/production-aws.ts",
      "environments/production-gcp.ts",
      "package.json",
      "rules.ts",
      "tsconfig.json",
      "vendor/platform-postgres-0.1.0.tgz",
    ]);
    expect(Object.keys(make("none", "--cloud=none")).filter((file) => /cdk|Pulumi|plan|production/.test(file))).toEqual([]);
    expect(
      Object.keys(make("aws", "--cloud=aws"))
        .filter((file) => /cdk|Pulumi|plan|production/.test(file))
        .sort(),
    ).toEqual([PLAN, "cdk.json", "environments/production.ts"]);
  });

  it("writes every option into the environment that it is about", () => {
    const inProduction = Object.keys(platforms).filter((name) => name !== "kubeflow-pipelines");
    expect(Object.keys(read(both["environments/local.ts"]).platforms).sort()).toEqual(Object.keys(platforms).sort());
    const [onAws, onGcp] = ["aws", "gcp"].map((cloud) => read(both[`environments/production-${cloud}.ts`]));
    for (const spec of [onAws, onGcp]) expect(Object.keys(spec?.platforms ?? {}).sort()).toEqual(inProduction.sort());
    expect(onAws?.aws).toEqual({
      region: "eu-west-1",
      account: "111122223333",
      network: {
        vpc: "vpc-0a1b2c3d4e5f60718",
        privateSubnets: [
          { id: "subnet-0a1b2c3d4e5f60711", zone: "eu-west-1a" },
          { id: "subnet-0a1b2c3d4e5f60712", zone: "eu-west-1b" },
        ],
      },
    });
    expect(onGcp?.gcp).toEqual({
      region: "europe-west1",
      project: "ours-123",
      projectNumber: "210987654321",
      network: "ml",
      cluster: { name: "training", location: "europe-west1" },
    });
  });

  it("has defaults for what is left out, and examples for what only the user knows", () => {
    const files = make("defaults", "--cloud=aws,gcp");
    expect(read(files["environments/production-aws.ts"])).toMatchObject({ aws: { region: "eu-central-1" }, platforms: { mlflow: {} } });
    const { gcp: section } = read(files["environments/production-gcp.ts"]);
    expect(section).toMatchObject({ project: { example: expect.any(String) }, cluster: { name: { example: expect.any(String) } } });
    expect(files["environments/production-gcp.ts"]).toContain("Replace each { example: ... }");
    expect(files["environments/production-aws.ts"]).not.toContain("example:");
  });

  it("writes environments that resolve on their targets", () => {
    for (const name of ["both", "defaults"]) {
      const files = installed.filesOf(name);
      for (const [file, target] of Object.entries({ local, "production-aws": aws, "production-gcp": gcp })) {
        const spec = { ...read(files[`environments/${file}.ts`]), name: file };
        const environment = resolveUnknown(spec, { target: target as typeof local, platforms, sections: CLOUDS });
        expect(Object.keys(environment.instances.main?.tenants ?? {}).sort()).toEqual(Object.keys(spec.platforms).sort());
      }
    }
  });

  it("writes files that compile in an editor", () => {
    const project = join(installed.folder, "both", "tsconfig.checkout.json");
    const paths = { "platform-postgres/spec": [join(ROOT, "infra", "spec.ts")], "platform-postgres/*": [join(ROOT, "constructs", "*")] };
    const compilerOptions = { paths, lib: ["ES2023"], types: ["node"], typeRoots: [join(ROOT, "node_modules", "@types")] };
    writeFileSync(project, JSON.stringify({ extends: "./tsconfig.json", compilerOptions }));
    const { stdout } = spawnSync(process.execPath, [TSC, "--project", project], { encoding: "utf8" });
    expect(stdout).toBe("");
    const file = join(installed.folder, "both", "environments", "local.ts");
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace("highAvailability", "highAvailable"));
    expect(spawnSync(process.execPath, [TSC, "--project", project], { encoding: "utf8" }).stdout).toContain("highAvailable");
    writeFileSync(file, text);
  });

  it("plans each environment on its cloud in a pull request, by the package's command", () => {
    const { strategy } = (parse(both[PLAN] ?? "") as { jobs: { plan: { strategy: { matrix: object } } } }).jobs.plan;
    expect(strategy.matrix).toEqual({
      include: [
        { environment: "production-aws", cloud: "aws" },
        { environment: "production-gcp", cloud: "gcp" },
      ],
    });
    for (const workflow of [PLAN, ".github/workflows/test.yaml"])
      expect(both[workflow]).not.toMatch(/infra\/environments|npm run|Copy this file/);
    expect(both[PLAN]).toContain("npx platform-postgres plan --environment");
    expect(parse(both[".github/workflows/test.yaml"] ?? "")).toMatchObject({ jobs: { test: {} } });
  });

  it("names the packages of its clouds only, and PostgreSQL of one version", () => {
    const [none, onAws, onBoth] = ["none", "aws", "both"].map((name) => manifestOf(installed.filesOf(name)));
    expect(none?.dependencies).toEqual({ "platform-postgres": "file:vendor/platform-postgres-0.1.0.tgz", tsx: expect.any(String) });
    expect(Object.keys(onAws?.dependencies ?? {})).toEqual(expect.arrayContaining(["aws-cdk", "aws-cdk-lib", "constructs"]));
    expect(JSON.stringify(onAws)).not.toMatch(/pulumi|google/);
    expect(Object.keys(onBoth?.dependencies ?? {})).toEqual(expect.arrayContaining(["aws-cdk-lib", "@pulumi/gcp"]));
    const versions = Object.keys(none?.optionalDependencies ?? {}).map((name) => name.split("/")[0]);
    expect([...new Set(versions)]).toHaveLength(1);
  });
});

describe("init refuses, and writes nothing:", () => {
  const before = () => installed.filesOf("refused");
  const cases: readonly (readonly [what: string, options: readonly string[], message: string])[] = [
    ["an unknown cloud", ["--cloud=asw"], '--cloud: there is no asw; did you mean "aws"?'],
    ["an unknown platform", ["--cloud=none", "--platforms=mlflo,airflow"], '--platforms: there is no mlflo; did you mean "mlflow"?'],
    ["an option of a cloud that is not chosen", ["--cloud=aws", "--gcp-project=ours"], "--gcp-project: requires gcp; add --cloud aws,gcp"],
    ["a subnet without its zone", ["--cloud=aws", AWS[2], "--aws-subnets=subnet-1"], "--aws-subnets: must be IDs with their zones"],
    ["subnets without a VPC", ["--cloud=aws", AWS[3]], "--aws-subnets: must belong to an existing VPC; add --aws-vpc"],
    [
      "a VPC with a single subnet",
      ["--cloud=aws", AWS[2], "--aws-subnets=subnet-0a1b2c3d4e5f60711:eu-west-1a"],
      "aws.network.privateSubnets",
    ],
    ["an unknown region", ["--cloud=aws", "--aws-region=eu-centrla-1"], "aws.region"],
    ["an invalid account", ["--cloud=aws", "--aws-account=12"], "aws.account"],
    ["an invalid project", ["--cloud=gcp", "--gcp-project=A"], "gcp.project"],
    ["an unknown option", ["--cloud=none", "--aws-vcp", "vpc-1"], "(Did you mean --aws-vpc?)"],
    ["a missing package", ["--cloud=none", "--package=none.tgz"], "there is no file "],
    ["a package that npm would reject", ["--cloud=none", "--package=package.json"], "--package: must be a .tgz file from npm pack"],
  ];
  it.each(cases)("%s", (_, options, message) => {
    installed.write(".", "package.json", "{}");
    const { status, stdout, stderr } = installed.init("refused", ...options);
    expect([status, stdout, before()]).toEqual([1, "", {}]);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it("all problems at once", () => {
    const { stderr } = installed.init("refused", "--cloud=awss", "--platforms=mlflo", "--gcp-project=ours", "--aws-subnets=a");
    expect(stderr.match(/--\w[\w-]*:/g)).toEqual([
      "--cloud:",
      "--platforms:",
      "--aws-subnets:",
      "--aws-subnets:",
      "--gcp-project:",
      "--aws-subnets:",
    ]);
  });

  it.each(["My-Project", "-x", "a b", "ü"])("%s, which npm rejects as a name", (name) => {
    const { status, stderr } = installed.run(installed.folder, "init", "--no-install", "--cloud=none", "--", name);
    expect([status, installed.filesOf(name)]).toEqual([1, {}]);
    expect(stderr).toContain("must be a valid package name");
  });

  it("a directory whose package.json is broken", () => {
    installed.write("broken", "package.json", "{");
    expect(installed.init("broken", "--cloud=none")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("is not a valid package.json"),
    });
    expect(installed.filesOf("broken")).toEqual({ "package.json": "{" });
  });
});

describe("init in a directory with files", () => {
  it("keeps all of them, and the packages of its package.json", () => {
    const own = { "README.md": "mine", "rules.ts": "export default [];", "environments/local.ts": "export default {};" };
    for (const [path, text] of Object.entries(own)) installed.write("taken", path, text);
    installed.write("taken", "package.json", JSON.stringify({ name: "@me/app", dependencies: { left: "1.0.0" } }));
    const files = make("taken", "--cloud=gcp");
    expect(files).toMatchObject(own);
    const dependencies = { left: "1.0.0", "platform-postgres": expect.any(String), "@pulumi/gcp": expect.any(String) };
    expect(manifestOf(files)).toMatchObject({ name: "@me/app", dependencies });
  });
});

describe("init in a project", () => {
  /** A project on AWS that its user has changed. */
  function changed(name: string): Readonly<Record<string, string>> {
    const files = make(name, "--cloud=aws");
    for (const path of ["README.md", ".gitignore", PLAN, "environments/production.ts", "rules.ts"])
      installed.write(name, path, `${files[path]}\n// mine\n`);
    const manifest = manifestOf(files);
    const old = { ...manifest.dependencies, "aws-cdk-lib": "2.250.0", left: "1.0.0" };
    const mine = { ...manifest, version: "3.0.0", scripts: { ...manifest.scripts, mine: "echo", test: "mine" }, dependencies: old };
    installed.write(name, "package.json", JSON.stringify(mine));
    return installed.filesOf(name);
  }
  const without = ({ "package.json": _, ...files }: Readonly<Record<string, string>>) => files;
  const within = (name: string, ...options: readonly string[]) =>
    installed.run(join(installed.folder, name), "init", ".", "--no-install", ...options);

  it("changes nothing but the versions of packages", () => {
    const before = changed("same");
    expect(within("same")).toMatchObject({ status: 0, stderr: expect.stringContaining("0 files and package.json written") });
    const after = installed.filesOf("same");
    expect(without(after)).toEqual(without(before));
    const { dependencies, ...rest } = manifestOf(after);
    const { dependencies: old, ...mine } = manifestOf(before);
    expect(rest).toEqual(mine);
    expect(dependencies).toEqual({ ...old, "aws-cdk-lib": manifestOf(installed.filesOf("both")).dependencies["aws-cdk-lib"] });
  });

  it("adds a cloud, and changes none of the user's files", () => {
    const before = changed("grown");
    const { status } = within("grown", "--cloud=gcp", "--platforms=prefect", ...GCP);
    const after = installed.filesOf("grown");
    expect(status).toBe(0);
    expect(without(after)).toEqual({
      ...without(before),
      "Pulumi.yaml": expect.stringMatching(/^name: grown\n/),
      "environments/production-gcp.ts": expect.any(String),
    });
    expect(read(after["environments/production-gcp.ts"])).toMatchObject({ gcp: { project: "ours-123" }, platforms: { prefect: {} } });
    expect(manifestOf(after)).toMatchObject({ scripts: { mine: "echo", test: "mine" }, dependencies: { left: "1.0.0" } });
    expect(Object.keys(manifestOf(after).dependencies)).toEqual(expect.arrayContaining(["aws-cdk-lib", "@pulumi/gcp"]));
  });

  it("plans its first cloud in a project of this machine", () => {
    make("first", "--cloud=none");
    const { stdout } = within("first", "--cloud=aws");
    expect(installed.filesOf("first")[PLAN]).toContain("- { environment: production, cloud: aws }");
    expect(stdout).not.toContain("Add to the matrix");
  });

  it("takes a newer package, and another content by the name of the one before", () => {
    make("upgraded", "--cloud=none");
    const own = () => manifestOf(installed.filesOf("upgraded")).dependencies["platform-postgres"];
    within("upgraded", `--package=${installed.pack("newer", "platform-postgres-0.2.0.tgz")}`);
    expect(own()).toBe("file:vendor/platform-postgres-0.2.0.tgz");
    within("upgraded", `--package=${installed.pack("rebuilt", "platform-postgres-0.2.0.tgz")}`);
    expect(own()).toMatch(/^file:vendor\/platform-postgres-0\.2\.0-[0-9a-f]{8}\.tgz$/);
    expect(installed.filesOf("upgraded")[(own() ?? "").replace("file:", "")]).toBe("rebuilt");
  });
});
