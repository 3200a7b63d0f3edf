import { UserError } from "../../constructs/model/errors";
import { wirePlatforms } from "../../constructs/model/wire";
import { platforms } from "../../constructs/platforms/registry";
import type { Check } from "../../constructs/provisioning/doctor";
import type { ProjectEnvironment } from "../load";
import { locate } from "./tenant";

/** Milliseconds that a platform may take to answer. */
const PATIENCE = 10_000;

/** A platform that runs, and where: `prefect=http://localhost:4200`. */
export interface Running {
  readonly platform: string;
  readonly url: URL;
}

/** @throws UserError where it is not `platform=URL` of a platform of the environment; a URL is not repeated, because it may hold a password. */
export function readRunning(written: string, environment: ProjectEnvironment): Running {
  const [, platform = "", url = ""] = /^([a-z0-9-]+)=(.*)$/.exec(written) ?? [];
  if (!/^https?:/.test(url) || !URL.canParse(url)) throw new UserError("--url takes platform=URL, such as prefect=http://localhost:4200");
  const parsed = new URL(url);
  if (parsed.username !== "" || parsed.password !== "")
    throw new UserError(`--url takes a URL without user name and password; write ${platform}=${parsed.origin}`);
  locate(environment, platform);
  return { platform, url: parsed };
}

/** Asks a running platform the way its own probes do. */
export async function checkHealth({ platform, url }: Running, environment: ProjectEnvironment): Promise<Check> {
  const health = wirePlatforms(environment, platforms, () => ({ host: "localhost", port: 5432, sidecar: null }))[platform]?.wiring.health;
  const path = health?.path ?? "/";
  // Without what may follow: a query may hold a token.
  const address = `${url.origin}${url.pathname.replace(/\/$/, "")}`;
  const promise = `answers GET ${path}${health?.asksDatabase === true ? ", which asks the database" : ""}`;
  try {
    const response = await fetch(`${address}${path}`, { signal: AbortSignal.timeout(PATIENCE) });
    return {
      subject: platform,
      promise,
      problem: response.ok ? null : `${address} answered ${response.status}; see the platform's own log`,
    };
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { readonly code?: string } };
    return { subject: platform, promise, problem: `${address} does not answer (${cause?.code ?? message}); is it running there?` };
  }
}
