import { register } from "tsx/cjs/api";
import { afterAll, describe, expect, it } from "vitest";
import { aws } from "../../constructs/aws/target";
import { gcp } from "../../constructs/gcp/target";
import { local } from "../../constructs/local/target";
import { checkExamples } from "../../constructs/model/team-examples";
import { wirePlatforms } from "../../constructs/model/wire";
import { platforms } from "../../constructs/platforms/registry";
import { environmentNames, environmentsOn, loadEnvironment, type ProjectEnvironment, teamRules } from "../../infra/load";

// The loader requires TypeScript, as it does in commands.
afterAll(register());

const names = environmentNames();

/** The only test that looks at the environments of this checkout: they are its user's, so there may be any, or none. */
describe("the environments of this checkout", () => {
  it("are valid, and their platforms can be wired, on each cloud whose section they have and on this machine", () => {
    const problems: string[] = [];
    const load = (name: string, target: typeof local | typeof aws | typeof gcp): ProjectEnvironment | null => {
      try {
        const environment = loadEnvironment(name, target as typeof local);
        wirePlatforms(environment, platforms, () => ({ host: "db.example.internal", port: 5432, sidecar: null }));
        return environment;
      } catch (error) {
        problems.push(`environment ${name} on ${target.name}: ${error instanceof Error ? error.message : String(error)}`);
        return null;
      }
    };
    const clouds = [aws, gcp].map((target) => ({ target, having: names.length === 0 ? [] : environmentsOn(target.name) }));
    for (const name of names) {
      const environments = clouds.filter(({ having }) => having.includes(name)).map(({ target }) => load(name, target));
      // An existing database of a cloud is described in that cloud's words, which mean nothing on this machine.
      if (!environments.some(hasExisting)) load(name, local);
    }
    expect(problems).toEqual([]);
  });

  it("have rules of their team, if any, that find what their examples say", () => {
    expect(checkExamples(teamRules(), { targets: [aws, gcp, local], platforms })).toEqual([]);
  });
});

const hasExisting = (environment: ProjectEnvironment | null): boolean =>
  Object.values(environment?.instances ?? {}).some(({ settings }) => settings.existing !== null);
