import type { GcpEnvironment } from "../../constructs/gcp/parts/gcp-environment";
import { gcp } from "../../constructs/gcp/target";
import { loadEnvironment } from "../load";

/** Loads an environment for Google Cloud. @throws UserError, SpecError */
export const loadGcpEnvironment = (name: string): GcpEnvironment => loadEnvironment(name, gcp);
