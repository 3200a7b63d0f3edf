/** In one file, so that the functions share a server. */
import "./functions/provision";
import "./functions/rotate";
