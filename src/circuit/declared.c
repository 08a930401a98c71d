/* The file that a panel's circuits are made by: one reference for the panel, one for each asker. */
#include "circuit/declared.h"

#include "base/atomic.h"
#include "panel/panel.h"
#include "panel/process.h"

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

bool swgi_declared_begin(struct swg_panel *panel) {
    swgi_process_lock();
    uint64_t token = swgi_process_token();
    bool ours = swgi_load(&panel->loading) != token;
    if (ours)
        swgi_store(&panel->loading, token);
    swgi_process_unlock();
    return ours;
}

void swgi_declared_end(struct swg_panel *panel) {
    swgi_store(&panel->loading, 0);
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
