import { Option } from "commander";
import pc from "picocolors";
import { UserError } from "../../constructs/model/errors";
import { loadCloud } from "../clouds";
import { createCommand, toProgram, withExamples } from "../command";
import { GOOGLE_KEY, type PriceRequest, PUBLIC_SERVERS, updatePrices } from "../cost/fetch-prices";
import { PRICES_FILE } from "../cost/prices";
import { environmentsOn } from "../load";
import { CLOUDS } from "../spec";

type CloudName = (typeof CLOUDS)[number];

interface Options {
  readonly environment?: string;
  readonly cloud?: CloudName;
}

/** AWS puts a hyphen before the number of a region; Google Cloud does not. */
const REGION: Readonly<Record<CloudName, RegExp>> = { aws: /^[a-z]+(-[a-z]+)+-\d+$/, gcp: /^[a-z]+(-[a-z]+)+\d+$/ };

const command = createCommand(
  "prices",
  `Update infra/cost/prices.json, from which plan computes costs. Reads the vendors' public price lists; Google's needs an API key in ${GOOGLE_KEY}.`,
  "all that have a cloud's section",
)
  .addOption(new Option("-c, --cloud <name>", "update only the prices of this cloud").choices(CLOUDS))
  .argument("[regions...]", "regions, such as eu-central-1 europe-west4 (default: those of the environments)");

withExamples(command, ["", "update the regions of all environments"], ["--cloud aws eu-west-1", "update another region"]);

export const program = toProgram<Options>(command, async ({ environment, cloud }, progress) => {
  const clouds = cloud === undefined ? CLOUDS : [cloud];
  const regions = chooseRegions(clouds, command.args, environment);
  const googleKey = process.env[GOOGLE_KEY] || null;
  if (googleKey === null && regions.aws.length === 0)
    throw new UserError(`${GOOGLE_KEY} is not set; to read Google's prices, set it to an API key for the Cloud Billing API`);
  const { read, table } = await updatePrices({
    servers: PUBLIC_SERVERS,
    regions,
    googleKey,
    file: PRICES_FILE,
    doing: (what) => progress.doing(what),
  });
  progress.stop();
  if (googleKey === null && regions.gcp.length > 0)
    process.stderr.write(
      `${pc.yellow("!")} Google's prices were not updated; to update them, set ${GOOGLE_KEY} to an API key for the Cloud Billing API\n`,
    );
  const count = `${read} of ${table.prices.length} prices`;
  process.stdout.write(`${pc.green("✔")} updated ${count} (${[...regions.aws, ...(googleKey === null ? [] : regions.gcp)].join(", ")})\n`);
  return 0;
});

/** Returns the regions that the user names, or those of the environments. @throws UserError if there are none. */
function chooseRegions(clouds: readonly CloudName[], named: readonly string[], environment: string | undefined): PriceRequest["regions"] {
  const unknown = named.filter((region) => !clouds.some((name) => REGION[name].test(region)));
  if (unknown.length > 0)
    throw new UserError(`${unknown.join(", ")}: not a region of ${clouds.join(" or ")}; name one such as eu-central-1 or europe-west4`);
  const regionsOn = (name: CloudName): readonly string[] => {
    if (!clouds.includes(name)) return [];
    return named.length > 0 ? named.filter((region) => REGION[name].test(region)) : regionsOfEnvironments(name, environment);
  };
  const regions = { aws: regionsOn("aws"), gcp: regionsOn("gcp") };
  if (regions.aws.length + regions.gcp.length === 0)
    throw new UserError(`${environment ?? "no environment"} has no region of ${clouds.join(" or ")}; name one, such as eu-central-1`);
  return regions;
}

function regionsOfEnvironments(cloud: CloudName, environment: string | undefined): readonly string[] {
  const names = environmentsOn(cloud).filter((name) => environment === undefined || name === environment);
  return [...new Set(names.map((name) => (loadCloud(cloud).loadEnvironment(name).section as { readonly region: string }).region))];
}

if (require.main === module) void program.run();
