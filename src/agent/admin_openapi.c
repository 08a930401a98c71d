/* The description of the interface, from the table that dispatches it: a route cannot be served and not be described. */
#include "agent/admin.h"

#include <stdio.h>
#include <string.h>

#include "agent/agent.h"

static const struct {
    const char *id, *name, *in, *what;
    enum swgi_input_type type;
} parameters[] = {
#define SWGI_PARAMETER(id, name, in, type, what) { #id, name, #in, what, SWGI_INPUT_##type },
#include "tables/routes.h"
#undef SWGI_PARAMETER
};
#define PARAMETERS (sizeof(parameters) / sizeof(parameters[0]))

static const struct {
    int body;
    const char *name, *what;
    enum swgi_input_type type;
    bool required;
} fields[] = {
#define SWGI_FIELD(body, name, type, required, what) \
    { SWGI_BODY_##body, name, what, SWGI_INPUT_##type, required },
#include "tables/routes.h"
#undef SWGI_FIELD
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static void put(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

static json_t *actions_schema(void) {
    json_t *list = json_array();

    for (unsigned i = 0; i < SWGI_ACTIONS; i++)
        json_array_append_new(list, json_string(swgi_action_name(i)));
    return json_pack("{s:s,s:o}", "type", "string", "enum", list);
}

static json_t *schema_of(enum swgi_input_type type) {
    switch (type) {
    case SWGI_INPUT_BOOLEAN:
        return json_pack("{s:s}", "type", "boolean");
    case SWGI_INPUT_INTEGER:
        return json_pack("{s:s}", "type", "integer");
    case SWGI_INPUT_DURATION:
        return json_pack("{s:s,s:s}", "type", "string", "pattern",
                         "^[0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h|d)$");
    case SWGI_INPUT_MODE_NAME:
        return json_pack("{s:s,s:[ssss]}", "type", "string", "enum", "normal", "forced_open",
                         "forced_closed", "shadow");
    case SWGI_INPUT_ACTION:
        return actions_schema();
    default:
        return json_pack("{s:s}", "type", "string");
    }
}

static json_t *parameter(const char *name, const char *in, const char *what,
                         enum swgi_input_type type, bool required) {
    json_t *object = json_object();

    put(object, "name", json_string(name));
    put(object, "in", json_string(in));
    put(object, "description", json_string(what));
    put(object, "required", json_boolean(required));
    put(object, "schema", schema_of(type));
    return object;
}

static json_t *parameters_of(const struct swgi_route *route) {
    json_t *array = json_array();
    char words[128], *rest = words, *word;

    if (strchr(route->path, '{'))
        json_array_append_new(array,
                              parameter("name", "path", "The circuit's name (a slash in it as %2F)",
                                        SWGI_INPUT_STRING, true));
    snprintf(words, sizeof(words), "%s", route->parameters);
    while ((word = strsep(&rest, " ")) != NULL) {
        for (size_t i = 0; i < PARAMETERS; i++) {
            if (strcmp(parameters[i].id, word) == 0)
                json_array_append_new(array,
                                      parameter(parameters[i].name, parameters[i].in,
                                                parameters[i].what, parameters[i].type, false));
        }
    }
    return array;
}

static json_t *body_schema(int body) {
    json_t *object = json_pack("{s:s,s:b}", "type", "object", "additionalProperties", 0),
           *properties = json_object(), *required = json_array();

    for (size_t i = 0; i < FIELDS; i++) {
        json_t *schema;

        if (fields[i].body != body)
            continue;
        schema = schema_of(fields[i].type);
        put(schema, "description", json_string(fields[i].what));
        if (strcmp(fields[i].name, "reason") == 0)
            put(schema, "maxLength", json_integer(127));
        put(properties, fields[i].name, schema);
        if (fields[i].required)
            json_array_append_new(required, json_string(fields[i].name));
    }
    put(object, "properties", properties);
    if (json_array_size(required) > 0)
        put(object, "required", required);
    else
        json_decref(required);
    return object;
}

static json_t *request_body(const struct swgi_route *route) {
    bool required = route->body != SWGI_BODY_RESET;

    return json_pack("{s:b,s:{s:{s:o}}}", "required", required, "content", "application/json",
                     "schema", body_schema(route->body));
}

static json_t *problem_answer(const char *what) {
    return json_pack("{s:s,s:{s:{s:{s:s}}}}", "description", what, "content",
                     "application/problem+json", "schema", "$ref", "#/components/schemas/Problem");
}

static json_t *good_answer(const struct swgi_route *route) {
    static const char *const types[] = { "application/json", "text/plain", "text/event-stream" };
    const char *kind = route->type == SWGI_ANSWER_JSON ? "object" : "string";

    return json_pack("{s:s,s:{s:{s:{s:s}}}}", "description", route->summary, "content",
                     types[route->type], "schema", "type", kind);
}

static json_t *responses_of(const struct swgi_route *route) {
    json_t *object = json_object();

    put(object, "200", good_answer(route));
    put(object, "400", problem_answer("The request is not understood"));
    if (route->role != SWGI_ROLE_NONE) {
        put(object, "401", problem_answer("A token is needed"));
        put(object, "403", problem_answer("The role, the origin or the host does not allow this"));
    }
    if (strchr(route->path, '{'))
        put(object, "404", problem_answer("There is no such circuit"));
    if (route->body != SWGI_BODY_NONE)
        put(object, "409", problem_answer("The circuit is in no state for this"));
    if (strcmp(route->handler_name, "reload") == 0)
        put(object, "422", problem_answer("The file was refused; nothing of it is in force"));
    if (strcmp(route->handler_name, "ready") == 0 || strcmp(route->handler_name, "reload") == 0 ||
        (route->parameters[0] && strcmp(route->parameters, SWGI_ANY_PARAMETERS) != 0))
        put(object, "503", problem_answer("Not now"));
    return object;
}

static json_t *operation(const struct swgi_route *route, size_t number) {
    json_t *object = json_object(), *list = parameters_of(route);
    char id[64];

    snprintf(id, sizeof(id), "%s%zu", route->handler_name, number);
    put(object, "operationId", json_string(id));
    put(object, "summary", json_string(route->summary));
    put(object, "x-role", json_string(swgi_role_name(route->role)));
    if (route->role == SWGI_ROLE_NONE)
        put(object, "security", json_array());
    if (json_array_size(list) > 0)
        put(object, "parameters", list);
    else
        json_decref(list);
    if (route->body != SWGI_BODY_NONE)
        put(object, "requestBody", request_body(route));
    put(object, "responses", responses_of(route));
    return object;
}

static json_t *paths(void) {
    json_t *object = json_object();
    size_t count;
    const struct swgi_route *routes = swgi_routes(&count);

    for (size_t i = 0; i < count; i++) {
        json_t *path = json_object_get(object, routes[i].path);
        char method[8];

        if (!path) {
            path = json_object();
            put(object, routes[i].path, path);
        }
        snprintf(method, sizeof(method), "%s",
                 strcmp(routes[i].method, "GET") == 0 ? "get" : "post");
        put(path, method, operation(&routes[i], i));
    }
    return object;
}

static json_t *problem_schema(void) {
    return json_pack("{s:s, s:[sssss], s:{s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}, "
                     "s:{s:[ss]}, s:{s:[ss]}, s:{s:s}}}",
                     "type", "object", "required", "type", "title", "status", "code", "message",
                     "properties", "type", "type", "string", "title", "type", "string", "status",
                     "type", "integer", "detail", "type", "string", "code", "type", "string",
                     "message", "type", "string", "circuitState", "type", "string", "null",
                     "metrics", "type", "object", "null", "trace_id", "type", "string");
}

json_t *swgi_openapi(void) {
    json_t *object = json_object();

    put(object, "openapi", json_string("3.1.0"));
    put(object, "info",
        json_pack(
            "{s:s,s:s,s:s,s:{s:s,s:s}}", "title", "Switchgear agent", "version", swg_version(),
            "description",
            "Circuit breakers of a host: looked at, and acted on. On TCP with a bearer token, "
            "on the Unix socket by the credentials of the peer.",
            "license", "name", "Apache-2.0", "identifier", "Apache-2.0"));
    put(object, "servers", json_pack("[{s:s}]", "url", "/"));
    put(object, "security", json_pack("[{s:[]}]", "bearer"));
    put(object, "paths", paths());
    put(object, "components",
        json_pack("{s:{s:{s:s,s:s}},s:{s:o}}", "securitySchemes", "bearer", "type", "http",
                  "scheme", "bearer", "schemas", "Problem", problem_schema()));
    return object;
}
