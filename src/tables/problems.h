/*
 * SWGI_PROBLEM(name, status, "CODE", "title"): what a request can be refused for. The code is stable; with it the type,
 * urn:switchgear:problem:CODE in small letters.
 */
SWGI_PROBLEM(BAD_REQUEST, 400, "BAD_REQUEST", "The request is not understood")
SWGI_PROBLEM(BAD_JSON, 400, "BAD_JSON", "The body is not the JSON that is expected")
SWGI_PROBLEM(BAD_VALUE, 400, "BAD_VALUE", "A value is not allowed")
SWGI_PROBLEM(UNAUTHORIZED, 401, "UNAUTHORIZED", "A token is needed")
SWGI_PROBLEM(FORBIDDEN, 403, "FORBIDDEN", "The role does not allow this")
SWGI_PROBLEM(ORIGIN_REFUSED, 403, "ORIGIN_REFUSED", "Pages of another origin may not do this")
SWGI_PROBLEM(HOST_REFUSED, 403, "HOST_REFUSED", "The agent does not go by this name")
SWGI_PROBLEM(NOT_FOUND, 404, "NOT_FOUND", "There is nothing at this path")
SWGI_PROBLEM(UNKNOWN_CIRCUIT, 404, "UNKNOWN_CIRCUIT", "There is no such circuit")
SWGI_PROBLEM(METHOD_NOT_ALLOWED, 405, "METHOD_NOT_ALLOWED", "The path does not take this method")
SWGI_PROBLEM(COOLDOWN, 409, "COOLDOWN", "The circuit cools down after its last trip")
SWGI_PROBLEM(MODE_HELD, 409, "MODE_HELD", "The circuit is isolated or disabled")
SWGI_PROBLEM(NOT_OPEN, 409, "NOT_OPEN", "The circuit is not open")
SWGI_PROBLEM(TOO_LARGE, 413, "TOO_LARGE", "The body is larger than 16 KiB")
SWGI_PROBLEM(URI_TOO_LONG, 414, "URI_TOO_LONG", "The path and query are longer than 2048 bytes")
SWGI_PROBLEM(UNSUPPORTED_MEDIA_TYPE, 415, "UNSUPPORTED_MEDIA_TYPE",
             "The body must be application/json")
SWGI_PROBLEM(CONFIG_REFUSED, 422, "CONFIG_REFUSED",
             "The configuration file was refused; nothing of it is in force")
SWGI_PROBLEM(HEADERS_TOO_LARGE, 431, "HEADERS_TOO_LARGE", "The headers are larger than 8 KiB")
SWGI_PROBLEM(INTERNAL, 500, "INTERNAL", "The agent failed")
SWGI_PROBLEM(DB_ERROR, 503, "DB_ERROR", "The agent's database does not answer")
SWGI_PROBLEM(BUSY, 503, "BUSY", "The agent has as much to do as it may take on")
SWGI_PROBLEM(STOPPING, 503, "STOPPING", "The agent is not ready")
