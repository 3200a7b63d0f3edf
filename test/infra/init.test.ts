import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ProjectCopy } from "../gcp/engine/project";

const checkout = new ProjectCopy();
const PACKED = join(checkout.directory, "packed.tgz");
/** What npm finds before the real one: registries are out of reach of tests. */
const PROGRAMS = join(checkout.directory, "programs");
beforeAll(() => {
  cpSync(join(__dirname, "..", "..", "examples"), join(checkout.directory, "examples"), { recursive: true });
  writeFileSync(PACKED, "");
  mkdirSync(PROGRAMS);
});
afterAll(() => checkout.remove());

const newDirectory = () => mkdtempSync(join(checkout.directory, "project-"));
function write(directory: string, file: string, content: string | object): void {
  writeFileSync(join(directory, file), typeof content === "string" ? content : JSON.stringify(content));
}
const read = (directory: string, file: string): string => readFileSync(join(directory, file), "utf8");
const manifestOf = (directory: string) => JSON.parse(read(directory, "package.json")) as { scripts: object; engines: object };
const init = (directory: string, ...options: readonly string[]) => checkout.run("init", [directory, "--package", PACKED, ...options]);
const files = (directory: string, ...options: readonly string[]) => init(directory, "--no-install", ...options);

/** Runs it with another npm. */
function initWith(npm: string, directory: string, ...options: readonly string[]) {
  writeFileSync(join(PROGRAMS, "npm"), `#!/bin/sh\n${npm}\n`);
  chmodSync(join(PROGRAMS, "npm"), 0o755);
  const PATH = `${PROGRAMS}:${process.env.PATH}`;
  return checkout.run("init", [directory, "--package", PACKED, ...options], { PATH });
}

/** npm that puts the package into a directory; its program notes how it is called. */
const installing = (where: string) =>
  `mkdir -p ${where}/node_modules/platform-postgres/dist/infra; cd ${where}/node_modules/platform-postgres; echo '{}' > package.json
echo 'require("fs").appendFileSync("calls", process.argv.slice(2).join(" ") + "\\\\n"); require("fs").mkdirSync("environments/snapshots", { recursive: true })' > dist/infra/bin.js`;

describe("init in a repository that exists", () => {
  const directory = newDirectory();
  const MANIFEST = { name: "@acme/my-ml", scripts: { start: "vite", test: 'echo "Error: no test specified" && exit 1' } };
  let result: ReturnType<typeof init>;
  beforeAll(() => {
    write(directory, "package.json", MANIFEST);
    write(directory, ".gitignore", "dist/\n/node_modules\n*.log");
    write(directory, "README.md", "# mine\n");
    result = files(directory, "--cloud", "gcp");
  });

  it("adds to .gitignore what would commit passwords, and repeats nothing", () => {
    expect(read(directory, ".gitignore")).toBe(
      ["dist/", "/node_modules", "*.log", ".local/", "out/", "cdk.out/", "cdk-outputs.json", "outputs.json", ""].join("\n"),
    );
  });

  it("keeps its files and scripts, says so, and prints commands that work beside them", () => {
    expect(read(directory, "README.md")).toBe("# mine\n");
    expect(manifestOf(directory).scripts).toEqual({ start: "vite", test: "platform-postgres snapshot" });
    expect(result.stdout).toContain("kept the existing file README.md\n");
    expect(result.stdout).toContain("  npm install\n  npx platform-postgres start\n  npm test\n");
  });

  it("is called as its package, not as its directory", () => {
    expect(read(directory, "Pulumi.yaml")).toMatch(/^name: my-ml\n/);
  });
});

describe("init", () => {
  it("takes the versions of Node.js that the package takes", () => {
    const directory = newDirectory();
    files(join(directory, "pg"), "--cloud", "none");
    const { engines } = JSON.parse(read(checkout.directory, "package.json")) as { engines: object };
    expect(manifestOf(join(directory, "pg")).engines).toEqual(engines);
  });

  it("makes a project where only the package is installed, as a library", () => {
    const directory = newDirectory();
    write(directory, "package.json", { name: "lib", dependencies: { "platform-postgres": "^0.1.0" } });
    files(directory);
    expect(existsSync(join(directory, "environments", "local.ts"))).toBe(true);
  });

  it("says what to add to a workflow that does not know a new cloud", () => {
    const directory = join(newDirectory(), "pg");
    files(directory, "--cloud", "aws");
    expect(files(directory, "--cloud", "aws,gcp").stdout).toContain(
      "Add to the matrix of .github/workflows/plan.yaml: { environment: production-gcp, cloud: gcp }\n",
    );
  });

  it("reports a directory that cannot be written in a sentence", () => {
    const directory = newDirectory();
    write(directory, "file", "");
    const { status, stderr } = files(join(directory, "file"), "--cloud", "none");
    expect(stderr).toMatch(/^✖ the project cannot be written \(EEXIST: .*\); fix that, or choose another directory\n$/);
    expect(status).toBe(1);
  });
});

describe("init that installs", () => {
  it("ends by Ctrl-C with exit code 130, and says what to do", () => {
    const until = "for i in $(seq 300); do kill -0 $PPID || exit; sleep 0.1; done";
    const { status, stderr } = initWith(`kill -INT $PPID; ${until}`, join(newDirectory(), "pg"), "--cloud", "none");
    expect(stderr.split("\n").slice(1)).toEqual(["✖ stopped; run this command again to finish the project", ""]);
    expect(status).toBe(130);
  });

  it("takes the first snapshots in a second run, and later those of new environments only", () => {
    const directory = join(newDirectory(), "pg");
    expect(initWith("echo no network >&2; exit 1", directory, "--cloud", "aws").stderr).toContain("Its output:\nno network\n");
    initWith(installing("."), directory, "--cloud", "aws");
    expect(read(directory, "calls")).toBe("snapshot --update\n");
    rmSync(join(directory, "calls"));
    initWith(installing("."), directory, "--cloud", "gcp");
    expect(read(directory, "calls")).toBe("snapshot --update --environment production-gcp\n");
  });

  it("names the package where a workspace has it", () => {
    const directory = join(newDirectory(), "packages", "pg");
    expect(initWith(installing("../.."), directory, "--cloud", "aws,gcp").stderr).toContain("✔ packages installed");
    expect(read(directory, "cdk.json")).toContain('"app": "node ../../node_modules/platform-postgres/dist/infra/aws/app.js"');
    expect(read(directory, "Pulumi.yaml")).toContain("\nmain: index.cjs\n");
    expect(read(directory, "index.cjs")).toBe(
      'module.exports = require("../../node_modules/platform-postgres/dist/infra/gcp/index.js");\n',
    );
  });
});
