/** In one file, so that both clouds share a server. */
import "./deployed/aws";
import "./deployed/gcp";
