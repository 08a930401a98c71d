/* The file that a panel's circuits are made by: one reference for the panel, one for each asker. */
#include "circuit/declared.h"

#include "base/atomic.h"
#include "panel/panel.h"

struct swgi_declared *swgi_declared_ref(struct swgi_declared *declared) {
    if (declared != NULL)
        swgi_add(&declared->references, 1);
    return declared;
}

struct swgi_declared *swgi_declared_unref(struct swgi_declared *declared) {
    if (declared != NULL && swgi_add(&declared->references, UINT32_MAX) == 1)
        declared->free(declared);
    return NULL;
}

struct swgi_declared *swgi_declared_of(struct swg_panel *panel) {
    swgi_process_lock();
    struct swgi_declared *declared = swgi_declared_ref(panel->declared);
    swgi_process_unlock();
    return declared;
}

void swgi_declared_set(struct swg_panel *panel, struct swgi_declared *declared) {
    swgi_declared_ref(declared);
    swgi_process_lock();
    struct swgi_declared *before = panel->declared;
    panel->declared = declared;
    swgi_store(&panel->beyond, declared != NULL && declared->beyond >= 0 ? declared->beyond
                                                                         : panel->options.beyond);
    swgi_process_unlock();
    swgi_declared_unref(before);
}
