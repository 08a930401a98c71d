/* No dashboard is built in. */
#include "agent/pages.h"

const struct swgi_page swgi_pages[] = { { NULL, NULL, NULL, NULL, 0 } };
const unsigned swgi_pages_count = 0;
