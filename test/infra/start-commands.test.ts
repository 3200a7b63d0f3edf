import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { local } from "../../constructs/local/target";
import type { JsonObject } from "../../constructs/model/json";
import { resolve } from "../../constructs/model/resolve";
import { wirePlatforms } from "../../constructs/model/wire";
import { platforms } from "../../constructs/platforms/registry";
import { typed } from "../../infra/command-line";
import type { InstructionsSource } from "../../infra/instructions";
import { toStartCommands } from "../../infra/local/start-commands";
import { toPlatformFiles } from "../../infra/output";

const HERE = { output: "out/local", python: ".venv" };
const ACKNOWLEDGED = { "kubeflow-pipelines-is-for-development": "a test of the commands" };

function wired(name: keyof typeof platforms, settings: JsonObject = {}) {
  const spec = { name: "test", acknowledge: ACKNOWLEDGED, instances: { main: {} }, platforms: { [name]: settings } };
  const environment = resolve(spec as never, { target: local, platforms });
  const its = wirePlatforms(environment, platforms, () => ({ host: "localhost", port: 54320, sidecar: null }))[name];
  if (its === undefined) throw new TypeError(`${name} was not wired`);
  return its;
}

const commands = (name: keyof typeof platforms, settings: JsonObject = {}, directories = HERE) =>
  toStartCommands(name, wired(name, settings).wiring, directories);

describe("the commands that start a platform on this machine", () => {
  it("install MLflow with its driver, and Prefect with a FastAPI that it can use, each in the version of the verified image", () => {
    expect(commands("mlflow")).toEqual([
      "python3 -m venv .venv/mlflow",
      ".venv/mlflow/bin/pip install mlflow==3.15.1 psycopg2-binary==2.9.13",
      "env $(cat out/local/mlflow/platform.env) .venv/mlflow/bin/mlflow server",
    ]);
    expect(commands("prefect")).toEqual([
      "python3 -m venv .venv/prefect",
      ".venv/prefect/bin/pip install prefect==3.8.3 fastapi==0.139.0",
      "env $(cat out/local/prefect/platform.env) .venv/prefect/bin/prefect server start",
    ]);
    expect(wired("mlflow").wiring.migrate[0]?.image).toBe("burakince/mlflow:3.15.1");
    expect(wired("prefect").wiring.migrate[0]?.image).toBe("prefecthq/prefect:3.8.3-python3.11");
  });

  it("run what is not on PyPI from its image, which finds the CA where platform.env names it", () => {
    expect(commands("skillflaw")).toEqual([
      "docker run --rm --network host --env-file out/local/skillflaw/platform.env \\",
      '    --volume "$(pwd -P)/out/local:$(pwd -P)/out/local:ro" ghcr.io/cwinux/skillflaw_backend:latest',
    ]);
    expect(commands("skillflaw", { images: { skillflaw: "registry.example/skillflaw:1" } })[1]).toBe(
      '    --volume "$(pwd -P)/out/local:$(pwd -P)/out/local:ro" registry.example/skillflaw:1',
    );
  });

  it("name files below the current directory relatively, and others by their absolute paths", () => {
    expect(typed(join(process.cwd(), "out", "local"))).toBe("out/local");
    expect(typed("/srv/out/local")).toBe("/srv/out/local");
    const elsewhere = { output: "/srv/out/local", python: "/srv/.venv" };
    expect(commands("mlflow", {}, elsewhere)[2]).toBe("env $(cat /srv/out/local/mlflow/platform.env) /srv/.venv/mlflow/bin/mlflow server");
    expect(commands("skillflaw", {}, elsewhere)[1]).toContain('--volume "/srv/out/local:/srv/out/local:ro" ');
  });

  it("are none where a platform needs more than a database to start", () => {
    expect(commands("flyte")).toEqual([]);
    expect(commands("kubeflow-pipelines", { images: { "api-server": "r.example/a:1", "cache-server": "r.example/c:1" } })).toEqual([]);
  });

  it("stand in README.txt where the database is here, and nowhere else", () => {
    const from = { objects: [], secretFile: "secret.yaml", caution: null };
    const readme = (start: InstructionsSource["start"]) =>
      toPlatformFiles("mlflow", wired("mlflow"), { ...from, start }).find(({ path }) => path === "mlflow/README.txt")?.content;
    const lines = commands("mlflow").map((line) => `  ${line}`);
    expect(readme({ directory: "/srv/checkout", commands: commands("mlflow") })).toContain(
      `\nOn this machine, in /srv/checkout:\n\n${lines.join("\n")}\n\nIn a cluster, in the directory of this file:\n`,
    );
    expect(readme(undefined)).not.toContain("On this machine");
  });
});
