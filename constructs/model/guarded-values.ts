import { violation } from "./errors";
import type { Report, Settings } from "./fields";
import { type CommonFields, type Guard, type Platform, THE_CONNECTION } from "./platform";
import type { Topology } from "./target";
import { collision, leafPaths } from "./values";
import { placeholderWiring } from "./wire";

/** The user's values win, except over the wiring: what `wire` writes is guarded, and what the platform names besides. */
export function checkValues(name: string, platform: Platform, settings: Settings<CommonFields>, topology: Topology, report: Report): void {
  const path = `platforms.${name}.values`;
  const userPaths = leafPaths(settings.values);
  if (userPaths.length === 0) return;
  const { release } = placeholderWiring(platform, settings, topology);
  if (release.kind !== "helm") {
    report(violation(path, `must be empty, ${platform.title} has no Helm chart`, settings.values, "patch the rendered files instead"));
    return;
  }
  const named = platform.guarded(settings);
  const guarded = [...leafPaths(release.values), ...Object.keys(named)];
  const told: string[] = [];
  for (const userPath of userPaths) {
    const variable = guardOfVariable(userPath, platform);
    if (variable === null && collision(userPath, guarded) === null) continue;
    // A variable is told once, not again for its value.
    if (told.some((above) => userPath.startsWith(`${above}.`))) continue;
    told.push(userPath);
    const remedy = toRemedy(nearestGuard(userPath, named) ?? variable ?? THE_CONNECTION, name);
    report({ path: `${path}.${userPath}`, rule: "is set by the wiring", got: null, remedy });
  }
}

function guardOfVariable(path: string, { guardedVariables }: Platform): Guard | null {
  const variables = variablesOf(path).map((variable) => variable.toUpperCase());
  const found = Object.entries(guardedVariables).find(([beginning]) => variables.some((variable) => variable.startsWith(beginning)));
  return found?.[1] ?? null;
}

/** The process variables in a path: `A` of `x.env[A].value` and of any other list, `B_C` of `extraEnvVars.B_C`; some programs read them in any case. */
const variablesOf = (path: string): readonly string[] =>
  [...path.matchAll(/(?<=[Ee]nv[A-Za-z]*[.[])[A-Za-z_]\w*|(?<=\[)[A-Z][A-Z0-9_]*(?=[.\]])/g)].map(([variable]) => variable);

/** What the platform says of the guarded path that is nearest to the user's: the same or above it, else the first below. */
function nearestGuard(userPath: string, guarded: Readonly<Record<string, Guard>>): Guard | null {
  const touched = Object.keys(guarded).filter((own) => collision(userPath, [own]) !== null);
  const above = touched.filter((own) => own.length <= userPath.length).sort((a, b) => b.length - a.length);
  return guarded[above[0] ?? touched[0] ?? ""] ?? null;
}

const toRemedy = (guard: Guard, name: string): string =>
  "setting" in guard ? `use platforms.${name}.${guard.setting}` : `remove it, ${guard.because}`;
