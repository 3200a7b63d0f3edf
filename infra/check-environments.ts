import { aws } from "../constructs/aws/target";
import { gcp } from "../constructs/gcp/target";
import { local } from "../constructs/local/target";
import { UserError } from "../constructs/model/errors";
import { checkExamples } from "../constructs/model/team-examples";
import { wirePlatforms } from "../constructs/model/wire";
import { platforms } from "../constructs/platforms/registry";
import { environmentNames, environmentsOn, loadEnvironment, type ProjectEnvironment, teamRules } from "./load";

/** Returns problems of the project's environments, on this machine and on each cloud whose section they have, and of its team's rules. */
export function checkEnvironments(): readonly string[] {
  const problems: string[] = [];
  const tryLoad = (name: string, target: typeof local | typeof aws | typeof gcp): ProjectEnvironment | null => {
    try {
      const environment = loadEnvironment(name, target as typeof local);
      wirePlatforms(environment, platforms, () => ({ host: "db.example.internal", port: 5432, sidecar: null }));
      return environment;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push(`environment ${name} on ${target.name}: ${error.message}`);
      return null;
    }
  };
  const names = environmentNames();
  const clouds = [aws, gcp].map((target) => ({ target, having: names.length === 0 ? [] : environmentsOn(target.name) }));
  for (const name of names) {
    const environments = clouds.filter(({ having }) => having.includes(name)).map(({ target }) => tryLoad(name, target));
    // The description of an existing database on a cloud has no meaning on this machine.
    if (!environments.some(hasExisting)) tryLoad(name, local);
  }
  return [...problems, ...checkExamples(teamRules(), { targets: [aws, gcp, local], platforms })];
}

const hasExisting = (environment: ProjectEnvironment | null): boolean =>
  Object.values(environment?.instances ?? {}).some(({ settings }) => settings.existing !== null);
