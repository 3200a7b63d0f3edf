import { UserError } from "../../constructs/model/errors";
import { suggest } from "../../constructs/model/suggest";
import { wirePlatforms } from "../../constructs/model/wire";
import { platforms } from "../../constructs/platforms/registry";
import type { Check } from "../../constructs/provisioning/doctor";
import type { ProjectEnvironment } from "../load";

/** Milliseconds that a platform may take to answer. */
const PATIENCE = 10_000;

/** A platform that runs, and where: `prefect=http://localhost:4200`. */
export interface Running {
  readonly platform: string;
  readonly url: string;
}

/** @throws UserError where it is not `platform=URL` of a platform of the environment. */
export function readRunning(written: string, environment: ProjectEnvironment): Running {
  const [, platform = "", url = ""] = /^([^=]+)=(.*)$/.exec(written) ?? [];
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new UserError(`--url takes platform=URL, such as prefect=http://localhost:4200; got ${written}`);
  if (!Object.hasOwn(environment.platforms, platform))
    throw new UserError(
      `environment ${environment.name} has no platform ${platform}; ${suggest(platform, Object.keys(environment.platforms))}`,
    );
  return { platform, url };
}

/** Asks a running platform the way its own probes do. */
export async function checkHealth({ platform, url }: Running, environment: ProjectEnvironment): Promise<Check> {
  const health = wirePlatforms(environment, platforms, () => ({ host: "localhost", port: 5432, sidecar: null }))[platform]?.wiring.health;
  const path = health?.path ?? "/";
  const promise = `answers GET ${path}${health?.asksDatabase === true ? ", which asks the database" : ""}`;
  try {
    const response = await fetch(new URL(`.${path}`, url.endsWith("/") ? url : `${url}/`), { signal: AbortSignal.timeout(PATIENCE) });
    return { subject: platform, promise, problem: response.ok ? null : `${url} answered ${response.status}; see the platform's own log` };
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { readonly code?: string } };
    return { subject: platform, promise, problem: `${url} does not answer (${cause?.code ?? message}); is it running there?` };
  }
}
