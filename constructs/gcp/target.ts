import { ownEntry } from "../model/json";
import { defineTarget, type Placement, type Target, type Topology } from "../model/target";
import { gcpDiskRules } from "./disk-rules";
import { gcpLimitRules } from "./limit-rules";
import { gcpOwnInstanceRules } from "./own-instance-rules";
import { gcpParameterRules, gcpParameterWholeRules } from "./parameter-rules";
import { gcpPlaceRules } from "./place-rules";
import { gcpRules } from "./rules";
import { GCP_ELSEWHERE, gcpFields } from "./section";
import { gcpWholeRules } from "./section-rules";
import { connectionsOf } from "./tiers";
import { verification } from "./verification";
import { gcpVersionRules } from "./version-rules";

/** For superusers (PostgreSQL's three, and Cloud SQL's own agents), provisioning, rotation, `doctor`, and a person at a prompt. */
const RESERVED_CONNECTIONS = 15;

const NO_CONNECTOR = {
  rule: "needs a Cloud SQL instance, which the Auth Proxy connects to",
  remedy: 'use "direct", or write its connection name into gcp.existingConnections',
};

const PLAIN_TEXT_HOP = {
  rule: "sends passwords and data in plain text from each pod to the proxy's pods within the cluster",
  remedy: 'use "auto" or "sidecar", which stay on loopback, or "direct", which uses TLS to the server',
};

/** Named, so that its section is documented wherever its type is shown. */
export interface Gcp extends Target<typeof gcpFields, "gcp"> {}

/**
 * Cloud SQL for PostgreSQL: pods connect through an Auth Proxy sidecar if it starts before their migrations, otherwise directly over
 * TLS.
 */
export const gcp: Gcp = defineTarget({
  name: "gcp",
  section: gcpFields,
  elsewhere: GCP_ELSEWHERE,
  rules: [...gcpRules, ...gcpParameterRules],
  wholeRules: [
    ...gcpWholeRules,
    ...gcpDiskRules,
    ...gcpPlaceRules,
    ...gcpOwnInstanceRules,
    ...gcpLimitRules,
    ...gcpVersionRules,
    ...gcpParameterWholeRules,
  ],
  reservedConnections: RESERVED_CONNECTIONS,
  maxConnections: ({ size }) => connectionsOf(size.memoryGib),
  topology: (access, placement) => {
    if (access === "direct") return direct(placement);
    if (!hasConnector(placement)) return access === "auto" ? direct(placement) : NO_CONNECTOR;
    if (access === "proxy") return { access, tls: "proxy", caution: PLAIN_TEXT_HOP };
    return access === "sidecar" || placement.sidecarBeforeMigrations
      ? { access: "sidecar", tls: "proxy", caution: null }
      : direct(placement);
  },
});

type GcpPlacement = Placement<typeof gcpFields>;

/** Whether the Auth Proxy can connect: only to Cloud SQL. */
const hasConnector = ({ settings, section, instance }: GcpPlacement): boolean =>
  settings.existing === null || ownEntry(section.existingConnections, instance) !== undefined;

const direct = (placement: GcpPlacement): Topology => ({
  access: "direct",
  tls: verification({ isMade: placement.settings.existing === null, isCloudSql: hasConnector(placement) }, placement.section),
  caution: null,
});
