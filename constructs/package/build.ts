import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { publishBundles } from "./bundle";
import { dependencies, partsOf, toBillOfMaterials, toLicences } from "./contents";
import { PACKAGE_ROOT } from "./root";

/** The second half of `npm run build`: files that the TypeScript compiler does not create. */
const bundled = partsOf(publishBundles());
writeFileSync(join(PACKAGE_ROOT, "dist", "bundles", "LICENSES.txt"), toLicences(bundled));
writeFileSync(join(PACKAGE_ROOT, "dist", "sbom.json"), toBillOfMaterials(bundled, dependencies()));
