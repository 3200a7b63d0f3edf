import { type Violation, violation } from "../model/errors";
import { idOf } from "../model/fields";
import { checkEach, checkItems } from "../model/rule";
import type { WholeRule } from "../model/target";
import { REGIONS } from "./regions";
import { CHECKED, EXISTING, GUIDE } from "./rules";
import type { gcpFields } from "./section";
import { CLUSTER, SECTION } from "./section-rules";

const FAR = "Google Cloud allows it, but each query then crosses regions, and the traffic is billed.";
const far = (path: string, region: string, got: string): Violation =>
  violation(
    path,
    `is not in ${region}, so each query crosses regions, which takes longer and is billed`,
    got,
    "put both into one region, or correct the mistyped one",
  );

/** Rules about resources that should be in one region or project. */
export const gcpPlaceRules: readonly WholeRule<typeof gcpFields>[] = [
  {
    id: "gcp-cluster-is-in-the-region",
    source: `${GUIDE}/locations`,
    why: FAR,
    date: CHECKED,
    severity: "warning",
    check: ({ section: { cluster, region } }) => {
      if (cluster === null || !REGIONS.includes(region) || cluster.location.replace(/-[a-z]$/, "") === region) return [];
      return [far("gcp.cluster.location", region, cluster.location)];
    },
    passing: { section: { ...SECTION, cluster: { ...CLUSTER, location: "europe-west4-b" } } },
    failing: { section: { ...SECTION, cluster: { ...CLUSTER, location: "us-central1" } } },
  },
  {
    id: "gcp-existing-connections-are-in-the-region",
    source: `${GUIDE}/locations`,
    why: FAR,
    date: CHECKED,
    severity: "warning",
    check: ({ section: { existingConnections, region } }) =>
      checkEach(existingConnections, (connection, name) => {
        const its = idOf(connection).split(":").at(-2);
        return its === region || !REGIONS.includes(region) ? [] : [far(`gcp.existingConnections.${name}`, region, idOf(connection))];
      }),
    passing: { section: { ...SECTION, existingConnections: { at: "example.com:my-project:europe-west4:db" } } },
    failing: { section: { ...SECTION, existingConnections: { at: "my-project:us-central1:db" } } },
  },
  {
    id: "gcp-existing-address-is-in-a-certificate",
    source: `${GUIDE}/configure-ssl-instance`,
    why: "A Cloud SQL certificate contains no address, so every client that compares it rejects the server.",
    date: CHECKED,
    severity: "warning",
    check: ({ section: { existingConnections }, instances }) =>
      checkEach(instances, ({ existing }, name) => {
        if (existing === null || Object.hasOwn(existingConnections, name) || !/^[0-9.]+$|:/.test(existing.host)) return [];
        const rule = "is an address, which the server's certificate must contain; no Cloud SQL certificate does";
        const remedy = `if it is a Cloud SQL instance, write its connection name into gcp.existingConnections.${name}`;
        return [violation(`instances.${name}.existing.host`, rule, existing.host, remedy)];
      }),
    passing: {
      section: { ...SECTION, existingConnections: { at: "my-project:europe-west4:db" } },
      instances: { at: { existing: EXISTING } },
    },
    failing: { section: SECTION, instances: { at: { existing: EXISTING } } },
  },
  {
    id: "gcp-channels-are-in-the-project",
    source: "https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alertPolicies",
    why: "An alert notifies only channels of its project, and Cloud Monitoring does not find those of another project.",
    date: CHECKED,
    severity: "warning",
    check: ({ section: { notificationChannels, project, projectNumber } }) =>
      checkItems(notificationChannels, (channel, index) => {
        const [, its = ""] = idOf(channel).split("/");
        return [idOf(project), idOf(projectNumber)].includes(its)
          ? []
          : [
              violation(
                `gcp.notificationChannels[${index}]`,
                `is not a channel of project ${idOf(project)}, whose alerts notify only its own channels`,
                idOf(channel),
                "create one there: gcloud beta monitoring channels create",
              ),
            ];
      }),
    passing: { section: { ...SECTION, notificationChannels: ["projects/my-project/notificationChannels/1"] } },
    failing: { section: { ...SECTION, notificationChannels: ["projects/other-project/notificationChannels/1"] } },
  },
];
