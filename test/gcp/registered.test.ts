/** In one file, so that one worker loads Pulumi, once, and registers each environment once. */
import "./registered/access";
import "./registered/catalogue";
import "./registered/contract";
import "./registered/database";
import "./registered/environment";
import "./registered/guards";
import "./registered/ids";
import "./registered/late-bound";
import "./registered/lifecycles";
import "./registered/plan";
import "./registered/reader";
import "./registered/releases";
import "./registered/roles";
import "./registered/scale";
import "./registered/secrets";
import "./registered/several";
import "./registered/snapshots";
