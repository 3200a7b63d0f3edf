import { publishBundles } from "./bundle";

/** The second half of `npm run build`: what the TypeScript compiler does not make. */
publishBundles();
